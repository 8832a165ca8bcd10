//! The type: a string, a version, and flags.

use heapwalk::HeapWalk;
use module_kit::rdb::{Digest, Malformed, Reader, Rewriter, Writer};
use module_kit::value::{Encoding, Place, Value, methods};
use redis_module::native_types::RedisType;

/// `exstrtype`, as Tair registers it.
pub(crate) static TAIR_STRING: RedisType = RedisType::new("exstrtype", Tairs::VERSION, methods::<Tairs>());

/// A string with a version.
#[derive(Clone, Debug, PartialEq, Eq, HeapWalk)]
pub(crate) struct TairString {
    /// Counts changes; clients may set it. Never negative.
    pub(crate) version: i64,
    /// The client's own, as memcached has them.
    pub(crate) flags: u32,
    /// The string.
    pub(crate) value: Vec<u8>,
}

/// Tair's encoding: version, flags, value.
struct Tairs;

impl Encoding for Tairs {
    type Value = TairString;

    // Tair has written no other. A layout of our own would be 1, and `load` would go by the version
    // that it is given.
    const VERSION: i32 = 0;

    fn save(value: &TairString, output: &mut Writer) {
        output.unsigned(value.version as u64);
        output.unsigned(u64::from(value.flags));
        output.bytes(&value.value);
    }

    fn load(input: &mut Reader, _version: i32, _place: &Place) -> Result<TairString, Malformed> {
        let version = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        let flags = u32::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        Ok(TairString { version, flags, value: input.bytes()? })
    }
}

impl Value for TairString {
    fn data_types() -> &'static [&'static RedisType] {
        static TYPES: [&RedisType; 1] = [&TAIR_STRING];
        &TYPES
    }

    // EXSET can rebuild every value, so there is no internal command: ABS and FLAGS take all that
    // is stored, 0 too. The server adds the key's expiry itself.
    fn rewrite(&self, output: &mut Rewriter) {
        let (version, flags) = (self.version.to_string(), self.flags.to_string());
        let arguments: [&[u8]; 5] = [&self.value, b"ABS", version.as_bytes(), b"FLAGS", flags.as_bytes()];
        output.command(c"EXSET", &arguments);
    }

    fn free_effort(&self) -> usize {
        2
    }

    fn digest(&self, digest: &mut Digest) {
        digest.integer(self.version);
        digest.integer(i64::from(self.flags));
        digest.bytes(&self.value);
        digest.end_element();
    }

    fn copy(&self, _to: &Place) -> Self {
        self.clone()
    }
}
