//! What happens without being asked: expiry, limits that time enforces, figures that are sampled.

use std::time::{Duration, Instant};

use crate::client::{ClientId, Close};
use crate::config::OutputBufferLimit;
use crate::engine::Engine;
use crate::server_events::ServerEvent;

/// How often throughput is sampled.
const SAMPLE_INTERVAL: Duration = Duration::from_millis(100);
/// How many samples an instantaneous figure is the mean of.
const SAMPLES: usize = 16;

/// The state of the periodic work.
#[derive(Debug, Default)]
pub(crate) struct Cron {
    pub(crate) commands: Rate,
    pub(crate) input: Rate,
    pub(crate) output: Rate,
    last_sample: Option<Instant>,
}

/// The recent rate of a counter.
#[derive(Debug, Default)]
pub(crate) struct Rate {
    last: u64,
    samples: [f64; SAMPLES],
    next: usize,
}

impl Rate {
    fn sample(&mut self, counter: u64, elapsed: Duration) {
        let grown = counter.saturating_sub(self.last);
        self.last = counter;
        self.samples[self.next] = grown as f64 / elapsed.as_secs_f64();
        self.next = (self.next + 1) % SAMPLES;
    }

    /// The mean of the last samples, per second.
    pub(crate) fn per_second(&self) -> f64 {
        self.samples.iter().sum::<f64>() / SAMPLES as f64
    }
}

impl Engine {
    /// Does the periodic work, and says how long to wait before it is called again.
    ///
    /// A server calls this from its event loop; a program that embeds the engine calls it when it likes, and need
    /// not call it at all: then keys expire only when they are looked up, and limits that need time to be
    /// exceeded aren't enforced.
    pub fn tick(&mut self) -> Duration {
        self.clock.refresh();
        self.sample();
        self.expire_cycle();
        self.begin_defrag();
        self.work();
        self.close_idle_clients();
        self.recount_all_clients();
        self.limit_tracking();
        let hz = self.config.hz;
        self.tell(&ServerEvent::Cron { hz });
        self.after_command();
        self.settle();
        let due = self.attend();
        self.release_spare();
        // The ledger's peak is the highest figure that anybody has asked it for.
        zmalloc::used_memory();
        let round = Duration::from_secs(1) / self.config.hz.max(1);
        due.map_or(round, |due| due.min(round))
    }

    /// Goes on with work that is under way and can't wait for the next tick: an eviction that was cut short, and
    /// defragmentation, when its next step is due.
    /// Says how long to wait before it is called again; `None` when nothing is under way.
    ///
    /// A server calls this in each round of its event loop. While nothing is under way it costs next to nothing.
    pub fn work(&mut self) -> Option<Duration> {
        let eviction = self.continue_eviction().then_some(Duration::ZERO);
        let defrag = self.continue_defrag();
        eviction.into_iter().chain(defrag).min()
    }

    fn sample(&mut self) {
        let now = Instant::now();
        let Some(last) = self.cron.last_sample else {
            self.cron.last_sample = Some(now);
            return;
        };
        let elapsed = now - last;
        if elapsed >= SAMPLE_INTERVAL {
            self.cron.last_sample = Some(now);
            self.cron.commands.sample(self.stats.commands_processed, elapsed);
            self.cron.input.sample(self.stats.net_input_bytes, elapsed);
            self.cron.output.sample(self.stats.net_output_bytes, elapsed);
        }
    }

    /// Dooms clients that have been silent for longer than `timeout`, unless they wait for something, and those whose
    /// replies have stayed above their soft limit for too long.
    fn close_idle_clients(&mut self) {
        let timeout = Duration::from_secs(self.config.timeout.into());
        let (mut idle, mut slow) = (Vec::new(), Vec::new());
        for (id, client) in self.clients.iter() {
            let limit = client.output_limit(&self.config.client_output_buffer_limit);
            let soft = Duration::from_secs(limit.soft_seconds);
            let is_above = client.output.above_soft_limit.is_some_and(|since| since.elapsed() >= soft);
            let waits = client.subscriptions.is_some() || client.wait.is_some() || client.is_postponed;
            if client.close == Some(Close::Now) || client.origin.fd < 0 {
                continue;
            } else if is_above {
                slow.push(id);
            } else if !timeout.is_zero() && !waits && client.last_interaction.elapsed() > timeout {
                idle.push(id);
            }
        }
        self.stats.output_buffer_limit_disconnections += slow.len() as u64;
        for id in idle.into_iter().chain(slow) {
            self.doom(id);
        }
    }

    /// Has a client closed at once, whoever asked for it.
    pub(crate) fn doom(&mut self, id: ClientId) {
        if let Some(client) = self.clients.get_mut(id) {
            client.close = Some(Close::Now);
            self.doomed.push(id);
        }
    }

    /// Looks at what a client is owed after a command, and closes it when that is above its limits.
    #[inline]
    pub(crate) fn enforce_output_limit(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let &OutputBufferLimit { hard, soft, .. } =
            client.output_limit(&self.config.client_output_buffer_limit);
        if hard == 0 && soft == 0 {
            return;
        }
        let owed = client.output.pending().len() as u64;
        if hard != 0 && owed > hard {
            self.stats.output_buffer_limit_disconnections += 1;
            self.doom(id);
        } else if soft != 0 && owed > soft {
            client.output.above_soft_limit.get_or_insert_with(Instant::now);
        } else {
            client.output.above_soft_limit = None;
        }
    }
}
