//! Events of the server as a whole, for whoever hosts modules, and what modules have put off until a command is done.

use crate::client::ClientId;
use crate::engine::Engine;
use crate::lookup::is_expired;

/// Something that happens to the server as a whole.
#[derive(Clone, Copy, Debug)]
pub enum ServerEvent<'a> {
    /// A database, or all of them where none is named, is about to be emptied.
    FlushBegins {
        /// The number of the database.
        db: Option<usize>,
        /// Whether the values are freed before the command ends.
        sync: bool,
    },
    /// It is empty.
    FlushEnds {
        /// The number of the database.
        db: Option<usize>,
        /// Whether the values are freed already.
        sync: bool,
    },
    /// A client has come.
    Connected(ClientId),
    /// A client is about to be forgotten.
    Disconnects(ClientId),
    /// The regular work is done, so many times a second.
    Cron {
        /// The directive `hz`.
        hz: u32,
    },
    /// A child process was forked off.
    ChildBegins,
    /// It is no more.
    ChildEnds,
    /// Two databases have exchanged their contents.
    Swapped(usize, usize),
    /// CONFIG SET has set these directives.
    ConfigSet(&'a [&'a str]),
    /// A key, which is still there, is about to go.
    KeyGoes {
        /// The number of the database.
        db: usize,
        /// The key.
        key: &'a [u8],
        /// Why it goes.
        why: Going,
    },
}

/// Why a key goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Going {
    /// It was removed.
    Deleted,
    /// Its time has come.
    Expired,
    /// There has to be room.
    Evicted,
    /// Another value takes the place of its value.
    Overwritten,
}

impl Engine {
    /// Has [`Modules::after_command`](crate::Modules::after_command) called when the command that runs is done, or
    /// whatever else the engine is at.
    pub fn call_after_command(&mut self) {
        self.is_deferred = true;
    }

    /// Does what was put off until now.
    #[inline]
    pub(crate) fn after_command(&mut self) {
        // What belongs to a command that lets others have their turn is done when that command is.
        if self.is_deferred && !self.is_letting_others_in() {
            self.do_deferred();
        }
    }

    #[cold]
    fn do_deferred(&mut self) {
        self.is_deferred = false;
        if let Some(modules) = self.modules.clone() {
            modules.after_command(self);
        }
    }

    /// Tells the host of modules.
    pub(crate) fn tell(&mut self, event: &ServerEvent<'_>) {
        if let Some(modules) = self.modules.clone() {
            modules.server_event(self, event);
        }
    }

    /// Whether anybody is to be told of keys before they go. Nobody is while one is told: what looks at a key then may
    /// find that its time has come.
    #[inline]
    pub(crate) fn foretells(&self) -> bool {
        self.foretells && !self.is_foretelling
    }

    /// Tells that a key is about to go, if it is there.
    #[inline]
    pub(crate) fn foretell(&mut self, db: usize, key: &[u8], why: Going) {
        if self.foretells() {
            self.tell_going(db, key, why);
        }
    }

    #[cold]
    fn tell_going(&mut self, db: usize, key: &[u8], why: Going) {
        let Some(entry) = self.keyspace.db(db).find(key) else { return };
        let is_over = is_expired(entry, self.clock.now_ms());
        let why = if is_over && why == Going::Overwritten { Going::Expired } else { why };
        self.is_foretelling = true;
        self.tell(&ServerEvent::KeyGoes { db, key, why });
        self.is_foretelling = false;
    }

    /// The same of a key that a look-up is about to remove because its time has come.
    #[inline]
    pub(crate) fn foretell_expiry(&mut self, db: usize, key: &[u8]) {
        if self.foretells() && !self.is_paused() {
            let entry = self.keyspace.db(db).find(key);
            if entry.is_some_and(|entry| is_expired(entry, self.clock.now_ms())) {
                self.tell_going(db, key, Going::Expired);
            }
        }
    }
}
