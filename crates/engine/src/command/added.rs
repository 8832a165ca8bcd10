//! Commands that aren't in the table: those that modules bring along.
//!
//! A command of the table lives as long as the program, and so does one that was added: rows are kept, and one that is
//! added again as it was (a module that is loaded once more) is the row that it was before. So nothing grows but by
//! commands that never were.

use std::any::Any;
use std::collections::{HashMap, HashSet};
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

use super::syntax::Argument;
use super::{
    Categories, Command, Doc, Flags, Found, Group, Handler, KeyError, KeySpec, Keys, Run, table_len,
};

/// Tells where the keys of a call are, whose arguments begin with the command's name.
///
/// # Errors
/// When the arguments aren't such as the command takes.
pub type KeysOf = fn(&Command, &[&[u8]]) -> Result<Keys, KeyError>;

/// A channel among the arguments of a call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Channel {
    /// The number of the argument that is the channel; the command's name has number 0.
    pub position: usize,
    /// Whether it is a pattern, which a user must be granted as such.
    pub is_pattern: bool,
}

/// Tells which arguments of a call are channels that it publishes to or subscribes to; those that it only
/// unsubscribes from need no permission.
pub type ChannelsOf = fn(&Command, &[&[u8]]) -> Vec<Channel>;

/// A command to be added.
#[derive(Clone, Debug)]
pub struct NewCommand {
    /// The name, in any case; a sub-command's is its own alone.
    pub name: String,
    /// As [`Command::arity`].
    pub arity: i8,
    /// The name of the module that it is of; of a sub-command that of its container counts.
    pub module: String,
    /// What runs it; `None` for one that consists of sub-commands.
    pub handler: Option<Handler>,
    /// What the handler knows it by: see [`Command::owner`].
    pub owner: Option<&'static (dyn Any + Send + Sync)>,
    /// What it does and where it may run.
    pub flags: Flags,
    /// Its ACL categories; none follow from the flags.
    pub acl: Categories,
    /// Where its keys stand.
    pub keys: Vec<KeySpec>,
    /// What finds its keys where they stand at no place that `keys` could tell.
    pub find_keys: Option<KeysOf>,
    /// What finds its channels, if it has any.
    pub find_channels: Option<ChannelsOf>,
    /// Its arguments.
    pub arguments: Vec<Argument<'static>>,
    /// Hints for clients and proxies.
    pub tips: Vec<String>,
    /// What it does, the time it takes, and since when it is there.
    pub doc: NewDoc,
    /// Its sub-commands.
    pub subcommands: Vec<NewCommand>,
}

/// What COMMAND DOCS says of a command that is added.
#[derive(Clone, Debug, Default)]
pub struct NewDoc {
    /// What it does, in a sentence.
    pub summary: String,
    /// The time it takes.
    pub complexity: String,
    /// The version of its module that had it first.
    pub since: String,
    /// Its changes: versions, and what came with them.
    pub history: Vec<(String, String)>,
}

impl NewCommand {
    /// A command without keys that takes any number of arguments.
    pub fn new(name: &str, handler: Option<Handler>) -> Self {
        Self {
            name: name.to_owned(),
            module: String::new(),
            arity: -1,
            handler,
            owner: None,
            flags: Flags::MODULE,
            acl: Categories::empty(),
            keys: Vec::new(),
            find_keys: None,
            find_channels: None,
            arguments: Vec::new(),
            tips: Vec::new(),
            doc: NewDoc::default(),
            subcommands: Vec::new(),
        }
    }

    /// What tells it from every other: all that it consists of.
    fn identity(&self, container: Option<&str>) -> String {
        fn owners(command: &NewCommand, text: &mut String) {
            let address = command.owner.map_or(0, |owner| std::ptr::from_ref(owner).addr());
            text.push_str(&format!("{address} "));
            command.subcommands.iter().for_each(|command| owners(command, text));
        }
        let mut text = format!("{container:?} {self:?} ");
        owners(self, &mut text);
        text
    }
}

/// Rows that were ever added, by their identity.
static ROWS: LazyLock<Mutex<HashMap<String, &'static Command>>> = LazyLock::new(Mutex::default);

/// The full names of commands that were ever added; that at `n` has the number `n` after the table's last.
static NAMES: RwLock<Vec<String>> = RwLock::new(Vec::new());

/// The number of an added command of that full name: the same for every command of that name.
fn number_of(full_name: &str) -> usize {
    let mut names = NAMES.write().unwrap_or_else(PoisonError::into_inner);
    let place = names.iter().position(|name| name == full_name).unwrap_or_else(|| {
        names.push(full_name.to_owned());
        names.len() - 1
    });
    table_len() + place
}

