//! Where a command's keys stand among its arguments, and what it does with them.

use bitflags::bitflags;
use smallvec::SmallVec;

use super::Command;
use super::info::write_names;
use crate::error::Error;
use crate::resp::Writer;

bitflags! {
    /// What a command does with a key; bits are in the order in which COMMAND INFO lists them.
    ///
    /// Of the first four a key has exactly one, of the next four at most one that isn't `ACCESS`.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KeyFlags: u32 {
        /// Reads of the key and changes nothing.
        const RO = 1;
        /// Changes what it finds there.
        const RW = 1 << 1;
        /// Writes without regard to what was there.
        const OW = 1 << 2;
        /// Removes the key.
        const RM = 1 << 3;
        /// Answers with, copies or otherwise depends on the value itself.
        const ACCESS = 1 << 4;
        /// Changes the value in a way that may take of what was there.
        const UPDATE = 1 << 5;
        /// Only adds to the value.
        const INSERT = 1 << 6;
        /// Removes the value, or a part of it.
        const DELETE = 1 << 7;
        /// Stands where a key would, without being one.
        const NOT_KEY = 1 << 8;
        /// There are more keys than the description finds.
        const INCOMPLETE = 1 << 9;
        /// What is done with the key depends on other arguments.
        const VARIABLE_FLAGS = 1 << 10;
    }
}

impl KeyFlags {
    /// What a call of SET does with its key: it depends on the old value only when it is to GET it.
    pub(crate) fn of_set(args: &[&[u8]]) -> Self {
        let gets = args.iter().skip(3).any(|arg| arg.eq_ignore_ascii_case(b"get"));
        if gets { Self::RW | Self::ACCESS | Self::UPDATE } else { Self::OW | Self::UPDATE }
    }

    /// What a call of BITFIELD does with its key: it only reads when it is asked for nothing but to GET.
    pub(crate) fn of_bitfield(args: &[&[u8]]) -> Self {
        let mut rest = args.get(2..).unwrap_or_default();
        let is = |arg: &[u8], word: &str| arg.eq_ignore_ascii_case(word.as_bytes());
        while let [name, values @ ..] = rest {
            let takes = match () {
                () if is(name, "get") && values.len() >= 2 => 2,
                () if is(name, "overflow") && !values.is_empty() => 1,
                () => return Self::RW | Self::ACCESS | Self::UPDATE,
            };
            rest = &values[takes..];
        }
        Self::RO | Self::ACCESS
    }

    /// Writes the flags by name: how the key is opened in capitals, what is done then in small letters.
    pub(crate) fn write(self, reply: &mut Writer) {
        let opened = Self::RO | Self::RW | Self::OW | Self::RM;
        write_names(
            reply,
            self.iter_names().map(|(name, flag)| match opened.contains(flag) {
                true => name.to_owned(),
                false => name.to_ascii_lowercase(),
            }),
        );
    }
}

/// Tells from the arguments of a call, its command's name first, what it does with its keys.
pub type FlagsOf = fn(&[&[u8]]) -> KeyFlags;

/// Where the keys of a command are, or some of them: first the place where a search begins, then how the keys
/// follow from there.
#[derive(Clone, Copy, Debug)]
pub struct KeySpec {
    /// What is done with each key; the most that may be done, when `flags_of` is there.
    pub flags: KeyFlags,
    /// What one call does with its keys, where that depends on its arguments.
    pub flags_of: Option<FlagsOf>,
    /// A remark for whoever reads the flags.
    pub notes: Option<&'static str>,
    /// Where to begin.
    pub begin: BeginSearch,
    /// How to go on from there.
    pub find: FindKeys,
}

/// Where the search for keys begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BeginSearch {
    /// At the argument of this number; the command's name has number 0.
    Index(usize),
    /// Behind the first argument that is this word, in any case.
    Keyword {
        /// The word.
        keyword: &'static str,
        /// The argument to start from; counted from the last, which is -1, when negative: the search goes
        /// backwards then.
        start_from: isize,
    },
}

/// How keys follow from where the search begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum FindKeys {
    /// Every `step`th argument up to `last`.
    Range {
        /// The last key, counted from the beginning of the search, or from the end of the arguments (the last
        /// of which is -1) when negative.
        last: isize,
        /// The distance from a key to the next; 0 is as 1.
        step: usize,
        /// With a negative `last`, count from the end of this fraction of the arguments that are left: 2 is
        /// the half; 0 and 1 are all of them.
        limit: usize,
    },
    /// As many keys as an argument says.
    KeyNum {
        /// The argument that holds the number, counted from the beginning of the search.
        number: usize,
        /// The first key, counted from the beginning of the search.
        first: usize,
        /// The distance from a key to the next.
        step: usize,
    },
}

impl KeySpec {
    const fn new(begin: BeginSearch, find: FindKeys, flags: &[KeyFlags]) -> Self {
        let mut all = KeyFlags::empty();
        let mut at = 0;
        while at < flags.len() {
            all = all.union(flags[at]);
            at += 1;
        }
        Self { flags: all, flags_of: None, notes: None, begin, find }
    }

