//! The options that follow a command's fixed arguments.
//!
//! They are checked before the keyspace is touched, so a command that is refused changes nothing and
//! its reply doesn't depend on what is stored.

use redis_module::RedisError;

use crate::errors;
use crate::number::parse_integer;

/// Which options a command takes. One more, DEF, is written as a bound is.
#[derive(Clone, Copy, Debug, Default)]
pub struct Allowed {
    /// EX, EXAT, PX, PXAT.
    pub expiry: bool,
    /// KEEPTTL.
    pub keep_ttl: bool,
    /// NX, XX.
    pub existence: bool,
    /// VER, ABS.
    pub version: bool,
    /// GT, and that ABS and GT may not be 0.
    pub greater_version: bool,
    /// FLAGS.
    pub flags: bool,
    /// MIN, MAX.
    pub bounds: bool,
    /// DEF.
    pub default: bool,
    /// NONEGATIVE.
    pub non_negative: bool,
    /// WITHVERSION.
    pub with_version: bool,
    /// An expiry of 0, which means at once.
    pub zero_expiry: bool,
}

/// When something expires, as the client gave it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expiry {
    /// Milliseconds from now.
    In(i64),
    /// Milliseconds since 1970.
    At(i64),
}

impl Expiry {
    /// Milliseconds since 1970. Replicas get this form: their "now" is another.
    pub fn deadline(self, now: i64) -> i64 {
        match self {
            Self::In(period) => now.saturating_add(period),
            Self::At(deadline) => deadline,
        }
    }
}

/// NX and XX.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existence {
    /// NX: only what isn't there.
    Absent,
    /// XX: only what is there.
    Present,
}

/// VER, ABS and GT.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionRule {
    /// VER: the version there is must be this one, unless this is 0.
    Equal(i64),
    /// ABS: the version becomes this one.
    Set(i64),
    /// GT: the version becomes this one, which must be greater.
    Greater(i64),
}

/// The options of one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Options<'a> {
    /// EX, EXAT, PX, PXAT.
    pub expiry: Option<Expiry>,
    /// KEEPTTL.
    pub keep_ttl: bool,
    /// NX, XX.
    pub existence: Option<Existence>,
    /// VER, ABS, GT.
    pub version: Option<VersionRule>,
    /// FLAGS.
    pub flags: Option<u32>,
    /// MIN, as text.
    pub min: Option<&'a [u8]>,
    /// MAX, as text.
    pub max: Option<&'a [u8]>,
    /// DEF, as text.
    pub default: Option<&'a [u8]>,
    /// NONEGATIVE.
    pub non_negative: bool,
    /// WITHVERSION.
    pub with_version: bool,
}

