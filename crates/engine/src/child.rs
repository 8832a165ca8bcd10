//! A process that was forked off to work on a snapshot of the data. Whoever forks it says so here, where it is counted,
//! shown in INFO, and told to modules. There is one at a time.

use std::time::{Duration, Instant};

use crate::engine::Engine;
use crate::server_events::ServerEvent;

/// What is known of the child process, if there is one, and of the last one.
#[derive(Debug, Default)]
pub(crate) struct Child {
    is_active: bool,
    /// Whether this process is a child itself.
    is_self: bool,
    /// What copy-on-write has cost it, in bytes, as far as it has told; and when it last did.
    pub(crate) cow: usize,
    pub(crate) cow_told: Option<Instant>,
    /// The most that it has told, which stays until the next child.
    pub(crate) cow_peak: usize,
    /// How much of its work it has done, from 0 to 1.
    pub(crate) progress: f64,
    /// What copy-on-write had cost the last child that ended its work, in bytes.
    pub(crate) last_cow: usize,
    /// How long the last fork took.
    pub(crate) fork_took: Duration,
}

/// What a child process tells of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ChildReport {
    /// Bytes in pages that it shares with its parent no longer.
    pub cow: usize,
    /// How much of its work it has done, from 0 to 1; none where it doesn't say, or has done it all.
    pub progress: Option<f64>,
    /// Whether the work is done.
    pub is_last: bool,
}

impl Engine {
    /// Whether there is a child process.
    pub fn has_child(&self) -> bool {
        self.child.is_active
    }

    /// Whether this process is a child.
    pub fn is_child(&self) -> bool {
        self.child.is_self
    }

    /// Calls `fork` while nothing of the program around the engine holds a lock that a child may need: see
    /// [`Host::while_forking`](crate::Host::while_forking).
    pub fn while_forking(&mut self, fork: &mut dyn FnMut()) {
        self.host.while_forking(fork);
    }

    /// Says that there is a child process now, and how long the fork took. Modules are told.
    pub fn child_begins(&mut self, took: Duration) {
        let child = &mut self.child;
        *child = Child { is_active: true, fork_took: took, last_cow: child.last_cow, ..Child::default() };
        self.stats.forks += 1;
        self.note_latency("fork", took);
        self.tell(&ServerEvent::ChildBegins);
    }

    /// Takes note of what the child process tells.
    pub fn child_reports(&mut self, report: ChildReport) {
        let child = &mut self.child;
        child.cow_peak = child.cow_peak.max(report.cow);
        if report.is_last {
            child.last_cow = report.cow;
        } else {
            child.cow = report.cow;
            child.cow_told = Some(Instant::now());
            child.progress = report.progress.unwrap_or(child.progress);
        }
    }

    /// Says that the child process is no more. Modules are told.
    pub fn child_ends(&mut self) {
        let child = &mut self.child;
        (child.is_active, child.cow, child.cow_told, child.progress) = (false, 0, None, 0.0);
        self.tell(&ServerEvent::ChildEnds);
    }

    /// Makes of this engine that of a child process, just after the fork: it has no threads, and no clients that it
    /// could serve. Gives the descriptors that it shares with its parent and must not use: those of clients, and
    /// those of the [host](crate::Host::become_child).
    pub fn become_child(&mut self) -> Vec<i32> {
        self.child = Child { is_self: true, ..Child::default() };
        self.lazyfree.stay_here();
        let mut descriptors = self.host.become_child();
        descriptors.extend(self.clients.iter().map(|(_, client)| client.origin.fd).filter(|fd| *fd >= 0));
        descriptors
    }
}
