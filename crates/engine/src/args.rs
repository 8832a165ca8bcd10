//! Reading arguments: numbers and options, with Redis's errors for what is neither.

use keyspace::parse_integer;

use crate::error::Error;

/// A 64-bit integer.
pub(crate) fn integer(arg: &[u8]) -> Result<i64, Error> {
    parse_integer(arg).ok_or(Error::NOT_AN_INTEGER)
}

/// A 32-bit integer: the number of a database, for one.
pub(crate) fn small_integer(arg: &[u8]) -> Result<i32, Error> {
    let out_of_range = "ERR value is out of range, value must between -2147483648 and 2147483647";
    i32::try_from(integer(arg)?).map_err(|_| Error::fixed(out_of_range))
}

/// Whether the argument is this word, in any case.
pub(crate) fn is(arg: &[u8], word: &str) -> bool {
    arg.eq_ignore_ascii_case(word.as_bytes())
}

/// How a point in time is given.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum TimeUnit {
    /// Seconds from now.
    Seconds,
    /// Milliseconds from now.
    Milliseconds,
    /// Seconds since 1970.
    UnixSeconds,
    /// Milliseconds since 1970.
    UnixMilliseconds,
}

impl TimeUnit {
    /// The unit that an option of SET and GETEX names.
    pub(crate) fn from_option(arg: &[u8]) -> Option<Self> {
        Some(match arg {
            _ if is(arg, "ex") => Self::Seconds,
            _ if is(arg, "px") => Self::Milliseconds,
            _ if is(arg, "exat") => Self::UnixSeconds,
            _ if is(arg, "pxat") => Self::UnixMilliseconds,
            _ => return None,
        })
    }

    /// Whether the time is counted from now.
    pub(crate) fn is_relative(self) -> bool {
        matches!(self, Self::Seconds | Self::Milliseconds)
    }

    /// The point in time, in milliseconds since 1970; `None` when it can't be told in 64 bits.
    pub(crate) fn to_unix_ms(self, amount: i64, now_ms: i64) -> Option<i64> {
        let ms = match self {
            Self::Seconds | Self::UnixSeconds => amount.checked_mul(1000)?,
            Self::Milliseconds | Self::UnixMilliseconds => amount,
        };
        if self.is_relative() { ms.checked_add(now_ms) } else { Some(ms) }
    }
}

/// The point in time at which a key is to expire, in milliseconds since 1970, where it must not be 0 or below.
pub(crate) fn positive_expiry(arg: &[u8], unit: TimeUnit, now_ms: i64, command: &str) -> Result<i64, Error> {
    let amount = integer(arg)?;
    let expiry = if amount > 0 { unit.to_unix_ms(amount, now_ms) } else { None };
    expiry.ok_or_else(|| invalid_expiry(command))
}

/// The error about a time to live that is none.
pub(crate) fn invalid_expiry(command: &str) -> Error {
    Error::new(format!("ERR invalid expire time in '{command}' command"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_in_every_unit() {
        assert_eq!(TimeUnit::Seconds.to_unix_ms(2, 500), Some(2_500));
        assert_eq!(TimeUnit::Milliseconds.to_unix_ms(-2, 500), Some(498));
        assert_eq!(TimeUnit::UnixSeconds.to_unix_ms(2, 500), Some(2_000));
        assert_eq!(TimeUnit::UnixMilliseconds.to_unix_ms(i64::MAX, 500), Some(i64::MAX));
        assert_eq!(TimeUnit::Milliseconds.to_unix_ms(i64::MAX, 500), None);
        assert_eq!(TimeUnit::UnixSeconds.to_unix_ms(i64::MAX / 1000 + 1, 0), None);
    }

    #[test]
    fn an_expiry_must_lie_ahead_of_zero() {
        let error = Err(invalid_expiry("set"));
        assert_eq!(positive_expiry(b"0", TimeUnit::UnixSeconds, 5, "set"), error);
        assert_eq!(positive_expiry(b"-1", TimeUnit::Seconds, 5, "set"), error);
        assert_eq!(positive_expiry(b"9223372036854775807", TimeUnit::Seconds, 5, "set"), error);
        assert_eq!(positive_expiry(b"x", TimeUnit::Seconds, 5, "set"), Err(Error::NOT_AN_INTEGER));
        assert_eq!(positive_expiry(b"1", TimeUnit::Seconds, 5, "set"), Ok(1_005));
    }
}
