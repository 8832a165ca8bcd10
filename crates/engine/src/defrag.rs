//! Active defragmentation: the keyspace's blocks are moved together, so that pages fall free, in steps of half a
//! millisecond between commands.
//!
//! As Redis's configuration file documents, it begins when both `active-defrag-ignore-bytes` and
//! `active-defrag-threshold-lower` are exceeded, which is looked at on each tick. The effort, in percent of a
//! processor's time, rises from `active-defrag-cycle-min` at the lower threshold to `active-defrag-cycle-max` at the
//! upper one. What counts is the room in slabs, which moving blocks can win; not the pages that the allocator keeps
//! without any block.
//!
//! Of the time that passes between the beginnings of two steps, so much percent is the step's: after a step of
//! length D there is a pause W with D = P W / (100 - P). A step that began late is followed by a shorter pause.
//!
//! Which blocks move, and the clock that ends a step, are `zmalloc`'s; coming to all blocks is `keyspace`'s. The place
//! that the walk has come to is kept with the data, so a database that is emptied or exchanged with another takes it
//! along.

use std::fmt;
use std::ops::ControlFlow;
use std::time::{Duration, Instant};

use keyspace::{DefragBy, Relocated};
use nix::time::{ClockId, clock_gettime};
use zmalloc::defrag::{Cycle, Mover, Settings, State};

use crate::config::Config;
use crate::config::value::{Reason, Value};
use crate::engine::Engine;
use crate::modules::DefragStage;

/// How many steps that a busy server had no time for may follow each other without a pause but for what clients
/// have sent meanwhile.
const MOST_BEHIND: u32 = 4;

/// The least time between two steps, unless they are to follow each other sooner.
const LEAST_PAUSE: Duration = Duration::from_micros(100);

/// Redis's refusal where the allocator can't tell which blocks should move.
const UNAVAILABLE: &str = "Active defragmentation cannot be enabled: it requires a Redis server compiled with a \
    modified Jemalloc like the one shipped by default with the Redis source distribution";

/// What `activedefrag yes` needs: an allocator that can tell which blocks should move, as the program's own.
pub(crate) fn requirement(value: &Value) -> Result<(), Reason> {
    let is_wanted = matches!(value, Value::YesNo(true));
    if is_wanted && Cycle::new(Settings::default()).is_err() { Err(UNAVAILABLE.into()) } else { Ok(()) }
}

/// Where defragmentation stands.
#[derive(Default)]
pub(crate) struct Defrag {
    /// `None` before it is first needed.
    cycle: Option<Cycle>,
    /// When the next step is due; `None` while there is nothing to do.
    due: Option<Instant>,
    /// Whether the pass has come to any data.
    is_walking: bool,
    /// Since when there has been something to do.
    running_since: Option<Instant>,
}

impl fmt::Debug for Defrag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Defrag")
            .field("effort", &self.effort())
            .field("due", &self.due)
            .finish_non_exhaustive()
    }
}

impl Defrag {
    /// The effort of the pass that is under way, in percent of a processor's time; 0 without one.
    pub(crate) fn effort(&self) -> u32 {
        self.cycle.as_ref().map_or(0, Cycle::effort)
    }

    /// How long there has been something to do.
    pub(crate) fn running(&self) -> Duration {
        self.running_since.map_or(Duration::ZERO, |since| since.elapsed())
    }

    /// Counts that time from now on, if there is something to do.
    pub(crate) fn restart_running(&mut self) {
        self.running_since = self.running_since.map(|_| Instant::now());
    }
}

impl Engine {
    /// Has it looked at whether there is something to do.
    pub(crate) fn begin_defrag(&mut self) {
        // What moves is copied for a child process.
        if !self.config.activedefrag || self.defrag.due.is_some() || self.has_child() {
            return;
        }
        if self.defrag.cycle.is_none() {
            self.defrag.cycle = Cycle::new(settings(&self.config)).ok();
        }
        self.defrag.due = self.defrag.cycle.is_some().then(Instant::now);
    }

    /// Takes a step, if one is due. Says how long to wait for the next; `None` when there is nothing to do.
    #[inline]
    pub(crate) fn continue_defrag(&mut self) -> Option<Duration> {
        let due = self.defrag.due?;
        if !self.config.activedefrag || self.has_child() {
            self.end_defrag();
            return None;
        }
        let now = Instant::now();
        if now < due {
            return Some(due - now);
        }
        self.defrag_step(due)
    }

    fn defrag_step(&mut self, due: Instant) -> Option<Duration> {
        let cpu_before = thread_cpu_time();
        let Self { keyspace, defrag, stats, config, modules, .. } = self;
        let cycle = defrag.cycle.as_mut()?;
        *cycle.settings_mut() = settings(config);
        let before = cycle.totals();
        let mut relocated = Relocated::default();
        let step = cycle.step_with(|mover| {
            let tell = |stage, mover: &mut Mover| {
                if let Some(modules) = &*modules {
                    modules.defrag(stage, &mut DefragBy::new(mover, &mut Mover::is_out_of_time, 0));
                }
            };
            if !defrag.is_walking {
                defrag.is_walking = true;
                keyspace.begin_walk();
                tell(DefragStage::Begin, mover);
            }
            keyspace.relocate(mover, Mover::is_out_of_time, &mut relocated)?;
            tell(DefragStage::End, mover);
            ControlFlow::Continue(())
        });
        match step.state {
            State::Idle => {
                self.end_defrag();
                return None;
            }
            State::Finished => defrag.is_walking = false,
            State::Unfinished => {}
        }
        let after = cycle.totals();
        stats.active_defrag_hits += after.hits - before.hits;
        stats.active_defrag_misses += after.misses - before.misses;
        stats.active_defrag_key_hits += relocated.keys_moved;
        stats.active_defrag_key_misses += relocated.keys_left;
        let cpu = thread_cpu_time().saturating_sub(cpu_before).as_micros() as u64;
        stats.active_defrag_longest_step_us = stats.active_defrag_longest_step_us.max(cpu);

        self.note_latency("active-defrag-cycle", step.took);

        let defrag = &mut self.defrag;
        let now = Instant::now();
        defrag.running_since.get_or_insert(now - step.took);
        let period = step.took + step.pause;
        let next = (due + period).max(now.checked_sub(period * MOST_BEHIND).unwrap_or(due));
        // Not without a pause: clients have waited as well.
        let next = next.max(now + step.pause.min(step.took.max(LEAST_PAUSE)));
        defrag.due = Some(next);
        Some(next.saturating_duration_since(now))
    }

    /// There is nothing to do, or it is not wanted any more.
    fn end_defrag(&mut self) {
        let defrag = &mut self.defrag;
        self.stats.active_defrag_us += defrag.running().as_micros() as u64;
        defrag.running_since = None;
        defrag.due = None;
        defrag.is_walking = false;
        if let Some(cycle) = &mut defrag.cycle {
            cycle.abandon();
        }
    }
}

fn settings(config: &Config) -> Settings {
    Settings {
        ignore_bytes: usize::try_from(config.active_defrag_ignore_bytes).unwrap_or(usize::MAX),
        threshold_lower: config.active_defrag_threshold_lower,
        threshold_upper: config.active_defrag_threshold_upper,
        cycle_min: config.active_defrag_cycle_min,
        cycle_max: config.active_defrag_cycle_max,
        ..Settings::default()
    }
}

/// The processor's time that this thread has had; 0 where the system doesn't tell.
fn thread_cpu_time() -> Duration {
    clock_gettime(ClockId::CLOCK_THREAD_CPUTIME_ID).map_or(Duration::ZERO, Duration::from)
}
