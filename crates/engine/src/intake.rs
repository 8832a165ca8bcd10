//! From bytes to commands: a client's requests are taken in batches, whose keys are fetched into the cache
//! together before the first of them runs.

use std::ops::Range;
use std::time::Instant;

use keyspace::KeyHash;
use smallvec::SmallVec;

use crate::client::{ClientId, Close};
use crate::command::{Command, Flags};
use crate::dispatch::Outcome;
use crate::engine::Engine;
use crate::error::Error;
use crate::lookup::Foreseen;
use crate::resp::{Limits, Parser, ProtocolError, Request, Version, Writer};

/// How many requests of a pipeline are parsed before the first is executed.
pub(crate) const BATCH: usize = 16;
/// Requests of up to this many arguments are passed on without an allocation.
const FEW: usize = 16;

/// A request, and where in the buffer it begins and ends.
#[derive(Debug)]
pub(crate) struct Taken {
    request: Request,
    start: usize,
    end: usize,
}

/// What is known of a request before it runs.
#[derive(Clone, Copy, Debug)]
struct Hint {
    command: Option<&'static Command>,
    /// The hash of its first key, where that is known.
    foreseen: Option<Foreseen>,
}

impl Engine {
    /// Takes bytes that a client has sent, and executes every request that they complete.
    ///
    /// Bytes of a client that is to be closed are ignored, as are those of one that is gone. Those of one that waits
    /// are kept until it doesn't.
    pub fn receive(&mut self, id: ClientId, bytes: &[u8]) {
        let Some(client) = self.clients.get_mut(id).filter(|client| client.close.is_none()) else { return };
        client.last_interaction = Instant::now();
        self.stats.net_input_bytes += bytes.len() as u64;
        self.clock.refresh();
        if self.is_waiting(id) {
            self.keep(id, bytes);
            self.limit_input(id);
            self.recount_client(id);
            self.evict_clients();
        } else {
            self.process(id, bytes);
        }
        self.settle();
    }

    /// Goes on with the requests of a client that were kept while it waited.
    pub(crate) fn resume(&mut self, id: ClientId) {
        let is_open = self.clients.get(id).is_some_and(|client| client.close.is_none());
        if is_open && !self.is_waiting(id) {
            self.process(id, b"");
        }
    }

    /// Keeps bytes for later.
    fn keep(&mut self, id: ClientId, bytes: &[u8]) {
        self.connected_mut(id).input.extend_from_slice(bytes);
    }

    /// Keeps a request for later, as the bytes that a socket would have brought.
    pub(crate) fn keep_request(&mut self, id: ClientId, args: &[&[u8]]) {
        let mut request = Writer::new(Vec::new(), Version::V2);
        request.array(args.len());
        args.iter().for_each(|arg| request.bulk(arg));
        self.keep(id, &request.into_inner());
    }

    /// Executes the requests that `bytes` complete, and keeps what is left.
    fn process(&mut self, id: ClientId, bytes: &[u8]) {
        self.last_end = None;
        let client = self.connected_mut(id);
        let mut pending = std::mem::take(&mut client.input);
        let mut parser = std::mem::take(&mut client.parser);
        if pending.is_empty() {
            self.run(id, &mut parser, bytes);
            pending = bytes[parser.unfinished()..].to_vec();
        } else {
            let wanted = parser.wanted(pending.len()).max(bytes.len());
            if !bytes.is_empty() {
                pending.reserve_exact(wanted.min(bytes.len().max(pending.len())));
                pending.extend_from_slice(bytes);
            }
            self.run(id, &mut parser, &pending);
            let done = parser.unfinished();
            pending.drain(..done);
            if pending.is_empty() {
                pending = Vec::new();
            }
        }
        parser.forget();
        let Some(client) = self.clients.get_mut(id).filter(|client| client.close.is_none()) else { return };
        client.input = pending;
        client.parser = parser;
        self.limit_input(id);
        self.recount_client(id);
        self.evict_clients();
    }

    /// Closes a client that has sent too much that is no complete request.
    fn limit_input(&mut self, id: ClientId) {
        let limit = self.config.client_query_buffer_limit;
        let client = self.connected_mut(id);
        if client.input.len() as u64 > limit {
            client.close = Some(Close::Now);
            (client.input, client.parser) = (Vec::new(), Parser::default());
            self.stats.query_buffer_limit_disconnections += 1;
        }
    }

