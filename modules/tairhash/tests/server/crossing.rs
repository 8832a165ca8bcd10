//! Data crosses from Tair's own module, which is written in C, and back to it.
//!
//! The payloads were written by its type's save function as published, now (`tairhash-`) and before
//! (`exhash---`), both under version 0, compiled and loaded in redis-server 7.0.15.

use anyhow::Result;
use module_harness::{checks, dump};

use super::server;

/// `h`: `f` is `v` of version 1; `g` is a zero byte and `w`, of version 7, and expires in the year
/// 3000; `z`, made by EXHSETNX, is `new` of version 0.
const CURRENT: &str = "0781b5a8ab85ab21f8000203050168050166020102000501760501670207028100001d8fda4ce0000502\
                       007705017a0200020005036e6577000a0058f657b518038b5b";

/// `past`: `f` is `v` of version 1, and has expired in 1970.
const PAST: &str = "0781b5a8ab85ab21f800020105047061737405016602010243e8050176000a005dc1889c6a2a50d6";

/// `h` in database 3, without `z`, by the module of the name before.
const OLDER: &str = "07817b185ab21fbef80002020501680203050166020102000501760501670207028100001d8fda4ce000\
                     05020077000a0039fbb1b31758fc54";

const F: (&str, &str) = ("EXHGETWITHVER h f", "[v 1]");
const G: (&str, &str) = ("EXHGETWITHVER h g", "[\0w 7]");

#[test]
fn what_tair_wrote_is_read() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    assert_eq!(dump::restore(&mut client, "h", &dump::from_hex(CURRENT)?)?, "OK");
    checks::transcript(&mut client, &[("TYPE h", "tairhash-"), ("EXHLEN h", "3"), F, G])?;
    checks::transcript(&mut client, &[("EXHGETWITHVER h z", "[new 0]"), ("EXHTTL h z", "-1")])?;
    let left = client.run("EXHPTTL h g")?.parse::<i64>()?;
    let now = client.command(&["TIME"])?;
    let module_harness::Reply::Array(now) = now else { anyhow::bail!("TIME replies an array") };
    let now = now[0].text().parse::<i64>()?;
    assert!((left / 1000 + now - 32_503_680_000).abs() < 10, "{left}");
    assert_eq!(dump::restore(&mut client, "past", &dump::from_hex(PAST)?)?, "OK");
    assert_eq!(client.run("EXHGET past f")?, "nil");
    Ok(())
}

/// Byte by byte, so that Tair's module reads it as its own.
#[test]
fn what_we_write_is_what_tair_writes() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHSET past f v PXAT 1000")?;
    assert_eq!(dump::dump(&mut client, "past")?, dump::from_hex(PAST)?);
    Ok(())
}

/// What the module of the name before wrote is read, changed and saved as such, and becomes a hash
/// of today when the AOF is rewritten.
#[test]
fn what_was_written_before_is_read_too() -> Result<()> {
    let arguments = ["--appendonly", "yes", "--aof-use-rdb-preamble", "no"];
    let mut server = server(&arguments)?;
    let mut client = server.connect()?;
    client.run("SELECT 3")?;
    assert_eq!(dump::restore(&mut client, "h", &dump::from_hex(OLDER)?)?, "OK");
    checks::transcript(&mut client, &[("TYPE h", "exhash---"), ("EXHLEN h", "2"), F, G])?;
    checks::transcript(&mut client, &[("EXHDEL h g", "1"), ("EXHSET h f w", "0"), ("EXHDEL h f", "1")])?;
    assert_eq!(dump::restore(&mut client, "h", &dump::from_hex(OLDER)?)?, "OK");
    client.run("EXHDEL h f")?;
    let expected = "07817b185ab21fbef800020105016802030501670207028100001d8fda4ce00005020077000a00";
    assert!(dump::dump(&mut client, "h")?.starts_with(&dump::from_hex(expected)?));
    checks::survives_a_rewritten_aof(&mut server, |client| {
        client.run("SELECT 3")?;
        client.run("DEBUG DIGEST-VALUE h")
    })?;
    let mut client = server.connect()?;
    client.run("SELECT 3")?;
    checks::transcript(&mut client, &[("TYPE h", "tairhash-"), ("EXHLEN h", "1"), G])
}
