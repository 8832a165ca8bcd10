//! EXHLEN, EXHKEYS, EXHVALS, EXHGETALL, EXHGETALLWITHVER and EXHSCAN.
//!
//! They hide what has expired, and leave it to others to remove it: that could be very much.

use module_kit::errors;
use module_kit::glob;
use module_kit::number::parse_integer;
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::read;
use crate::fields::{Field, Fields};

/// Fields that EXHSCAN looks at unless COUNT says otherwise.
const COUNT: usize = 10;

/// `EXHLEN key [NOEXP]`: the number of fields; with NOEXP without those that have expired and are
/// stored still, which takes time in proportion.
pub(crate) fn exhlen(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 2, 3)?;
    let live_only = match all.get(2) {
        None => false,
        Some(option) if option.eq_ignore_ascii_case(b"NOEXP") => true,
        Some(_) => return Err(errors::SYNTAX),
    };
    read(context, &args[1], &[], |fields, now| {
        let count = fields.map_or(0, |fields| match live_only {
            true => live(fields, now).count(),
            false => fields.len(),
        });
        RedisValue::Integer(count as i64)
    })
}

fn live(fields: &Fields, now: i64) -> impl Iterator<Item = &Field> {
    fields.iter().filter(move |field| !field.is_expired(now))
}

fn list<const N: usize>(
    context: &Context,
    args: &[RedisString],
    parts: fn(&Field) -> [&[u8]; N],
) -> RedisResult {
    arguments(args, 2, 2)?;
    read(context, &args[1], &[], |fields, now| {
        let parts = fields.into_iter().flat_map(|fields| live(fields, now)).flat_map(parts);
        RedisValue::Array(parts.map(|part| RedisValue::StringBuffer(part.to_vec())).collect())
    })
}

/// `EXHKEYS key`: the names of all fields.
pub(crate) fn exhkeys(context: &Context, args: Vec<RedisString>) -> RedisResult {
    list(context, &args, |field| [&field.name])
}

/// `EXHVALS key`: the values of all fields.
pub(crate) fn exhvals(context: &Context, args: Vec<RedisString>) -> RedisResult {
    list(context, &args, |field| [&field.value])
}

/// `EXHGETALL key`: names and values of all fields.
pub(crate) fn exhgetall(context: &Context, args: Vec<RedisString>) -> RedisResult {
    list(context, &args, |field| [&field.name, &field.value])
}

/// `EXHGETALLWITHVER key`: names, values and versions of all fields.
pub(crate) fn exhgetallwithver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    arguments(&args, 2, 2)?;
    read(context, &args[1], &[], |fields, now| {
        let text = |text: &Vec<u8>| RedisValue::StringBuffer(text.clone());
        let three =
            |field: &Field| [text(&field.name), text(&field.value), RedisValue::Integer(field.version)];
        RedisValue::Array(fields.into_iter().flat_map(|fields| live(fields, now)).flat_map(three).collect())
    })
}

/// What EXHSCAN was asked for.
#[derive(Debug, PartialEq, Eq)]
struct Scan<'a> {
    cursor: u64,
    pattern: &'a [u8],
    count: usize,
}

impl<'a> Scan<'a> {
    fn parse(arguments: &[&'a [u8]]) -> Result<Self, RedisError> {
        let cursor = parse_integer(arguments[0]).and_then(|cursor| u64::try_from(cursor).ok());
        let cursor = cursor.ok_or(errors::SYNTAX)?;
        let mut scan = Self { cursor, pattern: b"*", count: COUNT };
        for pair in arguments[1..].chunks(2) {
            match *pair {
                [name, pattern] if name.eq_ignore_ascii_case(b"MATCH") => scan.pattern = pattern,
                [name, count] if name.eq_ignore_ascii_case(b"COUNT") => {
                    let count = parse_integer(count).and_then(|count| usize::try_from(count).ok());
                    scan.count = count.filter(|count| *count > 0).ok_or(errors::SYNTAX)?;
                }
                _ => return Err(errors::SYNTAX),
            }
        }
        Ok(scan)
    }

    fn run(&self, fields: Option<&Fields>, now: i64) -> RedisValue {
        let mut found = Vec::new();
        let cursor = fields.map_or(0, |fields| {
            fields.scan(self.cursor, self.count, |field| {
                if !field.is_expired(now) && glob::matches(self.pattern, &field.name) {
                    let parts = [&field.name, &field.value];
                    found.extend(parts.map(|part| RedisValue::StringBuffer(part.clone())));
                }
            })
        });
        RedisValue::Array(vec![RedisValue::Integer(cursor as i64), RedisValue::Array(found)])
    }
}

/// `EXHSCAN key cursor [MATCH pattern] [COUNT count]`: the next cursor, and names and values.
pub(crate) fn exhscan(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    let scan = Scan::parse(&all[2..])?;
    read(context, &args[1], &[], |fields, now| scan.run(fields, now))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn options_are_checked() {
        let parse = |text: &'static str| {
            let words: Vec<_> = text.split_whitespace().map(str::as_bytes).collect();
            Scan::parse(&words).ok()
        };
        let expected = Scan { cursor: 7, pattern: b"a*", count: 3 };
        assert_eq!(parse("7 count 3 MATCH a*"), Some(expected));
        assert_eq!(parse("0").unwrap().count, COUNT);
        for text in ["x", "-1", "0 COUNT", "0 COUNT 0", "0 COUNT x", "0 WHAT 1"] {
            assert_eq!(parse(text), None, "{text}");
        }
    }

    #[test]
    fn only_what_is_live_and_matches() {
        let mut fields = Fields::default();
        for (name, deadline) in [("a1", 0), ("a2", 5), ("b1", 0)] {
            let name = name.as_bytes().to_vec();
            fields.insert(Field { value: name.clone(), name, version: 1, deadline });
        }
        let scan = Scan { cursor: 0, pattern: b"a*", count: 100 };
        let text = |text: &str| RedisValue::StringBuffer(text.as_bytes().to_vec());
        let found = RedisValue::Array(vec![text("a1"), text("a1")]);
        assert_eq!(scan.run(Some(&fields), 5), RedisValue::Array(vec![RedisValue::Integer(0), found]));
        let nothing = RedisValue::Array(vec![RedisValue::Integer(0), RedisValue::Array(vec![])]);
        assert_eq!(scan.run(None, 5), nothing);
        assert_eq!(live(&fields, 5).count(), 2);
    }
}
