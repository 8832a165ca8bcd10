//! What COMMAND INFO says of a command.

use super::{BeginSearch, Categories, Command, FindKeys, Flags, Found, KeySpec};
use crate::resp::Writer;

/// Writes a command's entry, its sub-commands' within it; `categories` are all that there are, by name.
pub(crate) fn write_info(reply: &mut Writer, found: &Found, categories: &[(String, Categories)]) {
    let command = found.command;
    reply.array(10);
    reply.bulk(found.full_name().as_bytes());
    reply.integer(command.arity.into());
    write_names(reply, flag_names(command));
    let range = KeyRange::of(command.keys);
    reply.integer(range.first);
    reply.integer(range.last);
    reply.integer(range.step);
    let its = categories.iter().filter(|(_, category)| command.categories().contains(*category));
    write_names(reply, its.map(|(name, _)| format!("@{name}")));
    reply.set(command.tips.len());
    for tip in command.tips {
        reply.bulk(tip.as_bytes());
    }
    reply.set(command.keys.len());
    for spec in command.keys {
        write_key_spec(reply, spec);
    }
    let subcommands = command.subcommands();
    // An empty list is a set and any other an array: the way Redis has it.
    match subcommands.len() {
        0 => reply.set(0),
        len => reply.array(len),
    }
    for subcommand in subcommands {
        write_info(reply, &Found { container: Some(command), command: subcommand }, categories);
    }
}

/// The names of a command's flags, and among them whether its keys stand elsewhere than its range of keys says.
fn flag_names(command: &Command) -> impl Iterator<Item = String> {
    // Redis keeps it to itself that a command may be replicated.
    let shown = command.flags.difference(Flags::MAY_REPLICATE);
    let (last, first): (Vec<_>, Vec<_>) =
        shown.iter_names().partition(|(_, flag)| *flag == Flags::ALLOW_BUSY);
    let movable = has_movable_keys(command).then_some("movablekeys");
    let names =
        |flags: Vec<(&'static str, Flags)>| flags.into_iter().map(|(name, _)| name.to_ascii_lowercase());
    names(first).chain(movable.map(str::to_owned)).chain(names(last))
}

/// Whether a command's keys can't be found by [`KeyRange`] alone.
fn has_movable_keys(command: &Command) -> bool {
    let is_range =
        |spec: &KeySpec| matches!((spec.begin, spec.find), (BeginSearch::Index(_), FindKeys::Range { .. }));
    let has_finder = command.added.as_ref().is_some_and(|added| added.find_keys.is_some());
    has_finder || !command.keys.iter().all(is_range)
}

/// Writes a set of names as statuses.
pub(super) fn write_names(reply: &mut Writer, names: impl Iterator<Item = String>) {
    let names: Vec<String> = names.collect();
    reply.set(names.len());
    for name in names {
        reply.simple(&name);
    }
}

/// The first key, the last and the distance between keys: the form in which clients older than key specs know
/// where keys are. All 0 where there are none that can be told without looking at the arguments.
struct KeyRange {
    first: i64,
    last: i64,
    step: i64,
}

impl KeyRange {
    /// One range for all specs, as far as they begin at a fixed place and follow on each other.
    fn of(specs: &[KeySpec]) -> Self {
        let mut range = Self { first: 0, last: 0, step: 0 };
        for spec in specs {
            let (BeginSearch::Index(begin), FindKeys::Range { last, step, .. }) = (spec.begin, spec.find)
            else {
                continue;
            };
            let (begin, step) = (begin as i64, step as i64);
            // A negative last key counts from the end of the arguments, any other from the first.
            let last = if last < 0 { last as i64 } else { begin + last as i64 };
            if range.first == 0 {
                range = Self { first: begin, last, step };
            } else if range.last >= 0 && range.last + range.step == begin {
                range.last = last;
            } else {
                break;
            }
        }
        range
    }
}

fn write_key_spec(reply: &mut Writer, spec: &KeySpec) {
    reply.map(3 + usize::from(spec.notes.is_some()));
    if let Some(notes) = spec.notes {
        reply.bulk(b"notes");
        reply.bulk(notes.as_bytes());
    }
    reply.bulk(b"flags");
    spec.flags.write(reply);
    reply.bulk(b"begin_search");
    match spec.begin {
        BeginSearch::Index(index) => write_step(reply, "index", &[("index", Term::Number(index as i64))]),
        BeginSearch::Keyword { keyword, start_from } => {
            let terms = [("keyword", Term::Text(keyword)), ("startfrom", Term::Number(start_from as i64))];
            write_step(reply, "keyword", &terms);
        }
    }
    reply.bulk(b"find_keys");
    let (kind, terms) = match spec.find {
        FindKeys::Range { last, step, limit } => {
            ("range", [("lastkey", last as i64), ("keystep", step as i64), ("limit", limit as i64)])
        }
        FindKeys::KeyNum { number, first, step } => {
            ("keynum", [("keynumidx", number as i64), ("firstkey", first as i64), ("keystep", step as i64)])
        }
    };
    write_step(reply, kind, &terms.map(|(name, number)| (name, Term::Number(number))));
}

enum Term {
    Number(i64),
    Text(&'static str),
}

/// Writes one of the two steps of a key spec: its type, and the terms that go with it.
fn write_step(reply: &mut Writer, kind: &str, terms: &[(&str, Term)]) {
    reply.map(2);
    reply.bulk(b"type");
    reply.bulk(kind.as_bytes());
    reply.bulk(b"spec");
    reply.map(terms.len());
    for (name, term) in terms {
        reply.bulk(name.as_bytes());
        match *term {
            Term::Number(number) => reply.integer(number),
            Term::Text(text) => reply.bulk(text.as_bytes()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::KeyFlags;
    use crate::resp::Version;

    fn range(specs: &[KeySpec]) -> (i64, i64, i64) {
        let KeyRange { first, last, step } = KeyRange::of(specs);
        (first, last, step)
    }

    #[test]
    fn specs_that_follow_on_each_other_make_one_range() {
        let one = |index| KeySpec::one(index, &[KeyFlags::RO]);
        assert_eq!(range(&[]), (0, 0, 0));
        assert_eq!(range(&[one(2)]), (2, 2, 1));
        assert_eq!(range(&[one(1), one(2)]), (1, 2, 1));
        assert_eq!(range(&[one(1), one(3)]), (1, 1, 1));
        assert_eq!(range(&[one(1), KeySpec::every(1, 2, &[])]), (1, -1, 1));
        assert_eq!(range(&[KeySpec::every(2, 1, &[]), one(3)]), (1, -1, 2));
        let counted = KeySpec {
            find: FindKeys::KeyNum { number: 0, first: 1, step: 1 },
            begin: BeginSearch::Keyword { keyword: "KEYS", start_from: 1 },
            ..one(1)
        };
        assert_eq!(range(&[counted]), (0, 0, 0));
        let mut reply = Writer::new(Vec::new(), Version::V3);
        write_key_spec(&mut reply, &counted);
        let text = String::from_utf8(reply.into_inner()).unwrap().replace("\r\n", " ");
        let expected = "%3 $5 flags ~1 +RO $12 begin_search %2 $4 type $7 keyword $4 spec %2 \
                        $7 keyword $4 KEYS $9 startfrom :1 $9 find_keys %2 \
                        $4 type $6 keynum $4 spec %3 $9 keynumidx :0 \
                        $8 firstkey :1 $7 keystep :1 ";
        assert_eq!(text, expected);
    }
}
