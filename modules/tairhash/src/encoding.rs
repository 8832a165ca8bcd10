//! How hashes are written to RDB, as Tair's module writes them now and as it did before.
//!
//! Tair has numbered no version but 0. What tells its two layouts apart is the type's name.

use module_kit::rdb::{Malformed, Reader, Writer};
use module_kit::value::{Encoding, Place, methods};
use redis_module::native_types::RedisType;

use crate::fields::{Field, Fields};
use crate::value::TairHash;

/// `tairhash-`: number of fields, key, then name, version, deadline and value of each.
pub(crate) static TAIR_HASH: RedisType = RedisType::new("tairhash-", Current::VERSION, methods::<Current>());

/// `exhash---`, the name before: the same with the number of the database after the key. Keys of
/// this type come from files and payloads of then; every command works on them, and they are saved
/// as they were, so that they can go back. A rewritten AOF makes them `tairhash-`.
pub(crate) static EX_HASH: RedisType = RedisType::new("exhash---", Older::VERSION, methods::<Older>());

/// The layout of `tairhash-`.
struct Current;

impl Encoding for Current {
    type Value = TairHash;

    const VERSION: i32 = 0;

    // Tair's module indexes a hash under the name that is saved with it, so it is written. Ours is
    // told where a value is loaded, because RESTORE may put it elsewhere, and skips it.
    fn save(hash: &TairHash, output: &mut Writer) {
        output.unsigned(hash.fields.len() as u64);
        output.bytes(&output.place().key.unwrap_or_default());
        save_fields(&hash.fields, output);
    }

    fn load(input: &mut Reader, _version: i32, place: &Place) -> Result<TairHash, Malformed> {
        let length = input.unsigned()?;
        input.bytes()?;
        Ok(TairHash { fields: load_fields(length, input)? }.arrived(place))
    }
}

/// The layout of `exhash---`.
struct Older;

impl Encoding for Older {
    type Value = TairHash;

    const VERSION: i32 = 0;

    fn save(hash: &TairHash, output: &mut Writer) {
        let place = output.place();
        output.unsigned(hash.fields.len() as u64);
        output.bytes(&place.key.unwrap_or_default());
        output.unsigned(u64::try_from(place.database).unwrap_or(0));
        save_fields(&hash.fields, output);
    }

    fn load(input: &mut Reader, _version: i32, place: &Place) -> Result<TairHash, Malformed> {
        let length = input.unsigned()?;
        input.bytes()?;
        input.unsigned()?;
        Ok(TairHash { fields: load_fields(length, input)? }.arrived(place))
    }
}

fn save_fields(fields: &Fields, output: &mut Writer) {
    for field in fields.iter() {
        output.bytes(&field.name);
        output.unsigned(field.version as u64);
        output.unsigned(field.deadline as u64);
        output.bytes(&field.value);
    }
}

fn load_fields(length: u64, input: &mut Reader) -> Result<Fields, Malformed> {
    let mut fields = Fields::default();
    for _ in 0..length {
        let name = input.bytes()?;
        let version = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        let deadline = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        fields.insert(Field { name, value: input.bytes()?, version, deadline });
    }
    Ok(fields)
}
