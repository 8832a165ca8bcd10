//! EXHGET, EXHMGET, their forms with versions, EXHEXISTS and EXHSTRLEN.

use redis_module::{Context, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::read;
use crate::fields::{Field, Fields};

fn value(field: &Field) -> RedisValue {
    RedisValue::StringBuffer(field.value.clone())
}

fn value_and_version(field: &Field) -> RedisValue {
    RedisValue::Array(vec![value(field), RedisValue::Integer(field.version)])
}

/// Replies something of one field, or `absent`.
fn one(
    context: &Context,
    args: &[RedisString],
    absent: RedisValue,
    reply: impl Fn(&Field) -> RedisValue,
) -> RedisResult {
    let all = arguments(args, 3, 3)?;
    read(context, &args[1], &all[2..], |fields, now| {
        fields.and_then(|fields| fields.get(all[2], now)).map_or(absent, reply)
    })
}

/// Replies something of each field, in the order of the arguments; null for those not there. The
/// reply has as many elements whether the key is there or not.
fn many(context: &Context, args: &[RedisString], reply: fn(&Field) -> RedisValue) -> RedisResult {
    let all = arguments(args, 3, usize::MAX)?;
    read(context, &args[1], &all[2..], |fields, now| each(fields, &all[2..], now, reply))
}

fn each(fields: Option<&Fields>, names: &[&[u8]], now: i64, reply: fn(&Field) -> RedisValue) -> RedisValue {
    let get = |name: &&[u8]| fields.and_then(|fields| fields.get(name, now)).map_or(RedisValue::Null, reply);
    RedisValue::Array(names.iter().map(get).collect())
}

/// `EXHGET key field`: the value, or null.
pub(crate) fn exhget(context: &Context, args: Vec<RedisString>) -> RedisResult {
    one(context, &args, RedisValue::Null, value)
}

/// `EXHMGET key field [field …]`: the values, null for those not there.
pub(crate) fn exhmget(context: &Context, args: Vec<RedisString>) -> RedisResult {
    many(context, &args, value)
}

/// `EXHGETWITHVER key field`: value and version, or null.
pub(crate) fn exhgetwithver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    one(context, &args, RedisValue::Null, value_and_version)
}

/// `EXHMGETWITHVER key field [field …]`: values and versions, null for those not there.
pub(crate) fn exhmgetwithver(context: &Context, args: Vec<RedisString>) -> RedisResult {
    many(context, &args, value_and_version)
}

/// `EXHEXISTS key field`: 1 or 0.
pub(crate) fn exhexists(context: &Context, args: Vec<RedisString>) -> RedisResult {
    one(context, &args, RedisValue::Integer(0), |_| RedisValue::Integer(1))
}

/// `EXHSTRLEN key field`: the length of the value, 0 when there is none.
pub(crate) fn exhstrlen(context: &Context, args: Vec<RedisString>) -> RedisResult {
    one(context, &args, RedisValue::Integer(0), |field| RedisValue::Integer(field.value.len() as i64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reply_has_one_shape() {
        let mut fields = Fields::default();
        let field = Field { name: b"f".to_vec(), value: b"v".to_vec(), version: 3, deadline: 10 };
        fields.insert(field.clone());
        let names: [&[u8]; 2] = [b"f", b"g"];
        let expected = RedisValue::Array(vec![value_and_version(&field), RedisValue::Null]);
        assert_eq!(each(Some(&fields), &names, 9, value_and_version), expected);
        let nothing = RedisValue::Array(vec![RedisValue::Null, RedisValue::Null]);
        assert_eq!(each(Some(&fields), &names, 10, value), nothing);
        assert_eq!(each(None, &names, 0, value), nothing);
    }
}
