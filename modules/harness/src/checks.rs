//! What every module must stand, told what is particular to it.

use std::process::Command;

use anyhow::{Context, Result, ensure};

use crate::client::Client;
use crate::server::{Server, library, wait_for};
use crate::valgrind;

/// Runs commands one after the other and compares each reply; `~` at the end of an expected reply
/// stands for any text that begins like that.
///
/// # Errors
/// When a reply is another.
pub fn transcript(client: &mut Client, lines: &[(&str, &str)]) -> Result<()> {
    for (command, expected) in lines {
        let reply = client.run(command)?;
        let is_expected = match expected.strip_suffix('~') {
            Some(beginning) => reply.starts_with(beginning),
            None => reply == *expected,
        };
        ensure!(is_expected, "{command}: {reply}, not {expected}");
    }
    Ok(())
}

/// Writes a snapshot, kills the server and starts it again: it holds what it held.
///
/// # Errors
/// When it doesn't, by what `state` shows.
pub fn survives_a_snapshot<S: PartialEq>(
    server: &mut Server,
    mut state: impl FnMut(&mut Client) -> Result<S>,
) -> Result<()> {
    let mut client = server.connect()?;
    let before = state(&mut client)?;
    ensure!(client.run("SAVE")? == "OK", "no snapshot was written");
    server.kill_and_restart()?;
    ensure!(state(&mut server.connect()?)? == before, "the snapshot isn't what was saved");
    Ok(())
}

/// Rewrites the AOF, kills the server and starts it again: it holds what it held. The AOF must be
/// without a preamble in RDB's format, so that the module's own rewriting is what is read.
///
/// # Errors
/// When it doesn't, by what `state` shows.
pub fn survives_a_rewritten_aof<S: PartialEq>(
    server: &mut Server,
    mut state: impl FnMut(&mut Client) -> Result<S>,
) -> Result<()> {
    let mut client = server.connect()?;
    ensure!(client.run("CONFIG GET aof-use-rdb-preamble")? == "[aof-use-rdb-preamble no]", "a preamble");
    let before = state(&mut client)?;
    client.run("BGREWRITEAOF")?;
    wait_for("the rewriting", || {
        let done = client.info("persistence", "aof_rewrite_in_progress")? == 0;
        Ok(done && client.info("persistence", "aof_rewrite_scheduled")? == 0)
    })?;
    server.kill_and_restart()?;
    ensure!(state(&mut server.connect()?)? == before, "the rewritten AOF isn't what was there");
    Ok(())
}

/// A replica that got half of what there is by a snapshot and half by the stream ends up with the
/// same, by what `state` shows. `write` runs one command, of its own choice.
///
/// # Errors
/// When it doesn't.
pub fn a_replica_converges<S: PartialEq>(
    master: &Server,
    replica: &Server,
    mut write: impl FnMut(&mut Client) -> Result<()>,
    mut state: impl FnMut(&mut Client) -> Result<S>,
) -> Result<()> {
    let mut client = master.connect()?;
    for _ in 0..1000 {
        write(&mut client)?;
    }
    replica.follow(master)?;
    for _ in 0..3000 {
        write(&mut client)?;
    }
    let mut other = replica.connect()?;
    wait_for("the replica", || Ok(state(&mut other)? == state(&mut client)?))
}

/// While `write` stores some megabytes, the server's memory rises by what the module `name` says it
/// holds, to 1%. Returns that number of bytes.
///
/// # Errors
/// When it doesn't.
pub fn memory_is_counted_alike(
    client: &mut Client,
    name: &str,
    write: impl FnOnce(&mut Client) -> Result<()>,
) -> Result<i64> {
    let (said, used) = (held(client, name)?, client.info("memory", "used_memory")?);
    write(client)?;
    let (said, used) = (held(client, name)? - said, client.info("memory", "used_memory")? - used);
    ensure!(said > 5_000_000 && (used - said).abs() <= said / 100, "said {said}, used {used}");
    Ok(said)
}

/// Bytes that the module `name` says it holds.
///
/// # Errors
/// When INFO doesn't say so.
pub fn held(client: &mut Client, name: &str) -> Result<i64> {
    client.info(&format!("{name}_memory"), &format!("{name}_used_bytes"))
}

/// Redis unloads no module that has a type; it says so, and goes on. Then it shuts down cleanly.
///
/// # Errors
/// When it doesn't.
pub fn unloading_is_refused_and_shutdown_is_clean(server: &Server, name: &str) -> Result<()> {
    let mut client = server.connect()?;
    let reply = client.run(&format!("MODULE UNLOAD {name}"))?;
    ensure!(reply.starts_with("ERR Error unloading module: the module exports"), "{reply}");
    ensure!(client.run("PING")? == "PONG", "the server answers no longer");
    client.send(&["SHUTDOWN", "NOSAVE"])?;
    ensure!(client.reply().is_err(), "the server hasn't ended");
    wait_for("the end", || Ok(server.log().contains("bye bye")))
}

/// The shared library of a module shows the server its two entry points, and the dynamic linker
/// nothing else that could stand in for a symbol of another module's.
///
/// # Errors
/// When it exports something else.
pub fn only_two_symbols_are_exported(module: &str) -> Result<()> {
    let library = library(module)?;
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(library).output().context("nm")?;
    let text = String::from_utf8(output.stdout)?;
    let names: Vec<_> = text.lines().filter_map(|line| line.split_whitespace().last()).collect();
    ensure!(names == ["RedisModule_OnLoad", "RedisModule_OnUnload"], "{names:?}");
    Ok(())
}

/// Runs so many of the module's commands, and what a server does with its values besides, under a memory
/// checker. The commands are for keys `k1`, `k2` and so on.
///
/// # Errors
/// When a command fails, or something is read, written or forgotten that shouldn't be.
pub fn a_memory_checker_finds_nothing(
    module: &str,
    commands: usize,
    mut command: impl FnMut() -> String,
) -> Result<()> {
    let findings = valgrind::findings(&[&library(module)?], |client| {
        for _ in 0..commands {
            client.run(&command())?;
        }
        for words in [
            "DEBUG RELOAD",
            "COPY k1 copy",
            "RENAME k2 renamed",
            "DEBUG DIGEST-VALUE copy",
            "MEMORY USAGE copy",
            "INFO everything",
            "UNLINK copy",
            "FLUSHALL",
        ] {
            client.run(words)?;
        }
        Ok(())
    })?;
    ensure!(findings.is_empty(), "{findings}");
    Ok(())
}
