//! Fields go when their time has come, wherever their key has gone meanwhile; as the module's
//! arguments say.

use std::net::TcpListener;
use std::time::Duration;

use anyhow::Result;
use module_harness::server::wait_for;
use module_harness::{Client, Server};

use super::server;

/// Waits until a key is no longer there, without looking at its fields.
fn wait_until_gone(client: &mut Client, key: &str) -> Result<()> {
    wait_for(key, || Ok(client.run(&format!("EXISTS {key}"))? == "0"))
}

#[test]
fn fields_expire_on_their_own() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for number in 0..500 {
        client.run(&format!("EXHSET k f{number} v PX {}", 100 + number % 50))?;
    }
    client.run("EXHSET k stays v")?;
    wait_for("the fields", || Ok(client.run("EXHLEN k")? == "1"))?;
    assert_eq!(client.run("EXHGET k stays")?, "v");
    client.run("EXHSET gone f v PX 50")?;
    wait_until_gone(&mut client, "gone")
}

#[test]
fn the_index_follows_the_keys() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXHSET a f v PX 300")?;
    client.run("RENAME a renamed")?;
    client.run("EXHSET b f v PX 300")?;
    client.run("MOVE b 3")?;
    client.run("EXHSET c f v PX 300")?;
    client.run("COPY c copied DB 2")?;
    client.run("SWAPDB 2 5")?;
    client.run("EXHSET d f v PX 300")?;
    let dump = client.command(&["DUMP", "d"])?;
    let module_harness::Reply::Bulk(dump) = dump else { anyhow::bail!("DUMP replies a string") };
    client.command(&[&b"RESTORE"[..], b"restored", b"0", &dump])?;
    // What was flushed is forgotten, and a later key of that name isn't taken for it.
    client.run("SELECT 7")?;
    client.run("EXHSET e f v PX 300")?;
    client.run("FLUSHDB")?;
    client.run("EXHSET e f v")?;
    client.run("SELECT 0")?;
    for key in ["renamed", "c", "d", "restored"] {
        wait_until_gone(&mut client, key)?;
    }
    for (database, key) in [(3, "b"), (5, "copied")] {
        client.run(&format!("SELECT {database}"))?;
        wait_until_gone(&mut client, key)?;
    }
    client.run("SELECT 7")?;
    assert_eq!(client.run("EXHGET e f")?, "v");
    Ok(())
}

#[test]
fn a_replica_hides_and_waits() -> Result<()> {
    let (master, replica) = (server(&[])?, server(&[])?);
    replica.follow(&master)?;
    let (mut client, mut other) = (master.connect()?, replica.connect()?);
    client.run("EXHSET k f v PX 300")?;
    client.run("EXHSET k stays v")?;
    assert_eq!(client.run("WAIT 1 10000")?, "1");
    assert_eq!(other.run("EXHGET k f")?, "v");
    wait_for("the field on the replica", || Ok(other.run("EXHLEN k")? == "1"))?;
    assert_eq!(client.run("EXHLEN k")?, "1");
    Ok(())
}

/// A replica that has lost its master hides what has expired, and removes nothing.
#[test]
fn a_replica_alone_removes_nothing() -> Result<()> {
    let (master, replica) = (server(&[])?, server(&[])?);
    replica.follow(&master)?;
    // Long enough for the master to be gone before it would remove the field itself.
    // WAIT is for what its own connection has written.
    let mut client = master.connect()?;
    client.run("EXHSET k f v PX 8000")?;
    assert_eq!(client.run("WAIT 1 10000")?, "1");
    let port = master.port();
    drop(master);
    // Were the port free, the next server could be given it, and the replica would take that one's data.
    let _taken = TcpListener::bind(("127.0.0.1", port))?;
    let mut other = replica.connect()?;
    wait_for("the field to be hidden", || Ok(other.run("EXHGET k f")? == "nil"))?;
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(other.run("EXHLEN k")?, "1");
    other.run("REPLICAOF NO ONE")?;
    wait_until_gone(&mut other, "k")
}

