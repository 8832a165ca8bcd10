//! A module crate that isn't there.

use super::Statics;

/// Nothing.
pub(super) fn statics() -> Statics {
    [None, None]
}
