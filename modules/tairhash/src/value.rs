//! The type: how a hash is saved, rewritten, copied and moved.

use module_kit::rdb::{Digest, Malformed, Reader, Rewriter, Writer};
use module_kit::value::{Defragmenter, Place, Value, methods};
use redis_module::native_types::RedisType;

use crate::fields::{Field, Fields};
use crate::index;

/// `tairhash-`, as Tair registers it.
pub(crate) static TAIR_HASH: RedisType =
    RedisType::new("tairhash-", TairHash::ENCODING, methods::<TairHash>());

/// Fields that one command of a rewritten AOF holds: a client's buffer must hold a command whole.
const PIECE: usize = 64;

/// Fields that are looked at between two questions for the time.
const BATCH: usize = 16;

/// A hash.
#[derive(Default)]
pub(crate) struct TairHash {
    pub(crate) fields: Fields,
}

impl TairHash {
    /// Makes the index know this value at its new place.
    fn arrived(self, place: &Place) -> Self {
        if let (Some(key), Some(deadline)) = (&place.key, self.fields.next_deadline()) {
            index::update((place.database, key.clone()), None, Some(deadline));
        }
        self
    }
}

impl Value for TairHash {
    fn data_type() -> &'static RedisType {
        &TAIR_HASH
    }

    // Tair's one version.
    const ENCODING: i32 = 0;

    // Tair's encoding repeats the key's name and database for its own index. Ours is told both when
    // it loads, because RESTORE and a replica may put the value elsewhere; Tair's reads them, so
    // they are written, empty and 0 where they can't be known.
    fn save(&self, output: &mut Writer) {
        output.unsigned(self.fields.len() as u64);
        let place = output.place();
        output.bytes(place.key.as_deref().unwrap_or_default());
        output.unsigned(u64::try_from(place.database).unwrap_or(0));
        for field in self.fields.iter() {
            output.bytes(&field.name);
            output.unsigned(field.version as u64);
            output.unsigned(field.deadline as u64);
            output.bytes(&field.value);
        }
    }

    fn load(input: &mut Reader, _encoding: i32, place: &Place) -> Result<Self, Malformed> {
        let length = input.unsigned()?;
        input.bytes()?;
        input.unsigned()?;
        let mut fields = Fields::default();
        for _ in 0..length {
            let name = input.bytes()?;
            let version = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
            let deadline = i64::try_from(input.unsigned()?).map_err(|_| Malformed)?;
            fields.insert(Field { name, value: input.bytes()?, version, deadline });
        }
        Ok(Self { fields }.arrived(place))
    }

    // In pieces, and all or nothing: an AOF that ends between MULTI and EXEC has no half a hash. The
    // command is one of our own, because EXHSET refuses a version of 0, which EXHSETVER allows.
    fn rewrite(&self, output: &mut Rewriter) {
        output.bare(c"MULTI");
        let all: Vec<_> = self.fields.iter().collect();
        for piece in all.chunks(PIECE) {
            let numbers: Vec<_> =
                piece.iter().map(|field| [field.version.to_string(), field.deadline.to_string()]).collect();
            let mut arguments: Vec<&[u8]> = Vec::with_capacity(piece.len() * 4);
            for (field, [version, deadline]) in piece.iter().zip(&numbers) {
                let four = [&field.name[..], &field.value, version.as_bytes(), deadline.as_bytes()];
                arguments.extend(four);
            }
            output.command(c"EXHLOAD", &arguments);
        }
        output.bare(c"EXEC");
    }

    fn memory_usage(&self) -> usize {
        size_of::<Self>() + self.fields.heap_size()
    }

    fn free_effort(&self) -> usize {
        self.fields.len()
    }

    fn digest(&self, digest: &mut Digest) {
        for field in self.fields.iter() {
            digest.bytes(&field.name);
            digest.bytes(&field.value);
            digest.integer(field.version);
            digest.integer(field.deadline);
            digest.end_element();
        }
    }

    fn copy(&self, to: &Place) -> Self {
        Self { fields: self.fields.clone() }.arrived(to)
    }

    fn unlinked(&self, from: &Place) {
        if let Some(key) = &from.key {
            index::update((from.database, key.clone()), self.fields.next_deadline(), None);
        }
    }

    fn defragment(&mut self, defragmenter: &mut Defragmenter) -> bool {
        let mut since = 0;
        let stopped = self.fields.walk_mut(defragmenter.cursor, |bucket| {
            defragmenter.vector(bucket);
            for field in bucket {
                defragmenter.vector(&mut field.name);
                defragmenter.vector(&mut field.value);
            }
            since += 1;
            since % BATCH != 0 || !defragmenter.should_stop()
        });
        defragmenter.cursor = stopped.unwrap_or(0);
        stopped.is_some()
    }
}
