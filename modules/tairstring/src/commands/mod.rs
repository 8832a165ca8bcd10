//! The commands, a file for each group.
//!
//! Each command is two functions: one over the value alone, and one that the server calls. The
//! latter gets arguments that the crate redis-module has retained (RetainString), so they stay valid
//! whatever becomes of the client's buffer; what is stored is copied from them.

pub(crate) mod append;
pub(crate) mod compare;
pub(crate) mod exset;
pub(crate) mod get;
pub(crate) mod increment;

use module_kit::options::Options;
use redis_module::{RedisError, RedisString};

use crate::effect::KeyExpiry;

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

/// What options mean for the key's expiry where a command overwrites the value: without EX or
/// KEEPTTL an expiry is lost, as with SET.
fn expiry_of_overwrite(options: &Options<'_>, now: i64) -> KeyExpiry {
    match options.expiry {
        Some(expiry) => KeyExpiry::At(expiry.deadline(now)),
        None if options.keep_ttl => KeyExpiry::Keep,
        None => KeyExpiry::Never,
    }
}
