//! Users: ACL CAT DELUSER DRYRUN GENPASS GETUSER LIST LOAD LOG SAVE SETUSER USERS WHOAMI.

use super::subcommand_error;
use crate::acl::{Logins, Reason, Rules, User, hex, is_name};
use crate::args::{integer, is};
use crate::command::Found;
use crate::context::Context;
use crate::error::{Error, c_text};
use crate::resp::Writer;

const NO_FILE: Error = Error::fixed(
    "ERR This Redis instance is not configured to use an ACL file. You may want to specify users via the ACL \
     SETUSER command and then issue a CONFIG REWRITE (assuming you have a Redis configuration file set) in order \
     to store users in the Redis configuration.",
);

/// ACL CAT: the categories, or the commands in one of them.
pub(crate) fn cat(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let reply = &mut context.reply;
    match &args[2..] {
        [] => {
            let categories = context.engine.commands.categories();
            reply.array(categories.len());
            categories.iter().for_each(|(name, _)| reply.bulk(name.as_bytes()));
        }
        [name] => {
            let shown = c_text(name);
            let shown = &shown[..shown.len().min(128)];
            let unknown = || Error::new([b"ERR Unknown category '", shown, b"'"].concat());
            let category = context.engine.commands.category(name).ok_or_else(unknown)?;
            let found =
                context.engine.commands.all().filter(|found| found.command.categories().contains(category));
            let names: Vec<_> = found.map(|found| found.full_name()).collect();
            reply.array(names.len());
            names.iter().for_each(|name| reply.bulk(name.as_bytes()));
        }
        _ => return Err(subcommand_error("ACL", args[1])),
    }
    Ok(())
}

/// ACL SETUSER: applies rules to a user, who is created if need be; all of them or none.
pub(crate) fn setuser(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let name = args[2];
    if !is_name(name) {
        return Err(Error::fixed("ERR Usernames can't contain spaces or null characters"));
    }
    let engine = &mut *context.engine;
    let old = engine.acl.user(name).map(|user| User::clone(user));
    let user = old.unwrap_or_else(|| User::new(name, engine.config.grants_all_channels()));
    let user = engine.with_rules(user, &args[3..])?;
    engine.change_user(user);
    context.reply.ok();
    Ok(())
}

/// ACL DELUSER: removes users, and closes their clients.
pub(crate) fn deluser(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let names = &args[2..];
    if names.contains(&&b"default"[..]) {
        return Err(Error::fixed("ERR The 'default' user cannot be removed"));
    }
    let removed = names.iter().filter(|name| context.engine.remove_user(name)).count();
    context.reply.count(removed);
    Ok(())
}

/// ACL GETUSER: a user's switches, passwords and rules.
pub(crate) fn getuser(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let Some(user) = context.engine.acl.user(args[2]).cloned() else {
        context.reply.null();
        return Ok(());
    };
    let reply = &mut context.reply;
    reply.map(6);
    reply.bulk(b"flags");
    let flags = user.flags();
    reply.set(flags.len());
    flags.iter().for_each(|flag| reply.bulk(flag.as_bytes()));
    reply.bulk(b"passwords");
    let passwords = user.passwords();
    reply.array(passwords.len());
    passwords.iter().for_each(|hash| reply.bulk(hash.as_bytes()));
    let rules = user.rules(&context.engine.commands);
    let (root, selectors) = rules.split_first().expect("a user has a first selector");
    write_rules(reply, root);
    reply.bulk(b"selectors");
    reply.array(selectors.len());
    for selector in selectors {
        reply.map(3);
        write_rules(reply, selector);
    }
    Ok(())
}

/// Writes the three pairs that tell a selector's rules.
fn write_rules(reply: &mut Writer, rules: &Rules) {
    let parts = [("commands", &rules.commands), ("keys", &rules.keys), ("channels", &rules.channels)];
    for (name, text) in parts {
        reply.bulk(name.as_bytes());
        reply.bulk(text);
    }
}

/// ACL LIST: every user as a line of rules.
pub(crate) fn list(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let lines = context.engine.user_lines();
    context.reply.array(lines.len());
    lines.iter().for_each(|line| context.reply.bulk(line));
    Ok(())
}

/// ACL USERS: every user's name.
pub(crate) fn users(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let Context { engine, reply, .. } = context;
    let users = engine.acl.users();
    reply.array(users.len());
    users.for_each(|user| reply.bulk(user.name()));
    Ok(())
}

