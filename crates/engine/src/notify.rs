//! What follows a change of a key: those who watch or track it are told, and a keyspace notification is published.

use crate::config::EventClasses;
use crate::engine::Engine;
use crate::modules::KeyEvent;

impl Engine {
    /// Tells of a change of a key, and publishes it as `event`. Commands call this once they have changed the key;
    /// so does whatever else removes one.
    #[inline]
    pub(crate) fn modified(&mut self, db: usize, key: &[u8], class: EventClasses, event: &str) {
        self.touched(db, key);
        self.notify(db, key, class, event);
    }

    /// Tells those who watch or track a key that it has changed.
    #[inline]
    pub(crate) fn touched(&mut self, db: usize, key: &[u8]) {
        self.announce_expired();
        if !self.watches.is_empty() {
            self.touch_watched(db, key);
        }
        if self.tracking.is_in_use() {
            self.invalidate(key, self.delivery.running);
        }
    }

    /// Whether anybody is told of events of a class.
    #[inline]
    pub(crate) fn wants_event(&self, class: EventClasses) -> bool {
        (self.config.notify_keyspace_events | self.module_events).contains(class)
    }

    /// Publishes an event, if its class is wanted: `event` to the key's channel, and the key to the event's.
    #[inline]
    pub(crate) fn notify(&mut self, db: usize, key: &[u8], class: EventClasses, event: &str) {
        self.announce_expired();
        if self.module_events.contains(class) {
            self.tell_modules(KeyEvent { db, key, class, event });
        }
        if self.config.notify_keyspace_events.contains(class) {
            self.publish_event(db, key, event);
        }
    }

    #[cold]
    fn tell_modules(&mut self, event: KeyEvent<'_>) {
        if let Some(modules) = self.modules.clone() {
            modules.key_event(self, &event);
        }
    }

    #[cold]
    fn publish_event(&mut self, db: usize, key: &[u8], event: &str) {
        let wanted = self.config.notify_keyspace_events;
        if wanted.contains(EventClasses::KEYSPACE) {
            let channel = [format!("__keyspace@{db}__:").as_bytes(), key].concat();
            self.publish(&channel, event.as_bytes());
        }
        if wanted.contains(EventClasses::KEYEVENT) {
            self.publish(format!("__keyevent@{db}__:{event}").as_bytes(), key);
        }
    }

    /// Tells of a key that went although no command has removed it, and publishes that as `event`.
    pub(crate) fn removed(&mut self, db: usize, key: &[u8], class: EventClasses, event: &str) {
        self.signal_removal(db, key);
        if !self.watches.is_empty() {
            self.touch_watched(db, key);
        }
        if self.tracking.is_in_use() {
            self.invalidate(key, None);
        }
        self.notify(db, key, class, event);
    }

    /// Whether anybody would be told of a key's removal because its time has come.
    #[inline]
    pub(crate) fn is_expiry_observed(&self) -> bool {
        !self.watches.is_empty()
            || self.tracking.is_in_use()
            || self.waits.len() != 0
            || self.wants_event(EventClasses::EXPIRED)
    }

    /// Tells of the keys that were removed because their time had come since this was last called: the one who
    /// finds a key in that state has no room to do so at once.
    #[inline]
    pub(crate) fn announce_expired(&mut self) {
        if !self.just_expired.is_empty() {
            self.announce_all_expired();
        }
    }

    #[cold]
    fn announce_all_expired(&mut self) {
        for (db, key) in std::mem::take(&mut self.just_expired) {
            self.touch_expired(db, &key);
            self.signal_removal(db, &key);
            if self.tracking.is_in_use() {
                self.invalidate(&key, None);
            }
            self.notify(db, &key, EventClasses::EXPIRED, "expired");
        }
    }
}
