//! The errors that commands answer with, in Redis's words: clients match on them.

use std::borrow::Cow;
use std::fmt;

/// An error reply: a code in capitals, a space and a sentence, as in `ERR syntax error`.
///
/// Its text may quote what a client sent, so it is bytes rather than a string.
#[derive(Clone, PartialEq, Eq)]
pub struct Error(Cow<'static, [u8]>);

impl Error {
    /// Neither an option nor its place is known to the command.
    pub const SYNTAX: Error = Error::fixed("ERR syntax error");
    /// An argument isn't a decimal integer of 64 bits.
    pub const NOT_AN_INTEGER: Error = Error::fixed("ERR value is not an integer or out of range");
    /// An argument isn't a floating-point number.
    pub const NOT_A_FLOAT: Error = Error::fixed("ERR value is not a valid float");
    /// The key holds a value of another type than the command works on.
    pub const WRONG_TYPE: Error =
        Error::fixed("WRONGTYPE Operation against a key holding the wrong kind of value");
    /// The command needs the key to exist.
    pub const NO_SUCH_KEY: Error = Error::fixed("ERR no such key");
    /// There is no database of that number.
    pub const DB_OUT_OF_RANGE: Error = Error::fixed("ERR DB index is out of range");
    /// The memory limit is reached and nothing can be evicted.
    pub const OUT_OF_MEMORY: Error = Error::fixed("OOM command not allowed when used memory > 'maxmemory'.");
    /// The client hasn't given the password.
    pub const NO_AUTH: Error = Error::fixed("NOAUTH Authentication required.");

    /// An error with a fixed text.
    pub const fn fixed(text: &'static str) -> Self {
        Self(Cow::Borrowed(text.as_bytes()))
    }

    /// An error whose text is made for the occasion; begin it with a code.
    pub fn new(text: impl Into<Vec<u8>>) -> Self {
        Self(Cow::Owned(text.into()))
    }

    /// The text of the reply, without the sigil and the end of line.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// The code: the text up to the first space.
    pub fn code(&self) -> &[u8] {
        self.0.split(|&byte| byte == b' ').next().unwrap_or_default()
    }

    /// The command was given too few or too many arguments; `name` is its full name (`config|get`).
    pub fn wrong_arity(name: &str) -> Self {
        Self::new(format!("ERR wrong number of arguments for '{name}' command"))
    }
}

impl Error {
    /// The arguments behind the name of a container's sub-command aren't what it takes.
    pub(crate) fn wrong_subcommand(args: &[&[u8]]) -> Self {
        let (container, name) = (args[0].to_ascii_uppercase(), c_text(args[1]));
        let name = &name[..name.len().min(128)];
        let text: [&[u8]; 5] = [
            b"ERR unknown subcommand or wrong number of arguments for '",
            name,
            b"'. Try ",
            &container,
            b" HELP.",
        ];
        Self::new(text.concat())
    }
}

/// What C sees of an argument that an error quotes: the bytes up to a zero.
pub(crate) fn c_text(argument: &[u8]) -> &[u8] {
    argument.split(|&byte| byte == 0).next().unwrap_or_default()
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.escape_ascii())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Error(\"{self}\")")
    }
}

impl std::error::Error for Error {}
