//! The sockets of the server and everyone's turn at them. A turn may come while another client's command runs: a
//! module's that lets others have theirs. So nothing here is borrowed while the engine is at work.

use std::cell::{RefCell, RefMut};
use std::collections::VecDeque;
use std::io::{self, ErrorKind};
use std::rc::Rc;
use std::time::Duration;

use engine::{ClientId, Engine, Readiness};
use mio::{Events, Poll, Token};

use crate::admission;
use crate::connection::{Begun, Connection, Outcome};
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
/// How many rounds there are while a command lets others have their turn, as in Redis.
const ROUNDS_MEANWHILE: usize = 4;
/// How many turns there is room for when nobody has one.
const ROOM_FOR_TURNS: usize = 64;
/// How many events are fetched at a time in such a round.
const EVENTS_MEANWHILE: usize = 64;

/// Why the loop ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ending {
    /// A signal, by its name.
    Signal(&'static str),
    /// SHUTDOWN.
    Command,
}

/// A turn that somebody has.
#[derive(Clone, Copy, Debug)]
enum Turn {
    /// A client.
    Client(ClientId),
    /// A socket that listens.
    Listener(Token),
    /// A descriptor that a module has watched.
    Descriptor(i32, Readiness),
}

/// The sockets, which the event loop and whoever gives turns meanwhile share.
#[derive(Clone, Debug)]
pub(crate) struct Sockets(Rc<RefCell<State>>);

#[derive(Debug)]
struct State {
    poll: Poll,
    listeners: Rc<RefCell<Listeners>>,
    signals: Signals,
    /// By the client's slot.
    connections: Vec<Option<Connection>>,
    /// Whose turn it is, in that order. Whoever serves while a command runs goes on with it: an event is had but once.
    ready: VecDeque<Turn>,
    /// Clients whose last turn left something to be done at once.
    unfinished: Vec<ClientId>,
    /// Listeners that may have more connections to accept.
    crowded: Vec<Token>,
    /// Listeners that failed to accept one.
    failed: Vec<Token>,
    /// What is read from a socket; every client's turn uses the same. It is away while a command runs.
    buffer: Vec<u8>,
    /// Why the server is to end.
    ending: Option<Ending>,
}

impl State {
    fn connection(&mut self, slot: usize) -> Option<&mut Connection> {
        self.connections.get_mut(slot)?.as_mut()
    }

    /// Queues everyone whose turn it is: by an event, or because the last turn was too short.
    fn gather(&mut self, events: &Events) {
        for event in events {
            match event.token() {
                SIGNALS => self.ending = self.ending.or(self.signals.ending().map(Ending::Signal)),
                WAKER => {}
                token if token.0 < FIRST_CLIENT => self.ready.push_back(Turn::Listener(token)),
                token if token.0 >= FIRST_DESCRIPTOR => {
                    let turn = descriptors::readiness(event);
                    self.ready.extend(turn.map(|(fd, readiness)| Turn::Descriptor(fd, readiness)));
                }
                token => {
                    let Some(connection) = self.connection(token.0 - FIRST_CLIENT) else { continue };
                    connection.note(event);
                    // Who is in the queue of unfinished ones has its turn with them; an event gives no second one.
                    if !connection.is_queued {
                        let turn = Turn::Client(connection.id());
                        self.ready.push_back(turn);
                    }
                }
            }
        }
        self.ready.extend(self.crowded.drain(..).map(Turn::Listener));
        self.ready.extend(self.unfinished.drain(..).map(Turn::Client));
    }

    /// Whose turn it is. When there is nobody left, what a crowd has taken is given back.
    fn next_turn(&mut self) -> Option<Turn> {
        let turn = self.ready.pop_front();
        if turn.is_none() {
            self.ready.shrink_to(ROOM_FOR_TURNS);
            self.unfinished.shrink_to(ROOM_FOR_TURNS);
        }
        turn
    }

