//! The directives at run time: CONFIG GET SET RESETSTAT REWRITE.

use std::io;

use keyspace::glob::{self, Case};

use crate::acl::User;
use crate::config::{Directive, SetError};
use crate::context::Context;
use crate::error::Error;
use crate::host::reason;
use crate::module_directives::{Parted, with_module_directives};
use crate::server_events::ServerEvent;

/// CONFIG GET: the directives that match any of the patterns, with their values.
pub(crate) fn get(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let mut pairs = context.engine.config.get(&args[2..], matches);
    pairs.extend(context.engine.module_directives_matching(&args[2..]));
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
    let Parted { own, of_modules } =
        engine.part_directives(&args[2..], local).map_err(|error| refusal(&error))?;
    let pairs: Vec<(&str, &[u8])> = of_modules.iter().map(|(name, value)| (name.as_str(), *value)).collect();
    let mut names: Vec<&str> =
        own.iter().step_by(2).filter_map(|name| Some(Directive::find(name)?.name)).collect();
    names.extend(pairs.iter().map(|(name, _)| *name));
    // Where all are modules', there is nothing else to set.
    if own.is_empty() && !pairs.is_empty() {
        engine.set_module_directives(&pairs).map_err(|error| refusal(&error))?;
        engine.tell(&ServerEvent::ConfigSet(&names));
        context.reply.ok();
        return Ok(());
    }
    let change = engine.config.set(&own, local).map_err(|error| refusal(&error))?;
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
    if let Err(error) = engine.set_module_directives(&pairs) {
        let changed = change.names().to_vec();
        engine.config.restore(change);
        // What was in effect before can be so again.
        let _ = engine.host.apply(&engine.config, &changed);
        return Err(refusal(&error));
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
    let directives = engine.module_directives();
    old.and_then(|old| {
        let text = with_module_directives(engine.rewritten_config(&old), &directives);
        engine.host.write_config(&text)
    })
    .map_err(|error| Error::new(format!("ERR Rewriting config file: {}", reason(&error))))?;
    context.reply.ok();
    Ok(())
}
