//! The kinds of clients that CLIENT LIST and CLIENT KILL tell apart.

use crate::args::is;
use crate::client::Client;
use crate::error::{Error, c_text};

/// A kind of clients.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// Whoever isn't of another kind.
    Normal,
    /// Those who have subscribed to anything.
    Subscriber,
    /// `master`, `replica` (also called `slave`), of which there are none.
    Replication,
}

impl Kind {
    /// The kind of that name.
    ///
    /// # Errors
    /// When there is none.
    pub(super) fn parse(name: &[u8]) -> Result<Self, Error> {
        if is(name, "normal") {
            Ok(Kind::Normal)
        } else if is(name, "pubsub") {
            Ok(Kind::Subscriber)
        } else if ["master", "replica", "slave"].iter().any(|kind| is(name, kind)) {
            Ok(Kind::Replication)
        } else {
            Err(Error::new([b"ERR Unknown client type '", c_text(name), b"'"].concat()))
        }
    }

    /// The kind that a client is of.
    pub(super) fn of(client: &Client) -> Self {
        if client.subscriptions.is_some() { Kind::Subscriber } else { Kind::Normal }
    }
}