/// The number of an added command, by its full name in any case, if one of that name was ever added.
pub(crate) fn number_named(full_name: &[u8]) -> Option<usize> {
    let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
    let place = names.iter().position(|name| name.as_bytes().eq_ignore_ascii_case(full_name))?;
    Some(table_len() + place)
}

/// The numbers of the commands that are in an added container, by its full name.
pub(crate) fn numbers_within(container: &[u8]) -> Vec<usize> {
    let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
    let is_within = |name: &str| {
        let split = name.split_once('|');
        split.is_some_and(|(outer, _)| outer.as_bytes().eq_ignore_ascii_case(container))
    };
    let numbered = names.iter().enumerate().filter(|(_, name)| is_within(name));
    numbered.map(|(place, _)| table_len() + place).collect()
}

/// The full names of the commands that were ever added, with their numbers.
pub(crate) fn names() -> Vec<(usize, String)> {
    let names = NAMES.read().unwrap_or_else(PoisonError::into_inner);
    names.iter().enumerate().map(|(place, name)| (table_len() + place, name.clone())).collect()
}

/// The row for a command.
pub(crate) fn row(new: &NewCommand) -> &'static Command {
    let identity = new.identity(None);
    let known = ROWS.lock().unwrap_or_else(PoisonError::into_inner).get(&identity).copied();
    known.unwrap_or_else(|| {
        let command: &'static Command = Box::leak(Box::new(command(new, None)));
        ROWS.lock().unwrap_or_else(PoisonError::into_inner).insert(identity, command);
        command
    })
}

fn command(new: &NewCommand, container: Option<&str>) -> Command {
    let name = new.name.to_ascii_lowercase();
    let full_name = container.map_or(name.clone(), |container| format!("{container}|{name}"));
    let subcommands: Vec<Command> = new.subcommands.iter().map(|inner| command(inner, Some(&name))).collect();
    let subcommands: &'static [Command] = subcommands.leak();
    let run = match new.handler {
        Some(handler) if subcommands.is_empty() => Run::Handler(handler),
        Some(handler) => Run::HandlerOrSubcommands(handler, subcommands),
        None => Run::Subcommands(subcommands),
    };
    let history: Vec<(&'static str, &'static str)> =
        new.doc.history.iter().map(|(since, change)| (interned(since), interned(change))).collect();
    let tips: Vec<&'static str> = new.tips.iter().map(|tip| interned(tip)).collect();
    Command {
        name: interned(&name),
        arity: new.arity,
        run,
        syntax: "",
        flags: new.flags,
        acl: new.acl,
        keys: new.keys.clone().leak(),
        tips: tips.leak(),
        doc: Doc {
            group: Group::Module,
            since: interned(&new.doc.since),
            complexity: interned(&new.doc.complexity),
            summary: interned(&new.doc.summary),
            history: history.leak(),
            deprecated: None,
            system: false,
        },
        added: Some(Added {
            number: number_of(&full_name),
            module: interned(&new.module),
            owner: new.owner,
            find_keys: new.find_keys,
            find_channels: new.find_channels,
            arguments: new.arguments.clone().leak(),
        }),
    }
}

/// A text that stays for as long as the program runs; equal texts are the same.
pub fn interned(text: &str) -> &'static str {
    static TEXTS: LazyLock<Mutex<HashSet<&'static str>>> = LazyLock::new(Mutex::default);
    let mut texts = TEXTS.lock().unwrap_or_else(PoisonError::into_inner);
    texts.get(text).copied().unwrap_or_else(|| {
        let kept: &'static str = text.to_owned().leak();
        texts.insert(kept);
        kept
    })
}

/// What an added command has beside what every command has.
#[derive(Debug)]
pub struct Added {
    /// Its number among all commands.
    pub(crate) number: usize,
    /// The name of the module that it is of.
    pub(crate) module: &'static str,
    /// What its handler knows it by.
    pub(crate) owner: Option<&'static (dyn Any + Send + Sync)>,
    /// What finds its keys, if that takes more than their positions.
    pub(crate) find_keys: Option<KeysOf>,
    /// What finds its channels.
    pub(crate) find_channels: Option<ChannelsOf>,
    /// Its arguments.
    pub(crate) arguments: &'static [Argument<'static>],
}

/// A command that was added, and those within it.
pub(crate) fn with_subcommands(command: &'static Command) -> impl Iterator<Item = Found> {
    let subcommands = command.subcommands().iter();
    std::iter::once(Found { container: None, command })
        .chain(subcommands.map(move |inner| Found { container: Some(command), command: inner }))
}
