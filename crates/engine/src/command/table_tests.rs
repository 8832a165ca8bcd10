//! What every row of the table must fulfil.

use super::syntax::{self, Argument, Kind};
use super::table::COMMANDS;
use super::{Command, Flags, Found, Group, KeyFlags, KeySpec, all, keys};

/// Commands that take more than their syntax says: whatever comes, or a command with its arguments.
const TAKES_ANYTHING: [&str; 4] = ["quit", "debug", "command|getkeys", "command|getkeysandflags"];

/// Commands of which nobody can tell how long they take: one has no end, and one has no purpose.
const UNTOLD: [&str; 2] = ["monitor", "lolwut"];

/// Every command that isn't a mere container, with its full name and its arguments.
fn rows() -> impl Iterator<Item = (String, Found, Vec<Argument<'static>>)> {
    all().filter(|found| found.command.runs_alone()).map(|found| {
        if let Err(error) = syntax::parse(found.command.syntax) {
            panic!("{}: {error}", found.full_name());
        }
        (found.full_name().into_owned(), found, found.command.arguments())
    })
}

#[test]
fn rows_are_in_order() {
    let place = |command: &Command| (command.doc.group, command.name);
    assert!(COMMANDS.is_sorted_by(|a, b| place(a) < place(b)));
    for container in COMMANDS {
        let subcommands = container.subcommands();
        assert!(subcommands.is_sorted_by(|a, b| a.name < b.name), "{}", container.name);
        assert!(subcommands.iter().all(|inner| inner.subcommands().is_empty()), "{}", container.name);
        assert!(subcommands.iter().all(|inner| inner.doc.group == container.doc.group), "{}", container.name);
    }
    let mut names: Vec<_> = all().map(|found| found.full_name()).collect();
    let count = names.len();
    names.sort();
    names.dedup();
    assert_eq!(names.len(), count, "a name stands twice");
    for name in names {
        assert!(
            !name.contains(|c: char| !c.is_ascii_lowercase() && !c.is_ascii_digit() && !"-_|".contains(c))
        );
    }
}

#[test]
fn rows_are_documented() {
    let version = |text: &str| text.split('.').map(|part| part.parse().unwrap()).collect::<Vec<u32>>();
    for found in all() {
        let (name, doc) = (found.full_name(), &found.command.doc);
        assert!(
            doc.summary.starts_with(|c: char| c.is_ascii_uppercase()) && doc.summary.ends_with('.'),
            "{name}"
        );
        assert!(!doc.complexity.is_empty() || UNTOLD.contains(&&*name), "{name}");
        assert_eq!(version(doc.since).len(), 3, "{name}");
        assert!(doc.history.is_sorted_by_key(|(since, _)| version(since)), "{name}");
        assert!(doc.history.iter().all(|(since, _)| version(since) > version(doc.since)), "{name}");
    }
}

#[test]
fn syntax_is_written_as_it_is_read() {
    for (name, found, arguments) in rows() {
        let texts: Vec<String> = arguments.iter().map(Argument::to_string).collect();
        assert_eq!(texts.join(" "), found.command.syntax, "{name}");
    }
}

/// The fewest and the most arguments that one takes; no most when it may be repeated.
fn counts(argument: &Argument<'_>) -> (usize, Option<usize>) {
    let parts: Vec<_> = argument.parts().iter().map(counts).collect();
    let (mut least, mut most) = match &argument.kind {
        Kind::PureToken => (0, Some(0)),
        Kind::Block(_) => parts
            .iter()
            .fold((0, Some(0)), |(least, most), part| (least + part.0, most.zip(part.1).map(|(a, b)| a + b))),
        // One alternative must be given, even if each can be left out in favour of another.
        Kind::OneOf(alternatives) => {
            let required =
                |argument: &Argument<'_>| counts(&Argument { optional: false, ..argument.clone() }).0;
            let least = alternatives.iter().map(required).min().unwrap_or(0);
            let most = parts.iter().map(|part| part.1).reduce(|a, b| a.zip(b).map(|(a, b)| a.max(b)));
            (least, most.flatten())
        }
        _ => (1, Some(1)),
    };
    if argument.token.is_some() {
        least += 1;
        most = most.map(|most| most + 1);
    }
    (if argument.optional { 0 } else { least }, most.filter(|_| !argument.multiple))
}

