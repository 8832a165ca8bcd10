//! Files, kills, memory: what a hash goes through besides commands.

use std::process::Command;

use anyhow::{Context, Result};
use module_harness::server::wait_for;
use module_harness::{Client, library};

use super::server;

fn fill(client: &mut Client) -> Result<()> {
    for number in 0..300 {
        client.run(&format!("EXHSET k f{number} v{number} ABS {}", number + 1))?;
    }
    client.run("EXHSET k dying v EX 1000")?;
    client.run("EXHSETVER k f0 0")?;
    client.run("EXHSET small f v")?;
    client.run("EXPIRE small 1000")?;
    Ok(())
}

fn check(client: &mut Client) -> Result<()> {
    for number in 1..300 {
        let expected = format!("[v{number} {}]", number + 1);
        assert_eq!(client.run(&format!("EXHGETWITHVER k f{number}"))?, expected);
    }
    assert_eq!(client.run("EXHGETWITHVER k f0")?, "[v0 0]");
    assert!(client.run("EXHTTL k dying")?.parse::<i64>()? > 900);
    assert_eq!(client.run("EXHLEN k")?, "301");
    assert!(client.run("TTL small")?.parse::<i64>()? > 900);
    Ok(())
}

#[test]
fn a_snapshot_is_read_again() -> Result<()> {
    let mut server = server(&[])?;
    fill(&mut server.connect()?)?;
    let digest = server.connect()?.run("DEBUG DIGEST-VALUE k")?;
    assert_eq!(server.connect()?.run("SAVE")?, "OK");
    server.kill_and_restart()?;
    assert_eq!(server.connect()?.run("DEBUG DIGEST-VALUE k")?, digest);
    check(&mut server.connect()?)
}

/// Without a preamble in RDB's format, so that our own rewriting is what is read.
#[test]
fn an_aof_is_rewritten_and_read_again() -> Result<()> {
    let mut server = server(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])?;
    let mut client = server.connect()?;
    fill(&mut client)?;
    client.run("BGREWRITEAOF")?;
    wait_for("the rewriting", || {
        let done = client.info("persistence", "aof_rewrite_in_progress")? == 0;
        Ok(done && client.info("persistence", "aof_rewrite_scheduled")? == 0)
    })?;
    server.kill_and_restart()?;
    check(&mut server.connect()?)
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

/// The server's memory rises by what the module says it holds, to 1%.
#[test]
fn memory_is_counted_alike() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHSET k first v")?;
    let said = client.info("tairhash_memory", "tairhash_used_bytes")?;
    let used = client.info("memory", "used_memory")?;
    let value = "x".repeat(500);
    for number in 0..10_000 {
        client.command(&["EXHSET", "k", &format!("field{number}"), &value])?;
    }
    let said = client.info("tairhash_memory", "tairhash_used_bytes")? - said;
    let used = client.info("memory", "used_memory")? - used;
    assert!(said > 5_000_000 && (used - said).abs() <= said / 100, "said {said}, used {used}");
    let usage = client.run("MEMORY USAGE k")?.parse::<i64>()?;
    assert!((usage - said).abs() <= said / 10, "said {said}, MEMORY USAGE {usage}");
    assert_eq!(client.run("UNLINK k")?, "1");
    wait_for("the thread that frees", || {
        Ok(client.info("tairhash_memory", "tairhash_used_bytes")? < said / 100)
    })
}

/// Redis unloads no module that has a type; it says so, and goes on.
#[test]
fn unloading_is_refused_and_shutdown_is_clean() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHSET k f v")?;
    assert!(client.run("MODULE UNLOAD tairhash")?.starts_with("ERR"));
    assert_eq!(client.run("EXHGET k f")?, "v");
    client.send(&["SHUTDOWN", "NOSAVE"])?;
    assert!(client.reply().is_err());
    wait_for("the end", || Ok(server.log().contains("bye bye")))
}

#[test]
fn only_two_symbols_are_exported() -> Result<()> {
    let library = library("tairhash")?;
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().context("nm")?;
    let text = String::from_utf8(output.stdout)?;
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(names, ["RedisModule_OnLoad", "RedisModule_OnUnload"]);
    Ok(())
}
