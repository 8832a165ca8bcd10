//! The candidates that samples have brought up, so that a good one isn't lost when a better one goes before it.

use keyspace::KeyHash;

use crate::config::MaxmemoryPolicy;

/// How many candidates are kept, as in Redis.
const SIZE: usize = 16;

/// A key that may go. It is known by its hash, so that the pool holds no text; it may be gone, or have been used,
/// by the time its turn comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    /// The one with the highest goes first.
    pub(super) rank: u64,
    /// The number of its database.
    pub(super) db: usize,
    pub(super) hash: KeyHash,
}

/// The candidates with the highest ranks.
#[derive(Debug)]
pub(super) struct Pool {
    /// In rising order of rank; there is always room for [`SIZE`].
    candidates: Vec<Candidate>,
    /// The policy that ranked them.
    policy: MaxmemoryPolicy,
}

impl Pool {
    pub(super) fn new() -> Self {
        Self { candidates: Vec::with_capacity(SIZE), policy: MaxmemoryPolicy::Noeviction }
    }

    /// Forgets the candidates of another policy, whose ranks mean something else.
    pub(super) fn serve(&mut self, policy: MaxmemoryPolicy) {
        if self.policy != policy {
            self.candidates.clear();
            self.policy = policy;
        }
    }

    /// Whether a candidate of this rank would be kept.
    pub(super) fn has_room_for(&self, rank: u64) -> bool {
        self.candidates.len() < SIZE || rank > self.candidates[0].rank
    }

    /// Adds a candidate for which there is room; the one with the lowest rank makes way for it. Of a key that is
    /// there already only the new rank is kept.
    pub(super) fn put(&mut self, candidate: Candidate) {
        let is_same = |other: &Candidate| (other.db, other.hash) == (candidate.db, candidate.hash);
        if let Some(at) = self.candidates.iter().position(is_same) {
            self.candidates.remove(at);
        } else if self.candidates.len() == SIZE {
            self.candidates.remove(0);
        }
        let at = self.candidates.partition_point(|other| other.rank <= candidate.rank);
        self.candidates.insert(at, candidate);
    }

    /// Takes the candidate with the highest rank.
    pub(super) fn take_first(&mut self) -> Option<Candidate> {
        self.candidates.pop()
    }
}

#[cfg(test)]
mod tests {
    use keyspace::{Db, KeyHasher};
    use proptest::prelude::*;

    use super::*;

    fn candidate(key: u8, rank: u64) -> Candidate {
        let db = Db::new(KeyHasher::new([1; 16]));
        Candidate { rank, db: usize::from(key % 2), hash: db.hash_key(&[key / 2]) }
    }

    proptest! {
        /// Against the list of all that were put in and not pushed out.
        #[test]
        fn the_highest_ranks_are_kept(steps in proptest::collection::vec((0..60_u8, 0..40_u64, 0..4_u8), 0..300)) {
            let mut pool = Pool::new();
            let mut model: Vec<Candidate> = Vec::new();
            for (key, rank, kind) in steps {
                if kind == 0 {
                    let taken = pool.take_first();
                    prop_assert_eq!(taken.map(|taken| taken.rank), model.iter().map(|one| one.rank).max());
                    model.retain(|one| Some(*one) != taken);
                    continue;
                }
                let new = candidate(key, rank);
                let lowest = model.iter().map(|one| one.rank).min();
                prop_assert_eq!(pool.has_room_for(rank), model.len() < 16 || lowest < Some(rank));
                if !pool.has_room_for(rank) {
                    continue;
                }
                pool.put(new);
                model.retain(|one| (one.db, one.hash) != (new.db, new.hash));
                if model.len() == 16 {
                    model.retain(|one| pool.candidates.contains(one));
                    prop_assert_eq!(model.len(), 15, "one makes way");
                    prop_assert!(model.iter().all(|one| Some(one.rank) >= lowest));
                }
                model.push(new);
                prop_assert_eq!(pool.candidates.len(), model.len());
            }
        }
    }

    #[test]
    fn another_policy_begins_anew() {
        let mut pool = Pool::new();
        pool.serve(MaxmemoryPolicy::AllkeysLru);
        pool.put(candidate(1, 1));
        pool.serve(MaxmemoryPolicy::AllkeysLru);
        assert_eq!(pool.candidates.len(), 1);
        pool.serve(MaxmemoryPolicy::AllkeysLfu);
        assert_eq!(pool.take_first(), None);
    }
}
