//! Files, kills, memory: what a value goes through besides commands.

use anyhow::Result;
use module_harness::{Client, checks, dump};

use super::server;

/// Values of every kind that commands can make, with all that comes with them at its least and most.
fn fill(client: &mut Client) -> Result<()> {
    for version in ["0", "1", "9223372036854775807"] {
        for flags in ["0", "7", "4294967295"] {
            for value in [&b""[..], b"12", b"\0\r\n\xff", &[b'x'; 100_000]] {
                let key = format!("k{version}{flags}{}", value.len());
                let words = [key.as_bytes(), value, b"ABS", version.as_bytes(), b"FLAGS", flags.as_bytes()];
                client.command(&[&[&b"EXSET"[..]], &words[..]].concat())?;
                let words = [b"PXAT", &b"32503680000000"[..]];
                let dying = [key.as_bytes(), b"dying"].concat();
                let words = [&[&b"EXSET"[..], &dying, value], &words[..]].concat();
                client.command(&words)?;
            }
        }
    }
    Ok(())
}

/// All keys, with what DUMP makes of each and when they expire.
fn state(client: &mut Client) -> Result<Vec<String>> {
    let module_harness::Reply::Array(keys) = client.command(&["KEYS", "*"])? else {
        anyhow::bail!("KEYS replies an array");
    };
    let mut state = Vec::new();
    for key in keys {
        let key = key.text();
        let payload = dump::dump(client, &key)?;
        state.push(format!("{key} {payload:?} {}", client.run(&format!("PEXPIRETIME {key}"))?));
    }
    state.sort_unstable();
    assert!(state.len() >= 72 || state.is_empty());
    Ok(state)
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
fn what_was_acknowledged_survives_a_kill() -> Result<()> {
    let mut server = server(&["--appendonly", "yes", "--appendfsync", "always"])?;
    for round in 1..=3 {
        let mut client = server.connect()?;
        for number in 0..100 {
            assert_eq!(client.run(&format!("EXINCRBY n{number} 5"))?, (round * 5).to_string());
        }
        server.kill_and_restart()?;
    }
    for number in 0..100 {
        assert_eq!(server.connect()?.run(&format!("EXGET n{number}"))?, "[15 3]");
    }
    Ok(())
}

#[test]
fn a_garbled_payload_is_refused() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXSET k a-value-of-some-length ABS 300 FLAGS 70000")?;
    let payload = dump::dump(&mut client, "k")?;
    assert_eq!(dump::restore(&mut client, "copy", &payload)?, "OK");
    assert_eq!(client.run("EXGET copy WITHFLAGS")?, "[a-value-of-some-length 300 70000]");
    dump::garbled_payloads_do_no_harm(&mut client, &payload)
}

/// Keys are created first, so that what they take themselves is left out.
#[test]
fn memory_is_counted_alike() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for number in 0..1000 {
        client.command(&["EXSET", &format!("k{number}"), "small"])?;
    }
    let value = "x".repeat(10_000);
    let empty = client.run("MEMORY USAGE k0")?.parse::<i64>()?;
    let held = checks::memory_is_counted_alike(&mut client, "exstrtype", |client| {
        for number in 0..1000 {
            client.command(&["EXSET", &format!("k{number}"), &value])?;
        }
        Ok(())
    })?;
    let full = client.run("MEMORY USAGE k0")?.parse::<i64>()?;
    assert!((full - empty - held / 1000).abs() < held / 20_000, "{empty} {full} {held}");
    assert_eq!(client.run("FLUSHALL")?, "OK");
    assert!(checks::held(&mut client, "exstrtype")? < held / 100);
    assert!(client.info("exstrtype_memory", "exstrtype_peak_bytes")? >= held);
    Ok(())
}

#[test]
fn the_modules_memory_causes_eviction() -> Result<()> {
    let server = server(&["--maxmemory", "8mb", "--maxmemory-policy", "allkeys-lru"])?;
    let mut client = server.connect()?;
    let value = "x".repeat(10_000);
    for number in 0..2000 {
        assert_eq!(client.command(&["EXSET", &format!("k{number}"), &value])?.text(), "OK");
    }
    assert!(client.info("stats", "evicted_keys")? > 500);
    assert!(client.info("memory", "used_memory")? < 10_000_000);
    Ok(())
}

#[test]
fn unloading_is_refused_and_shutdown_is_clean() -> Result<()> {
    let server = server(&[])?;
    server.connect()?.run("EXSET k v")?;
    checks::unloading_is_refused_and_shutdown_is_clean(&server, "exstrtype")
}

#[test]
fn only_two_symbols_are_exported() -> Result<()> {
    checks::only_two_symbols_are_exported("tairstring")
}
