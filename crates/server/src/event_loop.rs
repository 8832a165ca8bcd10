//! Waits for sockets, signals and the clock, and gives everyone a turn.

use std::io;
use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::Engine;
use mio::Events;
use modhost::ModuleHost;

use crate::farewell::Farewell;
use crate::sockets::{Ending, Sockets};

/// How many events are fetched at a time.
const EVENTS: usize = 1024;
/// How often the statistics that a crash report shows are renewed.
const INFO_INTERVAL: Duration = Duration::from_secs(1);

/// The server at work.
#[derive(Debug)]
pub(crate) struct EventLoop {
    engine: Engine,
    modules: Rc<ModuleHost>,
    sockets: Sockets,
    farewell: Rc<Farewell>,
    next_tick: Instant,
    /// When the engine's work goes on, while some is under way.
    next_work: Option<Instant>,
    /// How long until a client has waited long enough, if one waits.
    due: Option<Duration>,
    next_info: Instant,
}

impl EventLoop {
    /// A server with these sockets, at which others have their turn while a module's command lets them.
    pub(crate) fn new(
        mut engine: Engine,
        modules: Rc<ModuleHost>,
        sockets: Sockets,
        farewell: Farewell,
    ) -> Self {
        let farewell = Rc::new(farewell);
        engine.give_turns_by(Rc::clone(&farewell) as _);
        let now = Instant::now();
        Self {
            engine,
            modules,
            sockets,
            farewell,
            next_tick: now,
            next_work: None,
            due: None,
            next_info: now,
        }
    }

    /// Serves until something ends the server, and says farewell.
    ///
    /// # Errors
    /// When waiting for events fails.
    pub(crate) fn run(&mut self) -> io::Result<Ending> {
        let ending = self.serve();
        self.farewell.say(&mut self.engine, &ending);
        ending
    }

    fn serve(&mut self) -> io::Result<Ending> {
        let mut events = Events::with_capacity(EVENTS);
        loop {
            let wait = if self.sockets.are_busy() {
                Duration::ZERO
            } else {
                let next = self.next_work.map_or(self.next_tick, |work| work.min(self.next_tick));
                let next = next.saturating_duration_since(Instant::now());
                self.due.map_or(next, |due| due.min(next))
            };
            let Self { sockets, engine, modules, .. } = self;
            modules.while_idle(engine, || sockets.wait(&mut events, wait))?;
            if let Some(ending) = self.round(&events) {
                return Ok(ending);
            }
        }
    }

    /// One round: everyone who has something to do, then the clock.
    fn round(&mut self, events: &Events) -> Option<Ending> {
        if let Some(ending) = self.sockets.round(&mut self.engine, events) {
            return Some(ending);
        }
        self.tick();
        self.work();
        self.engine.attend();
        self.sockets.deliver(&mut self.engine);
        self.sockets.close_doomed(&mut self.engine);
        self.due = self.engine.until_due();
        self.sockets.ending(&mut self.engine)
    }

    /// Gives the engine a slice of time for work that is under way: what a command of this round may have begun, or
    /// what is due.
    fn work(&mut self) {
        self.next_work = self.engine.work().map(|wait| Instant::now() + wait);
    }

    fn tick(&mut self) {
        let now = Instant::now();
        if now < self.next_tick {
            return;
        }
        self.next_tick = now + self.engine.tick();
        self.sockets.retry();
        if now >= self.next_info {
            self.next_info = now + INFO_INTERVAL;
            crash::publish_info(self.engine.info_text(&[] as &[&str]));
        }
    }
}
