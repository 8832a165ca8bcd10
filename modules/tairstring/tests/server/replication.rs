//! A replica ends up with what the master has, whatever clients did.

use anyhow::Result;
use module_harness::{Client, checks};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::server;

/// One random command over a few keys; many are refused, which must change nothing anywhere.
pub(crate) fn command(random: &mut StdRng) -> String {
    let key = random.random_range(0..20);
    let number = random.random_range(-5..50);
    let version = random.random_range(0..6);
    let option = ["", "NX", "XX", "EX 1000", "PX 100000", "KEEPTTL", "FLAGS 3"][random.random_range(0..7)];
    let rule = ["".to_owned(), format!("VER {version}"), format!("ABS {version}")];
    let rule = &rule[random.random_range(0..3)];
    match random.random_range(0..11) {
        0..3 => format!("EXSET k{key} {number} {option} {rule}"),
        3 => format!("EXINCRBY k{key} {number} {rule} MAX 1000"),
        4 => format!("EXINCRBYFLOAT k{key} {number}.37 {rule}"),
        5 => format!("EXCAS k{key} {number} {version} EX 1000"),
        6 => format!("EXCAD k{key} {version}"),
        7 => format!("EXAPPEND k{key} {number} {rule}"),
        8 => format!("EXPREPEND k{key} {number} {rule}"),
        9 => format!("EXSETVER k{key} {version}"),
        _ => format!("EXGAE k{key} EX 500"),
    }
}

/// Everything a client can see of the keys.
fn state(client: &mut Client) -> Result<Vec<String>> {
    let mut state = Vec::new();
    for key in 0..20 {
        state.push(client.run(&format!("DEBUG DIGEST-VALUE k{key}"))?);
        state.push(client.run(&format!("DUMP k{key}"))?);
        state.push(client.run(&format!("PEXPIRETIME k{key}"))?);
    }
    Ok(state)
}

#[test]
fn a_replica_converges() -> Result<()> {
    let mut random = StdRng::seed_from_u64(5);
    let write = |client: &mut Client| client.run(&command(&mut random)).map(drop);
    checks::a_replica_converges(&server(&[])?, &server(&[])?, write, state)
}

/// What the master tells, heard twice, is what it is heard once.
#[test]
fn the_stream_is_idempotent() -> Result<()> {
    let server = server(&["--appendonly", "yes", "--aof-use-rdb-preamble", "no"])?;
    let mut client = server.connect()?;
    for words in ["EXSET k 1 EX 1000", "EXINCRBY k 5", "EXCAS k 9 2", "EXGAE k EX 50", "EXINCRBYFLOAT k 1.5"]
    {
        client.run(words)?;
    }
    drop(client);
    let aof = server.aof()?;
    for relative in ["EXINCRBY", "EXCAS", "EXGAE", "\r\nEX\r\n", "VER"] {
        assert!(!aof.contains(relative), "{relative} in {aof}");
    }
    assert!(aof.contains("PXAT") && aof.contains("ABS"));
    Ok(())
}
