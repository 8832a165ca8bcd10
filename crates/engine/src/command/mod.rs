//! What a command is, and everything that follows from its row in the [`table`]: look-up, arity, flags, where
//! its keys stand, and what COMMAND says of it.

mod added;
mod categories;
mod docs;
mod flags;
mod info;
mod keys;
mod lookup;
mod numbers;
pub mod syntax;
pub mod table;
#[cfg(test)]
mod table_tests;
mod usage;

pub use added::{Added, Channel, ChannelsOf, KeysOf, NewCommand, NewDoc, interned};
pub use categories::CategoryError;
pub use docs::{Deprecation, Doc, Group};
pub use flags::{Categories, Flags};
pub use keys::{BeginSearch, FindKeys, FlagsOf, Key, KeyError, KeyFlags, KeySpec, Keys, keys};
pub use usage::usage;

pub(crate) use added::{names as added_names, number_named, numbers_within};
pub(crate) use docs::write_docs;
pub(crate) use info::write_info;
pub(crate) use lookup::{Found, Index, all};
pub(crate) use numbers::{number, table_len};

use std::any::Any;

use syntax::Argument;

use crate::context::Context;
use crate::error::Error;

/// The function behind a command. Its arguments begin with the command's name, as it was sent.
///
/// On success it has written exactly one reply (or none, where the command's documentation says so); on
/// failure it has written nothing, and the error becomes the reply.
pub type Handler = fn(&mut Context<'_>, &[&[u8]]) -> Result<(), Error>;

/// One row of the table: a command, or a sub-command of one.
#[derive(Debug)]
pub struct Command {
    /// The name in lower case; a sub-command's is its own alone.
    pub name: &'static str,
    /// The number of arguments with the name (and the container's); negative where more may follow.
    pub arity: i8,
    /// What runs it.
    pub run: Run,
    /// Its arguments, as [`syntax`] reads them.
    pub syntax: &'static str,
    /// What it does and where it may run.
    pub flags: Flags,
    /// Its ACL categories, apart from those that follow from the flags; of one that was added these are all.
    pub acl: Categories,
    /// Where its keys stand among the arguments, and what is done with them.
    pub keys: &'static [KeySpec],
    /// Hints for clients and proxies, as COMMAND INFO gives them.
    pub tips: &'static [&'static str],
    /// What COMMAND DOCS says beside the arguments.
    pub doc: Doc,
    /// What a command has that isn't in the table.
    pub added: Option<Added>,
}

/// What runs a command.
#[derive(Debug)]
pub enum Run {
    /// A function.
    Handler(Handler),
    /// One of these, which the second argument names.
    Subcommands(&'static [Command]),
    /// The function when the name stands alone; otherwise one of these, which the second argument names.
    HandlerOrSubcommands(Handler, &'static [Command]),
}

/// A command that was found to be the one that a client asks for.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Call {
    /// The command; where it is in a container, the sub-command.
    pub(crate) command: &'static Command,
    /// What the command is in.
    pub(crate) container: Option<&'static Command>,
    /// The function that runs it.
    pub(crate) handler: Handler,
}

impl Call {
    /// The name by which COMMAND knows it: `container|command` for a sub-command.
    pub(crate) fn full_name(&self) -> std::borrow::Cow<'static, str> {
        Found { container: self.container, command: self.command }.full_name()
    }
}

impl Command {
    const fn with(name: &'static str, arity: i8, run: Run) -> Self {
        Self {
            name,
            arity,
            run,
            syntax: "",
            flags: Flags::empty(),
            acl: Categories::empty(),
            keys: &[],
            tips: &[],
            doc: Doc::EMPTY,
            added: None,
        }
    }

    /// A command that `handler` runs.
    pub const fn new(name: &'static str, arity: i8, handler: Handler) -> Self {
        Self::with(name, arity, Run::Handler(handler))
    }

    /// A command whose second argument names which of `subcommands` is meant.
    pub const fn container(name: &'static str, arity: i8, subcommands: &'static [Command]) -> Self {
        Self::with(name, arity, Run::Subcommands(subcommands))
    }

