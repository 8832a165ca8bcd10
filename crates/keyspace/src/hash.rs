//! The keyed hash of keys.
#![forbid(unsafe_code)]

use siphasher::sip::SipHasher13;

/// Hashes keys with SipHash-1-3 under a 128-bit secret, so that a client that doesn't know the
/// secret cannot choose keys that fall into the same bucket.
///
/// All databases of one [`Keyspace`](crate::Keyspace) share one hasher, so that an entry that moves
/// from one to another is hashed once.
#[derive(Clone)]
pub struct KeyHasher {
    sip: SipHasher13,
}

/// The hash of a key, good only for databases with the [`KeyHasher`] that made it.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct KeyHash(pub(crate) u64);

impl KeyHasher {
    /// A hasher under `seed`, which should be random and secret where keys come from strangers.
    pub fn new(seed: [u8; 16]) -> KeyHasher {
        KeyHasher { sip: SipHasher13::new_with_key(&seed) }
    }

    /// The hash of `key`.
    #[inline]
    pub fn hash(&self, key: &[u8]) -> KeyHash {
        KeyHash(self.sip.hash(key))
    }
}

impl std::fmt::Debug for KeyHasher {
    /// Leaves the secret out.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("KeyHasher").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors that the authors of SipHash publish are for SipHash-2-4; for 1-3 the standard
    /// library's default hasher is an independent implementation, under the all-zero key.
    #[test]
    #[allow(deprecated)]
    fn is_siphash_1_3() {
        use std::hash::{DefaultHasher, Hasher};
        let hasher = KeyHasher::new([0; 16]);
        for len in 0..70u8 {
            let text: Vec<u8> = (0..len).collect();
            let mut std = DefaultHasher::new();
            std.write(&text);
            assert_eq!(hasher.hash(&text), KeyHash(std.finish()), "{len}");
        }
    }

    #[test]
    fn every_byte_of_the_seed_counts() {
        let zero = KeyHasher::new([0; 16]).hash(b"key");
        for at in 0..16 {
            let mut seed = [0; 16];
            seed[at] = 1;
            assert_ne!(KeyHasher::new(seed).hash(b"key"), zero, "byte {at}");
        }
    }

    #[test]
    fn debug_shows_no_secret() {
        assert_eq!(format!("{:?}", KeyHasher::new([7; 16])), "KeyHasher { .. }");
    }
}
