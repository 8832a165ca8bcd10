//! Clients that are told of what others do: of messages, and of changes to keys whose values they keep.

use anyhow::{Result, ensure};

use crate::audience::Audience;
use crate::load::{Values, key, set_keys};
use crate::resp::{Connection, Reply, write_command};
use crate::server::Server;

/// How many subscribe to [`CHANNEL`].
pub const SUBSCRIBERS: usize = 1_000;
/// Where messages are published.
pub const CHANNEL: &str = "news";
/// How many messages each of them is sent.
pub const MESSAGES: u64 = 1_000;
/// How many keys each reader has the server track.
pub const KEYS: u64 = 100_000;
/// How many clients read all keys.
const READERS: usize = 4;
/// How many requests are sent before their replies are read.
const BATCH: u64 = 1_000;
/// The message.
const PAYLOAD: &str = "a message that everyone of the audience is sent";

/// Publishes the messages, and waits until everyone has all.
///
/// # Errors
/// When the server fails, or anyone gets more or less.
pub fn publish(server: &Server, audience: &Audience) -> Result<()> {
    let mut publisher = server.connect()?;
    for _ in 0..MESSAGES {
        let reached = publisher.command(&[b"PUBLISH", CHANNEL.as_bytes(), PAYLOAD.as_bytes()])?;
        ensure!(reached == Reply::Integer(audience.size() as i64), "a message reached {reached:?}");
    }
    audience.expect(MESSAGES * Audience::message_length(CHANNEL, PAYLOAD))
}

/// A client that keeps copies of values, and the one that is told for it when they are out of date, by way of a
/// channel.
pub struct Reader {
    /// Kept open, because tracking ends with it.
    _reading: Connection,
    told: Connection,
}

/// Sets the keys, and has several clients read them all with tracking switched on.
///
/// # Errors
/// When the server fails, or doesn't find a key.
pub fn track(server: &Server) -> Result<Vec<Reader>> {
    set_keys(&mut server.connect()?, KEYS, Values::Text(8))?;
    (0..READERS).map(|_| read_all(server)).collect()
}

fn read_all(server: &Server) -> Result<Reader> {
    let mut told = server.connect()?;
    let Reply::Integer(id) = told.command(&[b"CLIENT", b"ID"])? else {
        anyhow::bail!("CLIENT ID is no number")
    };
    let mut subscribe = Vec::new();
    write_command(&mut subscribe, &[b"SUBSCRIBE", b"__redis__:invalidate"]);
    told.send(&subscribe)?;
    told.message()?;
    let mut reading = server.connect()?;
    let id = id.to_string();
    reading.command(&[b"CLIENT", b"TRACKING", b"ON", b"REDIRECT", id.as_bytes()])?;
    let mut request = Vec::new();
    for first in (0..KEYS).step_by(BATCH as usize) {
        request.clear();
        let batch = first..KEYS.min(first + BATCH);
        batch.clone().for_each(|index| write_command(&mut request, &[b"GET", &key(index)]));
        reading.send(&request)?;
        for index in batch {
            let value = reading.reply()?;
            ensure!(value == Reply::Bulk(Some(Values::Text(8).value(index))), "key {index} holds {value:?}");
        }
    }
    Ok(Reader { _reading: reading, told })
}

/// Changes every key, and sees that every reader is told of every one of them, in order and once; then they leave.
///
/// # Errors
/// When the server fails, or a reader is told of anything else.
pub fn invalidate(server: &Server, mut readers: Vec<Reader>) -> Result<()> {
    let mut writer = server.connect()?;
    let mut request = Vec::new();
    for first in (0..KEYS).step_by(BATCH as usize) {
        request.clear();
        let batch = first..KEYS.min(first + BATCH);
        batch.clone().for_each(|index| write_command(&mut request, &[b"SET", &key(index), b"other"]));
        writer.send(&request)?;
        for _ in batch.clone() {
            writer.reply()?;
        }
        for reader in &mut readers {
            for index in batch.clone() {
                let message = reader.told.message()?;
                let key = key(index);
                ensure!(
                    message.ends_with(&[b"*1\r\n$16\r\n", &key[..], b"\r\n"].concat()),
                    "instead of key {index} a reader is told of {}",
                    message.escape_ascii()
                );
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn readers_are_told_of_every_change() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let readers = track(&server).unwrap();
        let mut observer = server.connect().unwrap();
        assert_eq!(observer.info_field("stats", "tracking_total_keys").unwrap(), KEYS);
        invalidate(&server, readers).unwrap();
        assert_eq!(observer.info_field("stats", "tracking_total_keys").unwrap(), 0);
    }

    #[test]
    fn an_audience_is_sent_all_messages() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let audience = Audience::gather(server.port(), CHANNEL, 2).unwrap();
        publish(&server, &audience).unwrap();
    }
}