/// Without the timer, what is read is removed, and a write removes a few others.
#[test]
fn commands_remove_what_has_expired() -> Result<()> {
    let server = Server::with_module_arguments(
        "tairhash",
        &["enable_active_expire", "0", "passive_expire_keys_per_loop", "2"],
    )?;
    let mut client = server.connect()?;
    for number in 0..5 {
        client.run(&format!("EXHSET k{number} f v PX 1500"))?;
        client.run(&format!("EXHSET k{number} stays v"))?;
    }
    wait_for("the last field", || Ok(client.run("EXHLEN k4 NOEXP")? == "1"))?;
    assert_eq!(lengths(&mut client)?, "2 2 2 2 2");
    assert_eq!(client.run("EXHGET k4 f")?, "nil");
    assert_eq!(lengths(&mut client)?, "2 2 2 2 1");
    client.run("EXHSET other f v")?;
    assert_eq!(lengths(&mut client)?, "1 1 2 2 1");
    // In another database there is nothing to remove.
    client.run("SELECT 1")?;
    client.run("EXHSET other f v")?;
    client.run("SELECT 0")?;
    assert_eq!(lengths(&mut client)?, "1 1 2 2 1");
    client.run("EXHSET k3 f v")?;
    assert_eq!(lengths(&mut client)?, "1 1 1 2 1");
    let info = client.run("EXHEXPIREINFO")?;
    assert!(info.contains("enable_active_expire:0\r\n"), "{info}");
    assert!(info.contains("db: 0, active_expired_fields: 0, passive_expired_fields: 5\r\n"), "{info}");
    Ok(())
}

fn lengths(client: &mut Client) -> Result<String> {
    let lengths: Result<Vec<_>> = (0..5).map(|key| client.run(&format!("EXHLEN k{key}"))).collect();
    Ok(lengths?.join(" "))
}

/// A turn looks at so many databases, and removes so many fields in each; the next goes on.
#[test]
fn a_turn_is_bounded() -> Result<()> {
    let arguments = ["active_expire_period", "1", "active_expire_keys_per_loop", "3"];
    let arguments = [&arguments[..], &["active_expire_dbs_per_loop", "1"]].concat();
    let server = Server::with_module_arguments("tairhash", &arguments)?;
    let mut client = server.connect()?;
    for database in [2, 5, 9] {
        client.run(&format!("SELECT {database}"))?;
        for number in 0..20 {
            client.run(&format!("EXHSET k f{number} v PX 100"))?;
        }
    }
    wait_for("all fields", || Ok(client.info("keyspace", "db2").is_err() && keys(&mut client)? == 0))?;
    let info = client.run("EXHEXPIREINFO")?;
    for database in [2, 5, 9] {
        assert!(info.contains(&format!("db: {database}, active_expired_fields: 20,")), "{info}");
    }
    assert!(info.contains("tair_hash_active_expire_keys_per_loop:3\r\n"), "{info}");
    Ok(())
}

fn keys(client: &mut Client) -> Result<usize> {
    Ok(client.run("INFO keyspace")?.matches("keys=").count())
}

#[test]
fn arguments_are_checked() -> Result<()> {
    for (arguments, complaint) in [
        (&["SORT_MODE", "1"][..], "there is no argument sort_mode"),
        (&["active_expire_period", "0"], "the value of active_expire_period is out of range"),
        (&["enable_active_expire"], "the argument enable_active_expire has no value"),
    ] {
        let refusal = Server::with_module_arguments("tairhash", arguments).err();
        let refusal = refusal.expect("the server doesn't start").to_string();
        assert!(refusal.contains(complaint), "{refusal}");
    }
    Ok(())
}

/// Whoever removes it, subscribers are told which field of which key of which database.
#[test]
fn subscribers_are_told() -> Result<()> {
    let server = server(&[])?;
    let (mut client, mut subscriber) = (server.connect()?, server.connect()?);
    subscriber.run("PSUBSCRIBE tairhash@*")?;
    client.run("SELECT 3")?;
    client.run("EXHSET key read v PX 1")?;
    std::thread::sleep(Duration::from_millis(5));
    client.run("EXHGET key read")?;
    client.run("EXHSET key active v PX 1")?;
    let mut told = Vec::new();
    for _ in 0..2 {
        told.push(subscriber.reply()?.text());
    }
    let channel = "[pmessage tairhash@* tairhash@3@key__:expired";
    assert_eq!(told, [format!("{channel} read]"), format!("{channel} active]")]);
    Ok(())
}

/// While clients that write are paused nothing may be replicated: fields are hidden, and removed
/// afterwards. (A module that replicates meanwhile ends the server.)
#[test]
fn a_pause_is_kept() -> Result<()> {
    let (master, replica) = (server(&[])?, server(&[])?);
    replica.follow(&master)?;
    let mut client = master.connect()?;
    client.run("EXHSET k f v PX 50")?;
    client.run("EXHSET k g v PX 50")?;
    client.run("CLIENT PAUSE 2000 WRITE")?;
    wait_for("the field to be hidden", || Ok(client.run("EXHGET k f")? == "nil"))?;
    let offset = client.info("replication", "master_repl_offset")?;
    std::thread::sleep(Duration::from_millis(1200));
    assert_eq!(client.run("EXHLEN k")?, "2");
    assert_eq!(client.info("replication", "master_repl_offset")?, offset);
    client.run("CLIENT UNPAUSE")?;
    wait_until_gone(&mut client, "k")?;
    let mut other = replica.connect()?;
    wait_until_gone(&mut other, "k")
}