impl<'a> Options<'a> {
    /// Reads all of `arguments`; names in any case.
    ///
    /// # Errors
    /// A syntax error when a name is unknown or not allowed, comes twice, contradicts another, or
    /// has no or a bad argument.
    pub fn parse(arguments: &[&'a [u8]], allowed: Allowed) -> Result<Self, RedisError> {
        let mut options = Self::default();
        let mut rest = arguments.iter().copied();
        while let Some(name) = rest.next() {
            options.take(&name.to_ascii_uppercase(), &mut rest, allowed).ok_or(errors::SYNTAX)?;
        }
        let is_contradiction = options.keep_ttl && options.expiry.is_some();
        if is_contradiction { Err(errors::SYNTAX) } else { Ok(options) }
    }

    fn take(
        &mut self,
        name: &[u8],
        rest: &mut impl Iterator<Item = &'a [u8]>,
        allowed: Allowed,
    ) -> Option<()> {
        let lowest_version = i64::from(allowed.greater_version);
        let mut integer = |least: i64| rest.next().and_then(parse_integer).filter(|number| *number >= least);
        let least = i64::from(!allowed.zero_expiry);
        match name {
            b"EX" if allowed.expiry => once(&mut self.expiry, Expiry::In(integer(least)?.checked_mul(1000)?)),
            b"EXAT" if allowed.expiry => {
                once(&mut self.expiry, Expiry::At(integer(least)?.checked_mul(1000)?))
            }
            b"PX" if allowed.expiry => once(&mut self.expiry, Expiry::In(integer(least)?)),
            b"PXAT" if allowed.expiry => once(&mut self.expiry, Expiry::At(integer(least)?)),
            b"NX" if allowed.existence => once(&mut self.existence, Existence::Absent),
            b"XX" if allowed.existence => once(&mut self.existence, Existence::Present),
            b"VER" if allowed.version => once(&mut self.version, VersionRule::Equal(integer(0)?)),
            b"ABS" if allowed.version => once(&mut self.version, VersionRule::Set(integer(lowest_version)?)),
            b"GT" if allowed.greater_version => {
                once(&mut self.version, VersionRule::Greater(integer(lowest_version)?))
            }
            b"FLAGS" if allowed.flags => once(&mut self.flags, u32::try_from(integer(0)?).ok()?),
            b"MIN" if allowed.bounds => once(&mut self.min, rest.next()?),
            b"MAX" if allowed.bounds => once(&mut self.max, rest.next()?),
            b"DEF" if allowed.default => once(&mut self.default, rest.next()?),
            b"KEEPTTL" if allowed.keep_ttl => switch(&mut self.keep_ttl),
            b"NONEGATIVE" if allowed.non_negative => switch(&mut self.non_negative),
            b"WITHVERSION" if allowed.with_version => switch(&mut self.with_version),
            _ => None,
        }
    }

    /// Whether NX or XX forbids the change.
    pub fn forbids(&self, exists: bool) -> bool {
        match self.existence {
            Some(Existence::Absent) => exists,
            Some(Existence::Present) => !exists,
            None => false,
        }
    }

    /// The version after a change; `current` is `None` for what isn't there.
    ///
    /// # Errors
    /// When the client's version is stale.
    pub fn next_version(&self, current: Option<i64>) -> Result<i64, RedisError> {
        match self.version {
            Some(VersionRule::Set(version)) => Ok(version),
            Some(VersionRule::Greater(version)) => {
                if current.is_none_or(|current| version > current) {
                    Ok(version)
                } else {
                    Err(errors::STALE)
                }
            }
            Some(VersionRule::Equal(version)) => match current {
                Some(current) if version != 0 && version != current => Err(errors::STALE),
                _ => Ok(successor(current)),
            },
            None => Ok(successor(current)),
        }
    }
}

/// Versions count changes from 1; the largest stays.
fn successor(current: Option<i64>) -> i64 {
    current.map_or(1, |current| current.saturating_add(1))
}

fn once<T>(place: &mut Option<T>, value: T) -> Option<()> {
    place.replace(value).is_none().then_some(())
}

fn switch(place: &mut bool) -> Option<()> {
    (!std::mem::replace(place, true)).then_some(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: Allowed = Allowed {
        expiry: true,
        keep_ttl: true,
        existence: true,
        version: true,
        greater_version: true,
        flags: true,
        bounds: true,
        default: true,
        non_negative: true,
        with_version: true,
        zero_expiry: false,
    };

    fn parse(text: &str, allowed: Allowed) -> Result<Options<'_>, RedisError> {
        let words: Vec<&[u8]> = text.split_whitespace().map(str::as_bytes).collect();
        Options::parse(&words, allowed)
    }

    #[test]
    fn every_option_is_read() {
        let text = "ex 10 nx Ver 3 FLAGS 4294967295 min 1 MAX x def 5 nonegative WithVersion";
        let expected = Options {
            expiry: Some(Expiry::In(10_000)),
            keep_ttl: false,
            existence: Some(Existence::Absent),
            version: Some(VersionRule::Equal(3)),
            flags: Some(u32::MAX),
            min: Some(b"1"),
            max: Some(b"x"),
            default: Some(b"5"),
            non_negative: true,
            with_version: true,
        };
        assert_eq!(parse(text, ALL).unwrap(), expected);
        assert!(parse("", Allowed::default()).unwrap() == Options::default());
        assert!(parse(text, Allowed::default()).is_err());
    }

    #[test]
    fn bad_options_are_refused() {
        for text in [
            "EX",
            "EX 0",
            "EX -1",
            "EX x",
            "PX 0",
            "EX 9223372036854775807",
            "EX 1 EX 1",
            "EX 1 PX 1",
            "EXAT 1 PXAT 1",
            "NX XX",
            "NX NX",
            "VER",
            "VER -1",
            "VER 1 ABS 1",
            "ABS -1",
            "ABS 0",
            "GT 0",
            "FLAGS -1",
            "FLAGS 4294967296",
            "FLAGS 1 FLAGS 1",
            "MIN",
            "MIN 1 MIN 1",
            "KEEPTTL EX 1",
            "KEEPTTL KEEPTTL",
            "WITHVERSION WITHVERSION",
            "WITHFLAGS",
            "foo",
        ] {
            assert!(parse(text, ALL).is_err(), "{text}");
        }
        assert!(parse("EX 0", Allowed { zero_expiry: true, ..ALL }).is_ok());
        assert!(parse("ABS 0", Allowed { greater_version: false, ..ALL }).is_ok());
    }

    #[test]
    fn versions_follow_their_rule() {
        let next = |text: &str, current| parse(text, ALL).unwrap().next_version(current).ok();
        assert_eq!(next("", None), Some(1));
        assert_eq!(next("", Some(7)), Some(8));
        assert_eq!(next("VER 9", None), Some(1));
        assert_eq!(next("VER 9", Some(9)), Some(10));
        assert_eq!(next("VER 9", Some(8)), None);
        assert_eq!(next("VER 0", Some(8)), Some(9));
        assert_eq!(next("ABS 4", Some(8)), Some(4));
        assert_eq!(next("GT 8", Some(8)), None);
        assert_eq!(next("GT 9", Some(8)), Some(9));
        assert_eq!(next("", Some(i64::MAX)), Some(i64::MAX));
    }

    #[test]
    fn a_deadline_is_absolute() {
        assert_eq!(Expiry::In(5).deadline(100), 105);
        assert_eq!(Expiry::In(i64::MAX).deadline(100), i64::MAX);
        assert_eq!(Expiry::At(5).deadline(100), 5);
    }
}
