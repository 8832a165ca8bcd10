//! C libraries that trim by themselves.

pub(super) fn trim() {}
