//! Why the allocator refused to be asked or steered.

use std::{fmt, io};

/// The allocator could not answer a question about itself, or would not carry out a command.
///
/// Carries the error number that the back end returned: on jemalloc `ENOENT` for something this
/// build of it does not have, `EAGAIN` for a lack of memory or of other resources. `ENOTSUP` is
/// ours: this back end keeps no such figure, or has nothing that could be told to do this.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ControlError {
    errno: i32,
}

impl ControlError {
    /// This back end can't, ever.
    pub(crate) const UNSUPPORTED: Self = Self::from_errno(libc::ENOTSUP);

    pub(crate) const fn from_errno(errno: i32) -> Self {
        Self { errno }
    }

    /// The error number, as in C's `errno`.
    pub const fn errno(self) -> i32 {
        self.errno
    }
}

impl fmt::Display for ControlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if *self == Self::UNSUPPORTED {
            return write!(f, "the allocator of this build ({}) cannot do or tell that", crate::BACKEND);
        }
        write!(f, "the allocator refused: {}", io::Error::from_raw_os_error(self.errno))
    }
}

impl std::error::Error for ControlError {}
