//! Every command, with right and wrong arguments: the transcripts are the documentation's.

use std::collections::BTreeSet;

use anyhow::Result;
use module_harness::{Reply, checks};

use super::server;

fn transcript(lines: &[(&str, &str)]) -> Result<()> {
    checks::transcript(&mut server(&[])?.connect()?, lines)
}

#[test]
fn fields_are_set_and_read() -> Result<()> {
    transcript(&[
        ("EXHSET k f", "ERR wrong number of arguments~"),
        ("EXHSET k f v foo", "ERR syntax error"),
        ("EXHSET k f v EX -1", "ERR syntax error"),
        ("EXHSET k f v ABS 0", "ERR syntax error"),
        ("EXHSET k f v GT 0", "ERR syntax error"),
        ("EXISTS k", "0"),
        ("EXHSET k f v XX", "-1"),
        ("EXHSET k f v VER 1", "1"),
        ("TYPE k", "tairhash-"),
        ("EXHSET k f v VER 1", "0"),
        ("EXHSET k f v VER 1", "ERR update version is stale"),
        ("EXHSET k f v NX", "-1"),
        ("EXHSET k f w ABS 9", "0"),
        ("EXHSET k f w GT 9", "ERR update version is stale"),
        ("EXHSET k f w GT 10", "0"),
        ("EXHGET k f", "w"),
        ("EXHGET k none", "nil"),
        ("EXHGET none f", "nil"),
        ("EXHVER k f", "10"),
        ("EXHVER k none", "-2"),
        ("EXHVER none f", "-1"),
        ("EXHSETVER k f 3", "1"),
        ("EXHSETVER k none 3", "0"),
        ("EXHSETVER k f x", "ERR syntax error"),
        ("EXHSETVER k f 0", "ERR syntax error"),
        ("EXHGETWITHVER k f", "[w 3]"),
        ("EXHSETNX k f x", "0"),
        ("EXHSETNX k g x", "1"),
        ("EXHMGET k f none g", "[w nil x]"),
        ("EXHMGET none f g", "[nil nil]"),
        ("EXHMGETWITHVER k f none", "[[w 3] nil]"),
        ("EXHMSET k a 1 b 2 a 3", "OK"),
        ("EXHMSET k a", "ERR wrong number of arguments~"),
        ("EXHMSET k a 1 b", "ERR wrong number of arguments~"),
        ("EXHGETWITHVER k a", "[3 2]"),
        ("EXHLEN k", "4"),
        ("EXHLEN k NOEXP", "4"),
        ("EXHLEN k x", "ERR syntax error"),
        ("EXHLEN none", "0"),
        ("EXHEXISTS k a", "1"),
        ("EXHEXISTS k none", "0"),
        ("EXHSTRLEN k a", "1"),
        ("EXHSTRLEN k none", "0"),
        ("EXHDEL k a none b", "2"),
        ("EXHDEL none a", "0"),
        ("EXHDEL k f g", "2"),
        ("EXISTS k", "0"),
    ])
}

#[test]
fn increments() -> Result<()> {
    transcript(&[
        ("EXHINCRBY k n 5", "5"),
        ("EXHINCRBY k n 5 MAX 9", "ERR increment or decrement would overflow"),
        ("EXHINCRBY k n 1 MIN 5 MAX 4", "ERR min value is bigger than max value"),
        ("EXHINCRBY k n 1 MIN x", "ERR min or max is specified, but value is not an integer"),
        ("EXHINCRBY k n x", "ERR value is not an integer"),
        ("EXHINCRBY k n 1 NX", "ERR syntax error"),
        ("EXHINCRBY k n 1 EX 100", "6"),
        ("EXHINCRBY k n 1 KEEPTTL", "7"),
        ("EXHTTL k n", "100"),
        ("EXHINCRBY k n 1", "8"),
        ("EXHTTL k n", "-1"),
        ("EXHINCRBY k n 1 VER 9", "ERR update version is stale"),
        ("EXHINCRBYFLOAT k f 20.2", "20.2"),
        ("EXHINCRBYFLOAT k f 10.1", "30.3"),
        ("EXHINCRBYFLOAT k f x", "ERR value is not an float"),
        ("EXHINCRBYFLOAT k f 1 MAX x", "ERR min or max is specified, but value is not a float"),
        ("EXHINCRBYFLOAT k f 1 MIN 2 MAX 1", "ERR min value is bigger than max value"),
        ("EXHINCRBYFLOAT k f 1 MAX 20", "ERR increment or decrement would overflow"),
        ("EXHSET k s text", "1"),
        ("EXHINCRBY k s 1", "ERR value is not an integer"),
        ("EXHINCRBYFLOAT k s 1", "ERR value is not an float"),
        ("EXHVER k n", "4"),
    ])
}

