//! Clients that wait: for a key, for a thread, for time to pass. Whoever came first is served first.
//!
//! A command that has nothing to answer yet calls [`Context::wait`] with a [`Waiter`], and replies nothing. The
//! client's requests are kept from then on, until the wait ends in one of these ways:
//!
//! - a key that it waits for is signalled ([`Engine::signal_key`]) and the waiter finds what it needs there;
//! - a thread that holds the wait's [`Ticket`] ends it through an [`Unblocker`];
//! - its time is up, by the data clock;
//! - somebody calls CLIENT UNBLOCK;
//! - the client is gone: the waiter is told, and dropped.

use std::any::Any;
use std::collections::{BTreeSet, VecDeque};
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use crate::client::{Client, ClientId};
use crate::command::Command;
use crate::context::Context;
use crate::engine::Engine;
use crate::error::Error;
use crate::names::{Name, NameMap, Seeded, block, shrink, vec_memory};

/// What a thread has to say to the client that waited for it.
pub type News = Box<dyn Any + Send>;

/// What a waiting client does when something happens. An error that is returned becomes the reply.
pub trait Waiter: fmt::Debug {
    /// A key that it waits for was signalled. Says whether that was enough: then it has replied, and the wait is over.
    ///
    /// # Errors
    /// What the client is to be told; the wait is over then, too.
    fn key_ready(&mut self, context: &mut Context<'_>, db: usize, key: &[u8]) -> Result<bool, Error> {
        let _ = (context, db, key);
        Ok(false)
    }

    /// A thread has ended the wait: replies.
    ///
    /// # Errors
    /// What the client is to be told.
    fn woken(&mut self, context: &mut Context<'_>, news: News) -> Result<(), Error> {
        drop(news);
        self.timed_out(context)
    }

    /// Its time is up, or CLIENT UNBLOCK says so: replies.
    ///
    /// # Errors
    /// What the client is to be told.
    fn timed_out(&mut self, context: &mut Context<'_>) -> Result<(), Error>;

    /// The wait is over, and the waiter isn't asked for a reply: the client is gone, or is told of an error.
    fn ended(&mut self, engine: &mut Engine) {
        let _ = engine;
    }

    /// Whether [`Self::key_ready`] is asked too when a key that it waits for is removed.
    fn wants_removals(&self) -> bool {
        false
    }

    /// Whether CLIENT UNBLOCK may end the wait.
    fn may_be_unblocked(&self) -> bool {
        true
    }
}

/// Names one wait of one client, for as long as it lasts; no other wait ever has the same name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Ticket {
    /// The order in which waits began.
    number: u64,
    id: ClientId,
}

/// Ends waits from other threads.
#[derive(Clone, Debug)]
pub struct Unblocker {
    mailbox: Arc<Mailbox>,
}

impl Unblocker {
    /// Ends a wait, as soon as the engine is next called. One that is over already is no error: the news is dropped.
    pub fn unblock(&self, ticket: Ticket, news: News) {
        self.mailbox.letters().push((ticket, news));
        (self.mailbox.wake)();
    }
}

/// What threads have sent and the engine hasn't seen.
struct Mailbox {
    letters: Mutex<Vec<(Ticket, News)>>,
    /// Has the engine's owner call it.
    wake: Box<dyn Fn() + Send + Sync>,
}

impl Mailbox {
    fn letters(&self) -> std::sync::MutexGuard<'_, Vec<(Ticket, News)>> {
        // A vector is as good after a panic as before it.
        self.letters.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Mailbox {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Mailbox").field("letters", &self.letters().len()).finish_non_exhaustive()
    }
}

/// One client's wait.
#[derive(Debug)]
pub(crate) struct Wait {
    ticket: Ticket,
    /// When it ends, in milliseconds since 1970 by the data clock.
    deadline: Option<i64>,
    keys: Vec<(usize, Name)>,
    command: &'static Command,
    /// Away while it is being asked.
    waiter: Option<Box<dyn Waiter>>,
}

