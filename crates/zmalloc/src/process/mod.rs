//! What the operating system says about this process and this machine.
//!
//! Nothing here allocates, and each call is a few system calls, so it can be polled. [`rss`] takes about
//! a microsecond. What is summed over all mappings is asked as one sum (`smaps_rollup` on Linux), for
//! which the kernel walks the page tables: some microseconds for each megabyte in use, during which the
//! process that is asked about can't map memory.
//!
//! A figure that the system does not offer is `None`, never a guess.

#[cfg_attr(target_os = "linux", path = "linux.rs")]
#[cfg_attr(any(target_os = "macos", target_os = "ios"), path = "macos.rs")]
#[cfg_attr(
    any(target_os = "freebsd", target_os = "dragonfly", target_os = "netbsd", target_os = "openbsd"),
    path = "bsd.rs"
)]
#[cfg_attr(
    not(any(
        target_os = "linux",
        target_os = "macos",
        target_os = "ios",
        target_os = "freebsd",
        target_os = "dragonfly",
        target_os = "netbsd",
        target_os = "openbsd"
    )),
    path = "other.rs"
)]
mod imp;

/// Bytes of this process that are in physical memory (the resident set size): on Linux from
/// `/proc/self/statm`, on macOS from `proc_pidinfo`, on FreeBSD from `sysctl`.
///
/// The kernel may keep this figure a little behind, by some pages for each thread.
pub fn rss() -> Option<usize> {
    imp::rss()
}

/// Bytes of physical memory in the machine, whatever limits this process is under.
pub fn physical_memory() -> Option<usize> {
    imp::physical_memory()
}

/// Bytes in this process's pages that it has written and shares with no other: on Linux
/// `Private_Dirty` in `/proc/self/smaps_rollup` (Linux 4.14). In a child of `fork`, what
/// copy-on-write has cost so far.
///
/// The kernel walks the page tables for it, some microseconds for each megabyte in use.
pub fn private_dirty() -> Option<usize> {
    imp::smaps_sum("Private_Dirty", None)
}

/// As [`private_dirty`], of another process.
///
/// `None` also if there is no such process, or this one may not look into it.
pub fn private_dirty_of(pid: u32) -> Option<usize> {
    imp::smaps_sum("Private_Dirty", Some(pid))
}

/// The sum over all mappings of this process of one field that Linux's `smaps` gives in kilobytes,
/// in bytes: `Rss`, `Pss`, `AnonHugePages`, `Swap`. `None` also for an unknown field.
///
/// Costs what [`private_dirty`] costs.
pub fn smaps_sum(field: &str) -> Option<usize> {
    imp::smaps_sum(field, None)
}

/// As [`smaps_sum`], of another process.
///
/// `None` also if there is no such process, or this one may not look into it (as for `ptrace`: those
/// of the same user, as a rule).
pub fn smaps_sum_of(field: &str, pid: u32) -> Option<usize> {
    imp::smaps_sum(field, Some(pid))
}

/// Bytes in a page of memory.
pub fn page_size() -> Option<usize> {
    imp::page_size()
}
