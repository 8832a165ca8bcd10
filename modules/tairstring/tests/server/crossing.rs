//! Data crosses from Tair's own module, which is written in C, and back to it.
//!
//! The payloads were written by its type's save function as published (version 0, the only one it
//! has), compiled and loaded in redis-server 7.0.15.

use anyhow::Result;
use module_harness::dump;

use super::server;

/// A payload, and what it holds: value, version, flags.
const FROM_TAIR: [(&str, &[u8], i64, i64); 3] = [
    ("07817b1b2daedca9780002010200050576616c7565000a00f15d4531739f90ff", b"value", 1, 0),
    (
        "07817b1b2daedca9780002817fffffffffffffff0280ffffffff05050062696eff000a004eb248eeba96ff13",
        b"\0bin\xff",
        i64::MAX,
        4_294_967_295,
    ),
    ("07817b1b2daedca97800020002000500000a0003cf0cbb75bd897d", b"", 0, 0),
];

#[test]
fn what_tair_wrote_is_read() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for (payload, value, version, flags) in FROM_TAIR {
        assert_eq!(dump::restore(&mut client, "k", &dump::from_hex(payload)?)?, "OK");
        let expected = format!("[{} {version} {flags}]", String::from_utf8_lossy(value));
        assert_eq!(client.run("EXGET k WITHFLAGS")?, expected);
    }
    Ok(())
}

/// Byte by byte, so that Tair's module reads it as its own.
#[test]
fn what_we_write_is_what_tair_writes() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for (payload, value, version, flags) in FROM_TAIR {
        let (version, flags) = (version.to_string(), flags.to_string());
        let words = [&b"EXSET"[..], b"k", value, b"ABS", version.as_bytes(), b"FLAGS", flags.as_bytes()];
        assert_eq!(client.command(&words)?.text(), "OK");
        assert_eq!(dump::dump(&mut client, "k")?, dump::from_hex(payload)?);
    }
    Ok(())
}
