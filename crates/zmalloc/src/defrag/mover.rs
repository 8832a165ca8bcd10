//! The visitor that moves what should move, until its time is up.

use std::alloc::Layout;
use std::ops::ControlFlow;
use std::ptr::NonNull;
use std::time::{Duration, Instant};

use heapwalk::{Measure, Place, Relocate};

use super::foresight::Foresight;
use super::moving;
use super::survey::Survey;
use crate::ledger::diversion;

/// How many questions, or elements passed, there are between two looks at the clock. A move is always
/// followed by one.
const CLOCK_EVERY: u32 = 64;

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Totals {
    /// Blocks moved: `active_defrag_hits` in Redis's INFO.
    pub hits: u64,
    /// Blocks that were found to lie well, or could not be moved: `active_defrag_misses`.
    pub misses: u64,
    /// Bytes asked for in the blocks that were moved.
    pub bytes_moved: u64,
    /// Bytes by which free room in slabs fell, in the passes that came to their end.
    pub bytes_won: u64,
    /// Passes that came to their end.
    pub passes: u64,
    /// Steps taken.
    pub steps: u64,
    /// Time spent.
    pub time: Duration,
    /// The longest step.
    pub longest_step: Duration,
}

/// Asks of each block whether it should move, and moves it if so.
///
/// Handed to the walk by [`Cycle::step_with`](super::Cycle::step_with). A [`HeapWalk`](heapwalk::HeapWalk)
/// value takes it as the visitor of its `relocate`. A structure of another kind asks and moves by the
/// methods here, keeps its own place, and stops when there is [no time left](Self::is_out_of_time).
pub struct Mover {
    survey: Survey,
    foresight: Foresight,
    /// How many sequences the walk was in when it was collected.
    foresight_depth: usize,
    place: Place,
    deadline: Instant,
    /// How many bytes of pages the step may free.
    most_freed: usize,
    /// How many it has freed, about.
    freed: usize,
    /// How many a move frees on average, of those that were last found worthwhile.
    freed_by_move: usize,
    out_of_time: bool,
    /// Counts down to the next look at the clock.
    until_clock: u32,
    pub(super) totals: Totals,
}

impl Mover {
    pub(super) fn new(survey: Survey) -> Self {
        Self {
            survey,
            foresight: Foresight::new(),
            foresight_depth: 0,
            place: Place::default(),
            deadline: Instant::now(),
            most_freed: usize::MAX,
            freed: 0,
            freed_by_move: 0,
            out_of_time: false,
            until_clock: CLOCK_EVERY,
            totals: Totals::default(),
        }
    }

    /// A step begins, which lasts until then, or until it has freed so many bytes of pages.
    pub(super) fn begin(&mut self, deadline: Instant, most_freed: usize) {
        self.deadline = deadline;
        self.most_freed = most_freed;
        self.freed = 0;
        self.out_of_time = false;
        self.until_clock = CLOCK_EVERY;
        self.foresight.clear();
    }

    /// About how many bytes of pages the step has freed.
    pub(super) fn freed(&self) -> usize {
        self.freed
    }

    /// A walk has ended, early or not.
    pub(super) fn rewind(&mut self) {
        self.place.rewind();
    }

    /// The next walk begins at the beginning.
    pub(super) fn forget_place(&mut self) {
        self.place = Place::default();
    }

    /// Asks by what the allocator knows now.
    pub(super) fn renew(&mut self, survey: Survey) {
        self.survey = survey;
    }

    /// Whether the step's time is up. A walk should end soon.
    pub fn is_out_of_time(&self) -> bool {
        self.out_of_time
    }

    /// Says of each block whether it should move: see [`Survey::should_move`]. Those that should not are
    /// counted as misses.
    ///
    /// # Panics
    /// If there are not as many answers as blocks.
    pub fn ask(&mut self, blocks: &[NonNull<u8>], answers: &mut [bool]) {
        self.survey.should_move(blocks, answers);
        let misses = answers.iter().filter(|answer| !**answer).count();
        self.foresee_gain(answers.len() - misses);
        self.totals.misses += misses as u64;
        self.tick(u32::try_from(blocks.len()).unwrap_or(u32::MAX));
    }

