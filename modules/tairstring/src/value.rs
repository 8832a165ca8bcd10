//! The type: a string, a version, and flags.

use module_kit::rdb::{Digest, Malformed, Reader, Rewriter, Writer};
use module_kit::value::{Defragmenter, Place, Value, methods};
use redis_module::native_types::RedisType;

/// `exstrtype`, as Tair registers it.
pub(crate) static TAIR_STRING: RedisType =
    RedisType::new("exstrtype", TairString::ENCODING, methods::<TairString>());

/// A string with a version.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct TairString {
    /// Counts changes; clients may set it. Never negative.
    pub(crate) version: i64,
    /// The client's own, as memcached has them.
    pub(crate) flags: u32,
    /// The string.
    pub(crate) value: Vec<u8>,
}

impl Value for TairString {
    fn data_type() -> &'static RedisType {
        &TAIR_STRING
    }

    // Tair's one version. A second would need a new number here, and `load` would tell by its
    // argument which of the two it reads.
    const ENCODING: i32 = 0;

    fn save(&self, output: &mut Writer) {
        output.unsigned(self.version as u64);
        output.unsigned(u64::from(self.flags));
        output.bytes(&self.value);
    }

    fn load(input: &mut Reader, _encoding: i32, _place: &Place) -> Result<Self, Malformed> {
        let version = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        let flags = u32::try_from(input.unsigned()?).map_err(|_| Malformed)?;
        Ok(Self { version, flags, value: input.bytes()? })
    }

    // The server adds the key's expiry itself.
    fn rewrite(&self, output: &mut Rewriter) {
        let (version, flags) = (self.version.to_string(), self.flags.to_string());
        let arguments: [&[u8]; 5] = [&self.value, b"ABS", version.as_bytes(), b"FLAGS", flags.as_bytes()];
        output.command(c"EXSET", &arguments);
    }

    fn memory_usage(&self) -> usize {
        size_of::<Self>() + self.value.capacity()
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

    fn defragment(&mut self, defragmenter: &mut Defragmenter) -> bool {
        defragmenter.vector(&mut self.value);
        false
    }
}