    /// A command that `handler` runs when it has no arguments, and that is a container otherwise.
    pub const fn handler_or_container(
        name: &'static str,
        arity: i8,
        handler: Handler,
        subcommands: &'static [Command],
    ) -> Self {
        Self::with(name, arity, Run::HandlerOrSubcommands(handler, subcommands))
    }

    /// The same with these arguments, in the language of [`syntax`].
    pub const fn syntax(mut self, syntax: &'static str) -> Self {
        self.syntax = syntax;
        self
    }

    /// The same with these flags.
    pub const fn flags(mut self, flags: &[Flags]) -> Self {
        let mut at = 0;
        while at < flags.len() {
            self.flags = self.flags.union(flags[at]);
            at += 1;
        }
        self
    }

    /// The same in these ACL categories, beside those that follow from its flags.
    pub const fn acl(mut self, categories: &[Categories]) -> Self {
        let mut at = 0;
        while at < categories.len() {
            self.acl = self.acl.union(categories[at]);
            at += 1;
        }
        self
    }

    /// The same with keys where `specs` say.
    pub const fn keys(mut self, specs: &'static [KeySpec]) -> Self {
        self.keys = specs;
        self
    }

    /// The same with these tips.
    pub const fn tips(mut self, tips: &'static [&'static str]) -> Self {
        self.tips = tips;
        self
    }

    /// The same documented: its group, the version of Redis that had it first, the time it takes, and what it
    /// does.
    pub const fn doc(
        mut self,
        group: Group,
        since: &'static str,
        complexity: &'static str,
        summary: &'static str,
    ) -> Self {
        self.doc = Doc { group, since, complexity, summary, ..self.doc };
        self
    }

    /// The same with the changes to its arguments and replies: versions of Redis, and what came with them.
    pub const fn history(mut self, history: &'static [(&'static str, &'static str)]) -> Self {
        self.doc.history = history;
        self
    }

    /// The same deprecated since a version of Redis, in favour of something else.
    pub const fn deprecated(mut self, since: &'static str, replaced_by: &'static str) -> Self {
        self.doc.deprecated = Some(Deprecation { since, replaced_by });
        self
    }

    /// The same marked as one for the server's own use.
    pub const fn system(mut self) -> Self {
        self.doc.system = true;
        self
    }

    /// Its arguments. A key belongs to the key spec of its place; where there are more keys than specs, the last one
    /// describes those that are left.
    ///
    /// # Panics
    /// When the syntax can't be read; the table's tests read them all.
    pub fn arguments(&self) -> Vec<Argument<'static>> {
        if let Some(added) = &self.added {
            return added.arguments.to_vec();
        }
        let mut arguments = syntax::parse(self.syntax).expect("the table's syntax can be read");
        if let Some(last) = self.keys.len().checked_sub(1) {
            arguments.iter_mut().for_each(|argument| argument.cap_key_spec(last));
        }
        arguments
    }

    /// The sub-commands; none for a command that isn't a container.
    pub const fn subcommands(&self) -> &'static [Command] {
        match self.run {
            Run::Handler(_) => &[],
            Run::Subcommands(subcommands) | Run::HandlerOrSubcommands(_, subcommands) => subcommands,
        }
    }

    /// What a command that was added is known by to whoever added it.
    #[inline]
    pub fn owner(&self) -> Option<&'static (dyn Any + Send + Sync)> {
        self.added.as_ref().and_then(|added| added.owner)
    }

    /// The name of the module that the command is of.
    pub fn module(&self) -> Option<&'static str> {
        self.added.as_ref().map(|added| added.module)
    }

    /// Whether the command is more than a container.
    pub const fn runs_alone(&self) -> bool {
        matches!(self.run, Run::Handler(_) | Run::HandlerOrSubcommands(..))
    }

    /// Every ACL category of the command. As in Redis, one that was added is in none that it isn't put into.
    pub const fn categories(&self) -> Categories {
        match self.added {
            Some(_) => self.acl,
            None => self.acl.union(Categories::implied_by(self.flags)),
        }
    }

    /// Whether the command takes `count` arguments, its name included.
    pub fn accepts(&self, count: usize) -> bool {
        let arity = usize::from(self.arity.unsigned_abs());
        if self.arity < 0 { count >= arity } else { count == arity }
    }
}
