//! When blocks are moved, and for how long.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use heapwalk::HeapWalk;

use super::mover::{Mover, Totals};
use super::moving;
use super::purger::{self, Purger};
use super::settings::{Fragmentation, Settings};
use super::survey::Survey;
use crate::error::ControlError;
use crate::stats::AllocatorInfo;

/// How often a pass asks the allocator anew how its pages are used.
const SURVEY_EVERY: Duration = Duration::from_millis(100);

/// How long to wait while pages are given back on the thread for that.
const TURN_WAIT: Duration = Duration::from_micros(100);

/// Defragments a program's data, a step at a time.
///
/// A *pass* goes through all of the data once, in as many steps as it takes. Each step goes on where the
/// last one ended. What changes in between is no matter, but that some of it may be passed over until the
/// next pass, or looked at twice.
///
/// Where the allocator has [background threads](crate::set_background_thread), they rest during a pass, and a
/// thread of the cycle's own gives back the pages that fall free, a little at a time and never beside a step.
/// A step that comes while it does, or waits to, does nothing, and says how soon to come again.
pub struct Cycle {
    settings: Settings,
    mover: Mover,
    /// The pass that is under way.
    pass: Option<Pass>,
}

/// A pass that is under way.
struct Pass {
    effort: u32,
    /// What the effort follows from.
    settings: Settings,
    /// The fragmentation when it began, in bytes, if the allocator tells.
    fragmentation: Option<usize>,
    /// When the allocator was last asked how its pages are used, if it was.
    surveyed: Option<Instant>,
    /// Stands in for the allocator's background threads, if it has any.
    purger: Option<Purger>,
}

/// What a step did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Step {
    /// How things stand.
    pub state: State,
    /// How long it lasted.
    pub took: Duration,
    /// How long to wait before the next, to keep to the effort that the settings allow. Nothing is lost
    /// by waiting longer, or not at all.
    pub pause: Duration,
}

/// How a cycle stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    /// There is too little fragmentation to do anything about.
    Idle,
    /// A pass is under way.
    Unfinished,
    /// A pass has come to its end.
    Finished,
}

/// Why data can't be defragmented.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unavailable {
    /// The allocator can't tell which blocks should move.
    Allocator(ControlError),
    /// `ZMalloc` is not the program's global allocator, so the blocks of its collections aren't ours to
    /// move.
    NotGlobal,
}

impl fmt::Display for Unavailable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Allocator(error) => error.fmt(f),
            Self::NotGlobal => f.write_str("ZMalloc is not the program's global allocator"),
        }
    }
}

impl std::error::Error for Unavailable {}

impl Pass {
    /// What fragmentation there is by now may call for more effort, not for less: else the pass would never end as
    /// it bears fruit. New settings may call for either.
    fn renew_effort(&mut self, settings: Settings) {
        let least = if settings == self.settings { self.effort } else { settings.cycle_min.clamp(1, 99) };
        self.settings = settings;
        let fragmentation = AllocatorInfo::read().ok().map(|info| Fragmentation::of(&info));
        let effort = match fragmentation {
            Some(fragmentation) => settings.effort(fragmentation).unwrap_or(0),
            None => settings.cycle_max.clamp(1, 99),
        };
        self.effort = effort.max(least);
    }
}

impl Cycle {
    /// A cycle that has done nothing yet.
    ///
    /// # Errors
    /// If this can't be done here: see [`Unavailable`].
    pub fn new(settings: Settings) -> Result<Self, Unavailable> {
        let survey = Survey::take().map_err(Unavailable::Allocator)?;
        if !moving::is_global_allocator() {
            return Err(Unavailable::NotGlobal);
        }
        Ok(Self { settings, mover: Mover::new(survey), pass: None })
    }

    /// The settings. They may be changed at any time, and count from the next step on.
    pub fn settings_mut(&mut self) -> &mut Settings {
        &mut self.settings
    }

    /// The effort of the pass that is under way, in percent of a processor's time; 0 if there is none:
    /// `active_defrag_running` in Redis's INFO.
    pub fn effort(&self) -> u32 {
        self.pass.as_ref().map_or(0, |pass| pass.effort)
    }

    /// What was done so far.
    pub fn totals(&self) -> Totals {
        self.mover.totals
    }

