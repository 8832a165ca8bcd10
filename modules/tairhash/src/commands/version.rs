//! EXHVER and EXHSETVER.

use module_kit::errors;
use module_kit::number::parse_integer;
use redis_module::{Context, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::{Outcome, Replication, read, write};
use crate::fields::{Field, Fields};

/// `EXHVER key field`: the version, -1 when there is no such key, -2 when it has no such field.
pub(crate) fn exhver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 3, 3)?;
    read(context, &args[1], &all[2..], |fields, now| {
        let version = fields.map_or(-1, |fields| fields.get(all[2], now).map_or(-2, |field| field.version));
        RedisValue::Integer(version)
    })
}

/// `EXHSETVER key field version`: 1, or 0 when there is no such field.
pub(crate) fn exhsetver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 4, 4)?;
    let version = parse_integer(all[3]).filter(|version| *version > 0).ok_or(errors::SYNTAX)?;
    write(context, &args[1], "exhsetver", &all[2..3], |fields, now| {
        Ok(set_version(fields, all[2], version, now))
    })
}

fn set_version(fields: &mut Fields, name: &[u8], version: i64, now: i64) -> Outcome {
    let Some(current) = fields.get(name, now) else {
        return Outcome::unchanged(RedisValue::Integer(0));
    };
    let field = Field { version, ..current.clone() };
    fields.insert(field);
    // The version is absolute as the client sent it.
    Outcome { reply: RedisValue::Integer(1), replication: Replication::Verbatim }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_is_set_alone() {
        let mut fields = Fields::default();
        let field = Field { name: b"f".to_vec(), value: b"v".to_vec(), version: 3, deadline: 9 };
        fields.insert(field.clone());
        assert_eq!(set_version(&mut fields, b"f", 8, 0).replication, Replication::Verbatim);
        assert_eq!(fields.get(b"f", 0), Some(&Field { version: 8, ..field }));
        assert_eq!(set_version(&mut fields, b"f", 1, 9), Outcome::unchanged(RedisValue::Integer(0)));
    }
}