impl Wait {
    /// The bytes that it holds, apart from the waiter's own.
    pub(crate) fn memory(&self) -> usize {
        let waiter = self.waiter.as_ref().map_or(0, |waiter| block(size_of_val(&**waiter)));
        block(size_of::<Self>()) + vec_memory(&self.keys) + waiter
    }
}

/// What kind of value an entry has: a string, or a module's of some type.
fn kind_of(entry: keyspace::EntryRef<'_>) -> Option<u64> {
    entry.module().map(|value| value.kind().id())
}

/// Everyone who waits.
#[derive(Debug)]
pub(crate) struct Waits {
    last: u64,
    databases: Vec<NameMap<BTreeSet<Ticket>>>,
    deadlines: BTreeSet<(i64, Ticket)>,
    count: usize,
    /// Keys that were signalled since waiting clients were last asked, each once.
    signalled: Vec<(usize, Name)>,
    /// Keys that were removed, in the same way.
    removed: Vec<(usize, Name)>,
    /// Waits that a command has ended; with an error, or as if their time were up.
    ending: Vec<(Ticket, Option<Error>)>,
    /// Clients whose wait is over, and whose requests have been kept meanwhile.
    released: VecDeque<ClientId>,
    mailbox: Arc<Mailbox>,
}

impl Waits {
    pub(crate) fn new(databases: usize, hasher: &Seeded, wake: Box<dyn Fn() + Send + Sync>) -> Self {
        Self {
            last: 0,
            databases: (0..databases).map(|_| NameMap::with_hasher(hasher.clone())).collect(),
            deadlines: BTreeSet::new(),
            count: 0,
            signalled: Vec::new(),
            removed: Vec::new(),
            ending: Vec::new(),
            released: VecDeque::new(),
            mailbox: Arc::new(Mailbox { letters: Mutex::default(), wake }),
        }
    }

    /// How many clients wait.
    pub(crate) fn len(&self) -> usize {
        self.count
    }

    /// How many of them won't for ever.
    pub(crate) fn with_deadline(&self) -> usize {
        self.deadlines.len()
    }

    fn insert(&mut self, wait: &Wait) {
        self.count += 1;
        self.deadlines.extend(wait.deadline.map(|deadline| (deadline, wait.ticket)));
        for (db, key) in &wait.keys {
            self.databases[*db].entry(Name::clone(key)).or_default().insert(wait.ticket);
        }
    }

    fn remove(&mut self, wait: &Wait) {
        self.count -= 1;
        if let Some(deadline) = wait.deadline {
            self.deadlines.remove(&(deadline, wait.ticket));
        }
        for (db, key) in &wait.keys {
            let table = &mut self.databases[*db];
            if let Some(tickets) = table.get_mut(key) {
                tickets.remove(&wait.ticket);
                if tickets.is_empty() {
                    table.remove(key);
                    shrink(table);
                }
            }
        }
    }
}

impl Context<'_> {
    /// Whether the client may wait: see [`Engine::may_wait`].
    pub fn may_wait(&self) -> bool {
        self.engine.may_wait(self.id)
    }

    /// Has the client wait: for one of these keys of the selected database, for whoever holds the ticket, and until
    /// `timeout` has passed, if there is one. The command that calls this replies nothing. Nor does a waiter that calls
    /// this when its wait has come to an end: a new one begins in its place.
    ///
    /// # Panics
    /// When the client may not wait, or does so already.
    pub fn wait(&mut self, keys: &[&[u8]], timeout: Option<Duration>, waiter: Box<dyn Waiter>) -> Ticket {
        let old = self.client_mut().wait.take();
        assert!(
            self.may_wait() && old.as_ref().is_none_or(|old| old.waiter.is_none()),
            "the client can wait"
        );
        if let Some(old) = old {
            self.engine.waits.remove(&old);
        }
        let db = self.selected();
        let now = self.engine.clock.now_ms();
        let after =
            |timeout: Duration| now.saturating_add(i64::try_from(timeout.as_millis()).unwrap_or(i64::MAX));
        self.engine.waits.last += 1;
        let ticket = Ticket { number: self.engine.waits.last, id: self.id };
        let wait = Wait {
            ticket,
            deadline: timeout.map(after),
            keys: keys.iter().map(|&key| (db, Name::from(key))).collect(),
            command: self.command,
            waiter: Some(waiter),
        };
        self.engine.waits.insert(&wait);
        self.client_mut().wait = Some(Box::new(wait));
        ticket
    }
}

