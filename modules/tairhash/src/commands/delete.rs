//! EXHDEL and EXHDELWITHVER.

use module_kit::errors;
use module_kit::number::parse_integer;
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::{Outcome, Replication, write};
use crate::fields::Fields;

/// `EXHDEL key field [field …]`: how many there were.
pub(crate) fn exhdel(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, usize::MAX)?;
    write(context, &args[1], "exhdel", &all[2..], |fields, now| {
        Ok(delete(fields, all[2..].iter().map(|name| (*name, 0)), now))
    })
}

/// `EXHDELWITHVER key field version [field version …]`: how many there were of these versions; 0 is
/// any.
pub(crate) fn exhdelwithver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, usize::MAX)?;
    if all.len() % 2 != 0 {
        return Err(RedisError::WrongArity);
    }
    let parse = |pair: &[&'_ [u8]]| parse_integer(pair[1]).ok_or(errors::SYNTAX);
    let versions: Vec<i64> = all[2..].chunks_exact(2).map(parse).collect::<Result<_, _>>()?;
    let named: Vec<&[u8]> = all[2..].iter().copied().step_by(2).collect();
    write(context, &args[1], "exhdel", &named, |fields, now| {
        Ok(delete(fields, named.iter().copied().zip(versions), now))
    })
}

/// Where expired fields are still there (on a replica, while a file is loaded) one is removed as well,
/// but wasn't there for the client.
fn delete<'a>(fields: &mut Fields, all: impl Iterator<Item = (&'a [u8], i64)>, now: i64) -> Outcome {
    let (mut removed, mut live) = (Vec::new(), 0);
    for (name, version) in all {
        let is_another = fields.get(name, now).is_some_and(|field| version != 0 && version != field.version);
        if !is_another && let Some(field) = fields.remove(name) {
            live += i64::from(!field.is_expired(now));
            removed.push(field.name);
        }
    }
    let replication = if removed.is_empty() { Replication::Nothing } else { Replication::Deleted(removed) };
    Outcome { reply: RedisValue::Integer(live), replication }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fields::Field;

    #[test]
    fn what_is_there_and_of_the_version_goes() {
        let mut fields = Fields::default();
        for (name, deadline) in [(b"a", 0), (b"b", 0), (b"c", 5)] {
            fields.insert(Field { name: name.to_vec(), value: vec![], version: 3, deadline });
        }
        let mut delete = |all: &[(&[u8], i64)], now| delete(&mut fields, all.iter().copied(), now);
        assert_eq!(delete(&[(b"a", 2), (b"x", 0)], 0), Outcome::unchanged(RedisValue::Integer(0)));
        let outcome = delete(&[(b"a", 3), (b"b", 0), (b"a", 0)], 0);
        assert_eq!(outcome.reply, RedisValue::Integer(2));
        assert_eq!(outcome.replication, Replication::Deleted(vec![b"a".to_vec(), b"b".to_vec()]));
        let outcome = delete(&[(b"c", 0)], 5);
        assert_eq!(outcome.reply, RedisValue::Integer(0));
        assert_eq!(outcome.replication, Replication::Deleted(vec![b"c".to_vec()]));
    }
}