    /// Executes the complete requests in `buffer`, until the client is to be closed or has to wait.
    fn run(&mut self, id: ClientId, parser: &mut Parser, buffer: &[u8]) {
        let mut batch = std::mem::take(&mut self.batch);
        loop {
            let broken = self.next_batch(id, parser, buffer, &mut batch);
            if batch.is_empty() && broken.is_none() {
                break;
            }
            let hints = self.prefetch(id, parser.ranges(), buffer, &batch);
            let mut held = None;
            for (Hint { command, foreseen }, Taken { request, start, end }) in
                hints.into_iter().zip(batch.drain(..))
            {
                self.foreseen = foreseen;
                let outcome = match request {
                    Request::Array(at) => {
                        let args: SmallVec<[&[u8]; FEW]> =
                            parser.ranges()[at].iter().map(|range| &buffer[range.clone()]).collect();
                        self.execute_now(id, command, &args)
                    }
                    Request::Inline(args) => {
                        let args: SmallVec<[&[u8]; FEW]> = args.iter().map(Vec::as_slice).collect();
                        self.execute_now(id, command, &args)
                    }
                };
                if outcome == Outcome::Postponed {
                    held = Some(start);
                } else if self.is_waiting(id) {
                    held = Some(end);
                }
                if held.is_some() || self.closing(id).is_some() {
                    break;
                }
            }
            self.foreseen = None;
            if let Some(client) = self.clients.get_mut(id) {
                client.ahead = if held.is_some() { 1 } else { (client.ahead * 2).min(BATCH) };
            }
            if let Some(position) = held {
                parser.rewind(position);
                break;
            }
            if self.closing(id).is_some() {
                break;
            }
            if let Some(error) = broken {
                self.refuse(id, &error);
                break;
            }
        }
        batch.clear();
        self.batch = batch;
    }

    /// Parses a batch of requests; gives the fault that ended it early, if one did.
    fn next_batch(
        &self,
        id: ClientId,
        parser: &mut Parser,
        buffer: &[u8],
        batch: &mut Vec<Taken>,
    ) -> Option<ProtocolError> {
        let authenticated = !self.must_authenticate(id);
        // A key's length has 32 bits.
        let max_bulk_len = self.config.proto_max_bulk_len.min(u32::MAX.into());
        let limits = Limits { max_bulk_len, authenticated };
        // What one request grants to those after it can be seen only when it has run.
        let ahead = self.clients.get(id).map_or(1, |client| client.ahead);
        let size = if authenticated { ahead } else { 1 };
        while batch.len() < size {
            let start = parser.unfinished();
            match parser.next(buffer, limits) {
                Ok(Some(request)) => batch.push(Taken { request, start, end: parser.unfinished() }),
                Ok(None) => break,
                Err(error) => return Some(error),
            }
        }
        None
    }

    /// Finds the batch's commands, and begins to load what they will look up, so that their cache misses overlap. One
    /// request alone has nobody to overlap with.
    fn prefetch(
        &self,
        id: ClientId,
        ranges: &[Range<usize>],
        buffer: &[u8],
        batch: &[Taken],
    ) -> SmallVec<[Hint; BATCH]> {
        let client = self.clients.get(id).filter(|_| batch.len() > 1);
        let db = client.map(|client| self.keyspace.db(client.db));
        let mut hashes: SmallVec<[KeyHash; BATCH]> = SmallVec::new();
        // Pipelines often consist of one command, which is looked up once then.
        let mut last: (&[u8], Option<&'static Command>) = (b"", None);
        let foresee = |taken: &Taken| {
            let at = match &taken.request {
                Request::Array(at) => at.clone(),
                Request::Inline(args) => {
                    let command = args.first().and_then(|name| self.commands.command(name));
                    return Hint { command, foreseen: None };
                }
            };
            let name = ranges[at.clone()].first().map_or(&b""[..], |name| &buffer[name.clone()]);
            if name != last.0 {
                last = (name, self.commands.command(name));
            }
            let command = last.1;
            let touches_keys = |command: &Command| command.flags.intersects(Flags::WRITE | Flags::READONLY);
            let (Some(db), true, [_, key, ..]) = (db, command.is_some_and(touches_keys), &ranges[at]) else {
                return Hint { command, foreseen: None };
            };
            let key = &buffer[key.clone()];
            let hash = db.hash_key(key);
            db.prefetch_bucket(hash);
            hashes.push(hash);
            Hint { command, foreseen: Some(Foreseen::new(key, hash)) }
        };
        let hints = batch.iter().map(foresee).collect();
        if let Some(db) = db {
            hashes.into_iter().for_each(|hash| db.prefetch_entry(hash));
        }
        hints
    }

    /// Answers a request that is none, and closes the connection behind the answer.
    fn refuse(&mut self, id: ClientId, error: &ProtocolError) {
        let Some(client) = self.clients.get_mut(id) else { return };
        let bytes = std::mem::take(&mut client.output.bytes);
        let mut reply = Writer::new(bytes, client.version);
        self.fail(&mut reply, &Error::new(format!("ERR {error}")));
        let client = self.connected_mut(id);
        client.output.bytes = reply.into_inner();
        client.close = Some(Close::AfterReply);
    }
}
