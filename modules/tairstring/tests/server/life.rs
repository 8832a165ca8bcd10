//! Files, kills, memory: what a value goes through besides commands.

use std::process::Command;

use anyhow::{Context, Result};
use module_harness::{Client, library};

use super::server;

fn fill(client: &mut Client) -> Result<()> {
    for number in 0..200 {
        let number = number.to_string();
        client.command(&[
            "EXSET",
            &format!("k{number}"),
            &number.repeat(20),
            "ABS",
            &number,
            "FLAGS",
            "7",
        ])?;
    }
    client.run("EXSET dying v EX 1000")?;
    Ok(())
}

fn check(client: &mut Client) -> Result<()> {
    for number in 0..200 {
        let value = number.to_string().repeat(20);
        assert_eq!(client.run(&format!("EXGET k{number} WITHFLAGS"))?, format!("[{value} {number} 7]"));
    }
    assert!(client.run("TTL dying")?.parse::<i64>()? > 900);
    Ok(())
}

#[test]
fn a_snapshot_is_read_again() -> Result<()> {
    let mut server = server(&[])?;
    fill(&mut server.connect()?)?;
    assert_eq!(server.connect()?.run("SAVE")?, "OK");
    server.kill_and_restart()?;
    check(&mut server.connect()?)
}

/// Without a preamble in RDB's format, so that our own rewriting is what is read.
#[test]
fn an_aof_is_rewritten_and_read_again() -> Result<()> {
    let mut server = server(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])?;
    let mut client = server.connect()?;
    fill(&mut client)?;
    client.run("BGREWRITEAOF")?;
    module_harness::server::wait_for("the rewriting", || {
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
fn a_dump_with_rubbish_is_refused() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXSET k value ABS 3 FLAGS 4")?;
    let module_harness::Reply::Bulk(dump) = client.command(&["DUMP", "k"])? else {
        anyhow::bail!("DUMP replies a string");
    };
    assert_eq!(client.command(&[&b"RESTORE"[..], b"copy", b"0", &dump])?.text(), "OK");
    assert_eq!(client.run("EXGET copy WITHFLAGS")?, "[value 3 4]");
    let cut = [&dump[..dump.len() - 12], &dump[dump.len() - 10..]].concat();
    assert!(client.command(&[&b"RESTORE"[..], b"bad", b"0", &cut])?.text().starts_with("ERR"));
    Ok(())
}

/// The server's memory rises by what the module says it holds: to 1%, with what keys themselves take
/// left out by creating them first.
#[test]
fn memory_is_counted_alike() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for number in 0..1000 {
        client.command(&["EXSET", &format!("k{number}"), "small"])?;
    }
    let said = client.info("tairstring_memory", "tairstring_used_bytes")?;
    let used = client.info("memory", "used_memory")?;
    let value = "x".repeat(10_000);
    for number in 0..1000 {
        client.command(&["EXSET", &format!("k{number}"), &value])?;
    }
    let said = client.info("tairstring_memory", "tairstring_used_bytes")? - said;
    let used = client.info("memory", "used_memory")? - used;
    assert!(said > 10_000_000 && (used - said).abs() <= said / 100, "said {said}, used {used}");
    assert_eq!(client.run("FLUSHALL")?, "OK");
    assert!(client.info("tairstring_memory", "tairstring_used_bytes")? < said / 100);
    assert!(client.info("tairstring_memory", "tairstring_peak_bytes")? >= said);
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

/// Redis unloads no module that has a type; it says so, and goes on.
#[test]
fn unloading_is_refused_and_shutdown_is_clean() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXSET k v")?;
    assert!(client.run("MODULE UNLOAD tairstring")?.starts_with("ERR"));
    assert_eq!(client.run("EXGET k")?, "[v 1]");
    client.send(&["SHUTDOWN", "NOSAVE"])?;
    assert!(client.reply().is_err());
    module_harness::server::wait_for("the end", || Ok(server.log().contains("bye bye")))
}

#[test]
fn only_two_symbols_are_exported() -> Result<()> {
    let library = library("tairstring")?;
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().context("nm")?;
    let text = String::from_utf8(output.stdout)?;
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
    assert_eq!(names, ["RedisModule_OnLoad", "RedisModule_OnUnload"]);
    Ok(())
}
