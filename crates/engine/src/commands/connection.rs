//! The connection itself: PING ECHO HELLO AUTH RESET QUIT SELECT.

use super::client;
use crate::args::is;
use crate::client::{Close, ReplyMode};
use crate::context::Context;
use crate::error::Error;
use crate::info::REDIS_VERSION;
use crate::login::{Login, Verdict};
use crate::resp::Version;

const NO_PASSWORD_SET: Error = Error::fixed(
    "ERR AUTH <password> called without any password configured for the default user. \
     Are you sure your configuration is correct?",
);
const HELLO_BEFORE_AUTH: Error = Error::fixed(
    "NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH <user> <pass> \
     option can be used to authenticate the client and select the RESP protocol version at the same time",
);

/// PING: the answer a healthy server gives, or the message that was sent along.
pub(crate) fn ping(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    // A client that speaks RESP2 takes it for a message while it is subscribed to anything.
    let as_message = context.client().subscriptions.is_some() && context.reply.version() == Version::V2;
    match args {
        [_] | [_, _] if as_message => {
            context.reply.array(2);
            context.reply.bulk(b"pong");
            context.reply.bulk(args.get(1).unwrap_or(&&b""[..]));
        }
        [_] => context.reply.simple("PONG"),
        [_, message] => context.reply.bulk(message),
        _ => return Err(Error::wrong_arity("ping")),
    }
    Ok(())
}

/// ECHO: the message that was sent along.
pub(crate) fn echo(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    context.reply.bulk(args[1]);
    Ok(())
}

/// HELLO: chooses the version of RESP, and authenticates and names the client on request.
///
/// As in Redis 7.0 the options take effect one by one: a name that stands before a wrong password is kept.
pub(crate) fn hello(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    greet(context, args, None)
}

/// HELLO, with what modules have said to the password if they have been asked already.
pub(crate) fn greet(
    context: &mut Context<'_>,
    args: &[&[u8]],
    verdict: Option<Verdict>,
) -> Result<(), Error> {
    let version = args.get(1).map(|text| protocol_version(text)).transpose()?;
    let mut credentials = None;
    let mut rest = args.get(2..).unwrap_or_default();
    while let [option, values @ ..] = rest {
        rest = match values {
            [user, password, rest @ ..] if is(option, "auth") => {
                credentials = Some((*user, *password));
                rest
            }
            [name, rest @ ..] if is(option, "setname") => {
                client::set_name(context, name)?;
                rest
            }
            _ => {
                let quoted = [b"ERR Syntax error in HELLO option '", *option, b"'"].concat();
                return Err(Error::new(quoted));
            }
        };
    }
    if let Some((user, password)) = credentials
        && !context.authenticate(&Login { user, password, args }, verdict)?
    {
        return Ok(());
    }
    if context.engine.must_authenticate(context.id) {
        return Err(HELLO_BEFORE_AUTH);
    }
    if let Some(version) = version {
        context.client_mut().version = version;
        context.reply.set_version(version);
    }
    write_hello(context);
    Ok(())
}

fn protocol_version(text: &[u8]) -> Result<Version, Error> {
    match keyspace::parse_integer(text) {
        Some(2) => Ok(Version::V2),
        Some(3) => Ok(Version::V3),
        Some(_) => Err(Error::fixed("NOPROTO unsupported protocol version")),
        None => Err(Error::fixed("ERR Protocol version is not an integer or out of range")),
    }
}

fn write_hello(context: &mut Context<'_>) {
    let id = context.id.number();
    let reply = &mut context.reply;
    let texts = |reply: &mut crate::resp::Writer, name: &str, value: &str| {
        reply.bulk(name.as_bytes());
        reply.bulk(value.as_bytes());
    };
    reply.map(7);
    texts(reply, "server", "redis");
    texts(reply, "version", REDIS_VERSION);
    reply.bulk(b"proto");
    reply.integer(match reply.version() {
        Version::V2 => 2,
        Version::V3 => 3,
    });
    reply.bulk(b"id");
    reply.integer(id.cast_signed());
    texts(reply, "mode", "standalone");
    texts(reply, "role", "master");
    reply.bulk(b"modules");
    reply.array(0);
}

/// AUTH: proves that the client knows a user's password; of the user `default`, unless another is named.
pub(crate) fn auth(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    log_in(context, args, None)
}

/// AUTH, with what modules have said to the password if they have been asked already.
pub(crate) fn log_in(
    context: &mut Context<'_>,
    args: &[&[u8]],
    verdict: Option<Verdict>,
) -> Result<(), Error> {
    let (user, password) = match args {
        [_, _] if context.engine.acl.default_user().has_no_password() && verdict.is_none() => {
            return Err(NO_PASSWORD_SET);
        }
        [_, password] => (&b"default"[..], *password),
        [_, user, password] => (*user, *password),
        _ => return Err(Error::SYNTAX),
    };
    if context.authenticate(&Login { user, password, args }, verdict)? {
        context.reply.ok();
    }
    Ok(())
}

/// RESET: makes the client what it was when it connected, but for its library's name and CLIENT NO-EVICT.
pub(crate) fn reset(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.engine.log_out(context.id);
    context.engine.end_transaction(context.id);
    context.engine.unsubscribe_all(context.id);
    context.engine.untrack(context.id);
    context.engine.end_monitor(context.id);
    let client = context.client_mut();
    client.name = Vec::new();
    // Whether this very command is answered was said before it.
    if client.reply_mode != ReplyMode::Skip {
        client.reply_mode = ReplyMode::On;
    }
    client.no_touch = false;
    client.db = 0;
    client.version = Version::default();
    context.reply.set_version(Version::default());
    context.reply.simple("RESET");
    Ok(())
}

/// QUIT: closes the connection once everything has been sent, whatever arguments there are.
pub(crate) fn quit(context: &mut Context<'_>, _args: &[&[u8]]) -> Result<(), Error> {
    context.reply.ok();
    context.client_mut().close = Some(Close::AfterReply);
    Ok(())
}

/// SELECT: the database that the client's commands work on from now on.
pub(crate) fn select(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let index = context.database(args[1])?;
    context.client_mut().db = index;
    context.reply.ok();
    Ok(())
}
