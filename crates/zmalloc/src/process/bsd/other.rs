//! BSDs whose structure for a process isn't known here.

/// Pages of this process that are in physical memory.
pub(in super::super) fn pages() -> Option<usize> {
    None
}