    /// Works for as long as the settings say, on a value whose blocks are the global allocator's: always
    /// the same one, until a pass has come to its end. Begins a pass if none is under way and there is
    /// enough fragmentation.
    ///
    /// # Panics
    /// If the value's own implementation of [`HeapWalk`] does, or the `Hash` of a key.
    pub fn step<T: HeapWalk + ?Sized>(&mut self, value: &mut T) -> Step {
        self.step_with(|mover| value.relocate(mover))
    }

    /// The same for data that is walked in another way. `walk` answers `Break` if it ended early because
    /// there was [no time left](Mover::is_out_of_time), `Continue` at the end of the data. It isn't called while
    /// pages are given back.
    ///
    /// # Panics
    /// If `walk` does.
    pub fn step_with(&mut self, walk: impl FnOnce(&mut Mover) -> ControlFlow<()>) -> Step {
        let began = Instant::now();
        if self.pass.is_none() && !self.begin_pass() {
            return Step { state: State::Idle, took: began.elapsed(), pause: Duration::from_millis(100) };
        }
        let turns = self.pass.as_ref().and_then(|pass| pass.purger.as_ref()).map(Purger::turns);
        let turn = turns.as_ref().map(|turns| turns.step());
        if let Some(None) = turn {
            return Step { state: State::Unfinished, took: began.elapsed(), pause: TURN_WAIT };
        }
        let effort = self.begin_step(began);
        let most_freed = if turns.is_some() { purger::PORTION } else { usize::MAX };
        self.mover.begin(began + self.settings.budget, most_freed);
        let walked = walk(&mut self.mover);
        self.mover.rewind();
        if let Some(turns) = &turns {
            turns.add_freed(self.mover.freed());
        }
        drop(turn);
        let state = if walked.is_break() {
            State::Unfinished
        } else {
            self.end_pass();
            State::Finished
        };
        let took = began.elapsed();
        let totals = &mut self.mover.totals;
        totals.steps += 1;
        totals.time += took;
        totals.longest_step = totals.longest_step.max(took);
        Step { state, took, pause: Settings::pause(took, effort) }
    }

    /// Ends the pass that is under way. The next step begins another.
    pub fn abandon(&mut self) {
        self.mover.forget_place();
        self.pass = None;
    }

    /// Begins a pass, if there is something to do. Says whether there is.
    fn begin_pass(&mut self) -> bool {
        let fragmentation = AllocatorInfo::read().ok().map(|info| Fragmentation::of(&info));
        let effort = match fragmentation {
            Some(fragmentation) => self.settings.effort(fragmentation),
            // An allocator that doesn't tell how fragmented it is gets what the settings allow.
            None => Some(self.settings.cycle_max.clamp(1, 99)),
        };
        let Some(effort) = effort else { return false };
        self.pass = Some(Pass {
            effort,
            settings: self.settings,
            fragmentation: fragmentation.map(|fragmentation| fragmentation.bytes),
            surveyed: None,
            purger: Purger::start(),
        });
        true
    }

    /// Sees to it that the survey is not too old, and the effort what the settings say. Returns the effort; 0 without
    /// a pass.
    fn begin_step(&mut self, now: Instant) -> u32 {
        let Some(pass) = &mut self.pass else { return 0 };
        let is_known = pass.settings == self.settings;
        if !is_known || pass.surveyed.is_some_and(|surveyed| now - surveyed >= SURVEY_EVERY) {
            pass.renew_effort(self.settings);
            pass.surveyed = None;
        }
        if pass.surveyed.is_none() {
            pass.surveyed = Some(now);
            self.renew_survey();
        }
        self.effort()
    }

    /// Without memory for a new one, the old one will do.
    fn renew_survey(&mut self) {
        if let Ok(survey) = Survey::take() {
            self.mover.renew(survey);
        }
    }

    fn end_pass(&mut self) {
        let after = AllocatorInfo::read().ok().map(|info| info.small_fragmentation);
        let before = self.pass.take().and_then(|pass| pass.fragmentation);
        let totals = &mut self.mover.totals;
        totals.passes += 1;
        if let (Some(before), Some(after)) = (before, after) {
            totals.bytes_won += before.saturating_sub(after) as u64;
        }
    }
}
