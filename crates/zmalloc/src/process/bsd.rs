//! The BSDs: `sysconf` for the machine, and `sysctl` for the process, whose structure each of them has
//! its own (`resident`, a file for each).

#[cfg_attr(target_os = "freebsd", path = "bsd/freebsd.rs")]
#[cfg_attr(not(target_os = "freebsd"), path = "bsd/other.rs")]
mod resident;

pub(super) fn rss() -> Option<usize> {
    resident::pages()?.checked_mul(page_size()?)
}

/// There is no such list of fields.
pub(super) fn smaps_sum(_field: &str, _pid: Option<u32>) -> Option<usize> {
    None
}

pub(super) fn physical_memory() -> Option<usize> {
    // SAFETY: a question without arguments.
    let pages = usize::try_from(unsafe { libc::sysconf(libc::_SC_PHYS_PAGES) }).ok()?;
    pages.checked_mul(page_size()?)
}

pub(super) fn page_size() -> Option<usize> {
    // SAFETY: a question without arguments.
    usize::try_from(unsafe { libc::sysconf(libc::_SC_PAGESIZE) }).ok()
}
