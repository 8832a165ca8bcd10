//! COMMAND and its sub-commands: the table, told to clients.

use keyspace::glob::{self, Case};

use crate::command::{self, Categories, Command, Flags, Found, Index, Key, KeyError, KeyFlags, Keys};
use crate::context::Context;
use crate::engine::Engine;
use crate::error::Error;

/// COMMAND: every command, with its sub-commands.
pub(crate) fn command(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let (commands, categories) = (context.engine.commands.top_level(), context.engine.commands.categories());
    context.reply.array(commands.len());
    for found in commands.map(top_level) {
        command::write_info(&mut context.reply, &found, &categories);
    }
    Ok(())
}

/// COMMAND COUNT: how many commands there are, sub-commands apart.
pub(crate) fn count(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.reply.count(context.engine.commands.top_level().len());
    Ok(())
}

/// COMMAND INFO: the commands that are named, each by a null if there is no such command; without names, all.
pub(crate) fn info(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let names = &args[2..];
    if names.is_empty() {
        return command(context, args);
    }
    let categories = context.engine.commands.categories();
    context.reply.array(names.len());
    for name in names {
        match context.engine.commands.by_full_name(name) {
            Some(found) => command::write_info(&mut context.reply, &found, &categories),
            None => context.reply.null(),
        }
    }
    Ok(())
}

/// COMMAND DOCS: the documentation of those of the named commands that exist; without names, of all.
pub(crate) fn docs(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let names = &args[2..];
    let commands = &context.engine.commands;
    let found: Vec<Found> = match names {
        [] => commands.top_level().map(top_level).collect(),
        names => names.iter().filter_map(|name| commands.by_full_name(name)).collect(),
    };
    context.reply.map(found.len());
    for found in found {
        context.reply.bulk(found.full_name().as_bytes());
        command::write_docs(&mut context.reply, &found);
    }
    Ok(())
}

/// COMMAND LIST: the full names of all commands, or of those that a filter lets through.
pub(crate) fn list(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let filter = Filter::parse(&args[2..], &context.engine.commands)?;
    let names: Vec<_> = context
        .engine
        .commands
        .all()
        .filter(|found| filter.admits(found))
        .map(|found| found.full_name())
        .collect();
    context.reply.array(names.len());
    for name in names {
        context.reply.bulk(name.as_bytes());
    }
    Ok(())
}

/// Which commands COMMAND LIST names.
enum Filter<'a> {
    All,
    /// Those of a loaded module.
    Module(&'a [u8]),
    /// Those in an ACL category; `None` is one that doesn't exist.
    Category(Option<Categories>),
    /// Those whose full name matches.
    Pattern(&'a [u8]),
}

impl<'a> Filter<'a> {
    fn parse(args: &[&'a [u8]], index: &Index) -> Result<Self, Error> {
        let [keyword, kind, value] = match args {
            [] => return Ok(Self::All),
            [keyword, kind, value] => [keyword, kind, value],
            _ => return Err(Error::SYNTAX),
        };
        match () {
            () if !keyword.eq_ignore_ascii_case(b"filterby") => Err(Error::SYNTAX),
            () if kind.eq_ignore_ascii_case(b"module") => Ok(Self::Module(value)),
            () if kind.eq_ignore_ascii_case(b"aclcat") => Ok(Self::Category(index.category(value))),
            () if kind.eq_ignore_ascii_case(b"pattern") => Ok(Self::Pattern(value)),
            () => Err(Error::SYNTAX),
        }
    }

    fn admits(&self, found: &Found) -> bool {
        match *self {
            Self::All => true,
            Self::Module(name) => found.command.module().is_some_and(|module| module.as_bytes() == name),
            Self::Category(category) => {
                category.is_some_and(|category| found.command.categories().contains(category))
            }
            Self::Pattern(pattern) => glob::matches(pattern, found.full_name().as_bytes(), Case::Insensitive),
        }
    }
}

/// COMMAND GETKEYS: the keys of a command with its arguments.
pub(crate) fn getkeys(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let called = &args[2..];
    let keys = context.engine.command_keys(called)?;
    context.reply.array(keys.len());
    for Key { position, .. } in keys {
        context.reply.bulk(called[position]);
    }
    Ok(())
}

/// COMMAND GETKEYSANDFLAGS: the keys of a command with its arguments, and what it does with each.
pub(crate) fn getkeysandflags(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let called = &args[2..];
    let keys = context.engine.command_keys(called)?;
    context.reply.array(keys.len());
    for Key { position, flags } in keys {
        context.reply.array(2);
        context.reply.bulk(called[position]);
        flags.write(&mut context.reply);
    }
    Ok(())
}

impl Engine {
    /// The keys of a call, once it is a call that could be made; `called` begins with the command's name.
    ///
    /// # Errors
    /// When there is no such command, or it has no keys, or doesn't take these arguments.
    pub fn command_keys(&self, called: &[&[u8]]) -> Result<Keys, KeyError> {
        let Found { command, .. } = self.commands.called_by(called).ok_or(KeyError::UnknownCommand)?;
        let has_finder = command.added.as_ref().is_some_and(|added| added.find_keys.is_some());
        if !has_finder && command.keys.iter().all(|spec| spec.flags.contains(KeyFlags::NOT_KEY)) {
            return Err(KeyError::NoKeys);
        }
        if !command.accepts(called.len()) {
            return Err(KeyError::WrongArity);
        }
        match command::keys(command, called) {
            Ok(keys) if keys.is_empty() && !command.flags.contains(Flags::NO_MANDATORY_KEYS) => {
                Err(KeyError::WrongArguments)
            }
            Err(_) if command.flags.contains(Flags::NO_MANDATORY_KEYS) => Ok(Keys::new()),
            keys => keys,
        }
    }
}

fn top_level(command: &'static Command) -> Found {
    Found { container: None, command }
}
