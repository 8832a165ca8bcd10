//! What the example modules share: options, numbers, keys and the callbacks of a data type.
//!
//! A module on top of it has no unsafe code. The syntax of commands ([`options`], [`number`]) is
//! plain Rust and tested without a server.
#![deny(unsafe_code)]

pub mod glob;
pub mod keys;
pub mod number;
pub mod options;
pub mod rdb;
pub mod server;
pub mod value;

/// The errors that Tair's modules reply, in their words.
pub mod errors {
    use redis_module::RedisError;

    /// An option that doesn't belong there, or lacks its argument.
    pub const SYNTAX: RedisError = RedisError::Str("ERR syntax error");
    /// The version that the client knows isn't the version there is.
    pub const STALE: RedisError = RedisError::Str("ERR update version is stale");
    /// A version that isn't a 64-bit integer, where it isn't an option.
    pub const VERSION: RedisError = RedisError::Str("ERR version should be integer");
    /// Not a 64-bit integer.
    pub const NOT_INTEGER: RedisError = RedisError::Str("ERR value is not an integer");
    /// Not a number.
    pub const NOT_FLOAT: RedisError = RedisError::Str("ERR value is not a float");
    /// A sum that doesn't fit its type or its bounds.
    pub const OVERFLOW: RedisError = RedisError::Str("ERR increment or decrement would overflow");
    /// A lower bound above the upper one, or one that isn't a number.
    pub const BOUNDS: RedisError = RedisError::Str("ERR min or max is specified, but not valid");
}
