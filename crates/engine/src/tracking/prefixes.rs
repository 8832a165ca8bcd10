//! Broadcast mode: who wants to know of which prefixes, and which keys have changed there.

use std::collections::BTreeMap;
use std::rc::Rc;

use super::SharedIds;
use crate::client::ClientId;
use crate::names::{Name, name_memory};

/// Keys that have changed, each with the client whose command changed it last.
pub(super) type Changed = BTreeMap<Box<[u8]>, Option<ClientId>>;

/// The prefixes that clients want to know of.
#[derive(Debug, Default)]
pub(super) struct Prefixes {
    by_name: BTreeMap<Name, Prefix>,
    /// Whether anything has changed under any.
    has_news: bool,
}

#[derive(Debug, Default)]
struct Prefix {
    subscribers: SharedIds,
    changed: Changed,
}

impl Prefixes {
    pub(super) fn len(&self) -> usize {
        self.by_name.len()
    }

    /// The bytes of the prefixes and of the sets of clients, whose blocks hold other clients' as well.
    pub(super) fn memory(&self) -> usize {
        let prefix = |(name, prefix): (&Name, &Prefix)| {
            name_memory(name) + size_of::<(Name, Prefix)>() + prefix.subscribers.len() * size_of::<ClientId>()
        };
        self.by_name.iter().map(prefix).sum()
    }

    /// Adds a client to those who want to know of a prefix; gives the prefix as it is held here.
    pub(super) fn add(&mut self, prefix: &[u8], id: ClientId) -> Name {
        let name = match self.by_name.get_key_value(prefix) {
            Some((name, _)) => Name::clone(name),
            None => Name::from(prefix),
        };
        let entry = self.by_name.entry(Name::clone(&name)).or_default();
        Rc::make_mut(&mut entry.subscribers).insert(id);
        name
    }

    /// Takes a client out; a prefix that nobody wants to know of is forgotten.
    pub(super) fn remove(&mut self, prefix: &Name, id: ClientId) {
        let Some(entry) = self.by_name.get_mut(prefix) else { return };
        let subscribers = Rc::make_mut(&mut entry.subscribers);
        subscribers.remove(&id);
        if subscribers.is_empty() {
            self.by_name.remove(prefix);
        }
    }

    /// Notes that a key has changed, by a client's command or on its own.
    pub(super) fn note(&mut self, key: &[u8], by: Option<ClientId>) {
        for (name, prefix) in &mut self.by_name {
            if key.starts_with(name) {
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
        self.by_name.values_mut().filter_map(news).collect()
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
