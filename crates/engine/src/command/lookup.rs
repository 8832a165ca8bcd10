//! Finding a command by its name: one hash, at most a few probes, no allocation.

use std::borrow::Cow;

use super::Command;
use super::added::{self, NewCommand};
use super::table::COMMANDS;

/// The longest name in the table must fit; a longer one is no command's, and none is added.
const MAX_NAME: usize = 64;

/// A command, or a sub-command with its container.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found {
    pub(crate) container: Option<&'static Command>,
    pub(crate) command: &'static Command,
}

impl Found {
    /// The name by which COMMAND knows it: `container|command` for a sub-command.
    pub(crate) fn full_name(&self) -> Cow<'static, str> {
        match self.container {
            Some(container) => format!("{}|{}", container.name, self.command.name).into(),
            None => self.command.name.into(),
        }
    }
}

/// Every command and sub-command of the table, each container before what it contains.
pub(crate) fn all() -> impl Iterator<Item = Found> {
    COMMANDS.iter().flat_map(|container| {
        let subcommands = container.subcommands().iter();
        std::iter::once(Found { container: None, command: container })
            .chain(subcommands.map(|command| Found { container: Some(container), command }))
    })
}

/// An open-addressed table of every command and sub-command: those of [`COMMANDS`], and those that were added.
#[derive(Debug)]
pub(crate) struct Index {
    slots: Box<[Option<Slot>]>,
    /// Commands that were added, in that order; sub-commands are within theirs.
    added: Vec<&'static Command>,
    /// The names of categories that were added; none where one was taken away again.
    pub(super) added_categories: Vec<Option<String>>,
}

#[derive(Clone, Copy, Debug)]
struct Slot {
    /// The command that contains this one, or an empty string.
    container: &'static str,
    command: &'static Command,
}

impl Index {
    pub(crate) fn new() -> Self {
        let mut index = Self { slots: Box::default(), added: Vec::new(), added_categories: Vec::new() };
        index.rebuild();
        index
    }

    fn rebuild(&mut self) {
        let all: Vec<Found> = self.all().collect();
        // At a quarter full, most look-ups end at their first probe.
        let mut slots = vec![None; (all.len() * 4).next_power_of_two()].into_boxed_slice();
        let mask = slots.len() - 1;
        for Found { container, command } in all {
            let container = container.map_or("", |container| container.name);
            let name = Name::new(command.name.as_bytes()).expect("no name is longer");
            let mut at = hash(container, &name) & mask;
            while slots[at].is_some() {
                at = (at + 1) & mask;
            }
            slots[at] = Some(Slot { container, command });
        }
        self.slots = slots;
    }

    /// Every command and sub-command, each container before what it contains.
    pub(crate) fn all(&self) -> impl Iterator<Item = Found> {
        all().chain(self.added.iter().flat_map(|&command| added::with_subcommands(command)))
    }

