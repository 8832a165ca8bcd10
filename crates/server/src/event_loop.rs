//! Waits for sockets, signals and the clock, and gives everyone a turn.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::{Duration, Instant};

use engine::{ClientId, Engine};
use mio::event::Event;
use mio::{Events, Poll, Token};
use modhost::ModuleHost;

use crate::admission;
use crate::connection::{Connection, Outcome};
use crate::descriptors::{self, FIRST_DESCRIPTOR};
use crate::listen::Listeners;
use crate::signals::Signals;

/// The signals' token.
pub(crate) const SIGNALS: Token = Token(0);
/// The first listener's token. There are 16 addresses at most, and the unix socket.
pub(crate) const FIRST_LISTENER: usize = 1;
/// The token by which other threads have the loop turn.
pub(crate) const WAKER: Token = Token(FIRST_CLIENT - 1);
/// The token of the client in slot 0.
const FIRST_CLIENT: usize = 64;

/// The most a client's turn reads: large enough that a pipeline costs few system calls, small enough that the
/// others don't wait long.
const READ_AT_MOST: usize = 64 * 1024;
/// The most connections that are accepted before clients have their turn.
const ACCEPT_AT_MOST: usize = 256;
/// How many events are fetched at a time.
const EVENTS: usize = 1024;
/// How often the statistics that a crash report shows are renewed.
const INFO_INTERVAL: Duration = Duration::from_secs(1);

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A signal, by its name.
    Signal(&'static str),
    /// SHUTDOWN.
    Command,
}

/// The server at work.
#[derive(Debug)]
pub(crate) struct EventLoop {
    poll: Poll,
    engine: Engine,
    modules: Rc<ModuleHost>,
    listeners: Rc<RefCell<Listeners>>,
    signals: Signals,
    /// By the client's slot.
    connections: Vec<Option<Connection>>,
    /// Clients whose last turn left something to be done at once.
    unfinished: VecDeque<ClientId>,
    /// Listeners that may have more connections to accept.
    crowded: Vec<Token>,
    /// Listeners that failed to accept one.
    failed: Vec<Token>,
    /// What is read from a socket; every client's turn uses the same.
    buffer: Box<[u8]>,
    next_tick: Instant,
    /// When the engine's work goes on, while some is under way.
    next_work: Option<Instant>,
    /// How long until a client has waited long enough, if one waits.
    due: Option<Duration>,
    next_info: Instant,
}

impl EventLoop {
    /// A server without clients. `signals` and `listeners` are registered with `poll`, under their tokens.
    pub(crate) fn new(
        poll: Poll,
        engine: Engine,
        modules: Rc<ModuleHost>,
        listeners: Rc<RefCell<Listeners>>,
        signals: Signals,
    ) -> Self {
        let now = Instant::now();
        Self {
            poll,
            engine,
            modules,
            listeners,
            signals,
            connections: Vec::new(),
            unfinished: VecDeque::new(),
            crowded: Vec::new(),
            failed: Vec::new(),
            buffer: vec![0; READ_AT_MOST].into_boxed_slice(),
            next_tick: now,
            next_work: None,
            due: None,
            next_info: now,
        }
    }

    /// Serves until something ends the server. Replies that are still owed then are written as far as the sockets
    /// take them.
    ///
    /// # Errors
    /// When waiting for events fails.
    pub(crate) fn run(&mut self) -> io::Result<Ending> {
        let mut events = Events::with_capacity(EVENTS);
        let ending = loop {
            let wait = if self.unfinished.is_empty() && self.crowded.is_empty() {
                let next = self.next_work.map_or(self.next_tick, |work| work.min(self.next_tick));
                let next = next.saturating_duration_since(Instant::now());
                self.due.map_or(next, |due| due.min(next))
            } else {
                Duration::ZERO
            };
            let Self { poll, engine, modules, .. } = self;
            match modules.while_idle(engine, || poll.poll(&mut events, Some(wait))) {
                Err(error) if error.kind() != ErrorKind::Interrupted => return Err(error),
                _ => {}
            }
            if let Some(ending) = self.round(&events) {
                break ending;
            }
        };
        self.modules.announce_shutdown(&mut self.engine);
        for connection in self.connections.iter_mut().flatten() {
            connection.write_last(&mut self.engine);
        }
        Ok(ending)
    }

