//! The question that Redis's active defragmentation asks, which a jemalloc has only with Redis's patch.
//!
//! Here it is answered by `zmalloc`'s [`Survey`] of how well jemalloc's pages are used. Redis asks about
//! one block at a time and doesn't say when a pass over its data begins, so a survey is kept for each
//! thread that asks, and retaken as it grows old. By an old one too few blocks move, or some in vain; every
//! answer also goes by how the block's own slab stands at the time, and a block of a full slab or of the
//! one that is being allocated from never moves. So a pass over the data ends however old the survey is.

use std::cell::RefCell;
use std::ffi::{c_int, c_void};
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use zmalloc::defrag::Survey;

/// How many questions are answered between two looks at the clock, which takes about as long as an
/// answer.
const QUESTIONS_PER_LOOK: u32 = 64;

/// For how many times as long as it took a survey is good, so that surveys take a hundredth of the time,
/// however many arenas there are to look at.
const TIMES_AS_LONG: u32 = 100;

/// The shortest time for which a survey is good.
const SHORTEST: Duration = Duration::from_millis(1);

/// The longest: a thread may have lost the processor while it took one.
const LONGEST: Duration = Duration::from_millis(100);

/// A survey, and how long it is good.
struct Kept {
    /// `None` if none could be taken: no block moves then.
    survey: Option<Survey>,
    good_until: Instant,
    questions_until_look: u32,
}

impl Kept {
    fn take() -> Self {
        let start = Instant::now();
        let survey = Survey::take().ok();
        let end = Instant::now();
        let good_for = (end - start).saturating_mul(TIMES_AS_LONG).clamp(SHORTEST, LONGEST);
        Self { survey, good_until: end + good_for, questions_until_look: QUESTIONS_PER_LOOK }
    }

    /// Whether the block should move, by a survey that is good, or was a few questions ago.
    fn should_move(&mut self, block: NonNull<u8>) -> bool {
        self.questions_until_look -= 1;
        if self.questions_until_look == 0 {
            if Instant::now() < self.good_until {
                self.questions_until_look = QUESTIONS_PER_LOOK;
            } else {
                *self = Self::take();
            }
        }
        let mut answer = [false];
        if let Some(survey) = &mut self.survey {
            survey.should_move(&[block], &mut answer);
        }
        answer[0]
    }
}

thread_local! {
    static KEPT: RefCell<Option<Kept>> = const { RefCell::new(None) };
}

/// Whether pages would fall free sooner if what is in the block lay in a new one, allocated past the
/// thread's cache: 1 or 0.
///
/// # Safety
/// `ptr` is null or a live block. (Of another address the answer means nothing.)
#[unsafe(no_mangle)]
pub unsafe extern "C" fn je_get_defrag_hint(ptr: *mut c_void) -> c_int {
    let Some(block) = NonNull::new(ptr.cast::<u8>()) else { return 0 };
    // A thread that has dropped its survey is about to end, and moves nothing any more.
    let answer = KEPT.try_with(|kept| kept.borrow_mut().get_or_insert_with(Kept::take).should_move(block));
    c_int::from(answer.unwrap_or(false))
}
