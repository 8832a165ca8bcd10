//! The numbered databases of a server.
#![forbid(unsafe_code)]

use crate::db::{Contents, Db, Relocated};
use crate::hash::KeyHasher;
use heapwalk::Relocate;
use std::alloc::Layout;
use std::ops::ControlFlow;

/// Databases numbered from 0, all under one hasher, so that entries can move between them.
#[derive(Debug)]
pub struct Keyspace {
    databases: Vec<Db>,
}

impl Keyspace {
    /// `count` databases without keys, whose hash is keyed by `seed`.
    pub fn new(count: usize, seed: [u8; 16]) -> Keyspace {
        let hasher = KeyHasher::new(seed);
        Keyspace { databases: (0..count).map(|_| Db::new(hasher.clone())).collect() }
    }

    /// The number of databases.
    #[inline]
    pub fn count(&self) -> usize {
        self.databases.len()
    }

    /// Database `index`.
    ///
    /// # Panics
    /// If there is no such database.
    #[inline]
    pub fn db(&self, index: usize) -> &Db {
        &self.databases[index]
    }

    /// Database `index`, to be changed.
    ///
    /// # Panics
    /// If there is no such database.
    #[inline]
    pub fn db_mut(&mut self, index: usize) -> &mut Db {
        &mut self.databases[index]
    }

    /// Two different databases, to be changed.
    ///
    /// # Panics
    /// If there is no such database, or both are the same.
    pub fn two_mut(&mut self, first: usize, second: usize) -> [&mut Db; 2] {
        self.databases.get_disjoint_mut([first, second]).expect("two different databases")
    }

    /// All databases, in order.
    pub fn iter(&self) -> impl Iterator<Item = &Db> {
        self.databases.iter()
    }

    /// Exchanges the contents of two databases, as SWAPDB documents; the same one twice is fine.
    ///
    /// # Panics
    /// If there is no such database.
    pub fn swap(&mut self, first: usize, second: usize) {
        self.databases.swap(first, second);
    }

    /// Takes everything out of all databases; what is given back holds the memory until it is dropped.
    pub fn clear(&mut self) -> Vec<Contents> {
        self.databases.iter_mut().map(Db::clear).filter(|contents| !contents.is_empty()).collect()
    }

    /// The number of keys in all databases.
    pub fn len(&self) -> usize {
        self.databases.iter().map(Db::len).sum()
    }

    /// Whether no database has a key.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Begins a walk of [`Keyspace::relocate`], whether or not the last one has come to its end.
    pub fn begin_walk(&mut self) {
        self.databases.iter_mut().for_each(Db::begin_walk);
    }

    /// Goes on with a walk through every block of every database: arrays of buckets, children of buckets, entries
    /// and the blocks of large values. `mover` may move each; what refers to it is told at once. Answers
    /// `Continue` at the end of the walk, and `Break` if it went no further: because `is_over` said so, which is
    /// asked after each few blocks, or because a module isn't done with one of its values.
    ///
    /// What changes between two calls is no matter: a block that is there from the beginning to the end of a walk
    /// is visited at least once, also if its database has been given another number meanwhile. Some may be
    /// visited more than once.
    pub fn relocate<R: Relocate + ?Sized>(
        &mut self,
        mover: &mut R,
        mut is_over: impl FnMut(&R) -> bool,
        relocated: &mut Relocated,
    ) -> ControlFlow<()> {
        for (number, db) in self.databases.iter_mut().enumerate() {
            while !db.is_walk_done() {
                db.relocate(number, mover, &mut is_over, relocated);
                if is_over(mover) || db.is_within_value() {
                    return ControlFlow::Break(());
                }
            }
        }
        ControlFlow::Continue(())
    }

    /// The bytes of all databases' dictionaries and indices, as [`Db::memory_overhead`].
    pub fn memory_overhead(&self, usable: impl Fn(Layout) -> usize) -> usize {
        self.databases.iter().map(|db| db.memory_overhead(&usable)).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Expiry, StringValue};

    fn set(db: &mut Db, key: &[u8]) {
        db.set(key, StringValue::encode(key), Expiry::Never, 0);
    }

    #[test]
    fn databases_are_apart_and_can_be_exchanged() {
        let mut keyspace = Keyspace::new(3, [1; 16]);
        set(keyspace.db_mut(0), b"zero");
        set(keyspace.db_mut(2), b"two");
        assert!(keyspace.db(0).find(b"two").is_none());
        keyspace.swap(0, 2);
        keyspace.swap(1, 1);
        assert!(keyspace.db(0).find(b"two").is_some());
        assert!(keyspace.db(2).find(b"zero").is_some());
        assert_eq!((keyspace.len(), keyspace.count()), (2, 3));
    }

    #[test]
    fn entries_move_between_databases() {
        let mut keyspace = Keyspace::new(2, [1; 16]);
        keyspace.db_mut(0).set(b"key", StringValue::Int(1), Expiry::At(5), 0);
        let [from, to] = keyspace.two_mut(0, 1);
        assert!(to.insert_entry(from.remove(b"key").unwrap()).is_none());
        assert_eq!((from.len(), from.expires_len()), (0, 0));
        assert_eq!((to.len(), to.expires_len()), (1, 1));
        assert_eq!(to.find(b"key").unwrap().expiry(), Some(5));
    }

    #[test]
    fn what_is_cleared_can_be_freed_on_another_thread() {
        let mut keyspace = Keyspace::new(4, [1; 16]);
        for index in 0..1000 {
            set(keyspace.db_mut(index % 2), index.to_string().as_bytes());
        }
        let contents = keyspace.clear();
        assert!(keyspace.is_empty());
        assert_eq!(contents.iter().map(Contents::len).collect::<Vec<_>>(), [500, 500]);
        std::thread::spawn(move || drop(contents)).join().unwrap();
        assert_eq!(keyspace.memory_overhead(|layout| layout.size()), 0);
    }

    #[test]
    #[should_panic(expected = "two different databases")]
    fn the_same_database_is_not_two() {
        Keyspace::new(2, [1; 16]).two_mut(1, 1);
    }
}