    /// One key, the argument of number `index`.
    pub const fn one(index: usize, flags: &[KeyFlags]) -> Self {
        Self::new(BeginSearch::Index(index), FindKeys::Range { last: 0, step: 1, limit: 0 }, flags)
    }

    /// Two keys, the argument of number `index` and the one behind it.
    pub const fn pair(index: usize, flags: &[KeyFlags]) -> Self {
        Self::new(BeginSearch::Index(index), FindKeys::Range { last: 1, step: 1, limit: 0 }, flags)
    }

    /// Keys from the argument of number `index` to the end, every `step`th argument.
    pub const fn every(step: usize, index: usize, flags: &[KeyFlags]) -> Self {
        Self::new(BeginSearch::Index(index), FindKeys::Range { last: -1, step, limit: 0 }, flags)
    }

    /// The same, with a function that says what a given call does with the keys.
    pub const fn varying(mut self, flags_of: FlagsOf) -> Self {
        self.flags = self.flags.union(KeyFlags::VARIABLE_FLAGS);
        self.flags_of = Some(flags_of);
        self
    }

    /// The same with a remark.
    pub const fn notes(mut self, notes: &'static str) -> Self {
        self.notes = Some(notes);
        self
    }

    /// The numbers of the arguments that are keys, or `None` when the arguments don't fit the description.
    fn positions(&self, args: &[&[u8]]) -> Option<impl Iterator<Item = usize> + use<>> {
        let begin = self.begin.find(args)?;
        if begin == 0 {
            // That is the command's name: a module describes a command without keys so.
            return Some((0..0).step_by(1));
        }
        let (first, last, step) = match self.find {
            FindKeys::Range { last, step, limit } => {
                let last = match usize::try_from(last) {
                    Ok(last) => begin + last,
                    Err(_) => {
                        let left = args.len().checked_sub(begin)?;
                        (begin + left / limit.max(1)).checked_sub(last.unsigned_abs())?
                    }
                };
                (begin, last, step.max(1))
            }
            FindKeys::KeyNum { number, first, step } => {
                let number = std::str::from_utf8(args.get(begin + number)?).ok()?.parse::<usize>().ok()?;
                let first = begin + first;
                let Some(more) = number.checked_sub(1) else { return Some((0..0).step_by(1)) };
                (first, more.checked_mul(step)?.checked_add(first)?, step)
            }
        };
        (first <= last && last < args.len()).then(|| (first..last + 1).step_by(step))
    }
}

impl BeginSearch {
    fn find(self, args: &[&[u8]]) -> Option<usize> {
        match self {
            BeginSearch::Index(index) => Some(index),
            BeginSearch::Keyword { keyword, start_from } => {
                let is_keyword = |&at: &usize| args[at].eq_ignore_ascii_case(keyword.as_bytes());
                let found = match usize::try_from(start_from) {
                    Ok(start) => (start..args.len()).find(is_keyword),
                    Err(_) => {
                        let start = args.len().checked_sub(start_from.unsigned_abs())?;
                        (1..start + 1).rev().find(is_keyword)
                    }
                };
                found.map(|at| at + 1)
            }
        }
    }
}

/// A key of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Key {
    /// The number of the argument that is the key; the command's name has number 0.
    pub position: usize,
    /// What is done with it.
    pub flags: KeyFlags,
}

/// The keys of a call, in the order of their specs.
pub type Keys = SmallVec<[Key; 4]>;

/// Why the keys of a call can't be told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum KeyError {
    /// There is no such command, or no such sub-command.
    UnknownCommand,
    /// The command has no keys, whatever its arguments.
    NoKeys,
    /// The command doesn't take that many arguments.
    WrongArity,
    /// The arguments aren't such as the command takes.
    WrongArguments,
}

impl From<KeyError> for Error {
    /// The error that COMMAND GETKEYS answers with.
    fn from(error: KeyError) -> Self {
        Error::fixed(match error {
            KeyError::UnknownCommand => "ERR Invalid command specified",
            KeyError::NoKeys => "ERR The command has no key arguments",
            KeyError::WrongArity => "ERR Invalid number of arguments specified for command",
            KeyError::WrongArguments => "ERR Invalid arguments specified for command",
        })
    }
}

