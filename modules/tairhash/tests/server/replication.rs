//! A replica ends up with what the master has, whatever clients did.

use anyhow::Result;
use module_harness::server::wait_for;
use module_harness::{Client, checks};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use super::server;

/// One random command over a few fields; many are refused, which must change nothing anywhere.
pub(crate) fn command(random: &mut StdRng) -> String {
    let key = random.random_range(0..5);
    let field = random.random_range(0..20);
    let number = random.random_range(-5..50);
    let version = random.random_range(0..6);
    let option = ["", "NX", "XX", "EX 1000", "PX 20", "KEEPTTL"][random.random_range(0..6)];
    let rule = ["".to_owned(), format!("VER {version}"), format!("ABS {version}"), format!("GT {version}")];
    let rule = &rule[random.random_range(0..4)];
    let place = format!("k{key} f{field}");
    match random.random_range(0..13) {
        0..3 => format!("EXHSET {place} {number} {option} {rule}"),
        3 => format!("EXHINCRBY {place} {number} {rule} MAX 1000"),
        4 => format!("EXHINCRBYFLOAT {place} {number}.37 {rule}"),
        5 => format!("EXHDEL {place} f0"),
        6 => format!("EXHMSET {place} {number} f1 {number}"),
        7 => format!("EXHPEXPIRE {place} {} {rule}", random.random_range(1..100_000)),
        8 => format!("EXHSETVER {place} {version}"),
        9 => format!("EXHMSETWITHOPTS {place} {number} {version} 1000 f2 {number} 0 2000"),
        10 => format!("EXHDELWITHVER {place} {version} f3 1"),
        11 => format!("EXHGET {place}"),
        _ => format!("EXHPERSIST {place}"),
    }
}

fn state(client: &mut Client) -> Result<Vec<String>> {
    (0..5).map(|key| client.run(&format!("DEBUG DIGEST-VALUE k{key}"))).collect()
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
    for words in [
        "EXHSET k a 1 EX 1000 VER 3",
        "EXHINCRBY k a 5",
        "EXHINCRBYFLOAT k b 1.5 PX 100000",
        "EXHEXPIRE k a 50",
        "EXHMSETWITHOPTS k c 1 0 100",
        "EXHDELWITHVER k c 1",
        "EXHMSET k a 1",
        "EXHSET k d 1 PX 1",
    ] {
        client.run(words)?;
    }
    wait_for("the field", || Ok(client.run("EXHGET k d")? == "nil"))?;
    drop(client);
    let aof = server.aof()?;
    for relative in
        ["EXHINCRBY", "EXHEXPIRE", "EXHMSET", "WITHVER", "\r\nEX\r\n", "\r\nPX\r\n", "\r\nVER\r\n"]
    {
        assert!(!aof.contains(relative), "{relative} in {aof}");
    }
    assert!(aof.contains("PXAT") && aof.contains("ABS") && aof.contains("EXHDEL\r\n$1\r\nk\r\n$1\r\nd"));
    Ok(())
}
