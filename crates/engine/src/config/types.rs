//! The types of those settings that are more than a number, a flag or a text.

use super::value::Value;

/// A type that a field of [`Config`](super::Config) may have: it converts from and to the
/// [`Value`] that a directive's [`Kind`](super::value::Kind) parses.
///
/// A field's type and its directive's kind are paired in the table of directives; the
/// conversion of a variant that the kind never yields leaves the field as it is.
pub(super) trait Setting {
    /// The setting as the directive's value.
    fn value(&self) -> Value;
    /// Takes a value that the directive's kind has checked.
    fn assign(&mut self, value: Value);
}

impl Setting for bool {
    fn value(&self) -> Value {
        Value::YesNo(*self)
    }

    fn assign(&mut self, value: Value) {
        if let Value::YesNo(yes) = value {
            *self = yes;
        }
    }
}

/// Integers; the directive's bounds lie within the type's.
macro_rules! integer_setting {
    ($($integer:ty),*) => {$(
        impl Setting for $integer {
            fn value(&self) -> Value {
                Value::Integer(i64::try_from(*self).unwrap_or(i64::MAX))
            }

            fn assign(&mut self, value: Value) {
                if let Value::Integer(number) = value
                    && let Ok(number) = <$integer>::try_from(number)
                {
                    *self = number;
                }
            }
        }
    )*};
}

integer_setting!(u16, u32, u64, i64);

/// A number of bytes, or a share of the memory limit (`maxmemory-clients`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MemoryShare {
    /// Bytes; 0 is no limit.
    Bytes(u64),
    /// Hundredths of `maxmemory`; no limit where that is none.
    Percent(u8),
}

impl Setting for MemoryShare {
    fn value(&self) -> Value {
        match self {
            Self::Bytes(bytes) => bytes.value(),
            Self::Percent(percent) => Value::Percent(*percent),
        }
    }

    fn assign(&mut self, value: Value) {
        match value {
            Value::Integer(bytes) => *self = Self::Bytes(u64::try_from(bytes).unwrap_or(0)),
            Value::Percent(percent) => *self = Self::Percent(percent),
            _ => {}
        }
    }
}

impl Setting for Vec<u8> {
    fn value(&self) -> Value {
        Value::Text(self.clone())
    }

    fn assign(&mut self, value: Value) {
        if let Value::Text(text) = value {
            *self = text;
        }
    }
}

/// A list of names; the directive's check has seen that they are UTF-8.
impl Setting for Vec<String> {
    fn value(&self) -> Value {
        Value::Words(self.iter().map(|word| word.clone().into_bytes()).collect())
    }

    fn assign(&mut self, value: Value) {
        if let Value::Words(words) = value {
            *self = words.iter().map(|word| String::from_utf8_lossy(word).into_owned()).collect();
        }
    }
}

/// Declares an enumeration whose variants are words of the configuration.
macro_rules! choice {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident = $word:literal),* $(,)? }) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum $name { $($(#[$variant_doc])* $variant),* }

        impl $name {
            /// Every word, in the order in which an error lists them.
            pub const WORDS: &'static [&'static str] = &[$($word),*];

            /// The word that names this choice in the configuration.
            pub fn word(self) -> &'static str {
                match self { $(Self::$variant => $word),* }
            }
        }

        impl Setting for $name {
            fn value(&self) -> Value {
                Value::Choice(self.word())
            }

            fn assign(&mut self, value: Value) {
                if let Value::Choice(word) = value {
                    match word {
                        $($word => *self = Self::$variant,)*
                        _ => {}
                    }
                }
            }
        }
    };
}

choice! {
    /// Whose payloads RESTORE checks in full (`sanitize-dump-payload`), so that no module is shown a value that isn't
    /// whole.
    SanitizeDumpPayload {
        /// Nobody's.
        No = "no",
        /// Everybody's.
        Yes = "yes",
        /// Those of clients whose users haven't been excepted by `skip-sanitize-payload`.
        Clients = "clients",
    }
}

choice! {
    /// How much goes to the log (`loglevel`), from all to little.
    LogLevel {
        /// Everything, of use to developers.
        Debug = "debug",
        /// Connections and other frequent events.
        Verbose = "verbose",
        /// What an operator wants to know.
        Notice = "notice",
        /// Only what is critical.
        Warning = "warning",
    }
}

