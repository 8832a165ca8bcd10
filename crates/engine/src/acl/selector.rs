//! What one set of rules permits: commands, on keys, on channels. A user has one, and any number of further ones.

use keyspace::glob::{self, Case};

use super::channels::channels;
use super::check::{Denial, Reason};
use super::commands::Commands;
use super::rules::{RuleError, Terms};
use crate::args::is;
use crate::command::{self, Channel, Command, Flags, Index, KeyFlags};
use crate::quoting::split;

/// A pattern of keys, and what may be done with those that match.
#[derive(Clone, Debug, PartialEq, Eq)]
struct KeyPattern {
    pattern: Vec<u8>,
    read: bool,
    write: bool,
}

/// Commands, and the keys and channels that they may be run on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Selector {
    commands: Commands,
    all_keys: bool,
    keys: Vec<KeyPattern>,
    all_channels: bool,
    channels: Vec<Vec<u8>>,
}

impl Selector {
    /// Permits nothing, or channels alone.
    pub(super) fn new(all_channels: bool) -> Self {
        Self {
            commands: Commands::all(false),
            all_keys: false,
            keys: Vec::new(),
            all_channels,
            channels: Vec::new(),
        }
    }

    /// A selector of the rules in a text, which may be quoted; as in Redis, a quote that isn't closed voids all.
    pub(super) fn parse(rules: &[u8], terms: Terms<'_>) -> Result<Self, RuleError> {
        let mut selector = Self::new(terms.all_channels);
        for rule in split(rules).unwrap_or_default() {
            selector.apply(&rule, terms)?;
        }
        Ok(selector)
    }

    /// Whether nothing at all is denied.
    pub(super) fn is_unrestricted(&self) -> bool {
        self.all_keys && self.all_channels && self.commands.are_all()
    }

    /// Applies a rule about commands, keys or channels.
    pub(super) fn apply(&mut self, rule: &[u8], terms: Terms<'_>) -> Result<(), RuleError> {
        match rule {
            _ if is(rule, "allkeys") || rule == b"~*" => self.reset_keys(true),
            _ if is(rule, "resetkeys") => self.reset_keys(false),
            _ if is(rule, "allchannels") || rule == b"&*" => self.reset_channels(true),
            _ if is(rule, "resetchannels") => self.reset_channels(false),
            _ if is(rule, "allcommands") || is(rule, "+@all") => self.commands = Commands::all(true),
            _ if is(rule, "nocommands") || is(rule, "-@all") => self.commands = Commands::all(false),
            [b'~', pattern @ ..] => self.add_keys(pattern, true, true)?,
            [b'%', rest @ ..] => {
                let (read, write, pattern) = permissions(rest, self.all_keys)?;
                self.add_keys(pattern, read, write)?;
            }
            [b'&', pattern @ ..] => self.add_channels(pattern)?,
            [sign @ (b'+' | b'-'), name @ ..] => self.commands.apply(*sign == b'+', name, terms.commands)?,
            _ => return Err(RuleError::Syntax),
        }
        Ok(())
    }

    fn reset_keys(&mut self, all: bool) {
        (self.all_keys, self.keys) = (all, Vec::new());
    }

    fn reset_channels(&mut self, all: bool) {
        (self.all_channels, self.channels) = (all, Vec::new());
    }

    fn add_keys(&mut self, pattern: &[u8], read: bool, write: bool) -> Result<(), RuleError> {
        if self.all_keys {
            return Err(RuleError::KeysAfterAll);
        }
        check_pattern(pattern)?;
        match self.keys.iter_mut().find(|known| known.pattern == pattern) {
            Some(known) => (known.read, known.write) = (known.read | read, known.write | write),
            None => self.keys.push(KeyPattern { pattern: pattern.to_vec(), read, write }),
        }
        Ok(())
    }

    fn add_channels(&mut self, pattern: &[u8]) -> Result<(), RuleError> {
        if self.all_channels {
            return Err(RuleError::ChannelsAfterAll);
        }
        check_pattern(pattern)?;
        if !self.channels.iter().any(|known| known == pattern) {
            self.channels.push(pattern.to_vec());
        }
        Ok(())
    }

