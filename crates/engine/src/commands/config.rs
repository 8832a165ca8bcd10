//! The directives at run time: CONFIG GET SET RESETSTAT REWRITE.

use std::io;

use keyspace::glob::{self, Case};

use crate::acl::User;
use crate::config::{Directive, SetError};
use crate::context::Context;
use crate::error::Error;
use crate::host::reason;
use crate::server_events::ServerEvent;

/// CONFIG GET: the directives that match any of the patterns, with their values.
pub(crate) fn get(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let pairs = context.engine.config.get(&args[2..], matches);
    context.reply.map(pairs.len());
    for (name, value) in pairs {
        context.reply.bulk(&name);
        context.reply.bulk(&value);
    }
    Ok(())
}

fn matches(pattern: &[u8], text: &[u8], ignore_case: bool) -> bool {
    glob::matches(pattern, text, if ignore_case { Case::Insensitive } else { Case::Sensitive })
}

/// CONFIG SET: several directives at once. All of them are set and in effect, or everything is as it was.
pub(crate) fn set(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let local = context.client().origin.is_local();
    let engine = &mut *context.engine;
    let given = args[2..].iter().step_by(2);
    let names: Vec<&str> = given.filter_map(|name| Some(Directive::find(name)?.name)).collect();
    let change = engine.config.set(&args[2..], local).map_err(|error| refusal(&error))?;
    if !change.names().is_empty()
        && let Err(reason) = engine.host.apply(&engine.config, change.names())
    {
        let error = match change.names() {
            [name] => refusal(&SetError::failed(name, &reason)),
            _ => Error::new(format!("ERR CONFIG SET failed - {reason}")),
        };
        engine.config.restore(change);
        return Err(error);
    }
    if change.names().contains(&"maxmemory") {
        engine.limit_changed();
    }
    if change.names().contains(&"requirepass") {
        let mut user = User::clone(engine.acl.default_user());
        user.set_password(&engine.config.requirepass);
        engine.put_user(user);
    }
    engine.tell(&ServerEvent::ConfigSet(&names));
    context.reply.ok();
    Ok(())
}

fn refusal(error: &SetError) -> Error {
    Error::new([b"ERR ", &error.to_bytes()[..]].concat())
}

/// CONFIG RESETSTAT: starts the counters of INFO from 0 again.
pub(crate) fn resetstat(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.engine.reset_stats();
    context.reply.ok();
    Ok(())
}

/// CONFIG REWRITE: brings the configuration file up to date with the directives in force.
pub(crate) fn rewrite(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let engine = &mut *context.engine;
    if engine.host.config_file().is_none() {
        return Err(Error::fixed("ERR The server is running without a config file"));
    }
    let old = match engine.host.read_config() {
        // As in Redis, a file that has been removed since is written anew.
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(Vec::new()),
        outcome => outcome,
    };
    old.and_then(|old| engine.host.write_config(&engine.rewritten_config(&old)))
        .map_err(|error| Error::new(format!("ERR Rewriting config file: {}", reason(&error))))?;
    context.reply.ok();
    Ok(())
}