impl Engine {
    /// What ends waits from other threads.
    pub fn unblocker(&self) -> Unblocker {
        Unblocker { mailbox: Arc::clone(&self.waits.mailbox) }
    }

    /// Whether a client may wait: not within a transaction, which holds up everyone else, and for a command that a
    /// module calls only if that takes a promise for a reply.
    pub fn may_wait(&self, id: ClientId) -> bool {
        let is_free =
            |client: &Client| client.transaction.is_none() && (client.is_promised || !self.is_inner(id));
        self.clients.get(id).is_some_and(is_free)
    }

    /// Ends a wait at once, as [`Unblocker::unblock`] does later; says whether it was still on. Not to be called while
    /// a command runs.
    pub fn end_wait(&mut self, ticket: Ticket, news: News) -> bool {
        let wait = self.clients.get(ticket.id).and_then(|client| client.wait.as_ref());
        let is_on = wait.is_some_and(|wait| wait.ticket == ticket);
        self.finish(ticket, |waiter, context| waiter.woken(context, news));
        is_on
    }

    /// Says that a key may now hold what clients wait for. They are asked when the command that runs is done.
    pub fn signal_key(&mut self, db: usize, key: &[u8]) {
        let Some((name, _)) = self.waits.databases[db].get_key_value(key) else { return };
        let signal = (db, Name::clone(name));
        if !self.waits.signalled.contains(&signal) {
            self.waits.signalled.push(signal);
        }
    }

    /// Says that a key has been removed, which is enough for some who wait for it.
    #[inline]
    pub(crate) fn signal_removal(&mut self, db: usize, key: &[u8]) {
        if let Some((name, _)) = self.waits.databases[db].get_key_value(key) {
            self.waits.removed.push((db, Name::clone(name)));
        }
    }

    /// Says that every key of a database is about to be removed.
    pub(crate) fn signal_all_removals(&mut self, db: usize) {
        let keyspace = self.keyspace.db(db);
        let awaited = self.waits.databases[db].keys().filter(|name| keyspace.find(name).is_some());
        let removed: Vec<_> = awaited.map(|name| (db, Name::clone(name))).collect();
        self.waits.removed.extend(removed);
    }

    /// Says that what is in a database is about to give way to what is in another. Keys that aren't there afterwards,
    /// or have values of other types, are removed for those who wait for that.
    pub(crate) fn signal_replaced(&mut self, db: usize, by: usize) {
        let (before, after) = (self.keyspace.db(db), self.keyspace.db(by));
        let awaited = self.waits.databases[db].keys().filter(|name| {
            let kind = |db: &keyspace::Db| db.find(name).map(kind_of);
            before.find(name).is_some() && kind(before) != kind(after)
        });
        let removed: Vec<_> = awaited.map(|name| (db, Name::clone(name))).collect();
        self.waits.removed.extend(removed);
    }

    /// Says that a database holds what another held. Those who wait for keys are asked where a module's value is what
    /// they have now, as when it is stored.
    pub(crate) fn signal_arrived(&mut self, db: usize) {
        let keyspace = self.keyspace.db(db);
        let is_awaited = |name: &&Name| keyspace.find(name).is_some_and(|entry| entry.module().is_some());
        let ready: Vec<_> = self.waits.databases[db].keys().filter(is_awaited).map(Name::clone).collect();
        ready.iter().for_each(|key| self.signal_key(db, key));
    }

