//! One client's socket: what a turn reads, executes and writes.

use std::io::{self, ErrorKind, Read, Write};

use engine::{ClientId, Close, Engine};
use mio::event::Event;
use mio::{Registry, Token};

use crate::stream::Stream;

/// The most bytes written in one turn, so that a reader as fast as the server doesn't keep it for itself.
const WRITE_AT_MOST: usize = 1 << 20;
/// How often a socket is read before it is closed, to empty it.
const DRAIN_READS: usize = 16;

/// What is to become of a connection after its turn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It waits for its socket.
    Waiting,
    /// The socket has, or takes, more than one turn allows.
    Unfinished,
    /// It is over.
    Over,
}

/// How far a connection's turn has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Begun {
    /// So many bytes have come.
    Received(usize),
    /// What could be written is written.
    Written(Outcome),
    /// The connection is over.
    Over,
}

/// A client's socket and what is known about it. Readiness is told once, at the edge, so it is kept here.
#[derive(Debug)]
pub(crate) struct Connection {
    id: ClientId,
    stream: Stream,
    /// There may be something to read.
    is_readable: bool,
    /// The socket takes bytes, as far as is known.
    is_writable: bool,
    /// The peer sends no more, though what it sent may not have been read yet.
    peer_finished: bool,
    /// Everything that the peer sent has been read.
    is_read_out: bool,
    /// Whether the event loop has it in its queue of unfinished ones.
    pub(crate) is_queued: bool,
    /// Whether the engine is at what it has sent.
    pub(crate) is_served: bool,
}

impl Connection {
    pub(crate) fn new(id: ClientId, stream: Stream) -> Self {
        Self {
            id,
            stream,
            is_readable: false,
            is_writable: true,
            peer_finished: false,
            is_read_out: false,
            is_queued: false,
            is_served: false,
        }
    }

    /// Has the poll watch the socket, until the connection is dropped.
    ///
    /// # Errors
    /// What the poll answered.
    pub(crate) fn register(&mut self, registry: &Registry, token: Token) -> io::Result<()> {
        self.stream.register(registry, token)
    }

    pub(crate) fn id(&self) -> ClientId {
        self.id
    }

    /// Takes note of what the poll says.
    pub(crate) fn note(&mut self, event: &Event) {
        // What the error is, reading or writing finds out.
        let ends = event.is_read_closed() || event.is_error();
        self.peer_finished |= ends;
        self.is_readable |= event.is_readable() || ends;
        self.is_writable |= event.is_writable() || event.is_error();
    }

    /// Begins a turn: writes what the client is owed, and reads at most one `buffer`, which the engine is to be given;
    /// then the replies are written.
    ///
    /// Reading doesn't wait for the client to take its replies: as in Redis, output-buffer limits are what ends
    /// a client that never does.
    pub(crate) fn begin_turn(&mut self, engine: &mut Engine, buffer: &mut [u8]) -> Begun {
        let outcome = self.write(engine);
        if outcome == Outcome::Over || !self.wants_to_read(engine) {
            return Begun::Written(outcome);
        }
        match self.read(buffer) {
            Err(_) => Begun::Over,
            Ok(0) => Begun::Written(self.write(engine)),
            Ok(count) => Begun::Received(count),
        }
    }

    /// Ends a turn, when all that it could write is written.
    pub(crate) fn end_turn(&mut self, engine: &Engine, begun: Begun, buffer: &mut [u8]) -> Outcome {
        let Begun::Written(outcome) = begun else { return Outcome::Over };
        let is_paid = engine.output(self.id).is_empty();
        match engine.closing(self.id) {
            Some(Close::Now) => Outcome::Over,
            Some(Close::AfterReply) if is_paid => {
                self.part(buffer);
                Outcome::Over
            }
            None if self.is_read_out && is_paid => Outcome::Over,
            None if outcome == Outcome::Waiting && self.wants_to_read(engine) => Outcome::Unfinished,
            _ => outcome,
        }
    }

    /// Writes what can be written at once, for a client whose connection ends with the server.
    pub(crate) fn write_last(&mut self, engine: &mut Engine) {
        while self.write(engine) == Outcome::Unfinished {}
    }

    fn wants_to_read(&self, engine: &Engine) -> bool {
        self.is_readable && !self.is_read_out && engine.closing(self.id).is_none()
    }

    /// Fills as much of the buffer as there is to read.
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.stream.read(buffer) {
            Ok(0) => {
                self.is_read_out = true;
                Ok(0)
            }
            Ok(count) => {
                // A stream that gave less than it could is empty (epoll(7)), and what comes later makes an edge
                // of its own; but the end of the stream may have made its edge already.
                self.is_readable = count == buffer.len() || self.peer_finished;
                Ok(count)
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_readable = false;
                Ok(0)
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Ok(0),
            Err(error) => Err(error),
        }
    }

    /// Writes once.
    pub(crate) fn write(&mut self, engine: &mut Engine) -> Outcome {
        let owed = engine.output(self.id);
        if owed.is_empty() || !self.is_writable || engine.closing(self.id) == Some(Close::Now) {
            return Outcome::Waiting;
        }
        match self.stream.write(&owed[..owed.len().min(WRITE_AT_MOST)]) {
            Ok(count) => {
                let is_all = count == owed.len();
                engine.sent(self.id, count);
                if is_all { Outcome::Waiting } else { Outcome::Unfinished }
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {
                self.is_writable = false;
                Outcome::Waiting
            }
            Err(error) if error.kind() == ErrorKind::Interrupted => Outcome::Unfinished,
            Err(_) => Outcome::Over,
        }
    }

    /// Ends the connection such that the last reply arrives: closing a socket that holds unread bytes would reset
    /// it, and the peer would lose what it hasn't read.
    fn part(&mut self, buffer: &mut [u8]) {
        if self.stream.finish().is_err() {
            return;
        }
        for _ in 0..DRAIN_READS {
            match self.stream.read(buffer) {
                Ok(1..) => {}
                _ => break,
            }
        }
    }
}
