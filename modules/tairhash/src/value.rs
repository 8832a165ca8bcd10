//! The value: how a hash is rewritten, copied and followed.

use heapwalk::HeapWalk;
use module_kit::rdb::{Digest, Rewriter};
use module_kit::value::{Place, Value};
use redis_module::native_types::RedisType;

use crate::encoding::{EX_HASH, TAIR_HASH};
use crate::fields::Fields;
use crate::index;

/// Fields that one command of a rewritten AOF holds: a client's buffer must hold a command whole.
const PIECE: usize = 64;

/// A hash.
#[derive(Default, HeapWalk)]
pub(crate) struct TairHash {
    pub(crate) fields: Fields,
}

impl TairHash {
    /// Makes the index know this value at its new place.
    pub(crate) fn arrived(self, place: &Place) -> Self {
        if let (Some(key), Some(deadline)) = (&place.key, self.fields.next_deadline()) {
            index::update((place.database, key.clone()), None, Some(deadline));
        }
        self
    }
}

impl Value for TairHash {
    fn data_types() -> &'static [&'static RedisType] {
        static TYPES: [&RedisType; 2] = [&TAIR_HASH, &EX_HASH];
        &TYPES
    }

    // In pieces, and all or nothing: an AOF that ends between MULTI and EXEC has no half a hash.
    // EXHSET can rebuild all but a field of version 0, which Tair's EXHSETNX makes, so that an AOF is
    // one for Tair's module too; those others take a command of our own.
    fn rewrite(&self, output: &mut Rewriter) {
        output.bare(c"MULTI");
        let (others, ordinary): (Vec<_>, Vec<_>) = self.fields.iter().partition(|field| field.version == 0);
        for field in ordinary {
            let (version, deadline) = (field.version.to_string(), field.deadline.to_string());
            let all =
                [&field.name, &field.value, &b"ABS"[..], version.as_bytes(), b"PXAT", deadline.as_bytes()];
            output.command(c"EXHSET", if field.deadline == 0 { &all[..4] } else { &all });
        }
        for piece in others.chunks(PIECE) {
            let deadlines: Vec<_> = piece.iter().map(|field| field.deadline.to_string()).collect();
            let mut arguments: Vec<&[u8]> = Vec::with_capacity(piece.len() * 4);
            for (field, deadline) in piece.iter().zip(&deadlines) {
                arguments.extend([&field.name[..], &field.value, b"0", deadline.as_bytes()]);
            }
            output.command(c"EXHLOAD", &arguments);
        }
        output.bare(c"EXEC");
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
}
