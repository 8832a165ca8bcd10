//! A server as a cache in front of a slow source: what is looked up and isn't there is stored.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::load::{Values, key};
use crate::resp::{Connection, ErrorReply, Reply, write_command};
use crate::server::Server;

/// What every key holds.
const VALUES: Values = Values::Text(100);

/// A look-up: the number of the key, and the seconds for which it is stored if it wasn't there.
#[derive(Clone, Copy, Debug)]
pub struct Lookup {
    /// Which key.
    pub key: u64,
    /// For how long it is stored, in seconds; `None` for ever.
    pub ttl: Option<u64>,
}

/// A server with a memory limit, and how often it had what was looked up.
pub struct Cache {
    connection: Connection,
    // Stopped when it is dropped, after the connection.
    _server: Server,
    limit: u64,
    bytes_per_key: u64,
    lookups: u64,
    hits: u64,
}

impl Cache {
    /// Starts `program` under an eviction policy, stores the first `keys` keys, and sets the limit to what is in
    /// use then.
    ///
    /// # Errors
    /// When the server fails.
    pub fn start(program: &Path, policy: &str, keys: u64, ttl: Option<u64>) -> Result<Self> {
        let server = Server::start(program, &["--maxmemory-policy", policy])?;
        let connection = server.connect()?;
        let mut cache = Self { connection, _server: server, limit: 0, bytes_per_key: 0, lookups: 0, hits: 0 };
        let empty = cache.used_memory()?;
        for first in (0..keys).step_by(500) {
            let lookups: Vec<_> = (first..keys.min(first + 500)).map(|key| Lookup { key, ttl }).collect();
            cache.store(&lookups)?;
        }
        let full = cache.used_memory()?;
        cache.bytes_per_key = full.saturating_sub(empty) / keys;
        cache.set_limit(full)?;
        Ok(cache)
    }

    fn used_memory(&mut self) -> Result<u64> {
        self.connection.info_field("memory", "used_memory")
    }

    /// The limit, in bytes.
    pub fn limit(&self) -> u64 {
        self.limit
    }

    /// Sets the limit, in bytes.
    ///
    /// # Errors
    /// When the server refuses it.
    pub fn set_limit(&mut self, limit: u64) -> Result<()> {
        self.connection.command(&[b"CONFIG", b"SET", b"maxmemory", limit.to_string().as_bytes()])?;
        self.limit = limit;
        Ok(())
    }

    /// Brings the limit closer to where so many keys fit.
    ///
    /// # Errors
    /// When the server fails.
    pub fn aim_at(&mut self, keys: u64) -> Result<()> {
        let missing = keys as i64 - self.size()? as i64;
        let limit = self.limit.saturating_add_signed(missing * self.bytes_per_key as i64);
        self.set_limit(limit)
    }

    /// The number of keys.
    ///
    /// # Errors
    /// When the server fails.
    pub fn size(&mut self) -> Result<u64> {
        match self.connection.command(&[b"DBSIZE"])? {
            Reply::Integer(size) => u64::try_from(size).context("DBSIZE is negative"),
            other => bail!("DBSIZE replied {other:?}"),
        }
    }

    /// Looks keys up, in one pipeline, and stores those that aren't there in a second one.
    ///
    /// # Errors
    /// When the server fails.
    pub fn look_up(&mut self, lookups: &[Lookup]) -> Result<()> {
        let mut request = Vec::new();
        lookups.iter().for_each(|lookup| write_command(&mut request, &[b"GET", &key(lookup.key)]));
        self.connection.send(&request)?;
        let mut missed = Vec::new();
        for lookup in lookups {
            match self.connection.reply()? {
                Reply::Bulk(Some(_)) => self.hits += 1,
                Reply::Bulk(None) => missed.push(*lookup),
                other => bail!("GET replied {other:?}"),
            }
        }
        self.lookups += lookups.len() as u64;
        self.store(&missed)
    }

    /// Stores keys. A server that has no room and evicts nothing refuses to, which is no failure.
    fn store(&mut self, lookups: &[Lookup]) -> Result<()> {
        let mut request = Vec::new();
        for lookup in lookups {
            let (key, value) = (key(lookup.key), VALUES.value(lookup.key));
            match lookup.ttl {
                None => write_command(&mut request, &[b"SET", &key, &value]),
                Some(ttl) => {
                    write_command(&mut request, &[b"SET", &key, &value, b"EX", ttl.to_string().as_bytes()]);
                }
            }
        }
        self.connection.send(&request)?;
        for _ in lookups {
            match self.connection.reply() {
                Ok(_) => {}
                Err(error) if error.downcast_ref().is_some_and(ErrorReply::is_out_of_memory) => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    /// The share of look-ups since the last call that found their key, in percent.
    pub fn take_hit_ratio(&mut self) -> f64 {
        let (hits, lookups) = (std::mem::take(&mut self.hits), std::mem::take(&mut self.lookups));
        hits as f64 * 100.0 / lookups as f64
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const REDIS: &str = "redis-server";

    fn lookups(keys: std::ops::Range<u64>) -> Vec<Lookup> {
        keys.map(|key| Lookup { key, ttl: None }).collect()
    }

    #[test]
    fn what_is_missed_is_there_the_next_time() {
        let mut cache = Cache::start(Path::new(REDIS), "noeviction", 100, None).unwrap();
        cache.set_limit(0).unwrap();
        cache.look_up(&lookups(50..150)).unwrap();
        assert_eq!(cache.take_hit_ratio(), 50.0);
        cache.look_up(&lookups(50..150)).unwrap();
        assert_eq!((cache.take_hit_ratio(), cache.size().unwrap()), (100.0, 150));
    }

    #[test]
    fn a_full_server_that_evicts_nothing_is_no_failure() {
        let mut cache = Cache::start(Path::new(REDIS), "noeviction", 1000, None).unwrap();
        cache.set_limit(1).unwrap();
        cache.look_up(&lookups(500..1500)).unwrap();
        assert_eq!((cache.take_hit_ratio(), cache.size().unwrap()), (50.0, 1000));
    }

    #[test]
    fn the_limit_follows_the_number_of_keys() {
        let mut cache = Cache::start(Path::new(REDIS), "allkeys-random", 5000, Some(1000)).unwrap();
        let before = cache.limit();
        cache.aim_at(10_000).unwrap();
        assert!(cache.limit() > before + 5000 * 100);
        cache.aim_at(4000).unwrap();
        cache.look_up(&lookups(0..10)).unwrap();
        assert!(cache.size().unwrap() < 10_000);
    }
}