#[test]
fn arity_is_what_the_syntax_takes() {
    for (name, found, arguments) in rows().filter(|(name, ..)| !TAKES_ANYTHING.contains(&name.as_str())) {
        let names = 1 + usize::from(found.container.is_some());
        let least: usize = names + arguments.iter().map(|argument| counts(argument).0).sum::<usize>();
        let most: Option<usize> = arguments.iter().map(|argument| counts(argument).1).sum();
        let is_fixed = most.is_some_and(|most| names + most == least);
        let variable = !is_fixed || !found.command.subcommands().is_empty();
        let expected = i8::try_from(least).unwrap() * if variable { -1 } else { 1 };
        assert_eq!(found.command.arity, expected, "{name}");
    }
}

/// A call that is made from a syntax, and the key spec of each of its arguments that is a key.
#[derive(Default)]
struct Call {
    args: Vec<String>,
    keys: Vec<(usize, usize)>,
}

impl Call {
    /// Appends an argument: each optional one as well, and repeated ones three times, or as little as can be.
    fn push(&mut self, argument: &Argument<'_>, everything: bool) {
        if argument.optional && !everything {
            return;
        }
        for at in 0..if argument.multiple && everything { 3 } else { 1 } {
            if let Some(token) = argument.token.filter(|_| at == 0 || argument.multiple_token) {
                self.args.push(token.to_owned());
            }
            match &argument.kind {
                Kind::PureToken => {}
                Kind::OneOf(parts) => self.push(&parts[0], everything),
                Kind::Block(parts) => parts.iter().for_each(|part| self.push(part, everything)),
                kind => {
                    self.keys.extend(argument.key_spec.map(|spec| (self.args.len(), spec)));
                    self.args.push(kind.name().to_owned());
                }
            }
        }
    }
}

#[test]
fn key_specs_find_what_the_syntax_calls_keys() {
    for (name, found, arguments) in rows() {
        for everything in [false, true] {
            let mut call = Call { args: name.split('|').map(str::to_owned).collect(), keys: Vec::new() };
            arguments.iter().for_each(|argument| call.push(argument, everything));
            let args: Vec<&[u8]> = call.args.iter().map(String::as_bytes).collect();
            let mut found_keys = keys(found.command, &args).unwrap();
            found_keys.sort_by_key(|key| key.position);
            let positions: Vec<usize> = found_keys.iter().map(|key| key.position).collect();
            let expected: Vec<usize> = call.keys.iter().map(|&(position, _)| position).collect();
            assert_eq!(positions, expected, "{name}: {:?}", call.args);
            for (key, (_, spec)) in found_keys.iter().zip(call.keys) {
                let KeySpec { flags, flags_of, .. } = found.command.keys[spec];
                assert!(key.flags == flags || flags_of.is_some(), "{name}: {:?}", call.args);
            }
        }
    }
}

#[test]
fn flags_go_together() {
    let opened = KeyFlags::RO | KeyFlags::RW | KeyFlags::OW | KeyFlags::RM;
    for found in all() {
        let (name, command) = (found.full_name(), found.command);
        let writes = command.flags.contains(Flags::WRITE);
        assert!(!(writes && command.flags.contains(Flags::READONLY)), "{name}");
        assert!(writes || !command.flags.contains(Flags::DENYOOM), "{name}");
        assert!(command.runs_alone() || command.flags.is_empty(), "{name}");
        for spec in command.keys {
            let is_key = !spec.flags.contains(KeyFlags::NOT_KEY);
            assert_eq!((spec.flags & opened).iter().count(), usize::from(is_key), "{name}");
            assert!(writes || !is_key || spec.flags.contains(KeyFlags::RO), "{name}");
            assert_eq!(spec.flags.contains(KeyFlags::VARIABLE_FLAGS), spec.flags_of.is_some(), "{name}");
        }
    }
    assert!(COMMANDS.iter().any(|command| command.doc.group == Group::String));
}
