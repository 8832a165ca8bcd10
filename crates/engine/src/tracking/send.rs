//! Messages about keys whose values have changed.

use crate::client::ClientId;
use crate::engine::Engine;
use crate::resp::{Version, Writer};

/// The channel on which a client that speaks RESP2 gets another one's messages.
const CHANNEL: &[u8] = b"__redis__:invalidate";

/// What is out of date.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stale<'a> {
    /// The values of these keys.
    Keys(&'a [&'a [u8]]),
    /// All that the client knows.
    Everything,
}

impl Stale<'_> {
    /// Writes the message's payload; the absence of keys in the version that the client speaks whose copies they are.
    fn write(self, writer: &mut Writer, version: Version) {
        match self {
            Self::Keys(keys) => {
                writer.array(keys.len());
                keys.iter().for_each(|key| writer.bulk(key));
            }
            Self::Everything => {
                let mut null = Writer::new(Vec::new(), version);
                null.null();
                writer.raw(&null.into_inner());
            }
        }
    }
}

impl Engine {
    /// Tells a client, or the one that it redirects to, that copies are out of date. A client that speaks RESP2 can
    /// be told only when it has subscribed to something, and only what is meant for another.
    pub(super) fn send_stale(&mut self, id: ClientId, stale: Stale<'_>) {
        let Some(client) = self.clients.get(id) else { return };
        let version = client.version;
        let redirect = client.tracking.as_ref().and_then(|tracker| tracker.redirect);
        let receiver_id = redirect.unwrap_or(id);
        let Some(receiver) = self.clients.get(receiver_id) else {
            return self.tell_broken(id, receiver_id);
        };
        let mut writer = Writer::new(Vec::new(), receiver.version);
        match receiver.version {
            Version::V3 => {
                writer.push(2);
                writer.bulk(b"invalidate");
            }
            Version::V2 if redirect.is_some() && receiver.subscriptions.is_some() => {
                writer.push(3);
                writer.bulk(b"message");
                writer.bulk(CHANNEL);
            }
            Version::V2 => return,
        }
        stale.write(&mut writer, version);
        self.push(receiver_id, &writer.into_inner());
    }

    /// Notes that the client is gone that another one redirects to, and tells the other if it can be told.
    fn tell_broken(&mut self, id: ClientId, gone: ClientId) {
        let client = self.connected_mut(id);
        if let Some(tracker) = &mut client.tracking {
            tracker.is_broken = true;
        }
        if client.version == Version::V3 {
            let mut writer = Writer::new(Vec::new(), Version::V3);
            writer.push(2);
            writer.bulk(b"tracking-redir-broken");
            writer.integer(gone.number().cast_signed());
            self.push(id, &writer.into_inner());
        }
    }
}