    /// Checks a call whose command is `command`.
    pub(super) fn check(&self, command: &'static Command, args: &[&[u8]]) -> Result<(), Denial> {
        if !command.flags.contains(Flags::NO_AUTH) && !self.commands.permit(command, args) {
            return Err(Denial { reason: Reason::Command, position: 0 });
        }
        // Arguments that don't fit the command aren't keys of anything, and the command will refuse them.
        let keys = if self.all_keys {
            command::Keys::new()
        } else {
            command::keys(command, args).unwrap_or_default()
        };
        for key in keys {
            if !self.permits_key(args[key.position], key.flags) {
                return Err(Denial { reason: Reason::Key, position: key.position });
            }
        }
        if self.all_channels {
            return Ok(());
        }
        for Channel { position, is_pattern } in channels(command, args) {
            if !self.permits_channel(args[position], is_pattern) {
                return Err(Denial { reason: Reason::Channel, position });
            }
        }
        Ok(())
    }

    /// Whether a key may be used so; without flags, whether it may be used in any way.
    pub(super) fn permits_key(&self, key: &[u8], flags: KeyFlags) -> bool {
        let reads = flags.contains(KeyFlags::ACCESS);
        let writes = flags.intersects(KeyFlags::INSERT | KeyFlags::DELETE | KeyFlags::UPDATE);
        self.all_keys
            || self.keys.iter().any(|known| {
                (known.read || !reads)
                    && (known.write || !writes)
                    && glob::matches(&known.pattern, key, Case::Sensitive)
            })
    }

    /// Whether a channel may be used; a pattern only if it is granted itself.
    pub(super) fn permits_channel(&self, channel: &[u8], is_pattern: bool) -> bool {
        let matches = |known: &Vec<u8>| match is_pattern {
            true => known == channel,
            false => glob::matches(known, channel, Case::Sensitive),
        };
        self.all_channels || self.channels.iter().any(matches)
    }

    /// Whether there is any channel that may be used.
    pub(super) fn permits_some_channel(&self) -> bool {
        self.all_channels || !self.channels.is_empty()
    }

    /// The rules about commands.
    pub(super) fn commands(&self, index: &Index) -> Vec<u8> {
        self.commands.describe(index)
    }

    /// The rules about keys, with blanks between them.
    pub(super) fn keys(&self) -> Vec<u8> {
        if self.all_keys {
            return b"~*".to_vec();
        }
        let show = |known: &KeyPattern| {
            let prefix: &[u8] = match (known.read, known.write) {
                (true, false) => b"%R~",
                (false, true) => b"%W~",
                _ => b"~",
            };
            [prefix, &known.pattern].concat()
        };
        self.keys.iter().map(show).collect::<Vec<_>>().join(&b' ')
    }

    /// The rules about channels, with blanks between them.
    pub(super) fn channels(&self) -> Vec<u8> {
        if self.all_channels {
            return b"&*".to_vec();
        }
        self.channels.iter().map(|known| [b"&", &known[..]].concat()).collect::<Vec<_>>().join(&b' ')
    }

    /// Every rule, in the order in which they must be applied to a new selector.
    pub(super) fn describe(&self, index: &Index) -> Vec<u8> {
        let mut parts = vec![self.keys()];
        if !self.all_channels {
            parts.push(b"resetchannels".to_vec());
        }
        parts.extend([self.channels(), self.commands(index)]);
        parts.retain(|part| !part.is_empty());
        parts.join(&b' ')
    }
}

/// Reads what follows `%`: `R` and `W` in any order, each once, then `~` and the pattern. As in Redis, the pattern
/// may be left out with its sign.
fn permissions(rest: &[u8], all_keys: bool) -> Result<(bool, bool, &[u8]), RuleError> {
    if all_keys {
        return Err(RuleError::KeysAfterAll);
    }
    let (mut read, mut write) = (false, false);
    for (at, letter) in rest.iter().enumerate() {
        match letter {
            b'R' | b'r' if !read => read = true,
            b'W' | b'w' if !write => write = true,
            b'~' if read || write => return Ok((read, write, &rest[at + 1..])),
            _ => return Err(RuleError::Syntax),
        }
    }
    Ok((read, write, &[]))
}

/// A pattern must not hold what would separate it from the next rule.
fn check_pattern(pattern: &[u8]) -> Result<(), RuleError> {
    let separates = |byte: &u8| byte.is_ascii_whitespace() || matches!(byte, 0x0b | 0);
    if pattern.iter().any(separates) { Err(RuleError::Syntax) } else { Ok(()) }
}
