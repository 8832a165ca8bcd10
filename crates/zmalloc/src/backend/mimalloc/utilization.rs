//! Which of mimalloc's blocks should move.

use std::ptr::{self, NonNull};

use super::ffi;
use crate::backend::Utilization;
use crate::error::ControlError;

/// The use of a page, in percent of the blocks that it has room for, up to which its blocks move.
const UNDER_UTILIZED: usize = 80;

/// Nothing: a page's own figures are all that is asked for.
pub(crate) struct Survey;

impl Utilization for Survey {
    fn take() -> Result<Self, ControlError> {
        Ok(Self)
    }

    fn ask(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
        for (block, answer) in blocks.iter().zip(answers) {
            let block = block.as_ptr().cast();
            // SAFETY: no heap means any, and the address may be any: its page is looked up with a check
            // whether there is one. The figures in the page's header are all that is read. Only the thread
            // that the page belongs to writes them: on any other the answer may be wrong, which moves a
            // block in vain or leaves it.
            *answer =
                unsafe { ffi::mi_unsafe_heap_page_is_under_utilized(ptr::null_mut(), block, UNDER_UTILIZED) };
        }
    }
}
