//! A module crate that isn't there.

use crate::host::HostApi;

/// Nothing.
pub(super) fn api() -> Option<HostApi> {
    None
}
