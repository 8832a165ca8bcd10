//! Which keys have fields that expire next: the first level of the index, above the fields' own.
//!
//! An entry is a hint: when its time comes the key is looked up, and what isn't so any more is
//! dropped. So the index may never lack a key, but one too many does no harm. What moves keys about
//! (RENAME, MOVE, COPY, SWAPDB, FLUSHALL, loading) is followed in `expire.rs` and `value.rs`.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;

/// A key in a database.
pub(crate) type Key = (i32, Vec<u8>);

/// For each database, deadlines and keys.
type Index = BTreeMap<i32, BTreeSet<(i64, Vec<u8>)>>;

/// Values are freed by threads of the server, and commands run on the main one.
static INDEX: Mutex<Index> = Mutex::new(BTreeMap::new());

fn with<R>(work: impl FnOnce(&mut Index) -> R) -> R {
    work(&mut INDEX.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The next deadline of a key's fields was `old` and is `new`.
pub(crate) fn update((database, name): Key, old: Option<i64>, new: Option<i64>) {
    if old == new {
        return;
    }
    with(|index| {
        let entries = index.entry(database).or_default();
        let mut entry = (0, name);
        if let Some(old) = old {
            entry.0 = old;
            entries.remove(&entry);
        }
        if let Some(new) = new {
            entry.0 = new;
            entries.insert(entry);
        } else if entries.is_empty() {
            index.remove(&database);
        }
    });
}

/// The databases that have such keys, up to `most`, from the first after `last` on, and around.
pub(crate) fn databases(last: i32, most: usize) -> Vec<i32> {
    with(|index| {
        let after = index.range(last.saturating_add(1)..);
        let around = index.range(..=last);
        after.chain(around).map(|(database, _)| *database).take(most).collect()
    })
}

/// Takes the first key of a database whose time has come.
pub(crate) fn take_due(database: i32, now: i64) -> Option<Vec<u8>> {
    with(|index| {
        let entries = index.get_mut(&database)?;
        let is_due = entries.first().is_some_and(|(deadline, _)| *deadline <= now);
        let name = if is_due { entries.pop_first().map(|(_, name)| name) } else { None };
        if entries.is_empty() {
            index.remove(&database);
        }
        name
    })
}

/// Two databases have changed places.
pub(crate) fn swap(one: i32, other: i32) {
    with(|index| {
        let (first, second) = (index.remove(&one), index.remove(&other));
        index.extend(first.map(|entries| (other, entries)));
        index.extend(second.map(|entries| (one, entries)));
    });
}

/// A database was emptied, or all of them (-1).
pub(crate) fn flush(database: i32) {
    with(|index| index.retain(|number, _| database != -1 && *number != database));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_due_in_order_wherever_they_went() {
        let key = |database: i32, name: &str| (database, name.as_bytes().to_vec());
        update(key(0, "a"), None, Some(30));
        update(key(0, "b"), None, Some(10));
        update(key(1, "c"), None, Some(20));
        update(key(1, "d"), None, Some(5));
        update(key(1, "d"), Some(5), None);
        update(key(7, "e"), None, Some(1));
        assert_eq!(databases(-1, 9), [0, 1, 7]);
        assert_eq!(databases(0, 2), [1, 7]);
        assert_eq!(databases(1, 2), [7, 0]);
        swap(0, 1);
        swap(7, 3);
        assert_eq!(databases(-1, 9), [0, 1, 3]);
        assert_eq!(take_due(1, 9), None);
        assert_eq!(take_due(1, 25), Some(b"b".to_vec()));
        flush(0);
        assert_eq!(take_due(0, 25), None);
        update(key(1, "a"), Some(30), Some(40));
        assert_eq!(take_due(1, 30), None);
        assert_eq!(take_due(3, 30), Some(b"e".to_vec()));
        assert_eq!(databases(-1, 9), [1]);
        flush(-1);
        assert!(databases(-1, 9).is_empty());
    }
}
