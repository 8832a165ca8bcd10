//! EXHLOAD, which only a rewritten AOF uses.

use module_kit::errors;
use module_kit::number::parse_integer;
use redis_module::{Context, RedisError, RedisResult, RedisString, RedisValue};

use super::arguments;
use crate::effect::{Outcome, Replication, write};
use crate::fields::{Field, Fields};

/// `EXHLOAD key field value version deadline [field value version deadline …]`: OK. Each field is as
/// given, whatever was there; a deadline of 0 is never.
pub(crate) fn exhload(context: &Context, args: Vec<RedisString>) -> RedisResult {
    let all = arguments(&args, 6, usize::MAX)?;
    if all.len() % 4 != 2 {
        return Err(RedisError::WrongArity);
    }
    let read = |four: &[&[u8]]| {
        let number = |text| parse_integer(text).filter(|number| *number >= 0).ok_or(errors::NOT_INTEGER);
        let (version, deadline) = (number(four[2])?, number(four[3])?);
        Ok(Field { name: four[0].to_vec(), value: four[1].to_vec(), version, deadline })
    };
    let loaded: Vec<Field> = all[2..].chunks_exact(4).map(read).collect::<Result<_, RedisError>>()?;
    write(context, &args[1], "exhload", &[], |fields, _| Ok(load(fields, loaded)))
}

fn load(fields: &mut Fields, loaded: Vec<Field>) -> Outcome {
    loaded.into_iter().for_each(|field| fields.insert(field));
    Outcome { reply: RedisValue::SimpleStringStatic("OK"), replication: Replication::Verbatim }
}
