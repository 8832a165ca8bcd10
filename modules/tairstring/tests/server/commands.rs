//! Every command, with right and wrong arguments: the transcripts are the documentation's.

use anyhow::Result;
use module_harness::checks;

use super::server;

fn transcript(lines: &[(&str, &str)]) -> Result<()> {
    checks::transcript(&mut server(&[])?.connect()?, lines)
}

#[test]
fn exset_and_exget() -> Result<()> {
    transcript(&[
        ("EXSET k", "ERR wrong number of arguments~"),
        ("EXSET k v foo", "ERR syntax error"),
        ("EXSET k v EX 0", "ERR syntax error"),
        ("EXISTS k", "0"),
        ("EXSET k v XX", "nil"),
        ("EXSET k v NX WITHVERSION", "1"),
        ("EXSET k v NX", "nil"),
        ("TYPE k", "exstrtype"),
        ("EXSET k w FLAGS 10", "OK"),
        ("EXGET k", "[w 2]"),
        ("EXGET k WITHFLAGS", "[w 2 10]"),
        ("EXGET k NX", "ERR syntax error"),
        ("EXGET k WITHFLAGS x", "ERR wrong number of arguments~"),
        ("EXSET k x VER 1", "ERR update version is stale"),
        ("EXSET k x VER 2 WITHVERSION", "3"),
        ("EXSET k x ABS 100", "OK"),
        ("EXGET k", "[x 100]"),
        ("EXSETVER k 7", "1"),
        ("EXSETVER k -1", "ERR syntax error"),
        ("EXSETVER k 0", "ERR syntax error"),
        ("EXSETVER k x", "ERR syntax error"),
        ("EXSETVER none 7", "0"),
        ("EXSETVER none 0", "0"),
        ("EXGET k WITHFLAGS", "[x 7 10]"),
        ("EXGET none", "nil"),
        ("EXSET k y EX 100", "OK"),
        ("TTL k", "100"),
        ("EXSET k z KEEPTTL", "OK"),
        ("TTL k", "100"),
        ("EXSET k z", "OK"),
        ("TTL k", "-1"),
    ])
}

#[test]
fn increments() -> Result<()> {
    transcript(&[
        ("EXINCRBY n 100 MAX 50", "ERR increment or decrement would overflow"),
        ("EXINCRBY n x", "ERR value is not an integer"),
        ("EXISTS n", "0"),
        ("EXINCRBY n 100 XX", "nil"),
        ("EXINCRBY n 100 DEF 200 WITHVERSION", "[200 1]"),
        ("EXINCRBY n 108", "308"),
        ("EXINCRBY n 9223372036854775807", "ERR increment or decrement would overflow"),
        ("EXINCRBY n 1 MIN 5 MAX 4", "ERR min or max is specified, but not valid"),
        ("EXINCRBY n -1000 NONEGATIVE WITHVERSION", "[0 3]"),
        ("EXGET n", "[0 3]"),
        ("EXINCRBY n 1 EX 100", "1"),
        ("EXINCRBY n 1 KEEPTTL", "2"),
        ("TTL n", "100"),
        ("EXINCRBY n 1", "3"),
        ("TTL n", "-1"),
        ("EXINCRBY n 1 MIN x", "ERR min or max is specified, but not valid"),
        ("EXINCRBYFLOAT f 10.1 VER 1", "10.1"),
        ("EXINCRBYFLOAT f 10.1", "20.2"),
        ("EXINCRBYFLOAT f 10.1", "30.3"),
        ("EXINCRBYFLOAT f 20 MAX 40", "ERR increment or decrement would overflow"),
        ("EXINCRBYFLOAT f x", "ERR value is not a float"),
        ("EXINCRBYFLOAT f 1 MAX x", "ERR min or max is specified, but not valid"),
        ("EXINCRBYFLOAT f 1 WITHVERSION", "ERR syntax error"),
        ("EXGET f", "[30.3 3]"),
        ("EXSET s text", "OK"),
        ("EXINCRBY s 1", "ERR value is not an integer"),
        ("EXINCRBYFLOAT s 1", "ERR value is not a float"),
    ])
}

