//! Broadcast mode: who wants to know of which prefixes, and which keys have changed there.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::SharedIds;
use crate::client::ClientId;
use crate::names::{Name, block, name_memory, vec_memory};

/// Keys that have changed, each with the client whose command changed it last.
pub(super) type Changed = BTreeMap<Box<[u8]>, Option<ClientId>>;

/// The prefixes that clients want to know of.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    /// In the order of their names. A vector's memory can be told exactly, and prefixes come and go seldom.
    sorted: Vec<Prefix>,
    /// The bytes of the names and of the sets of clients.
    bytes: usize,
    /// Whether anything has changed under any.
    has_news: bool,
}

#[derive(Debug)]
struct Prefix {
    name: Name,
    /// In order.
    subscribers: SharedIds,
    changed: Changed,
}

impl Prefix {
    /// The bytes that it takes beside the place in the vector and what has changed, which is told and forgotten when
    /// the command ends.
    fn memory(&self) -> usize {
        let counters = 2 * size_of::<usize>();
        name_memory(&self.name) + block(counters + size_of::<Vec<ClientId>>()) + vec_memory(&self.subscribers)
    }
}

impl Prefixes {
    pub(super) fn len(&self) -> usize {
        self.sorted.len()
    }

    /// The bytes of the prefixes and of the sets of clients.
    pub(super) fn memory(&self) -> usize {
        vec_memory(&self.sorted) + self.bytes
    }

    fn find(&self, name: &[u8]) -> Result<usize, usize> {
        self.sorted.binary_search_by(|prefix| (*prefix.name).cmp(name))
    }

    /// Adds a client to those who want to know of a prefix; gives the prefix as it is held here.
    pub(super) fn add(&mut self, name: &[u8], id: ClientId) -> Name {
        let (at, before) = match self.find(name) {
            Ok(at) => (at, self.sorted[at].memory()),
            Err(at) => {
                let (subscribers, changed) = Default::default();
                self.sorted.insert(at, Prefix { name: Name::from(name), subscribers, changed });
                (at, 0)
            }
        };
        let prefix = &mut self.sorted[at];
        let subscribers = Rc::make_mut(&mut prefix.subscribers);
        if let Err(place) = subscribers.binary_search(&id) {
            subscribers.insert(place, id);
        }
        self.bytes += prefix.memory() - before;
        Name::clone(&prefix.name)
    }

    /// Takes a client out; a prefix that nobody wants to know of is forgotten.
    pub(super) fn remove(&mut self, name: &Name, id: ClientId) {
        let Ok(at) = self.find(name) else { return };
        let prefix = &mut self.sorted[at];
        self.bytes -= prefix.memory();
        let subscribers = Rc::make_mut(&mut prefix.subscribers);
        if let Ok(place) = subscribers.binary_search(&id) {
            subscribers.remove(place);
        }
        if subscribers.is_empty() {
            self.sorted.remove(at);
            shrink(&mut self.sorted);
        } else {
            shrink(subscribers);
            self.bytes += prefix.memory();
        }
    }

    /// Notes that a key has changed, by a client's command or on its own.
    pub(super) fn note(&mut self, key: &[u8], by: Option<ClientId>) {
        for prefix in &mut self.sorted {
            if key.starts_with(&prefix.name) {
                self.has_news = true;
                prefix.changed.insert(key.into(), by);
            }
        }
    }

    /// Whether anything has changed since the news was last taken.
    #[inline]
    pub(super) fn has_news(&self) -> bool {
        self.has_news
    }

    /// What has changed, prefix by prefix, and who wants to know.
    pub(super) fn take_news(&mut self) -> Vec<(Changed, SharedIds)> {
        self.has_news = false;
        let news = |prefix: &mut Prefix| {
            (!prefix.changed.is_empty())
                .then(|| (std::mem::take(&mut prefix.changed), Rc::clone(&prefix.subscribers)))
        };
        self.sorted.iter_mut().filter_map(news).collect()
    }
}

/// Gives back what a vector has grown beyond need.
fn shrink<T>(vec: &mut Vec<T>) {
    if vec.len() * 4 <= vec.capacity() {
        vec.shrink_to(vec.len() * 2);
    }
}

/// Whether one of two prefixes begins with the other, so that a key may have both.
pub(crate) fn overlap(first: &[u8], second: &[u8]) -> bool {
    first.starts_with(second) || second.starts_with(first)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn id(number: u64) -> ClientId {
        ClientId { slot: number as usize, id: number }
    }

    #[test]
    fn news_is_told_once_under_every_prefix_of_a_key() {
        let mut prefixes = Prefixes::default();
        let user = prefixes.add(b"user:", id(1));
        let all = prefixes.add(b"", id(2));
        assert!(Rc::ptr_eq(&user, &prefixes.add(b"user:", id(2))));
        prefixes.note(b"user:1", None);
        prefixes.note(b"user:1", Some(id(1)));
        prefixes.note(b"other", None);
        let news = prefixes.take_news();
        let told: Vec<(Vec<_>, usize)> = news
            .iter()
            .map(|(changed, ids)| (changed.iter().map(|(key, by)| (key.to_vec(), *by)).collect(), ids.len()))
            .collect();
        let first = (b"user:1".to_vec(), Some(id(1)));
        assert_eq!(told, [(vec![(b"other".to_vec(), None), first.clone()], 1), (vec![first], 2)]);
        assert!(!prefixes.has_news() && prefixes.take_news().is_empty());
        prefixes.remove(&user, id(1));
        prefixes.remove(&user, id(2));
        prefixes.remove(&all, id(2));
        assert_eq!((prefixes.len(), prefixes.memory()), (0, 0));
    }
}
