//! What a command may do, where it may run, and which ACL categories it belongs to.

use bitflags::bitflags;

bitflags! {
    /// What a command does and where it may run; bits are in the order in which COMMAND INFO lists them.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct Flags: u32 {
        /// Changes data.
        const WRITE = 1;
        /// Reads data and changes none.
        const READONLY = 1 << 1;
        /// May need memory: refused when there is none to give.
        const DENYOOM = 1 << 2;
        /// A module's.
        const MODULE = 1 << 18;
        /// For the operator of a server.
        const ADMIN = 1 << 3;
        /// Publishes or subscribes.
        const PUBSUB = 1 << 4;
        /// Not for scripts.
        const NOSCRIPT = 1 << 5;
        /// May wait.
        const BLOCKING = 1 << 6;
        /// Runs while data is being loaded.
        const LOADING = 1 << 7;
        /// Runs on a replica that has lost its primary.
        const STALE = 1 << 8;
        /// Not shown to MONITOR.
        const SKIP_MONITOR = 1 << 9;
        /// Not shown in SLOWLOG.
        const SKIP_SLOWLOG = 1 << 10;
        /// Takes time that is constant, or logarithmic.
        const FAST = 1 << 11;
        /// Runs before the client has authenticated.
        const NO_AUTH = 1 << 12;
        /// May be replicated although it doesn't write.
        const MAY_REPLICATE = 1 << 13;
        /// Accepts a call without keys, although it has key positions.
        const NO_MANDATORY_KEYS = 1 << 14;
        /// Not while data is being loaded in the background.
        const NO_ASYNC_LOADING = 1 << 15;
        /// Not inside MULTI.
        const NO_MULTI = 1 << 16;
        /// Runs while a script is busy.
        const ALLOW_BUSY = 1 << 17;
    }
}

bitflags! {
    /// The ACL categories, as `@name` in COMMAND INFO; bits are in the order in which it lists them.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct Categories: u64 {
        /// Keys as such, whatever their values.
        const KEYSPACE = 1;
        /// Commands that read data.
        const READ = 1 << 1;
        /// Commands that change data.
        const WRITE = 1 << 2;
        /// Sets.
        const SET = 1 << 3;
        /// Sorted sets.
        const SORTEDSET = 1 << 4;
        /// Lists.
        const LIST = 1 << 5;
        /// Hashes.
        const HASH = 1 << 6;
        /// Strings.
        const STRING = 1 << 7;
        /// Strings as rows of bits.
        const BITMAP = 1 << 8;
        /// HyperLogLog counters.
        const HYPERLOGLOG = 1 << 9;
        /// Places on the globe.
        const GEO = 1 << 10;
        /// Streams.
        const STREAM = 1 << 11;
        /// Publishing and subscribing.
        const PUBSUB = 1 << 12;
        /// For the operator of a server.
        const ADMIN = 1 << 13;
        /// Commands that take constant or logarithmic time.
        const FAST = 1 << 14;
        /// Commands that aren't fast.
        const SLOW = 1 << 15;
        /// Commands that may wait.
        const BLOCKING = 1 << 16;
        /// Commands that can disturb other clients or lose much data.
        const DANGEROUS = 1 << 17;
        /// The connection, or other connections.
        const CONNECTION = 1 << 18;
        /// MULTI and its kin.
        const TRANSACTION = 1 << 19;
        /// Scripts.
        const SCRIPTING = 1 << 20;
    }
}

impl Categories {
    /// How many there can be, those that modules add included.
    pub const MOST: usize = 64;

    /// The category that was added at this place among those that were; `None` where there is no room for it.
    pub(crate) fn added(place: usize) -> Option<Self> {
        let bit = Self::all().bits().count_ones() as usize + place;
        (bit < Self::MOST).then(|| Self::from_bits_retain(1 << bit))
    }

    /// The categories that follow from a command's flags: what writes is `@write`, and so on; every command
    /// is either `@fast` or `@slow`.
    pub const fn implied_by(flags: Flags) -> Self {
        let speed = if flags.contains(Flags::FAST) { Self::FAST } else { Self::SLOW };
        let implied = [
            (Flags::WRITE, Self::WRITE),
            (Flags::READONLY, Self::READ),
            (Flags::ADMIN, Self::ADMIN.union(Self::DANGEROUS)),
            (Flags::PUBSUB, Self::PUBSUB),
            (Flags::BLOCKING, Self::BLOCKING),
        ];
        let mut categories = speed;
        let mut at = 0;
        while at < implied.len() {
            if flags.contains(implied[at].0) {
                categories = categories.union(implied[at].1);
            }
            at += 1;
        }
        categories
    }
}