    /// Moves a block, for which the answer was yes: see [`relocate`](super::relocate).
    ///
    /// # Safety
    /// As [`relocate`](super::relocate).
    #[must_use = "the old block is gone if there is a new one"]
    pub unsafe fn move_block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        let moved = unsafe { moving::relocate(block, layout) };
        match moved {
            Some(_) => self.hit(layout),
            None => self.totals.misses += 1,
        }
        moved
    }

    /// So many blocks were found worth moving since this was last called.
    fn foresee_gain(&mut self, worthwhile: usize) {
        if let Some(each) = self.survey.take_gain().checked_div(worthwhile) {
            self.freed_by_move = each;
        }
    }

    fn hit(&mut self, layout: Layout) {
        self.totals.hits += 1;
        self.freed += self.freed_by_move;
        self.totals.bytes_moved += layout.size() as u64;
        self.look_at_clock();
    }

    /// Whether the block should move, by what was asked in advance if it was.
    fn wants(&mut self, block: NonNull<u8>) -> bool {
        let wanted = self.foresight.answer(block).unwrap_or_else(|| {
            let mut answer = [false];
            self.survey.should_move(&[block], &mut answer);
            self.foresee_gain(usize::from(answer[0]));
            self.tick(1);
            answer[0]
        });
        self.totals.misses += u64::from(!wanted);
        wanted
    }

    /// Counts questions.
    fn tick(&mut self, questions: u32) {
        if self.until_clock > questions {
            self.until_clock -= questions;
        } else {
            self.look_at_clock();
        }
    }

    fn look_at_clock(&mut self) {
        self.until_clock = CLOCK_EVERY;
        self.out_of_time |= self.freed >= self.most_freed || Instant::now() >= self.deadline;
    }
}

// SAFETY: `moving::relocate` gives a new block of the layout with the old one's content, and frees the
// old one; the back end, which is the program's global allocator as a `Cycle` has made sure, is the
// allocator of both. Nothing here unwinds but a function that is handed in; `divert` calls it once.
unsafe impl Relocate for Mover {
    unsafe fn block(&mut self, block: NonNull<u8>, layout: Layout) -> Option<NonNull<u8>> {
        // SAFETY: passed on.
        if self.wants(block) { unsafe { self.move_block(block, layout) } } else { None }
    }

    fn rebuild(&mut self, inside: NonNull<u8>, layout: Layout, rebuild: &mut dyn FnMut()) {
        if self.wants(inside) {
            diversion::divert(rebuild);
            self.hit(layout);
        }
    }

    fn foresee(&mut self, scout: &mut dyn FnMut(&mut dyn Measure) -> ControlFlow<()>) -> bool {
        let depth = self.place.depth();
        if self.foresight.is_pending() && depth > self.foresight_depth {
            // A sequence in an element whose blocks were shown in full, these included.
            return true;
        }
        self.foresight.clear();
        self.foresight_depth = depth;
        // Ended only by the foresight itself, which remembers that.
        let _ = scout(&mut self.foresight);
        let (blocks, answers) = self.foresight.questions();
        self.survey.should_move(blocks, answers);
        let worthwhile = answers.iter().filter(|answer| **answer).count();
        let questions = u32::try_from(blocks.len()).unwrap_or(u32::MAX);
        self.foresee_gain(worthwhile);
        if self.foresight.is_needless() {
            self.totals.misses += u64::from(questions);
            self.foresight.clear();
            self.tick(questions);
            return false;
        }
        self.tick(questions);
        true
    }

    fn enter(&mut self, length: usize) -> usize {
        self.place.enter(length)
    }

    fn passed(&mut self, index: usize) -> ControlFlow<()> {
        self.place.passed(index);
        self.tick(1);
        if self.out_of_time { ControlFlow::Break(()) } else { ControlFlow::Continue(()) }
    }

    fn leave(&mut self) {
        self.place.leave();
    }
}
