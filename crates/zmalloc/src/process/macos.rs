//! macOS: `proc_pidinfo` and `sysctl`.

use std::mem;
use std::ptr;

pub(super) fn rss() -> Option<usize> {
    // SAFETY: a structure of integers, for which zeros are valid.
    let mut info: libc::proc_taskinfo = unsafe { mem::zeroed() };
    let size = libc::c_int::try_from(size_of_val(&info)).ok()?;
    // SAFETY: `info` is there to be written, as far as `size` says; the other is a question without
    // arguments.
    let filled = unsafe {
        libc::proc_pidinfo(libc::getpid(), libc::PROC_PIDTASKINFO, 0, (&raw mut info).cast(), size)
    };
    if filled == size { usize::try_from(info.pti_resident_size).ok() } else { None }
}

/// There is no such list of fields.
pub(super) fn smaps_sum(_field: &str, _pid: Option<u32>) -> Option<usize> {
    None
}

pub(super) fn physical_memory() -> Option<usize> {
    let mut bytes = 0_u64;
    let mut length = size_of_val(&bytes);
    // SAFETY: the name ends with NUL, `bytes` is there to be written, as far as `length` says, and
    // nothing is to be set.
    let errno = unsafe {
        libc::sysctlbyname(
            c"hw.memsize".as_ptr(),
            (&raw mut bytes).cast(),
            &raw mut length,
            ptr::null_mut(),
            0,
        )
    };
    if errno == 0 { usize::try_from(bytes).ok() } else { None }
}

pub(super) fn page_size() -> Option<usize> {
    // SAFETY: a question without arguments.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()
}
