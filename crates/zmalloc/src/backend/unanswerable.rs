//! For back ends that can't tell how well their pages are used.

use std::ptr::NonNull;

use super::Utilization;
use crate::error::ControlError;

/// There is none.
pub(crate) enum Survey {}

impl Utilization for Survey {
    fn take() -> Result<Self, ControlError> {
        Err(ControlError::UNSUPPORTED)
    }

    fn ask(&mut self, _blocks: &[NonNull<u8>], _answers: &mut [bool]) {
        match *self {}
    }
}
