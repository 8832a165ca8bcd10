//! SCAN: the keys, a few at a time.

use keyspace::glob::{self, Case};

use crate::args::{integer, is};
use crate::context::Context;
use crate::error::Error;
use crate::lookup::is_expired;

/// How many keys a call returns, about, when it isn't told.
const DEFAULT_COUNT: usize = 10;
/// A call that finds little visits this many buckets for each key that it was asked for.
const STEPS_PER_KEY: usize = 10;

/// SCAN: goes on from a cursor, and gives the next one and some keys. A key that is there from the first call to
/// the last, which gives cursor 0, is given at least once.
pub(crate) fn scan(context: &mut Context<'_>, args: &[&[u8]]) -> Result<(), Error> {
    let mut cursor = parse_cursor(args[1])?;
    let (mut count, mut pattern, mut type_name) = (DEFAULT_COUNT, None, None);
    let mut options = args[2..].iter().copied();
    while let Some(option) = options.next() {
        let value = options.next().ok_or(Error::SYNTAX)?;
        match () {
            _ if is(option, "count") => {
                count =
                    usize::try_from(integer(value)?).ok().filter(|&count| count > 0).ok_or(Error::SYNTAX)?;
            }
            _ if is(option, "match") => pattern = Some(value).filter(|&pattern| pattern != b"*"),
            _ if is(option, "type") => type_name = Some(value),
            _ => return Err(Error::SYNTAX),
        }
    }

    let (db, now) = (context.selected(), context.engine.clock.now_ms());
    let (mut found, mut expired) = (Vec::new(), Vec::new());
    let (mut visited, mut steps) = (0, count.saturating_mul(STEPS_PER_KEY));
    let table = context.engine.keyspace.db(db);
    loop {
        cursor = table.scan(cursor, |entry| {
            visited += 1;
            let wanted = pattern.is_none_or(|pattern| glob::matches(pattern, entry.key(), Case::Sensitive));
            if !wanted || type_name.is_some_and(|name| !is(name, &entry.type_name())) {
                return;
            }
            let list = if is_expired(entry, now) { &mut expired } else { &mut found };
            list.push(entry.key().to_vec());
        });
        steps -= 1;
        if cursor == 0 || steps == 0 || visited >= count {
            break;
        }
    }
    for key in expired {
        context.engine.find(db, &key);
    }

    let mut buffer = itoa::Buffer::new();
    context.reply.array(2);
    context.reply.bulk(buffer.format(cursor).as_bytes());
    context.reply.array(found.len());
    found.iter().for_each(|key| context.reply.bulk(key));
    Ok(())
}

/// A cursor: as C's `strtoul` reads it, and Redis takes it, the empty text is 0 and a sign is allowed.
fn parse_cursor(arg: &[u8]) -> Result<u64, Error> {
    let text = arg.split(|&byte| byte == 0).next().unwrap_or_default();
    let (is_negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        [b'+', digits @ ..] => (false, digits),
        digits => (false, digits),
    };
    let push = |number: u64, &digit: &u8| {
        let digit = char::from(digit).to_digit(10)?;
        number.checked_mul(10)?.checked_add(digit.into())
    };
    // A sign needs a number; nothing at all doesn't.
    let is_number = !digits.is_empty() || text.is_empty();
    let number =
        digits.iter().try_fold(0, push).filter(|_| is_number).ok_or(Error::fixed("ERR invalid cursor"))?;
    Ok(if is_negative { number.wrapping_neg() } else { number })
}

#[cfg(test)]
mod tests {
    use super::parse_cursor;

    #[test]
    fn cursors_are_read_as_strtoul_does() {
        let cases: [(&[u8], Option<u64>); 9] = [
            (b"0", Some(0)),
            (b"", Some(0)),
            (b"18446744073709551615", Some(u64::MAX)),
            (b"18446744073709551616", None),
            (b"-1", Some(u64::MAX)),
            (b"+007", Some(7)),
            (b"-", None),
            (b" 1", None),
            (b"1x", None),
        ];
        for (text, expected) in cases {
            assert_eq!(parse_cursor(text).ok(), expected, "{}", text.escape_ascii());
        }
    }
}