    /// Says that a value was stored under a key that had none. As in Redis, those who wait for the key are asked if it
    /// is a module's: a string is no value that anybody waits for of itself.
    #[inline]
    pub(crate) fn signal_stored(&mut self, db: usize, key: &[u8]) {
        if self.waits.count != 0
            && self.keyspace.db(db).find(key).is_some_and(|entry| entry.module().is_some())
        {
            self.signal_key(db, key);
        }
    }

    /// Serves the clients whose wait a thread or the clock has ended, and says how long it is until the clock ends
    /// the next one. A server calls this in every round of its event loop.
    pub fn attend(&mut self) -> Option<Duration> {
        self.attend_modules();
        let letters = std::mem::take(&mut *self.waits.mailbox.letters());
        let due = self.next_deadline();
        if !letters.is_empty() || due.is_some() {
            self.clock.refresh();
            for (ticket, news) in letters {
                self.finish(ticket, |waiter, context| waiter.woken(context, news));
            }
            self.end_pause_in_time();
            self.end_waits_in_time();
            self.settle();
        }
        self.until_due()
    }

    /// How long it is until the clock ends a wait, or a module has something to do. Commands that have run since
    /// [`Engine::attend`] said so may have changed it.
    pub fn until_due(&self) -> Option<Duration> {
        let until = |deadline: i64| deadline.saturating_sub(self.clock.now_ms());
        let due = self.next_deadline().map(|deadline| u64::try_from(until(deadline)).unwrap_or(0));
        let modules = self.modules.as_ref().and_then(|modules| modules.until_due(self));
        due.map(Duration::from_millis).into_iter().chain(modules).min()
    }

    /// Has modules do what is due, and serves those whom that, or a thread, has signalled.
    fn attend_modules(&mut self) {
        /// How many commands of a client that wait, and are done at once, follow each other before others have a turn.
        const ROUNDS: usize = 16;

        let Some(modules) = self.modules.clone() else { return };
        for _ in 0..ROUNDS {
            modules.attend(self);
            self.serve_waiting();
            self.settle();
            if !modules.has_more() {
                break;
            }
        }
    }

    /// When a wait, or the pause, is to end, in milliseconds since 1970.
    fn next_deadline(&self) -> Option<i64> {
        let wait = self.waits.deadlines.first().map(|&(deadline, _)| deadline);
        let pause = self.pause.as_ref().map(|pause| pause.end);
        wait.into_iter().chain(pause).min()
    }

    fn end_waits_in_time(&mut self) {
        let now = self.clock.now_ms();
        while let Some(&(deadline, ticket)) = self.waits.deadlines.first() {
            if deadline > now {
                break;
            }
            self.finish(ticket, |waiter, context| waiter.timed_out(context));
        }
    }

    /// Ends a client's wait as CLIENT UNBLOCK does: as if its time were up, or with an error, when the command that
    /// runs is done. Says whether the client waited.
    pub(crate) fn unblock(&mut self, id: ClientId, error: Option<Error>) -> bool {
        let wait = self.clients.get(id).and_then(|client| client.wait.as_deref());
        // One that is away is being asked, and may have ended the wait.
        let may_end = |wait: &&Wait| wait.waiter.as_ref().is_none_or(|waiter| waiter.may_be_unblocked());
        let Some(ticket) = wait.filter(may_end).map(|wait| wait.ticket) else { return false };
        let is_first = self.waits.ending.iter().all(|&(other, _)| other != ticket);
        if is_first {
            self.waits.ending.push((ticket, error));
        }
        is_first
    }

    /// Whether the client's requests are to be kept for later.
    #[inline]
    pub(crate) fn is_waiting(&self, id: ClientId) -> bool {
        self.clients.get(id).is_some_and(|client| client.wait.is_some() || client.is_postponed)
    }

    /// Serves those whose wait a command has ended, or has signalled the keys of, in the order in which they came.
    #[inline]
    pub(crate) fn serve_waiting(&mut self) {
        let waits = &self.waits;
        if !(waits.signalled.is_empty() && waits.ending.is_empty() && waits.removed.is_empty()) {
            self.serve_all();
        }
    }

