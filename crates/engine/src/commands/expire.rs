//! Times to live: setting them, asking for them, taking them away.

use crate::args::{TimeUnit, integer, invalid_expiry, is};
use crate::context::Context;
use crate::error::{Error, c_text};

/// Which keys EXPIRE and its kin leave as they are.
#[derive(Clone, Copy, Debug, Default)]
struct Conditions {
    if_none: bool,
    if_any: bool,
    if_greater: bool,
    if_less: bool,
}

impl Conditions {
    fn parse(args: &[&[u8]]) -> Result<Self, Error> {
        let mut conditions = Self::default();
        for arg in args {
            match () {
                _ if is(arg, "nx") => conditions.if_none = true,
                _ if is(arg, "xx") => conditions.if_any = true,
                _ if is(arg, "gt") => conditions.if_greater = true,
                _ if is(arg, "lt") => conditions.if_less = true,
                _ => return Err(Error::new([b"ERR Unsupported option ", c_text(arg)].concat())),
            }
        }
        let Self { if_none, if_any, if_greater, if_less } = conditions;
        if if_none && (if_any || if_greater || if_less) {
            return Err(Error::fixed("ERR NX and XX, GT or LT options at the same time are not compatible"));
        }
        if if_greater && if_less {
            return Err(Error::fixed("ERR GT and LT options at the same time are not compatible"));
        }
        Ok(conditions)
    }

    /// Whether a key that expires at `old`, if at all, may expire at `new` instead.
    fn allow(self, old: Option<i64>, new: i64) -> bool {
        let greater = old.is_some_and(|old| new > old);
        let less = old.is_none_or(|old| new < old);
        !(self.if_none && old.is_some()
            || self.if_any && old.is_none()
            || self.if_greater && !greater
            || self.if_less && !less)
    }
}

/// EXPIRE: a time to live in seconds.
pub(crate) fn expire(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    expire_in(context, args, TimeUnit::Seconds)
}

/// PEXPIRE: a time to live in milliseconds.
pub(crate) fn pexpire(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    expire_in(context, args, TimeUnit::Milliseconds)
}

/// EXPIREAT: a point in time in seconds since 1970.
pub(crate) fn expireat(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    expire_in(context, args, TimeUnit::UnixSeconds)
}

/// PEXPIREAT: a point in time in milliseconds since 1970.
pub(crate) fn pexpireat(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    expire_in(context, args, TimeUnit::UnixMilliseconds)
}

fn expire_in(context: &mut Context<'_>, args: &[&[u8]], unit: TimeUnit) -> Result<(), Error> {
    let conditions = Conditions::parse(&args[3..])?;
    let amount = integer(args[2])?;
    let now = context.engine.clock.now_ms();
    let new = unit.to_unix_ms(amount, now).ok_or_else(|| invalid_expiry(context.command.name))?;
    let (key, db) = (args[1], context.selected());
    let allowed = match context.engine.find(db, key) {
        Some(entry) => conditions.allow(entry.get().expiry(), new),
        None => false,
    };
    if allowed {
        context.engine.expire_at(db, key, new);
    }
    context.reply.integer(allowed.into());
    Ok(())
}

/// PERSIST: takes the time to live away.
pub(crate) fn persist(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let db = context.selected();
    let had_one = context.engine.persist(db, args[1]);
    context.reply.integer(had_one.into());
    Ok(())
}

/// TTL: the seconds that are left, rounded.
pub(crate) fn ttl(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    reply_expiry(context, args[1], |at, now| (at - now).max(0).saturating_add(500) / 1000)
}

/// PTTL: the milliseconds that are left.
pub(crate) fn pttl(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    reply_expiry(context, args[1], |at, now| (at - now).max(0))
}

/// EXPIRETIME: the point in time, in seconds since 1970, rounded.
pub(crate) fn expiretime(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    reply_expiry(context, args[1], |at, _| at.saturating_add(500) / 1000)
}

/// PEXPIRETIME: the point in time, in milliseconds since 1970.
pub(crate) fn pexpiretime(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    reply_expiry(context, args[1], |at, _| at)
}

/// -2 where there is no key, -1 where it lives for ever, otherwise what `figure` makes of the time and of now.
fn reply_expiry(context: &mut Context<'_>, key: &[u8], figure: fn(i64, i64) -> i64) -> Result<(), Error> {
    let (db, now) = (context.selected(), context.engine.clock.now_ms());
    let answer = match context.engine.read_untouched(db, key).map(|entry| entry.expiry()) {
        None => -2,
        Some(None) => -1,
        Some(Some(at)) => figure(at, now),
    };
    context.reply.integer(answer);
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::Conditions;

    #[test]
    fn conditions_hold_as_documented() {
        let allow = |words: &[&[u8]], old| Conditions::parse(words).unwrap().allow(old, 100);
        let cases: &[(&[&[u8]], [bool; 4])] = &[
            // No expiry, an earlier one, the same, a later one.
            (&[], [true, true, true, true]),
            (&[b"NX"], [true, false, false, false]),
            (&[b"xx"], [false, true, true, true]),
            (&[b"GT"], [false, true, false, false]),
            (&[b"LT"], [true, false, false, true]),
            (&[b"XX", b"LT"], [false, false, false, true]),
            (&[b"XX", b"GT"], [false, true, false, false]),
        ];
        for (words, expected) in cases {
            assert_eq!(
                [None, Some(99), Some(100), Some(101)].map(|old| allow(words, old)),
                *expected,
                "{words:?}"
            );
        }
        assert!(Conditions::parse(&[b"NX", b"XX"]).is_err());
        assert!(Conditions::parse(&[b"GT", b"LT"]).is_err());
        assert!(Conditions::parse(&[b"no"]).is_err());
    }
}
