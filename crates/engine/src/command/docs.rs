//! What COMMAND DOCS says of a command.

use super::info::write_names;
use super::syntax::Argument;
use super::{Command, Found};
use crate::resp::Writer;

/// What a command's row says for its readers, beside the arguments.
#[derive(Clone, Copy, Debug)]
pub struct Doc {
    /// The chapter that the command belongs to.
    pub group: Group,
    /// The version of Redis that had it first.
    pub since: &'static str,
    /// The time it takes; empty where that can't be told.
    pub complexity: &'static str,
    /// What it does, in a sentence.
    pub summary: &'static str,
    /// Versions of Redis that changed what it takes or answers, and what came with them.
    pub history: &'static [(&'static str, &'static str)],
    /// Whether, and in favour of what, it is going out of use.
    pub deprecated: Option<Deprecation>,
    /// Whether it is for the server's own use.
    pub system: bool,
}

impl Doc {
    pub(super) const EMPTY: Self = Self {
        group: Group::Generic,
        since: "",
        complexity: "",
        summary: "",
        history: &[],
        deprecated: None,
        system: false,
    };
}

/// A command that is going out of use.
#[derive(Clone, Copy, Debug)]
pub struct Deprecation {
    /// The version of Redis since which it is.
    pub since: &'static str,
    /// What to use instead.
    pub replaced_by: &'static str,
}

/// The chapters of the commands' documentation.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Group {
    /// Bits of strings.
    Bitmap,
    /// The connection.
    Connection,
    /// Keys, whatever their values.
    Generic,
    /// What modules bring along.
    Module,
    /// Messages.
    PubSub,
    /// The server.
    Server,
    /// Strings.
    String,
    /// MULTI and its kin.
    Transactions,
}

impl Group {
    /// The name that COMMAND DOCS gives.
    pub const fn name(self) -> &'static str {
        match self {
            Group::Bitmap => "bitmap",
            Group::Connection => "connection",
            Group::Generic => "generic",
            Group::Module => "module",
            Group::PubSub => "pubsub",
            Group::Server => "server",
            Group::String => "string",
            Group::Transactions => "transactions",
        }
    }
}

/// Writes a command's documentation, its sub-commands' within it.
///
/// # Panics
/// When the command's syntax can't be read; the table's tests read them all.
pub(crate) fn write_docs(reply: &mut Writer, found: &Found) {
    let Doc { group, since, complexity, summary, history, deprecated, system } = found.command.doc;
    let arguments = found.command.arguments();
    let is_container = !found.command.subcommands().is_empty();
    let flags = names_of(&[(deprecated.is_some(), "deprecated"), (system, "syscmd")]);
    let fields = [
        Some(("summary", Value::Text(summary))),
        Some(("since", Value::Text(since))),
        Some(("group", Value::Text(group.name()))),
        (!complexity.is_empty()).then_some(("complexity", Value::Text(complexity))),
        (!flags.is_empty()).then_some(("doc_flags", Value::Names(flags))),
        deprecated.map(|deprecated| ("deprecated_since", Value::Text(deprecated.since))),
        deprecated.map(|deprecated| ("replaced_by", Value::Text(deprecated.replaced_by))),
        (!history.is_empty()).then_some(("history", Value::History(history))),
        (!arguments.is_empty()).then_some(("arguments", Value::Arguments(&arguments))),
        is_container.then_some(("subcommands", Value::Subcommands(found.command))),
    ];
    write_fields(reply, fields);
}

fn write_argument(reply: &mut Writer, argument: &Argument<'_>) {
    let flags = names_of(&[
        (argument.optional, "optional"),
        (argument.multiple, "multiple"),
        (argument.multiple_token, "multiple_token"),
    ]);
    let parts = argument.parts();
    let fields = [
        Some(("name", Value::Text(&argument.name))),
        Some(("type", Value::Text(argument.kind.name()))),
        argument.key_spec.map(|index| ("key_spec_index", Value::Number(index))),
        argument.token.map(|token| ("token", Value::Text(token))),
        argument.since.map(|version| ("since", Value::Text(version))),
        argument.deprecated_since.map(|version| ("deprecated_since", Value::Text(version))),
        (!flags.is_empty()).then_some(("flags", Value::Names(flags))),
        (!parts.is_empty()).then_some(("arguments", Value::Arguments(parts))),
    ];
    write_fields(reply, fields);
}

/// The names whose condition holds.
fn names_of(conditions: &[(bool, &'static str)]) -> Vec<&'static str> {
    conditions.iter().filter_map(|&(holds, name)| holds.then_some(name)).collect()
}

/// What a field of the documentation holds.
enum Value<'a> {
    Text(&'a str),
    Number(usize),
    Names(Vec<&'static str>),
    History(&'a [(&'a str, &'a str)]),
    Arguments(&'a [Argument<'a>]),
    Subcommands(&'static Command),
}

/// Writes those fields that are there as a map.
fn write_fields<const N: usize>(reply: &mut Writer, fields: [Option<(&str, Value<'_>)>; N]) {
    reply.map(fields.iter().flatten().count());
    for (name, value) in fields.into_iter().flatten() {
        reply.bulk(name.as_bytes());
        match value {
            Value::Text(text) => reply.bulk(text.as_bytes()),
            Value::Number(number) => reply.count(number),
            Value::Names(names) => write_names(reply, names.into_iter().map(str::to_owned)),
            Value::History(history) => {
                reply.set(history.len());
                for (version, change) in history {
                    reply.array(2);
                    reply.bulk(version.as_bytes());
                    reply.bulk(change.as_bytes());
                }
            }
            Value::Arguments(arguments) => {
                reply.array(arguments.len());
                for argument in arguments {
                    write_argument(reply, argument);
                }
            }
            Value::Subcommands(container) => {
                reply.map(container.subcommands().len());
                for command in container.subcommands() {
                    let subcommand = Found { container: Some(container), command };
                    reply.bulk(subcommand.full_name().as_bytes());
                    write_docs(reply, &subcommand);
                }
            }
        }
    }
}
