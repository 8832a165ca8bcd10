//! Files, kills, memory: what a hash goes through besides commands.

use anyhow::Result;
use module_harness::server::wait_for;
use module_harness::{Client, checks, dump};

use super::server;

/// Fields of every kind: of more than one piece of an AOF, binary, empty, of every version, with and
/// without a deadline, one past, in a key that itself expires and in one that doesn't.
fn fill(client: &mut Client) -> Result<()> {
    for number in 0..300 {
        client.run(&format!("EXHSET k f{number} v{number} ABS {}", number + 1))?;
    }
    for version in ["1", "9223372036854775807"] {
        for deadline in ["32503680000000", "9223372036854775807"] {
            let name = [b"\0", version.as_bytes(), deadline.as_bytes()].concat();
            let options = [b"ABS", version.as_bytes(), b"PXAT", deadline.as_bytes()];
            client.command(&[&[&b"EXHSET"[..], b"k", &name, b"\r\n\xff"], &options[..]].concat())?;
        }
    }
    client.command(&["EXHSET", "k", "", ""])?;
    // Only EXHLOAD makes a field of version 0, and one whose deadline has passed that stays a while.
    client.run("EXHLOAD k new v 0 0 new-and-dying v 0 32503680000000")?;
    client.run("EXHSET small f v")?;
    client.run("PEXPIREAT small 32503680000000")?;
    Ok(())
}

/// The digests of all keys, and when these expire. (The order in DUMP is that of a scan, by hashes
/// with a key that each process draws.)
fn state(client: &mut Client) -> Result<Vec<String>> {
    assert_eq!(client.run("EXHLEN k")?, "307");
    ["DEBUG DIGEST-VALUE k small", "PEXPIRETIME k", "PEXPIRETIME small", "EXHGETWITHVER k new"]
        .into_iter()
        .map(|command| client.run(command))
        .collect()
}

#[test]
fn a_snapshot_is_read_again() -> Result<()> {
    let mut server = server(&[])?;
    fill(&mut server.connect()?)?;
    checks::survives_a_snapshot(&mut server, state)
}

#[test]
fn an_aof_is_rewritten_and_read_again() -> Result<()> {
    let mut server = server(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])?;
    fill(&mut server.connect()?)?;
    checks::survives_a_rewritten_aof(&mut server, state)
}

#[test]
fn a_garbled_payload_is_refused() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHMSET k f v g w")?;
    client.run("EXHPEXPIREAT k g 32503680000000 ABS 70000")?;
    let payload = dump::dump(&mut client, "k")?;
    dump::garbled_payloads_do_no_harm(&mut client, &payload)
}

#[test]
fn what_was_acknowledged_survives_a_kill() -> Result<()> {
    let mut server = server(&["--appendonly", "yes", "--appendfsync", "always"])?;
    for round in 1..=3 {
        let mut client = server.connect()?;
        for number in 0..100 {
            assert_eq!(client.run(&format!("EXHINCRBY k n{number} 5"))?, (round * 5).to_string());
        }
        server.kill_and_restart()?;
    }
    assert_eq!(server.connect()?.run("EXHGETWITHVER k n99")?, "[15 3]");
    Ok(())
}

#[test]
fn memory_is_counted_alike() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHSET k first v")?;
    let value = "x".repeat(500);
    let held = checks::memory_is_counted_alike(&mut client, "tairhash", |client| {
        for number in 0..10_000 {
            client.command(&["EXHSET", "k", &format!("field{number}"), &value])?;
        }
        Ok(())
    })?;
    let usage = client.run("MEMORY USAGE k")?.parse::<i64>()?;
    assert!((usage - held).abs() <= held / 10, "held {held}, MEMORY USAGE {usage}");
    assert_eq!(client.run("UNLINK k")?, "1");
    wait_for("the thread that frees", || Ok(checks::held(&mut client, "tairhash")? < held / 100))
}

#[test]
fn unloading_is_refused_and_shutdown_is_clean() -> Result<()> {
    let server = server(&[])?;
    server.connect()?.run("EXHSET k f v PX 100000")?;
    checks::unloading_is_refused_and_shutdown_is_clean(&server, "tairhash")
}

#[test]
fn only_two_symbols_are_exported() -> Result<()> {
    checks::only_two_symbols_are_exported("tairhash")
}
