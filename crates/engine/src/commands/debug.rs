//! DEBUG: what tests need and nobody else should.

use std::time::Duration;

use keyspace::{Expiry, StringValue};

use super::{digest, subcommand_error};
use crate::context::Context;
use crate::error::Error;
use crate::{access, args};

const NOT_ALLOWED: Error = Error::fixed(
    "ERR DEBUG command not allowed. If the enable-debug-command option is set to \"local\", you can run it from a \
     local connection, otherwise you need to set this option in the configuration file, and then restart the server.",
);

const HELP: &[&str] = &[
    "DEBUG <subcommand> [<arg> [value] [opt] ...]. Subcommands are:",
    "DIGEST-VALUE <key> [<key> ...]",
    "    A digest of each value, zeros where there is none.",
    "ERROR <text>",
    "    Answer with this error.",
    "OBJECT <key>",
    "    How a value is stored, and when it was last used.",
    "PANIC",
    "    End the server as an error in its own logic would.",
    "POPULATE <count> [<prefix>] [<size>]",
    "    Create so many keys named <prefix>:<number>, the prefix being \"key\" unless another is given, each with a",
    "    text of its own, filled up with zero bytes to the size. Keys that exist stay as they are.",
    "RELOAD [MERGE | NOFLUSH | NOSAVE]...",
    "    Save to a file and load it again; there are no such files, so it is refused.",
    "SEGFAULT",
    "    End the server as an access to invalid memory would.",
    "SET-ACTIVE-EXPIRE <0|1>",
    "    With 0 keys whose time has come are removed only when they are looked up,",
    "    with 1 in the background as well.",
    "SLEEP <seconds>",
    "    Do nothing at all for so long. Decimals are allowed.",
    "HELP",
    "    Print this help.",
];

/// DEBUG, as far as `enable-debug-command` allows it to this client.
pub(crate) fn debug(context: &mut Context<'_>, arguments: &[&[u8]]) -> Result<(), Error> {
    if !context.engine.config.enable_debug_command.allows(context.client().origin.is_local()) {
        return Err(NOT_ALLOWED);
    }
    let is = |name| args::is(arguments[1], name);
    match &arguments[2..] {
        [] if is("HELP") => {
            context.reply.array(HELP.len());
            HELP.iter().for_each(|line| context.reply.simple(line));
            return Ok(());
        }
        [] if is("PANIC") => panic!("DEBUG PANIC was called"),
        [] if is("SEGFAULT") => {
            context.engine.host.fault();
            return Err(Error::fixed("ERR DEBUG SEGFAULT is not available in this program"));
        }
        [text] if is("ERROR") => return Err(Error::new(*text)),
        keys if is("DIGEST-VALUE") => {
            digest::digest_value(context, keys);
            return Ok(());
        }
        [key] if is("OBJECT") => return object(context, key),
        [count, rest @ ..] if is("POPULATE") && rest.len() <= 2 => populate(context, count, rest)?,
        options if is("RELOAD") => {
            let is_known =
                |option: &&[u8]| ["MERGE", "NOFLUSH", "NOSAVE"].iter().any(|known| args::is(option, known));
            return Err(Error::fixed(match options.iter().all(is_known) {
                true => "ERR DEBUG RELOAD needs RDB files, which are not supported",
                false => "ERR DEBUG RELOAD only supports the MERGE, NOFLUSH and NOSAVE options.",
            }));
        }
        [switch] if is("SET-ACTIVE-EXPIRE") => {
            context.engine.expiry.is_off = leading_integer(switch) == 0;
        }
        [seconds] if is("SLEEP") => std::thread::sleep(duration(seconds)),
        _ => {
            return Err(subcommand_error("DEBUG", arguments[1]));
        }
    }
    context.reply.ok();
    Ok(())
}

/// DEBUG OBJECT: a line about the value, in the form that libraries take apart. Redis's line has an address too.
fn object(context: &mut Context<'_>, key: &[u8]) -> Result<(), Error> {
    let db = context.selected();
    let now = access::Clock::of(&context.engine.config, &context.engine.clock);
    let compresses = context.engine.config.rdbcompression;
    let entry = context.engine.find(db, key).ok_or(Error::NO_SUCH_KEY)?;
    let entry = entry.get();
    let used = match (now.idle_seconds(entry.clock()), now.frequency(entry.clock())) {
        (Some(idle), _) => format!("lru_seconds_idle:{idle}"),
        (None, frequency) => format!("freq:{}", frequency.unwrap_or(0)),
    };
    let line = format!(
        "Value refcount:1 encoding:{} serializedlength:{} bytes:{} lru:{} {used}",
        entry.encoding().name(),
        persist::written_len(entry, db, compresses),
        entry.memory_usage(zmalloc::good_size),
        entry.clock(),
    );
    context.reply.simple(&line);
    Ok(())
}

/// DEBUG POPULATE: fills the database; `rest` holds the prefix of the keys and the size of the values, if given.
fn populate(context: &mut Context<'_>, count: &[u8], rest: &[&[u8]]) -> Result<(), Error> {
    let out_of_range = Error::fixed("ERR value is out of range, must be positive");
    let positive = |number: &[u8]| {
        let number = keyspace::parse_integer(number).and_then(|number| u64::try_from(number).ok());
        number.ok_or(out_of_range.clone())
    };
    let count = positive(count)?;
    let prefix = rest.first().copied().unwrap_or(b"key");
    let size = rest.get(1).map(|size| positive(size)).transpose()?.unwrap_or(0);
    let limit = context.engine.config.proto_max_bulk_len;
    let size = usize::try_from(size.min(limit)).unwrap_or(0);
    let db = context.selected();
    for number in 0..count {
        let key = [prefix, format!(":{number}").as_bytes()].concat();
        if context.engine.find(db, &key).is_none() {
            let mut value = format!("value:{number}").into_bytes();
            if size > 0 {
                value.resize(size, 0);
            }
            context.engine.store(db, &key, StringValue::text(&value), Expiry::Never);
            context.engine.touched(db, &key);
        }
    }
    Ok(())
}

/// The number that a text begins with, or 0: what C's `atoi` makes of it.
fn leading_integer(text: &[u8]) -> i64 {
    let sign = usize::from(matches!(text.first(), Some(b'-' | b'+')));
    let digits = text[sign..].iter().take_while(|byte| byte.is_ascii_digit()).count();
    std::str::from_utf8(&text[..sign + digits]).ok().and_then(|text| text.parse().ok()).unwrap_or(0)
}

/// A number of seconds; as in Redis, what is no positive number is no time.
fn duration(seconds: &[u8]) -> Duration {
    let seconds = std::str::from_utf8(seconds).ok().and_then(|text| text.parse().ok()).unwrap_or(0.0);
    Duration::try_from_secs_f64(seconds).unwrap_or_default()
}
