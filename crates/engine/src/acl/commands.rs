//! Sets of commands: by name, by category, by sub-command or by a first argument; and how they are told.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::LazyLock;

use super::rules::RuleError;
use crate::command::{self, Categories, Command, Found, Index, number};

/// Every command and sub-command of the table, in its order: a container stands before what it contains.
static ALL: LazyLock<Vec<Found>> = LazyLock::new(|| command::all().collect());

/// The commands that are in a category.
fn members(category: Categories, index: &Index) -> Vec<&'static Command> {
    let all = index.all().map(|found| found.command);
    all.filter(|command| command.categories().contains(category)).collect()
}

/// The commands that a selector permits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Commands {
    /// A bit for each command, in the order of their numbers; a number past these is of a command that nobody has
    /// named, which `others` is about.
    permitted: Vec<u64>,
    /// Whether commands that don't exist yet would be permitted: what was said of all commands last.
    others: bool,
    /// First arguments with which a command is permitted that otherwise isn't, by the command's number.
    first_arguments: BTreeMap<usize, Vec<Vec<u8>>>,
}

impl Commands {
    /// All commands, or none.
    pub(super) fn all(permitted: bool) -> Self {
        let words = ALL.len().div_ceil(64);
        let word = if permitted { u64::MAX } else { 0 };
        Self { permitted: vec![word; words], others: permitted, first_arguments: BTreeMap::new() }
    }

    pub(super) fn are_all(&self) -> bool {
        self.others && (0..ALL.len()).all(|number| self.contains(number))
    }

    fn contains(&self, number: usize) -> bool {
        let word = self.permitted.get(number / 64);
        word.map_or(self.others, |word| word >> (number % 64) & 1 != 0)
    }

    fn put(&mut self, number: usize, permitted: bool) {
        if number / 64 >= self.permitted.len() {
            let others = if self.others { u64::MAX } else { 0 };
            self.permitted.resize(number / 64 + 1, others);
        }
        let bit = 1 << (number % 64);
        match permitted {
            true => self.permitted[number / 64] |= bit,
            false => self.permitted[number / 64] &= !bit,
        }
    }

    /// Whether a command may run with these arguments, the first of which is its name.
    pub(super) fn permit(&self, command: &'static Command, args: &[&[u8]]) -> bool {
        let number = number(command);
        let by_argument = || {
            let (Some(permitted), Some(first)) = (self.first_arguments.get(&number), args.get(1)) else {
                return false;
            };
            permitted.iter().any(|argument| argument.eq_ignore_ascii_case(first))
        };
        self.contains(number) || by_argument()
    }

    /// Applies `+name`, `+container|name`, `+name|argument`, `+@category`, or the like with `-`, to the commands that
    /// there are.
    ///
    /// # Errors
    /// When there is no such command or category, or a first argument is asked for where there can be none.
    pub(super) fn apply(&mut self, permitted: bool, name: &[u8], index: &Index) -> Result<(), RuleError> {
        if let Some(category) = name.strip_prefix(b"@") {
            let category = index.category(category).ok_or(RuleError::UnknownCommand)?;
            self.change_all(&members(category, index), permitted);
            return Ok(());
        }
        if let Some(number) = command::number_named(name) {
            self.put(number, permitted);
            self.first_arguments.remove(&number);
            command::numbers_within(name).into_iter().for_each(|number| self.put(number, permitted));
            return Ok(());
        }
        if let (true, Some(bar)) = (permitted, memchr::memrchr(b'|', name)) {
            let (container, inner) = (&name[..bar], &name[bar + 1..]);
            let found = index.by_full_name(container).ok_or(RuleError::UnknownCommand)?;
            if found.container.is_some() {
                return Err(RuleError::FirstArgumentOfSubcommand);
            }
            if inner.is_empty() {
                return Err(RuleError::Syntax);
            }
            if found.command.subcommands().is_empty() {
                self.permit_argument(number(found.command), inner);
                return Ok(());
            }
        }
        let found = index.by_full_name(name).ok_or(RuleError::UnknownCommand)?;
        self.change(found.command, permitted);
        Ok(())
    }

    fn permit_argument(&mut self, number: usize, argument: &[u8]) {
        let known = self.first_arguments.entry(number).or_default();
        if !known.iter().any(|other| other.eq_ignore_ascii_case(argument)) {
            known.push(argument.to_vec());
        }
    }

    /// Permits or forbids a command, and with a container all that it contains.
    fn change(&mut self, command: &'static Command, permitted: bool) {
        let number = number(command);
        self.put(number, permitted);
        self.first_arguments.remove(&number);
        for inner in command.subcommands() {
            self.put(command::number(inner), permitted);
        }
    }