#[test]
fn expiries() -> Result<()> {
    transcript(&[
        ("EXHMSET k a 1 b 2", "OK"),
        ("EXHEXPIRE k a 100", "1"),
        ("EXHTTL k a", "100"),
        ("EXHEXPIRE k none 100", "0"),
        ("EXHEXPIRE none a 100", "0"),
        ("EXHVER k a", "2"),
        ("EXHEXPIRE k a x", "ERR syntax error"),
        ("EXHEXPIRE k a -1", "ERR syntax error"),
        ("EXHEXPIRE k a 100 VER 9", "ERR update version is stale"),
        ("EXHPEXPIRE k a 200000 ABS 7", "1"),
        ("EXHTTL k a", "200"),
        ("EXHVER k a", "7"),
        ("EXHEXPIREAT k a 4000000000", "1"),
        ("EXHPEXPIREAT k a 4000000000000", "1"),
        ("EXHPERSIST k a", "1"),
        ("EXHPERSIST k a", "0"),
        ("EXHTTL k a", "-1"),
        ("EXHPTTL k none", "-2"),
        ("EXHTTL none a", "-2"),
        ("EXHGET k a", "1"),
        ("EXHPEXPIREAT k a 1", "1"),
        ("EXHLEN k", "2"),
        ("EXHLEN k NOEXP", "1"),
        // Who reads it removes it.
        ("EXHGET k a", "nil"),
        ("EXHLEN k", "1"),
        ("EXHEXPIRE k b 0", "1"),
        ("EXHTTL k b", "-2"),
        ("EXISTS k", "0"),
        ("EXHSET k a 1 EX 0", "1"),
        ("EXHSET k a 1", "1"),
        ("EXHEXPIRE k a 100", "1"),
        ("EXHMSET k a 2", "OK"),
        ("EXHTTL k a", "100"),
    ])
}

#[test]
fn many_with_versions() -> Result<()> {
    transcript(&[
        ("EXHMSETWITHOPTS k a 1 4 100 b 2 4", "ERR wrong number of arguments~"),
        ("EXHMSETWITHOPTS k a 1 x 100", "ERR syntax error"),
        ("EXHMSETWITHOPTS k a 1 4 -1", "ERR syntax error"),
        ("EXISTS k", "0"),
        ("EXHMSETWITHOPTS k a 1 4 100 b 2 4 200", "OK"),
        ("EXHMSETWITHOPTS k a 3 1 100 b 4 4 200", "ERR update version is stale"),
        ("EXHMGETWITHVER k a b", "[[1 1] [2 1]]"),
        ("EXHMSETWITHOPTS k a 3 1 100 b 4 0 300", "OK"),
        ("EXHMGETWITHVER k a b", "[[3 2] [4 2]]"),
        ("EXHTTL k b", "300"),
        ("EXHDELWITHVER k a", "ERR wrong number of arguments~"),
        ("EXHDELWITHVER k a x", "ERR syntax error"),
        ("EXHDELWITHVER k a 1 b 2", "1"),
        ("EXHGETALLWITHVER k", "[a 3 2]"),
        ("EXHGETALLWITHVER none", "[]"),
        ("EXHDELWITHVER k a 0", "1"),
        ("EXISTS k", "0"),
        ("EXHDELWITHVER k a 0", "0"),
        ("EXHEXPIREINFO x", "ERR wrong number of arguments~"),
    ])
}

#[test]
fn scans_return_everything() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    for number in 0..100 {
        client.run(&format!("EXHSET k f{number} v{number}"))?;
    }
    let (mut cursor, mut seen) = (0, BTreeSet::new());
    loop {
        let Reply::Array(parts) = client.command(&["EXHSCAN", "k", &cursor.to_string(), "COUNT", "7"])?
        else {
            anyhow::bail!("EXHSCAN replies an array");
        };
        let Reply::Array(pairs) = &parts[1] else { anyhow::bail!("and in it another") };
        for pair in pairs.chunks(2) {
            assert_eq!(pair[0].text()[1..], pair[1].text()[1..]);
            assert!(seen.insert(pair[0].text()));
        }
        cursor = parts[0].integer()?;
        if cursor == 0 {
            break;
        }
    }
    assert_eq!(seen.len(), 100);
    assert_eq!(client.run("EXHSCAN k 0 COUNT 1000 MATCH f42")?, "[0 [f42 v42]]");
    assert_eq!(client.run("EXHSCAN none 0")?, "[0 []]");
    for command in ["EXHSCAN k x", "EXHSCAN k 0 COUNT x", "EXHSCAN k 0 MATCH"] {
        assert_eq!(client.run(command)?, "ERR syntax error");
    }
    let words =
        |reply: String| reply.trim_matches(['[', ']']).split(' ').map(str::to_owned).collect::<BTreeSet<_>>();
    assert_eq!(words(client.run("EXHKEYS k")?), seen);
    assert_eq!(words(client.run("EXHVALS k")?).len(), 100);
    assert_eq!(words(client.run("EXHGETALL k")?).len(), 200);
    assert_eq!(client.run("EXHGETALL none")?, "[]");
    Ok(())
}

#[test]
fn other_types_are_refused() -> Result<()> {
    let server = server(&[])?;
    let mut client = server.connect()?;
    client.run("SET s x")?;
    for command in [
        "EXHSET s f v",
        "EXHGET s f",
        "EXHMGET s f",
        "EXHLEN s",
        "EXHDEL s f",
        "EXHSCAN s 0",
        "EXHKEYS s",
        "EXHTTL s f",
        "EXHEXPIRE s f 1",
        "EXHINCRBY s f 1",
        "EXHDELWITHVER s f 1",
        "EXHMSETWITHOPTS s f v 1 1",
        "EXHGETALLWITHVER s",
        "EXHVER s f",
        "EXHSETVER s f 1",
        "EXHPERSIST s f",
    ] {
        assert!(client.run(command)?.starts_with("WRONGTYPE"), "{command}");
    }
    Ok(())
}