    /// One round: everyone whose socket is ready or whose last turn was too short, then the clock.
    fn round(&mut self, events: &Events) -> Option<Ending> {
        // Those who were served last round and aren't done; who is found unfinished below waits for the next.
        let unfinished = self.unfinished.len();
        let crowded = std::mem::take(&mut self.crowded);
        for event in events {
            match event.token() {
                SIGNALS => {
                    if let Some(name) = self.signals.ending() {
                        return Some(Ending::Signal(name));
                    }
                }
                WAKER => {}
                token if token.0 < FIRST_CLIENT => self.accept(token),
                token if token.0 >= FIRST_DESCRIPTOR => descriptors::tell(&mut self.engine, event),
                token => self.on_client_event(token.0 - FIRST_CLIENT, event),
            }
            if self.engine.take_shutdown().is_some() {
                return Some(Ending::Command);
            }
        }
        crowded.into_iter().for_each(|token| self.accept(token));
        for _ in 0..unfinished {
            let Some(id) = self.unfinished.pop_front() else { break };
            if self.holds(id) {
                self.serve(id.slot());
            }
            if self.engine.take_shutdown().is_some() {
                return Some(Ending::Command);
            }
        }
        self.tick();
        self.work();
        self.due = self.engine.attend();
        self.deliver();
        self.close_doomed();
        self.engine.take_shutdown().map(|_| Ending::Command)
    }

    /// Writes to the clients that were given something by others, or by the clock.
    fn deliver(&mut self) {
        for id in self.engine.take_ready() {
            let is_idle = |connection: &Connection| connection.id() == id && !connection.is_queued;
            if self.connections.get(id.slot()).and_then(Option::as_ref).is_some_and(is_idle) {
                self.serve(id.slot());
            }
        }
    }

    fn on_client_event(&mut self, slot: usize, event: &Event) {
        if let Some(Some(connection)) = self.connections.get_mut(slot) {
            connection.note(event);
            // Who is in the queue has its turn when that comes; an event gives no second one.
            if !connection.is_queued {
                self.serve(slot);
            }
        }
    }

    fn serve(&mut self, slot: usize) {
        let Some(Some(connection)) = self.connections.get_mut(slot) else { return };
        let outcome = connection.turn(&mut self.engine, &mut self.buffer);
        connection.is_queued = outcome == Outcome::Unfinished;
        match outcome {
            Outcome::Waiting => {}
            Outcome::Unfinished => self.unfinished.push_back(connection.id()),
            Outcome::Over => {
                let id = connection.id();
                self.close(id);
            }
        }
    }

    fn accept(&mut self, token: Token) {
        for _ in 0..ACCEPT_AT_MOST {
            let accepted = self.listeners.borrow().accept(token);
            match accepted {
                Ok(accepted) => {
                    if let Some((id, stream)) = admission::admit(&mut self.engine, accepted) {
                        self.open(Connection::new(id, stream));
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                    _ => {
                        // Most likely out of descriptors, until a client goes. The edge has been used up, so the
                        // listener is asked again, with the clock.
                        tracing::warn!("Can't accept a connection: {error}");
                        self.failed.push(token);
                        return;
                    }
                },
            }
        }
        self.crowded.push(token);
    }

    fn open(&mut self, mut connection: Connection) {
        let id = connection.id();
        let token = Token(FIRST_CLIENT + id.slot());
        if let Err(error) = connection.register(self.poll.registry(), token) {
            tracing::warn!("Can't watch a connection: {error}");
            self.engine.disconnect(id);
            return;
        }
        if self.connections.len() <= id.slot() {
            self.connections.resize_with(id.slot() + 1, || None);
        }
        self.connections[id.slot()] = Some(connection);
    }

    fn close(&mut self, id: ClientId) {
        self.engine.disconnect(id);
        if !self.holds(id) {
            return;
        }
        self.connections[id.slot()] = None;
        while let Some(None) = self.connections.last() {
            self.connections.pop();
        }
        if self.connections.len() * 4 < self.connections.capacity() {
            self.connections.shrink_to(self.connections.len() * 2);
        }
    }

    fn holds(&self, id: ClientId) -> bool {
        matches!(self.connections.get(id.slot()), Some(Some(connection)) if connection.id() == id)
    }

    fn close_doomed(&mut self) {
        for id in self.engine.take_doomed() {
            self.close(id);
        }
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
        self.crowded.append(&mut self.failed);
        if now >= self.next_info {
            self.next_info = now + INFO_INTERVAL;
            crash::publish_info(self.engine.info_text(&[] as &[&str]));
        }
    }
}