/// ACL WHOAMI: the name of the user for whom the client acts.
pub(crate) fn whoami(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    let user = context.client().user.clone();
    context.reply.bulk(user.name());
    Ok(())
}

/// ACL DRYRUN: whether a user may make a call, which isn't made.
pub(crate) fn dryrun(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let called = &args[3..];
    let missing = || Error::new([b"ERR User '", c_text(args[2]), b"' not found"].concat());
    let user = context.engine.acl.user(args[2]).ok_or_else(missing)?;
    let unknown = || Error::new([b"ERR Command '", c_text(args[3]), b"' not found"].concat());
    let found: Found = context.engine.commands.called_by(called).ok_or_else(unknown)?;
    if !found.command.accepts(called.len()) {
        return Err(Error::wrong_arity(&found.full_name()));
    }
    let Err(denial) = user.check(found.command, called) else {
        context.reply.ok();
        return Ok(());
    };
    let object = c_text(called[denial.position]);
    let begin: &[u8] = b"This user has no permissions to ";
    let name = found.full_name();
    context.reply.bulk(&match denial.reason {
        Reason::Command => [begin, b"run the '", name.as_bytes(), b"' command"].concat(),
        Reason::Key => [begin, b"access the '", object, b"' key"].concat(),
        Reason::Channel => [begin, b"access the '", object, b"' channel"].concat(),
    });
    Ok(())
}

/// ACL GENPASS: a password that nobody can guess, in hexadecimal, of 256 bits or as many as are asked for.
pub(crate) fn genpass(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let bits = match &args[2..] {
        [] => 256,
        [bits] => match integer(bits)? {
            bits @ 1..=4096 => bits as usize,
            _ => {
                return Err(Error::fixed(
                    "ERR ACL GENPASS argument must be the number of bits for the output password, a positive \
                     number up to 4096",
                ));
            }
        },
        _ => return Err(subcommand_error("ACL", args[1])),
    };
    let digits = bits.div_ceil(4);
    let mut bytes = vec![0; digits.div_ceil(2)];
    context.engine.rng.fill_secret(&mut bytes);
    context.reply.bulk(&hex(&bytes).as_bytes()[..digits]);
    Ok(())
}

/// ACL LOG: what was denied lately, latest first; RESET forgets it.
pub(crate) fn log(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let count = match &args[2..] {
        [] => 10,
        [reset] if is(reset, "reset") => {
            context.engine.acl.log.clear();
            context.reply.ok();
            return Ok(());
        }
        [count] => usize::try_from(integer(count)?).unwrap_or(0),
        _ => return Err(subcommand_error("ACL", args[1])),
    };
    let Context { engine, reply, .. } = context;
    let entries = engine.acl.log.entries();
    reply.array(entries.len().min(count));
    for entry in entries.iter().take(count) {
        reply.map(7);
        reply.bulk(b"count");
        reply.integer(entry.count.cast_signed());
        for (name, text) in [
            ("reason", entry.reason.as_bytes()),
            ("context", entry.context.as_bytes()),
            ("object", &entry.object),
            ("username", &entry.user),
        ] {
            reply.bulk(name.as_bytes());
            reply.bulk(text);
        }
        reply.bulk(b"age-seconds");
        reply.double((engine.clock.now_ms() - entry.at_ms) as f64 / 1000.0);
        reply.bulk(b"client-info");
        reply.bulk(entry.client.as_bytes());
    }
    Ok(())
}

/// ACL SAVE: writes the users to the `aclfile`.
pub(crate) fn save(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    if context.engine.config.aclfile.is_empty() {
        return Err(NO_FILE);
    }
    context.engine.save_acl_file().map_err(|_| {
        Error::fixed(
            "ERR There was an error trying to save the ACLs. Please check the server logs for more information",
        )
    })?;
    context.reply.ok();
    Ok(())
}

/// ACL LOAD: puts the users of the `aclfile` in the place of all there are; with any error in it, nothing happens.
pub(crate) fn load(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    if context.engine.config.aclfile.is_empty() {
        return Err(NO_FILE);
    }
    context.engine.load_acl_file(Logins::Close).map_err(|errors| Error::new(format!("ERR {errors}")))?;
    context.reply.ok();
    Ok(())
}
