//! Fields go when their time has come, wherever their key has gone meanwhile.

use anyhow::Result;
use module_harness::Client;
use module_harness::server::wait_for;

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
    master.connect()?.run("EXHSET k f v PX 4000")?;
    assert_eq!(master.connect()?.run("WAIT 1 10000")?, "1");
    drop(master);
    let mut other = replica.connect()?;
    wait_for("the field to be hidden", || Ok(other.run("EXHGET k f")? == "nil"))?;
    std::thread::sleep(std::time::Duration::from_millis(500));
    assert_eq!(other.run("EXHLEN k")?, "1");
    other.run("REPLICAOF NO ONE")?;
    wait_until_gone(&mut other, "k")
}