#[test]
fn comparisons() -> Result<()> {
    transcript(&[
        ("EXCAS k new 1", "-1"),
        ("EXCAD k 1", "-1"),
        ("EXSET k old", "OK"),
        ("EXCAS k new 1", "[OK  2]"),
        ("EXCAS k newer 1", "[CAS_FAILED new 2]"),
        ("EXCAS k new -1", "ERR syntax error"),
        ("EXCAS k newer 2 EX 100", "[OK  3]"),
        ("TTL k", "100"),
        ("EXCAS k newer 3 KEEPTTL", "[OK  4]"),
        ("TTL k", "100"),
        ("EXCAS k newer 4", "[OK  5]"),
        ("TTL k", "-1"),
        ("EXCAS k newer x", "ERR version should be integer"),
        ("EXCAS k newer 3 NX", "ERR syntax error"),
        ("EXSETVER k 3", "1"),
        ("EXCAD k x", "ERR syntax error"),
        ("EXCAD k -1", "0"),
        ("EXCAD k 2", "0"),
        ("EXCAD k 3", "1"),
        ("EXISTS k", "0"),
        ("CAS s a b", "-1"),
        ("SET s a", "OK"),
        ("CAS s x b", "0"),
        ("CAS s a b", "1"),
        ("CAS s b c EX 100", "1"),
        ("GET s", "c"),
        ("TTL s", "100"),
        ("CAS s c d KEEPTTL", "1"),
        ("TTL s", "100"),
        ("CAS s d c", "1"),
        ("TTL s", "-1"),
        ("CAS s c d EX", "ERR syntax error"),
        ("CAD s x", "0"),
        ("CAD s c", "1"),
        ("CAD s c", "-1"),
    ])
}

#[test]
fn both_ends_and_gae() -> Result<()> {
    transcript(&[
        ("EXAPPEND k b XX", "nil"),
        ("EXAPPEND k b VER 10", "1"),
        ("EXAPPEND k c VER 10", "ERR update version is stale"),
        ("EXAPPEND k c", "2"),
        ("EXPREPEND k a ABS 9", "9"),
        ("EXPREPEND k a NX", "nil"),
        ("EXAPPEND k x NX 100", "ERR syntax error"),
        ("EXGAE k", "ERR wrong number of arguments~"),
        ("EXGAE k EX 100", "[abc 9 0]"),
        ("TTL k", "100"),
        ("EXGAE none EX 1", "nil"),
        ("EXGAE k NX 1", "ERR syntax error"),
    ])
}

#[test]
fn other_types_are_refused() -> Result<()> {
    let wrong = "WRONGTYPE~";
    transcript(&[
        ("RPUSH l x", "1"),
        ("SET s x", "OK"),
        ("EXSET e x", "OK"),
        ("EXSET l x", wrong),
        ("EXGET s", wrong),
        ("EXINCRBY l 1", wrong),
        ("EXINCRBYFLOAT l 1", wrong),
        ("EXCAS l x 1", wrong),
        ("EXCAD l 1", wrong),
        ("EXAPPEND l x", wrong),
        ("EXPREPEND l x", wrong),
        ("EXSETVER l 1", wrong),
        ("EXGAE l EX 1", wrong),
        ("CAS e x y", wrong),
        ("CAD l x", wrong),
        ("GET e", wrong),
        // Bad syntax is bad syntax, whatever the key holds.
        ("EXSET l x foo", "ERR syntax error"),
    ])
}

#[test]
fn keys_are_opened_as_meant() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("EXSET k v")?;
    client.run("CONFIG RESETSTAT")?;
    client.run("EXGET k")?;
    client.run("EXGET none")?;
    assert_eq!(client.info("stats", "keyspace_hits")?, 1);
    assert_eq!(client.info("stats", "keyspace_misses")?, 1);
    assert_eq!(client.run("COMMAND GETKEYS EXSET k v")?, "[k]");
    assert!(client.run("MEMORY USAGE k")?.parse::<u64>()? > 32);
    assert_eq!(client.run("COPY k c")?, "1");
    assert_eq!(client.run("EXGET c")?, "[v 1]");
    assert_eq!(client.run("DEBUG DIGEST-VALUE k")?, client.run("DEBUG DIGEST-VALUE c")?);
    client.run("EXSETVER c 9")?;
    assert_ne!(client.run("DEBUG DIGEST-VALUE k")?, client.run("DEBUG DIGEST-VALUE c")?);
    Ok(())
}
