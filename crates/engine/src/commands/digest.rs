//! DEBUG DIGEST-VALUE: what tells values that differ apart, the same for equal ones wherever they are.

use std::fmt::Write as _;

use keyspace::{Digest, EntryRef, Place};
use sha1::Digest as _;
use sha1::Sha1;

use crate::context::Context;

/// The bytes of a digest: SHA-1's.
const LEN: usize = 20;

/// The number of a type, as Redis mixes it in.
const STRING: u32 = 0;
const MODULE: u32 = 5;

/// What is mixed into the digest of a key that expires.
const EXPIRES: &[u8] = b"!!expire!!";

/// A digest in the making.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Mixture([u8; LEN]);

impl Mixture {
    /// Adds something whose place doesn't count.
    fn add(&mut self, bytes: &[u8]) {
        let hash = Sha1::digest(bytes);
        self.0.iter_mut().zip(hash).for_each(|(byte, other)| *byte ^= other);
    }

    /// Adds something that counts in its place.
    fn append(&mut self, bytes: &[u8]) {
        self.add(bytes);
        self.0 = Sha1::digest(self.0).into();
    }
}

/// What a module shows of a value: sequences, which count in any order, of elements in theirs.
#[derive(Debug, Default)]
struct ModuleDigest {
    all: Mixture,
    sequence: Mixture,
}

impl Digest for ModuleDigest {
    fn element(&mut self, bytes: &[u8]) {
        self.sequence.append(bytes);
    }

    fn end_sequence(&mut self) {
        self.all.add(&self.sequence.0);
        self.sequence = Mixture::default();
    }
}

/// DEBUG DIGEST-VALUE: a digest for each key, zeros for one that isn't there.
pub(super) fn digest_value(context: &mut Context<'_>, keys: &[&[u8]]) {
    let db = context.selected();
    context.reply.array(keys.len());
    for key in keys {
        let digest = context.engine.find(db, key).map_or(Mixture::default(), |entry| of(entry.get(), db));
        let mut text = String::with_capacity(2 * LEN);
        digest.0.iter().for_each(|byte| write!(text, "{byte:02x}").expect("a String"));
        context.reply.simple(&text);
    }
}

/// The digest of a value: its type, what it is made of, and whether it expires.
fn of(entry: EntryRef<'_>, db: usize) -> Mixture {
    let mut digest = Mixture::default();
    if let Some(value) = entry.module() {
        digest.append(&MODULE.to_be_bytes());
        let mut parts = ModuleDigest::default();
        if value.digest(Place { db, key: entry.key() }, &mut parts) {
            digest.add(&parts.all.0);
        }
    } else {
        digest.append(&STRING.to_be_bytes());
        let mut buffer = keyspace::NumberBuffer::default();
        digest.append(entry.string().as_bytes(&mut buffer));
    }
    if entry.expiry().is_some() {
        digest.add(EXPIRES);
    }
    digest
}
