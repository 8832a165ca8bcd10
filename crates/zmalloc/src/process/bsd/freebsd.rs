//! FreeBSD: `KERN_PROC_PID`.

use std::mem;
use std::ptr;

/// Pages of this process that are in physical memory.
pub(in super::super) fn pages() -> Option<usize> {
    // SAFETY: a question without arguments.
    let mib = [libc::CTL_KERN, libc::KERN_PROC, libc::KERN_PROC_PID, unsafe { libc::getpid() }];
    // SAFETY: zeros are valid for a structure of integers, arrays and pointers that may be null.
    let mut process: libc::kinfo_proc = unsafe { mem::zeroed() };
    let mut length = size_of_val(&process);
    // SAFETY: the MIB has four parts, `process` is there to be written, as far as `length` says, and
    // nothing is to be set.
    let errno = unsafe {
        libc::sysctl(mib.as_ptr(), 4, (&raw mut process).cast(), &raw mut length, ptr::null_mut(), 0)
    };
    if errno == 0 { usize::try_from(process.ki_rssize).ok() } else { None }
}