    #[cold]
    fn serve_all(&mut self) {
        for (ticket, error) in std::mem::take(&mut self.waits.ending) {
            self.finish(ticket, |waiter, context| match error {
                Some(error) => {
                    waiter.ended(context.engine);
                    Err(error)
                }
                None => waiter.timed_out(context),
            });
        }
        while !(self.waits.signalled.is_empty() && self.waits.removed.is_empty()) {
            for (db, key) in std::mem::take(&mut self.waits.signalled) {
                self.ask_all(db, &key, |_| true);
            }
            for (db, key) in std::mem::take(&mut self.waits.removed) {
                self.ask_all(db, &key, |waiter| waiter.wants_removals());
            }
        }
    }

    /// Asks those who wait for a key whether they are content with it, if they are to be asked.
    fn ask_all(&mut self, db: usize, key: &Name, is_asked: impl Fn(&dyn Waiter) -> bool) {
        let tickets: Vec<Ticket> = match self.waits.databases[db].get(key) {
            Some(tickets) => tickets.iter().copied().collect(),
            None => return,
        };
        for ticket in tickets {
            self.ask(
                ticket,
                |waiter, context| {
                    if is_asked(waiter) { waiter.key_ready(context, db, key) } else { Ok(false) }
                },
            );
        }
    }

    /// Ends a wait with a reply.
    fn finish(
        &mut self,
        ticket: Ticket,
        reply: impl FnOnce(&mut dyn Waiter, &mut Context<'_>) -> Result<(), Error>,
    ) {
        self.ask(ticket, |waiter, context| reply(waiter, context).map(|()| true));
    }

    /// Has a waiter do something, and ends the wait if that says so or fails. A wait that is over asks nobody.
    fn ask(
        &mut self,
        ticket: Ticket,
        question: impl FnOnce(&mut dyn Waiter, &mut Context<'_>) -> Result<bool, Error>,
    ) {
        let id = ticket.id;
        let Some(client) = self.clients.get_mut(id) else { return };
        let Some(wait) = client.wait.as_mut().filter(|wait| wait.ticket == ticket) else { return };
        let Some(mut waiter) = wait.waiter.take() else { return };
        let command = wait.command;
        let reply = self.begin_reply(id);
        let start = reply.len();
        let mut context = Context { engine: self, id, command, reply, is_push: false };
        let outcome = question(&mut *waiter, &mut context);
        let Context { mut reply, .. } = context;
        let is_over = outcome.unwrap_or_else(|error| {
            reply.truncate(start);
            self.fail(&mut reply, &error);
            true
        });
        self.mute(id, &mut reply, start);
        self.send_pending(id);
        self.end_reply(id, reply);
        let wait = self.connected_mut(id).wait.as_mut();
        let has_another = wait.as_ref().is_some_and(|wait| wait.ticket != ticket);
        if is_over && !has_another {
            self.count_reply(id);
            self.release(id);
        } else if let Some(wait) = wait.filter(|_| !has_another) {
            wait.waiter = Some(waiter);
        }
    }

    /// Lets a client go on, whatever it waited for.
    pub(crate) fn release(&mut self, id: ClientId) {
        let Some(client) = self.clients.get_mut(id) else { return };
        client.is_postponed = false;
        if let Some(wait) = client.wait.take() {
            self.waits.remove(&wait);
        }
        self.waits.released.push_back(id);
        self.announce(id);
    }

    /// Ends the wait of a client that is going.
    pub(crate) fn abandon_wait(&mut self, id: ClientId) {
        let Some(wait) = self.clients.get_mut(id).and_then(|client| client.wait.take()) else { return };
        self.waits.remove(&wait);
        if let Some(mut waiter) = wait.waiter {
            waiter.ended(self);
        }
    }

    /// Does what commands have left to be done when they are over: those who waited go on with their requests, and
    /// what they change may release others.
    pub(crate) fn settle(&mut self) {
        self.release_kept();
        while let Some(id) = self.waits.released.pop_front() {
            if self.is_inner(id) { self.keep_promise(id) } else { self.resume(id) }
        }
        self.broadcast_invalidations();
    }
}
