//! The commands, a file for each group.
//!
//! Each command is two functions: one over the fields alone, and one that the server calls. The
//! latter gets arguments that the crate redis-module has retained (RetainString), so they stay valid
//! whatever becomes of the client's buffer; what is stored is copied from them.

pub(crate) mod delete;
pub(crate) mod expiry;
pub(crate) mod get;
pub(crate) mod increment;
pub(crate) mod load;
pub(crate) mod scan;
pub(crate) mod set;
pub(crate) mod version;

use module_kit::options::{Allowed, Options};
use redis_module::{RedisError, RedisString};

use crate::fields::Field;

/// The options of EXHSET; other commands take some of them.
const OPTIONS: Allowed = Allowed {
    expiry: true,
    keep_ttl: true,
    existence: true,
    version: true,
    greater_version: true,
    zero_expiry: true,
    flags: false,
    bounds: false,
    default: false,
    non_negative: false,
    with_version: false,
};

/// The arguments as bytes, if there are at least `least` with the command's name, and at most `most`.
///
/// # Errors
/// The wrong number of arguments.
fn arguments(all: &[RedisString], least: usize, most: usize) -> Result<Vec<&[u8]>, RedisError> {
    if (least..=most).contains(&all.len()) {
        Ok(all.iter().map(RedisString::as_slice).collect())
    } else {
        Err(RedisError::WrongArity)
    }
}

/// The version of a field after a change. A field of version 0 takes any version that is expected.
///
/// # Errors
/// When the client's version is stale.
fn next_version(options: &Options<'_>, current: Option<&Field>) -> Result<i64, RedisError> {
    let version = current.map(|field| field.version);
    let expected = options.next_version(version.filter(|version| *version != 0))?;
    Ok(expected)
}

/// The deadline of a field that is written: without EX or KEEPTTL an expiry is lost.
fn deadline(options: &Options<'_>, current: Option<&Field>, now: i64) -> i64 {
    match options.expiry {
        // 0 in the encoding is never, so what expired in 1970 expired a millisecond later.
        Some(expiry) => expiry.deadline(now).max(1),
        None if options.keep_ttl => current.map_or(0, |field| field.deadline),
        None => 0,
    }
}