/// The keys among `args`, which begin with the name of `command` (and a container's before it).
///
/// Arguments that are no keys though they stand in their place (a shard channel) aren't among them. A call
/// without keys gives none, where the command can do without.
///
/// # Errors
/// [`KeyError::WrongArguments`] when the arguments don't fit where keys should be.
pub fn keys(command: &Command, args: &[&[u8]]) -> Result<Keys, KeyError> {
    if let Some(find) = command.added.as_ref().and_then(|added| added.find_keys) {
        return find(command, args);
    }
    let mut keys = Keys::new();
    for spec in command.keys.iter().filter(|spec| !spec.flags.contains(KeyFlags::NOT_KEY)) {
        let flags = spec.flags_of.map_or(spec.flags, |flags_of| flags_of(args));
        let positions = spec.positions(args).ok_or(KeyError::WrongArguments)?;
        keys.extend(positions.map(|position| Key { position, flags }));
    }
    Ok(keys)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(line: &str) -> Vec<&[u8]> {
        line.split(' ').map(str::as_bytes).collect()
    }

    fn positions(begin: BeginSearch, find: FindKeys, line: &str) -> Option<Vec<usize>> {
        Some(KeySpec::new(begin, find, &[KeyFlags::RO]).positions(&args(line))?.collect())
    }

    #[test]
    fn a_range_ends_where_it_says() {
        let range = |last, step, limit, line| {
            positions(BeginSearch::Index(1), FindKeys::Range { last, step, limit }, line)
        };
        assert_eq!(range(0, 1, 0, "get a"), Some(vec![1]));
        assert_eq!(range(0, 1, 0, "get"), None);
        assert_eq!(range(1, 1, 0, "x a b c"), Some(vec![1, 2]));
        assert_eq!(range(1, 1, 0, "x a"), None);
        assert_eq!(range(-1, 1, 0, "del a b c"), Some(vec![1, 2, 3]));
        assert_eq!(range(-1, 1, 0, "del"), None);
        assert_eq!(range(-1, 2, 0, "mset a 1 b 2"), Some(vec![1, 3]));
        assert_eq!(range(-2, 1, 0, "blpop a b 0"), Some(vec![1, 2]));
        assert_eq!(range(-2, 1, 0, "blpop 0"), None);
        assert_eq!(range(-9, 1, 0, "blpop 0"), None);
        assert_eq!(range(-1, 1, 2, "x a b 1 2"), Some(vec![1, 2]));
        assert_eq!(range(-1, 1, 2, "x"), None);
        assert_eq!(range(1, 0, 0, "x a b c"), Some(vec![1, 2]));
    }

    #[test]
    fn the_command_is_no_key() {
        let none = FindKeys::Range { last: 0, step: 0, limit: 0 };
        assert_eq!(positions(BeginSearch::Index(0), none, "x"), Some(vec![]));
        assert_eq!(positions(BeginSearch::Index(0), none, "x a"), Some(vec![]));
    }

    #[test]
    fn a_number_says_how_many() {
        let counted =
            |line| positions(BeginSearch::Index(2), FindKeys::KeyNum { number: 0, first: 1, step: 1 }, line);
        assert_eq!(counted("eval x 2 a b c"), Some(vec![3, 4]));
        assert_eq!(counted("eval x 0 a"), Some(vec![]));
        for line in ["eval x 2 a", "eval x -1 a", "eval x y a", "eval x", "eval x 18446744073709551615 a"] {
            assert_eq!(counted(line), None, "{line}");
        }
    }

    #[test]
    fn a_keyword_is_sought_in_either_direction() {
        let after = |start_from, line| {
            let begin = BeginSearch::Keyword { keyword: "STREAMS", start_from };
            positions(begin, FindKeys::Range { last: -1, step: 1, limit: 2 }, line)
        };
        assert_eq!(after(1, "xread count 1 Streams a b 0 0"), Some(vec![4, 5]));
        assert_eq!(after(1, "xread streams streams 0"), Some(vec![2]));
        assert_eq!(after(-3, "xread streams streams 0 0"), Some(vec![3]));
        assert_eq!(after(3, "xread streams a 0"), None);
        assert_eq!(after(1, "xread streams"), None);
        assert_eq!(after(9, "xread"), None);
        assert_eq!(after(-9, "xread"), None);
    }

    #[test]
    fn set_reads_only_when_asked_to() {
        let flags = |line| KeyFlags::of_set(&args(line));
        let reads = KeyFlags::RW | KeyFlags::ACCESS | KeyFlags::UPDATE;
        let writes = KeyFlags::OW | KeyFlags::UPDATE;
        assert_eq!(flags("set key value ex 10 Get"), reads);
        assert_eq!(flags("set get get"), writes);
        assert_eq!(flags("set key value nx"), writes);
    }

    #[test]
    fn what_is_no_key_is_not_among_the_keys() {
        static SPECS: [KeySpec; 2] = [
            KeySpec::one(1, &[KeyFlags::RO, KeyFlags::NOT_KEY]),
            KeySpec::one(2, &[KeyFlags::OW, KeyFlags::INSERT]),
        ];
        let command = Command::new("x", 3, |_, _| Ok(())).keys(&SPECS);
        let expected = [Key { position: 2, flags: KeyFlags::OW | KeyFlags::INSERT }];
        assert_eq!(keys(&command, &args("x channel key")).unwrap().as_slice(), expected);
        assert_eq!(keys(&command, &args("x channel")), Err(KeyError::WrongArguments));
    }
}