    fn change_all(&mut self, commands: &[&'static Command], permitted: bool) {
        commands.iter().for_each(|command| self.change(command, permitted));
    }

    /// How many of these commands are as `permitted` says, and how many aren't.
    fn count(&self, commands: &[&'static Command], permitted: bool) -> (usize, usize) {
        let same = commands.iter().filter(|command| self.contains(number(command)) == permitted).count();
        (same, commands.len() - same)
    }

    /// Rules that permit just these commands: all or none to begin with, then the categories that fit best one by
    /// one, and then single commands, in the way in which Redis 7.0 tells them.
    pub(super) fn describe(&self, index: &Index) -> Vec<u8> {
        let adds = !self.others;
        let (sign, from) = if adds { (b'+', "-@all") } else { (b'-', "+@all") };
        let mut text = from.as_bytes().to_vec();
        let mut told = Self::all(!adds);
        let mut left = self.clone();
        let mut categories: Vec<_> =
            index.categories().into_iter().map(|(name, category)| (name, members(category, index))).collect();
        loop {
            let fitness = |(at, (_, members)): (usize, &(String, Vec<_>))| {
                let (same, different) = left.count(members, adds);
                (same > different).then_some((different, Reverse(same), at))
            };
            let Some((.., at)) = categories.iter().enumerate().filter_map(fitness).min() else { break };
            let (name, members) = categories.remove(at);
            told.change_all(&members, adds);
            left.change_all(&members, !adds);
            text.extend_from_slice(&[b' ', sign, b'@']);
            text.extend_from_slice(name.as_bytes());
        }
        for (number, found) in ALL.iter().enumerate() {
            let permitted = self.contains(number);
            if told.contains(number) != permitted {
                told.change(found.command, permitted);
                text.extend_from_slice(if permitted { b" +" } else { b" -" });
                text.extend_from_slice(found.full_name().as_bytes());
            }
            self.describe_arguments(number, &found.full_name(), &mut text);
        }
        let mut added = command::added_names();
        added.sort_by_key(|(_, name)| name.contains('|'));
        for (number, name) in added {
            let permitted = self.contains(number);
            if told.contains(number) != permitted {
                told.put(number, permitted);
                let within = command::numbers_within(name.as_bytes());
                within.into_iter().for_each(|number| told.put(number, permitted));
                text.extend_from_slice(if permitted { b" +" } else { b" -" });
                text.extend_from_slice(name.as_bytes());
            }
            self.describe_arguments(number, &name, &mut text);
        }
        text
    }

    /// The rules about the first arguments of a command.
    fn describe_arguments(&self, number: usize, full_name: &str, text: &mut Vec<u8>) {
        for argument in self.first_arguments.get(&number).into_iter().flatten() {
            text.extend_from_slice(&[b" +", full_name.as_bytes(), b"|", argument].concat());
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    static INDEX: LazyLock<Index> = LazyLock::new(Index::new);

    fn applied(rules: &str) -> Commands {
        let mut commands = Commands::all(false);
        for rule in rules.split(' ') {
            commands = match rule {
                "+@all" => Commands::all(true),
                "-@all" => Commands::all(false),
                rule => {
                    commands.apply(rule.starts_with('+'), &rule.as_bytes()[1..], &INDEX).unwrap();
                    commands
                }
            };
        }
        commands
    }

    fn rule() -> impl Strategy<Value = String> {
        let names: Vec<String> = command::all().map(|found| found.full_name().into_owned()).collect();
        let categories: Vec<String> = Categories::all()
            .iter_names()
            .map(|(name, _)| format!("@{}", name.to_ascii_lowercase()))
            .collect();
        let sign = || prop::sample::select(&["+", "-"]);
        prop_oneof![
            4 => (sign(), prop::sample::select(names)).prop_map(|(sign, name)| format!("{sign}{name}")),
            2 => (sign(), prop::sample::select(categories)).prop_map(|(sign, name)| format!("{sign}{name}")),
            1 => prop::sample::select(&["+@all", "-@all"]).prop_map(str::to_owned),
            1 => prop::sample::select(&["+select|1", "+get|A", "+GET|a", "+debug|object"]).prop_map(str::to_owned),
        ]
    }

    proptest! {
        #[test]
        fn what_is_told_means_the_same(rules in prop::collection::vec(rule(), 1..12)) {
            let commands = applied(&rules.join(" "));
            let text = String::from_utf8(commands.describe(&INDEX)).unwrap();
            let mut again = applied(&text);
            // An argument needs no permission for a command that has it, and isn't told.
            let mut told = commands.clone();
            told.first_arguments.retain(|&number, _| !commands.contains(number));
            again.first_arguments.retain(|&number, _| !commands.contains(number));
            prop_assert_eq!(again, told, "{}", text);
        }
    }

    #[test]
    fn a_container_takes_what_it_contains_with_it() {
        let permits = |commands: &Commands, name: &str| {
            commands.permit(INDEX.by_full_name(name.as_bytes()).unwrap().command, &[])
        };
        let commands = applied("-@all +config -config|set");
        assert!(permits(&commands, "config|get") && !permits(&commands, "config|set"));
        let commands = applied("-@all +config|get");
        assert!(permits(&commands, "config|get") && !permits(&commands, "config|resetstat"));
        assert_eq!(commands.describe(&INDEX), b"-@all +config|get");
    }

    #[test]
    fn a_first_argument_opens_one_door() {
        let mut commands = applied("-@all +select|One +select|ONE");
        let select = INDEX.command(b"select").unwrap();
        assert!(commands.permit(select, &[b"select", b"oNE"]));
        assert!(!commands.permit(select, &[b"select", b"two"]) && !commands.permit(select, &[b"select"]));
        assert_eq!(commands.describe(&INDEX), b"-@all +select|One");
        commands.apply(false, b"select", &INDEX).unwrap();
        assert_eq!(commands.describe(&INDEX), b"-@all");
    }
}
