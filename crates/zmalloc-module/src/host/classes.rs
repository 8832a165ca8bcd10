//! The size of the block for each small request, as a table.

use super::promise::{LARGEST, Promise};

/// Requests are told apart in steps of this many bytes, as the smallest classes are.
pub(super) const STEP: usize = 8;

/// Sizes of blocks, by request.
pub(super) struct Classes {
    /// The largest request that is in the table.
    known_up_to: usize,
    sizes: [u16; LARGEST / STEP + 1],
}

impl Classes {
    /// The table of what this promise, once kept for every size, says of sizes.
    pub(super) fn of(promise: &Promise) -> Self {
        let mut sizes = [0; LARGEST / STEP + 1];
        let mut known_up_to = LARGEST;
        for (step, size) in sizes.iter_mut().enumerate() {
            match promise.class((step * STEP).max(1)) {
                Some(class) => *size = u16::try_from(class).expect("classes of this size have 16 bits"),
                None => known_up_to = 0,
            }
        }
        Self { known_up_to, sizes }
    }

    /// The largest request whose block's size is in the table; 0 if there is none.
    #[inline]
    pub(super) fn known_up_to(&self) -> usize {
        self.known_up_to
    }

    /// The size of the block for a request.
    ///
    /// # Safety
    /// The request must be at most [`known_up_to`](Self::known_up_to), and that not 0.
    #[inline]
    pub(super) unsafe fn get(&self, request: usize) -> usize {
        // SAFETY: the table has an entry for each multiple of a step up to the largest request.
        usize::from(unsafe { *self.sizes.get_unchecked(request.wrapping_add(STEP - 1) / STEP) })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_table_says_what_the_promise_says() {
        for quantum in [8, 16] {
            let promise = Promise::Classes { quantum };
            let classes = Classes::of(&promise);
            assert_eq!(classes.known_up_to(), LARGEST);
            for request in 1..=LARGEST {
                // SAFETY: it is in the table.
                assert_eq!(Some(unsafe { classes.get(request) }), promise.class(request), "{request}");
            }
        }
        assert_eq!(Classes::of(&Promise::Aligned(16)).known_up_to(), 0);
    }
}
