//! Which keys have fields that expire next: the first level of the index, above the fields' own.
//!
//! An entry is a hint: when its time comes the key is looked up, and what isn't so any more is
//! dropped. So the index may never lack a key, but one too many does no harm. What moves keys about
//! (RENAME, MOVE, COPY, SWAPDB, FLUSHALL, loading) is followed in `expiry.rs` and `value.rs`.

use std::collections::BTreeSet;
use std::sync::Mutex;

/// A key in a database.
pub(crate) type Key = (i32, Vec<u8>);

/// Values are freed by threads of the server, and commands run on the main one.
static INDEX: Mutex<BTreeSet<(i64, Key)>> = Mutex::new(BTreeSet::new());

fn with<R>(work: impl FnOnce(&mut BTreeSet<(i64, Key)>) -> R) -> R {
    work(&mut INDEX.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// The next deadline of a key's fields was `old` and is `new`.
pub(crate) fn update(key: Key, old: Option<i64>, new: Option<i64>) {
    if old == new {
        return;
    }
    with(|index| {
        let mut entry = (0, key);
        if let Some(old) = old {
            entry.0 = old;
            index.remove(&entry);
        }
        if let Some(new) = new {
            entry.0 = new;
            index.insert(entry);
        }
    });
}

/// Takes the first key whose time has come.
pub(crate) fn take_due(now: i64) -> Option<Key> {
    with(|index| {
        let (deadline, _) = index.first()?;
        if *deadline > now { None } else { index.pop_first().map(|(_, key)| key) }
    })
}

/// Two databases have changed places.
pub(crate) fn swap(one: i32, other: i32) {
    with(|index| {
        let entries = std::mem::take(index).into_iter().map(|(deadline, (database, name))| {
            let database = match database {
                _ if database == one => other,
                _ if database == other => one,
                _ => database,
            };
            (deadline, (database, name))
        });
        *index = entries.collect();
    });
}

/// A database was emptied, or all of them (-1).
pub(crate) fn flush(database: i32) {
    with(|index| index.retain(|(_, key)| database != -1 && key.0 != database));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn len() -> usize {
        with(|index| index.len())
    }

    #[test]
    fn keys_are_due_in_order_wherever_they_went() {
        let key = |database: i32, name: &str| (database, name.as_bytes().to_vec());
        update(key(0, "a"), None, Some(30));
        update(key(0, "b"), None, Some(10));
        update(key(1, "c"), None, Some(20));
        update(key(1, "d"), None, Some(5));
        update(key(1, "d"), Some(5), None);
        swap(0, 1);
        assert_eq!(len(), 3);
        assert_eq!(take_due(9), None);
        assert_eq!(take_due(25), Some(key(1, "b")));
        flush(0);
        assert_eq!(take_due(25), None);
        update(key(1, "a"), Some(30), Some(40));
        assert_eq!(take_due(30), None);
        flush(-1);
        assert_eq!(len(), 0);
    }
}