    fn holds(&self, id: ClientId) -> bool {
        matches!(self.connections.get(id.slot()), Some(Some(connection)) if connection.id() == id)
    }

    fn forget(&mut self, id: ClientId) {
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
}

impl Sockets {
    /// No clients yet. `signals` and `listeners` are registered with `poll`, under their tokens.
    pub(crate) fn new(poll: Poll, listeners: Rc<RefCell<Listeners>>, signals: Signals) -> Self {
        Self(Rc::new(RefCell::new(State {
            poll,
            listeners,
            signals,
            connections: Vec::new(),
            ready: VecDeque::new(),
            unfinished: Vec::new(),
            crowded: Vec::new(),
            failed: Vec::new(),
            buffer: Vec::new(),
            ending: None,
        })))
    }

    fn state(&self) -> RefMut<'_, State> {
        self.0.borrow_mut()
    }

    /// Waits for events.
    ///
    /// # Errors
    /// When that fails, other than by a signal.
    pub(crate) fn wait(&self, events: &mut Events, at_most: Duration) -> io::Result<()> {
        match self.state().poll.poll(events, Some(at_most)) {
            Err(error) if error.kind() != ErrorKind::Interrupted => Err(error),
            _ => Ok(()),
        }
    }

    /// Whether somebody has something to do at once.
    pub(crate) fn are_busy(&self) -> bool {
        let state = self.state();
        !(state.unfinished.is_empty() && state.crowded.is_empty())
    }

    /// Everyone's turn whose socket is ready, or whose last turn was too short. Once the server is to end there are no
    /// more turns, and the reason is given.
    pub(crate) fn round(&self, engine: &mut Engine, events: &Events) -> Option<Ending> {
        self.turns(engine, events, |_| true)
    }

    /// As [`Self::round`]; where the server doesn't end now for that reason the turns go on.
    fn turns(
        &self,
        engine: &mut Engine,
        events: &Events,
        ends_now: impl Fn(Ending) -> bool,
    ) -> Option<Ending> {
        self.state().gather(events);
        loop {
            let turn = self.state().next_turn()?;
            match turn {
                Turn::Client(id) => self.serve(engine, id),
                Turn::Listener(token) => self.accept(engine, token),
                Turn::Descriptor(fd, readiness) => engine.descriptor_ready(fd, readiness),
            }
            if let Some(ending) = self.ending(engine).filter(|&ending| ends_now(ending)) {
                return Some(ending);
            }
        }
    }

    /// Why the server is to end, if it is: asked for again, the same.
    pub(crate) fn ending(&self, engine: &mut Engine) -> Option<Ending> {
        let mut state = self.state();
        // A command doesn't wait for what a signal may have to wait for.
        state.ending = engine.take_shutdown().map(|_| Ending::Command).or(state.ending);
        state.ending
    }

    /// Writes to the clients that were given something by others, or by the clock.
    pub(crate) fn deliver(&self, engine: &mut Engine) {
        for id in engine.take_ready() {
            let is_idle = |connection: &mut Connection| connection.id() == id && !connection.is_queued;
            if self.state().connection(id.slot()).is_some_and(is_idle) {
                self.serve(engine, id);
            }
        }
    }

    /// Closes those that became due for it outside of their own commands.
    pub(crate) fn close_doomed(&self, engine: &mut Engine) {
        for id in engine.take_doomed() {
            // Whose command runs is closed when it is done.
            let is_served = |connection: &mut Connection| connection.id() == id && connection.is_served;
            if !self.state().connection(id.slot()).is_some_and(is_served) {
                self.close(engine, id);
            }
        }
    }

    /// Writes what can be written at once, to everyone: the server ends.
    pub(crate) fn write_last(&self, engine: &mut Engine) {
        for connection in self.state().connections.iter_mut().flatten() {
            connection.write_last(engine);
        }
    }

