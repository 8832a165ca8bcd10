//! The classes of keyspace notifications (`notify-keyspace-events`).

use bitflags::bitflags;

use super::types::Setting;
use super::value::{Reason, Value};

bitflags! {
    /// Which changes of keys are published, and where.
    #[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
    pub struct EventClasses: u32 {
        /// Any command that works on keys of every type, DEL and EXPIRE for instance (`g`).
        const GENERIC = 1;
        /// Strings (`$`).
        const STRING = 1 << 1;
        /// Lists (`l`).
        const LIST = 1 << 2;
        /// Sets (`s`).
        const SET = 1 << 3;
        /// Hashes (`h`).
        const HASH = 1 << 4;
        /// Sorted sets (`z`).
        const SORTED_SET = 1 << 5;
        /// Keys that were removed because their time had come (`x`).
        const EXPIRED = 1 << 6;
        /// Keys that were removed to make room (`e`).
        const EVICTED = 1 << 7;
        /// Streams (`t`).
        const STREAM = 1 << 8;
        /// Types of modules (`d`).
        const MODULE = 1 << 9;
        /// New keys (`n`).
        const NEW = 1 << 10;
        /// Published on the key's channel, `__keyspace@<db>__:<key>` (`K`).
        const KEYSPACE = 1 << 11;
        /// Published on the event's channel, `__keyevent@<db>__:<event>` (`E`).
        const KEYEVENT = 1 << 12;
        /// Look-ups for reading that find no key (`m`).
        const KEY_MISS = 1 << 13;
        /// What `A` stands for: all but new keys, misses and the two kinds of channels.
        const ALL = (1 << 10) - 1;
    }
}

/// The letter of each class, in the order in which CONFIG GET lists them.
const LETTERS: [(u8, EventClasses); 14] = [
    (b'g', EventClasses::GENERIC),
    (b'$', EventClasses::STRING),
    (b'l', EventClasses::LIST),
    (b's', EventClasses::SET),
    (b'h', EventClasses::HASH),
    (b'z', EventClasses::SORTED_SET),
    (b'x', EventClasses::EXPIRED),
    (b'e', EventClasses::EVICTED),
    (b't', EventClasses::STREAM),
    (b'd', EventClasses::MODULE),
    (b'n', EventClasses::NEW),
    (b'K', EventClasses::KEYSPACE),
    (b'E', EventClasses::KEYEVENT),
    (b'm', EventClasses::KEY_MISS),
];

impl EventClasses {
    /// The classes whose letters the text holds; `None` when one is no class's.
    fn parse(text: &[u8]) -> Option<Self> {
        text.iter().try_fold(Self::empty(), |classes, &letter| {
            let class = match letter {
                b'A' => Self::ALL,
                _ => LETTERS.iter().find(|(other, _)| *other == letter)?.1,
            };
            Some(classes | class)
        })
    }

    /// The letters as CONFIG GET shows them: as in Redis 7.0, `A` hides that new keys are published too.
    fn letters(self) -> Vec<u8> {
        let (hidden, all) = match self.contains(Self::ALL) {
            true => (Self::ALL | Self::NEW, Some(b'A')),
            false => (Self::empty(), None),
        };
        let is_shown = |class: Self| self.contains(class) && !hidden.contains(class);
        let rest = LETTERS.iter().filter(|(_, class)| is_shown(*class)).map(|(letter, _)| *letter);
        all.into_iter().chain(rest).collect()
    }
}

impl Setting for EventClasses {
    fn value(&self) -> Value {
        Value::Text(self.letters())
    }

    fn assign(&mut self, value: Value) {
        if let Value::Text(text) = value
            && let Some(classes) = Self::parse(&text)
        {
            *self = classes;
        }
    }
}

/// Checks the value of the directive.
pub(super) fn check(text: &[u8]) -> Result<Vec<u8>, Reason> {
    // As in Redis, what follows a zero byte isn't looked at.
    let text = crate::error::c_text(text);
    match EventClasses::parse(text) {
        Some(_) => Ok(text.to_vec()),
        None => Err("Invalid event class character. Use 'Ag$lshzxeKEtmdn'.".into()),
    }
}