    /// Every command, sub-commands apart.
    pub(crate) fn top_level(&self) -> impl ExactSizeIterator<Item = &'static Command> {
        let added = self.added.clone();
        let count = COMMANDS.len() + added.len();
        (0..count).map(move |at| COMMANDS.get(at).unwrap_or_else(|| added[at - COMMANDS.len()]))
    }

    /// Adds a command, in the place of one of the same name that was added before; `None`, and nothing changed, when
    /// the table has that name or it isn't one that a command can have.
    pub(crate) fn add(&mut self, new: &NewCommand) -> Option<&'static Command> {
        let is_name = |name: &str| !name.is_empty() && name.len() <= MAX_NAME;
        let names = std::iter::once(new).chain(&new.subcommands).map(|command| command.name.as_str());
        let is_taken = self.command(new.name.as_bytes()).is_some_and(|command| command.added.is_none());
        if is_taken || !names.clone().all(is_name) {
            return None;
        }
        let command = added::row(new);
        match self.added.iter_mut().find(|known| known.name == command.name) {
            Some(known) => *known = command,
            None => self.added.push(command),
        }
        self.rebuild();
        Some(command)
    }

    /// Takes a command that was added away again; says whether it was there.
    pub(crate) fn take_away(&mut self, name: &str) -> bool {
        let count = self.added.len();
        self.added.retain(|command| !command.name.eq_ignore_ascii_case(name));
        let was_there = self.added.len() != count;
        if was_there {
            self.rebuild();
        }
        was_there
    }

    /// The command of that name, whatever its case.
    #[inline]
    pub(crate) fn command(&self, name: &[u8]) -> Option<&'static Command> {
        self.find("", name)
    }

    /// The sub-command of that name, whatever its case.
    pub(crate) fn subcommand(&self, container: &Command, name: &[u8]) -> Option<&'static Command> {
        self.find(container.name, name)
    }

    /// The command of that full name, as [`Found::full_name`] gives it, whatever its case.
    pub(crate) fn by_full_name(&self, name: &[u8]) -> Option<Found> {
        match memchr::memchr(b'|', name) {
            None => Some(Found { container: None, command: self.command(name)? }),
            Some(bar) => {
                let container = self.command(&name[..bar])?;
                let command = self.subcommand(container, &name[bar + 1..])?;
                Some(Found { container: Some(container), command })
            }
        }
    }

    /// The command that `args` call: of a container the sub-command, if they name one at all.
    pub(crate) fn called_by(&self, args: &[&[u8]]) -> Option<Found> {
        let command = self.command(args.first()?)?;
        match args.get(1) {
            Some(name) if !command.subcommands().is_empty() => {
                Some(Found { container: Some(command), command: self.subcommand(command, name)? })
            }
            _ => Some(Found { container: None, command }),
        }
    }

    #[inline]
    fn find(&self, container: &str, name: &[u8]) -> Option<&'static Command> {
        let name = Name::new(name)?;
        let mask = self.slots.len() - 1;
        let mut at = hash(container, &name) & mask;
        loop {
            let slot = self.slots[at]?;
            if slot.command.name.as_bytes() == name.bytes() && slot.container == container {
                return Some(slot.command);
            }
            at = (at + 1) & mask;
        }
    }
}

/// A name in lower case, with zeros behind it.
struct Name {
    padded: [u8; MAX_NAME],
    len: usize,
}

impl Name {
    #[inline]
    fn new(name: &[u8]) -> Option<Self> {
        let mut padded = [0; MAX_NAME];
        padded.get_mut(..name.len())?.copy_from_slice(name);
        padded.make_ascii_lowercase();
        Some(Self { padded, len: name.len() })
    }

    #[inline]
    fn bytes(&self) -> &[u8] {
        &self.padded[..self.len]
    }

    /// Mixes the name into a hash, by words.
    #[inline]
    fn mix(&self, hash: u64) -> u64 {
        let words = &self.padded.as_chunks::<8>().0[..self.len.div_ceil(8)];
        words.iter().fold(hash, |hash, word| {
            let hash = (hash ^ u64::from_le_bytes(*word)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
            hash ^ hash >> 32
        })
    }
}

/// A multiplication for each word: names are ours, so nobody can choose them to collide.
#[inline]
fn hash(container: &str, name: &Name) -> usize {
    let container = if container.is_empty() { None } else { Name::new(container.as_bytes()) };
    name.mix(container.map_or(0, |container| container.mix(0))) as usize
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_found_in_any_case_and_no_other() {
        let index = Index::new();
        for expected in all() {
            let name = expected.full_name().to_ascii_uppercase();
            let found = index.by_full_name(name.as_bytes()).unwrap();
            assert!(std::ptr::eq(found.command, expected.command), "{name}");
            assert_eq!(found.full_name(), expected.full_name());
            let args: Vec<&[u8]> = name.as_bytes().split(|&byte| byte == b'|').collect();
            assert!(std::ptr::eq(index.called_by(&args).unwrap().command, expected.command), "{name}");
            assert!(expected.command.name.len() <= MAX_NAME);
            assert!(index.by_full_name(&[name.as_bytes(), b"|x"].concat()).is_none());
            assert!(index.by_full_name(&[name.as_bytes(), b"|"].concat()).is_none());
        }
        for name in [&b""[..], b"|", b"|get", b"nosuch", b"get|get", &[b'x'; MAX_NAME + 1]] {
            assert!(index.by_full_name(name).is_none(), "{}", name.escape_ascii());
        }
        assert!(index.called_by(&[b"object", b"nosuch"]).is_none());
        assert!(index.called_by(&[]).is_none());
    }
}