    /// Has listeners that failed to accept a connection asked again.
    pub(crate) fn retry(&self) {
        let mut state = self.state();
        let mut failed = std::mem::take(&mut state.failed);
        state.crowded.append(&mut failed);
    }

    fn serve(&self, engine: &mut Engine, id: ClientId) {
        let slot = id.slot();
        let mut state = self.state();
        if !state.holds(id) {
            return;
        }
        let mut buffer = std::mem::take(&mut state.buffer);
        let Some(connection) = state.connection(slot).filter(|connection| !connection.is_served) else {
            state.buffer = buffer;
            return;
        };
        // While a command runs others need a buffer of their own.
        buffer.resize(READ_AT_MOST, 0);
        let mut begun = connection.begin_turn(engine, &mut buffer);
        if let Begun::Received(count) = begun {
            connection.is_served = true;
            drop(state);
            engine.receive(id, &buffer[..count]);
            state = self.state();
            let Some(connection) = state.connection(slot) else { return };
            connection.is_served = false;
            begun = Begun::Written(connection.write(engine));
        }
        let Some(connection) = state.connection(slot) else { return };
        let outcome = connection.end_turn(engine, begun, &mut buffer);
        connection.is_queued = outcome == Outcome::Unfinished;
        if outcome == Outcome::Unfinished {
            state.unfinished.push(id);
        }
        state.buffer = buffer;
        drop(state);
        if outcome == Outcome::Over {
            self.close(engine, id);
        }
    }

    fn accept(&self, engine: &mut Engine, token: Token) {
        for _ in 0..ACCEPT_AT_MOST {
            let accepted = self.state().listeners.borrow().accept(token);
            match accepted {
                Ok(accepted) => {
                    if let Some((id, stream)) = admission::admit(engine, accepted) {
                        self.open(engine, Connection::new(id, stream));
                    }
                }
                Err(error) => match error.kind() {
                    ErrorKind::WouldBlock => return,
                    ErrorKind::ConnectionAborted | ErrorKind::Interrupted => {}
                    _ => {
                        // Most likely out of descriptors, until a client goes. The edge has been used up, so the
                        // listener is asked again, with the clock.
                        tracing::warn!("Can't accept a connection: {error}");
                        self.state().failed.push(token);
                        return;
                    }
                },
            }
        }
        self.state().crowded.push(token);
    }

    fn open(&self, engine: &mut Engine, mut connection: Connection) {
        let id = connection.id();
        let token = Token(FIRST_CLIENT + id.slot());
        let mut state = self.state();
        if let Err(error) = connection.register(state.poll.registry(), token) {
            drop(state);
            tracing::warn!("Can't watch a connection: {error}");
            engine.disconnect(id);
            return;
        }
        if state.connections.len() <= id.slot() {
            state.connections.resize_with(id.slot() + 1, || None);
        }
        state.connections[id.slot()] = Some(connection);
    }

    fn close(&self, engine: &mut Engine, id: ClientId) {
        engine.disconnect(id);
        self.state().forget(id);
    }
}

impl Sockets {
    /// Everyone's turn while a command runs; says whether one of them has ended the server by a command. A signal waits
    /// until the command is done.
    pub(crate) fn give(&self, engine: &mut Engine) -> bool {
        let mut events = Events::with_capacity(EVENTS_MEANWHILE);
        for _ in 0..ROUNDS_MEANWHILE {
            // Whoever has the sockets in use now isn't running a command.
            let Ok(mut state) = self.0.try_borrow_mut() else { return false };
            let polled = state.poll.poll(&mut events, Some(Duration::ZERO));
            let is_idle = events.is_empty() && state.unfinished.is_empty() && state.ready.is_empty();
            drop(state);
            if polled.is_err() || is_idle {
                return false;
            }
            if self.turns(engine, &events, |ending| ending == Ending::Command).is_some() {
                return true;
            }
            self.deliver(engine);
            self.close_doomed(engine);
        }
        false
    }
}