choice! {
    /// Which keys give way at the memory limit (`maxmemory-policy`). It also decides whether
    /// a key's access field holds a clock or a frequency, hence what OBJECT FREQ and OBJECT
    /// IDLETIME answer.
    MaxmemoryPolicy {
        /// The least recently used of the keys that can expire.
        VolatileLru = "volatile-lru",
        /// The least frequently used of the keys that can expire.
        VolatileLfu = "volatile-lfu",
        /// Any key that can expire.
        VolatileRandom = "volatile-random",
        /// The key that expires first.
        VolatileTtl = "volatile-ttl",
        /// The least recently used key.
        AllkeysLru = "allkeys-lru",
        /// The least frequently used key.
        AllkeysLfu = "allkeys-lfu",
        /// Any key.
        AllkeysRandom = "allkeys-random",
        /// None: commands that need memory fail.
        Noeviction = "noeviction",
    }
}

impl MaxmemoryPolicy {
    /// Whether keys carry an access frequency instead of an access time.
    pub fn is_lfu(self) -> bool {
        matches!(self, Self::VolatileLfu | Self::AllkeysLfu)
    }

    /// Whether only keys that can expire give way.
    pub fn is_volatile(self) -> bool {
        matches!(self, Self::VolatileLru | Self::VolatileLfu | Self::VolatileRandom | Self::VolatileTtl)
    }
}

choice! {
    /// Which channels a new user may use (`acl-pubsub-default`).
    PubsubDefault {
        /// All of them.
        Allchannels = "allchannels",
        /// None.
        Resetchannels = "resetchannels",
    }
}

choice! {
    /// Who may use something dangerous (`enable-debug-command` and its like).
    Protection {
        /// Nobody.
        No = "no",
        /// Everybody.
        Yes = "yes",
        /// Connections from the loopback interface or a unix socket.
        Local = "local",
    }
}

impl Protection {
    /// Whether a client may do it; `local` says that it is connected by loopback or unix
    /// socket.
    pub fn allows(self, local: bool) -> bool {
        match self {
            Self::No => false,
            Self::Yes => true,
            Self::Local => local,
        }
    }
}

/// When a client that doesn't read its replies is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OutputBufferLimit {
    /// Dropped at once past this many bytes; 0 is no limit.
    pub hard: u64,
    /// Dropped when past this many bytes for [`Self::soft_seconds`]; 0 is no limit.
    pub soft: u64,
    /// Seconds for which the soft limit may be passed.
    pub soft_seconds: u64,
}

/// `client-output-buffer-limit`: a limit for each class of clients.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ClientOutputBufferLimits {
    /// Ordinary clients.
    pub normal: OutputBufferLimit,
    /// Replicas, which the configuration calls `slave` as well as `replica`.
    pub replica: OutputBufferLimit,
    /// Clients that have subscribed to something.
    pub pubsub: OutputBufferLimit,
}

impl Default for ClientOutputBufferLimits {
    fn default() -> Self {
        const MIB: u64 = 1 << 20;
        let limit = |hard, soft, soft_seconds| OutputBufferLimit { hard, soft, soft_seconds };
        Self {
            normal: limit(0, 0, 0),
            replica: limit(256 * MIB, 64 * MIB, 60),
            pubsub: limit(32 * MIB, 8 * MIB, 60),
        }
    }
}

/// As words in groups of four: class, hard limit, soft limit, seconds. An assignment names
/// the classes that it changes and leaves the others.
impl Setting for ClientOutputBufferLimits {
    fn value(&self) -> Value {
        let mut words = Vec::with_capacity(12);
        for (class, limit) in [("normal", self.normal), ("slave", self.replica), ("pubsub", self.pubsub)] {
            words.push(class.as_bytes().to_vec());
            for number in [limit.hard, limit.soft, limit.soft_seconds] {
                words.push(number.to_string().into_bytes());
            }
        }
        Value::Words(words)
    }

    fn assign(&mut self, value: Value) {
        let Value::Words(words) = value else { return };
        let number = |word: &[u8]| str::from_utf8(word).ok().and_then(|word| word.parse().ok()).unwrap_or(0);
        for group in words.chunks_exact(4) {
            let limit = OutputBufferLimit {
                hard: number(&group[1]),
                soft: number(&group[2]),
                soft_seconds: number(&group[3]),
            };
            match group[0].as_slice() {
                b"normal" => self.normal = limit,
                b"slave" => self.replica = limit,
                b"pubsub" => self.pubsub = limit,
                _ => {}
            }
        }
    }
}
