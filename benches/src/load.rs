//! Keys of one shape, loaded through a pipeline, and the memory that they take.

use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Result, bail};

use crate::resp::{Connection, Reply, write_command};
use crate::server::Server;

/// What the values of the keys are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Values {
    /// Text of this many bytes (at least 8), a different one for each key, no integer.
    Text(usize),
    /// Integers of ten digits, too large to be among the small ones that Redis shares.
    Integers,
}

/// The length of every key, in bytes.
pub const KEY_LENGTH: usize = 16;

/// How many commands are sent before their replies are read.
const BATCH: u64 = 1_000;

impl Values {
    /// The value of key number `index`.
    pub fn value(self, index: u64) -> Vec<u8> {
        match self {
            Self::Text(length) => format!("v{index:0>width$}", width = length - 1).into_bytes(),
            Self::Integers => (1_000_000_000 + index).to_string().into_bytes(),
        }
    }

    /// How tables name it.
    pub fn name(self) -> String {
        match self {
            Self::Text(length) => format!("{length} bytes"),
            Self::Integers => "integers".to_owned(),
        }
    }
}

/// The name of key number `index`: [`KEY_LENGTH`] bytes for every index below 10¹².
pub fn key(index: u64) -> Vec<u8> {
    format!("key:{index:012}").into_bytes()
}

/// Sets keys 0 to `count - 1`.
///
/// # Errors
/// When the connection fails, or a reply isn't `OK`.
pub fn set_keys(connection: &mut Connection, count: u64, values: Values) -> Result<()> {
    let mut request = Vec::new();
    let mut first = 0;
    while first < count {
        let end = count.min(first + BATCH);
        request.clear();
        for index in first..end {
            write_command(&mut request, &[b"SET", &key(index), &values.value(index)]);
        }
        connection.send(&request)?;
        for _ in first..end {
            expect_ok(connection.reply()?)?;
        }
        first = end;
    }
    Ok(())
}

/// How many bytes of `used_memory` one key takes when `count` of them are loaded into the empty
/// server; it is empty again afterwards.
///
/// # Errors
/// When the server fails, or holds another number of keys afterwards.
pub fn bytes_per_key(server: &Server, count: u64, values: Values) -> Result<f64> {
    let mut observer = server.connect()?;
    expect_ok(observer.command(&[b"FLUSHALL"])?)?;
    let before = settled_memory(&mut observer)?;
    set_keys(&mut server.connect()?, count, values)?;
    match observer.command(&[b"DBSIZE"])? {
        Reply::Integer(size) if u64::try_from(size) == Ok(count) => {}
        other => bail!("{count} keys were set, and DBSIZE replied {other:?}"),
    }
    let after = settled_memory(&mut observer)?;
    expect_ok(observer.command(&[b"FLUSHALL"])?)?;
    Ok((after as f64 - before as f64) / count as f64)
}

/// `used_memory` once the observer is the only client left, so that no buffer of another is in it.
fn settled_memory(observer: &mut Connection) -> Result<u64> {
    let start = Instant::now();
    while observer.info_field("clients", "connected_clients")? > 1 {
        if start.elapsed() > Duration::from_secs(5) {
            bail!("other clients stay connected");
        }
        thread::sleep(Duration::from_millis(10));
    }
    observer.info_field("memory", "used_memory")
}

fn expect_ok(reply: Reply) -> Result<()> {
    match reply {
        Reply::Simple(ok) if ok == "OK" => Ok(()),
        other => bail!("expected OK, the server replied {other:?}"),
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;

    #[test]
    fn keys_and_values_have_the_stated_length() {
        for index in [0, 1, 999_999_999_999] {
            assert_eq!(key(index).len(), KEY_LENGTH);
        }
        for length in [8, 32, 100] {
            let value = Values::Text(length).value(123_456);
            assert_eq!(value.len(), length);
            assert!(value.ends_with(b"123456"));
        }
        assert_eq!(Values::Integers.value(7), b"1000000007");
    }

    #[test]
    fn redis_takes_more_than_the_payload_and_is_empty_afterwards() {
        let server = Server::start(Path::new("redis-server"), &[]).unwrap();
        let count = BATCH * 2 + 1;
        let bytes = bytes_per_key(&server, count, Values::Text(100)).unwrap();
        assert!((116.0..400.0).contains(&bytes), "{bytes}");
        let size = server.connect().unwrap().command(&[b"DBSIZE"]).unwrap();
        assert_eq!(size, Reply::Integer(0));
    }
}
