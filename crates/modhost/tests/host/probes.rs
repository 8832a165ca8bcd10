//! Functions that are called with whatever comes: each answers as redis-server's does.

use std::fmt::Write as _;

use engine::Rng;

use crate::oracle::{Redis, each, same};
use crate::support::{Server, compile};

/// How many random calls of each kind are made.
const ROUNDS: usize = 400;

fn both() -> (Server, Redis) {
    let mut server = Server::new();
    let library = compile(server.directory(), "probe", &[]);
    server.load_file(&library, &[]).expect("loaded");
    (server, Redis::with(&library))
}

/// Texts at the ends of what numbers can be, and beyond.
const NUMBERS: &[&str] = &[
    "0",
    "-0",
    "+1",
    "01",
    "1 ",
    " 1",
    "1.0",
    "-1",
    "9223372036854775807",
    "9223372036854775808",
    "-9223372036854775808",
    "-9223372036854775809",
    "18446744073709551615",
    "18446744073709551616",
    "1e3",
    "1e308",
    "1e309",
    "-1e309",
    "1e-320",
    "1e-400",
    "1e4932",
    "0x10",
    "0x1p3",
    "inf",
    "-inf",
    "+inf",
    "infinity",
    "Infinity",
    "nan",
    "NaN",
    "-nan",
    ".5",
    "5.",
    ".",
    "-",
    "+",
    "",
    "1-1",
    "1-",
    "-1-1",
    "0-0",
    "18446744073709551615-5",
    "18446744073709551616-0",
    "5-18446744073709551615",
    "5-18446744073709551616",
    "5-*",
    "*",
    "$",
    "-",
    "+",
    "1-x",
    "x-1",
    "1--1",
    "1-+1",
    "01-01",
    "3.14159265358979323846264338327950288",
    "1e",
    "1e+",
    "1_000",
    "1,5",
    "0.1",
    "123456789012345678901234567890",
    "4.9406564584124654e-324",
    "1.7976931348623157e308",
    "1.7976931348623159e308",
];

/// A text that is a number, or nearly one.
fn number(rng: &mut Rng) -> String {
    let digits = |rng: &mut Rng| {
        let most = [3, 10, 21][rng.below(3) as usize];
        let len = 1 + rng.below(most);
        (0..len).map(|_| char::from(b'0' + rng.below(10) as u8)).collect::<String>()
    };
    let mut text = ["", "", "-", "+", " "][rng.below(5) as usize].to_owned();
    text += &digits(rng);
    if rng.below(3) == 0 {
        text = text + "." + &digits(rng);
    }
    match rng.below(6) {
        0 => write!(text, "e{}", rng.below(700) as i64 - 350).expect("a String"),
        1 => write!(text, "-{}", digits(rng)).expect("a String"),
        2 => text
            .insert(rng.below(text.len() as u64) as usize, ['x', '0', '.', 'e', ' '][rng.below(5) as usize]),
        _ => {}
    }
    text
}

#[test]
fn texts_are_numbers_as_in_redis() {
    let (mut ours, mut theirs) = both();
    let mut rng = Rng::seeded(1);
    let random: Vec<String> = (0..ROUNDS).map(|_| number(&mut rng)).collect();
    for text in NUMBERS.iter().copied().chain(random.iter().map(String::as_str)) {
        let args: [&[u8]; 2] = [b"probe.number", text.as_bytes()];
        let read = |bytes: Vec<u8>| String::from_utf8(bytes).expect("text").replace("\r\n", "|");
        let (ours, theirs) = (read(ours.bytes(&args)), read(theirs.bytes(&args)));
        // Redis 7.0 doesn't read the second kind: StringToULongLong came with 7.2.
        let but_unsigned = |reply: &str| {
            reply
                .split('|')
                .enumerate()
                .filter(|(at, _)| !(3..=4).contains(at))
                .fold(String::new(), |all, (_, part)| all + part + "|")
        };
        assert_eq!(but_unsigned(&ours), but_unsigned(&theirs), "{text:?}");
        // But it reads the first part of an identifier in the same way.
        let words = |at| ours.split('|').nth(at).expect("a part").split(' ').take(2).collect::<Vec<_>>();
        let (natural, identifier) = (words(4), words(10));
        if identifier[0] == "0" && !text.contains('-') && text != "+" {
            assert_eq!(natural, identifier, "{text:?}");
        }
    }
}

#[test]
fn numbers_are_texts_as_in_redis() {
    let (mut ours, mut theirs) = both();
    let mut rng = Rng::seeded(2);
    let mut script = String::new();
    for text in NUMBERS.iter().map(|text| (*text).to_owned()).chain((0..ROUNDS).map(|_| number(&mut rng))) {
        if !text.is_empty() && !text.contains(' ') {
            writeln!(script, "probe.text {text}").expect("a String");
        }
    }
    same(&mut ours, &mut theirs, &script);
}

#[test]
fn strings_change_as_in_redis() {
    let (mut ours, mut theirs) = both();
    let mut rng = Rng::seeded(3);
    let mut script = String::new();
    for _ in 0..ROUNDS {
        let word = |rng: &mut Rng| {
            let len = [0, 1, 3, 3, 40, 5000][rng.below(6) as usize];
            (0..len).map(|_| char::from(b'a' + rng.below(2) as u8)).collect::<String>()
        };
        write!(script, "probe.string {}", word(&mut rng)).expect("a String");
        for _ in 0..rng.below(6) {
            let step = ["+", "+", "?", "&", "-"][rng.below(5) as usize];
            write!(script, " {step}{}", word(&mut rng)).expect("a String");
        }
        script.push('\n');
    }
    same(&mut ours, &mut theirs, &script);
}

/// Every kind of reply, with what it is made of. Of doubles those that every version of Redis writes alike.
const KINDS: &[(&str, &[&str])] = &[
    ("double", &["0", "-0.5", "1.5", "1e20", "-3", "inf", "-inf", "nan"]),
    ("longdouble", &["0", "-0.5", "1.5", "3", "inf", "-inf", "1e20"]),
    ("longlong", &["0", "-1", "9223372036854775807", "-9223372036854775808"]),
    ("bignumber", &["0", "-12345678901234567890123456789", "12"]),
    ("verbatim", &["", "text", "a\nb"]),
    ("markdown", &["", "*text*"]),
    ("bool", &["0", "1", "2", "-1"]),
    ("simple", &["OK", "some_words"]),
    ("error", &["ERR it", "WRONGTYPE of it", "nothing"]),
    ("cstring", &["", "text"]),
    ("buffer", &["", "text"]),
    ("empty", &["-"]),
    ("null", &["-"]),
    ("nullarray", &["-"]),
    ("emptyarray", &["-"]),
    ("array", &["0", "1", "3", "20"]),
    ("set", &["0", "1", "3"]),
    ("map", &["0", "1", "3"]),
    ("attribute", &["0", "9"]),
];

/// Has both servers run commands whose words hold more than a script can.
#[track_caller]
fn alike(ours: &mut Server, theirs: &mut Redis, args: &[&str]) {
    let args: Vec<&[u8]> = args.iter().map(|arg| arg.as_bytes()).collect();
    let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).replace("\r\n", "|");
    assert_eq!(text(ours.bytes(&args)), text(theirs.bytes(&args)), "{}", text(args.join(&b" "[..])));
}

#[test]
fn replies_are_written_read_and_passed_on_as_in_redis() {
    let (mut ours, mut theirs) = both();
    for protocol in [&b"2"[..], b"3"] {
        each(&mut ours, &mut theirs, &[b"HELLO", protocol]);
        for (kind, words) in KINDS {
            for word in *words {
                alike(&mut ours, &mut theirs, &["probe.reply", kind, word]);
                for flags in ["-", "3", "0", "E", "3E", "0E"] {
                    for way in ["probe.call", "probe.pass"] {
                        alike(&mut ours, &mut theirs, &[way, flags, "probe.reply", kind, word]);
                    }
                }
                alike(
                    &mut ours,
                    &mut theirs,
                    &["probe.call", "3", "probe.pass", "3", "probe.reply", kind, word],
                );
                alike(
                    &mut ours,
                    &mut theirs,
                    &["probe.call", "-", "probe.pass", "3", "probe.reply", kind, word],
                );
            }
        }
    }
}

#[test]
fn commands_are_called_as_in_redis() {
    let (mut ours, mut theirs) = both();
    let flags = ["-", "3", "E", "W", "WE", "S", "SE", "M", "ME", "!", "!A", "!R", "C", "CE", "0", "?"];
    let commands: &[&[&str]] = &[
        &["set", "k", "v"],
        &["SET", "k", "w", "GET"],
        &["get", "k"],
        &["get"],
        &["get", "k", "k"],
        &["nosuch"],
        &["nosuch", "x"],
        &["incr", "k"],
        &["mget", "k", "none", "k"],
        &["exists", "k", "none"],
        &["del", "none"],
        &["ping"],
        &["echo", "text"],
        &["config", "get", "maxmemory"],
        &["config", "nosuch"],
        &["config"],
        &["subscribe", "x"],
        &["multi"],
        &["object", "encoding", "k"],
        &["type", "k"],
        &["probe.key", "k", "open=r", "type"],
        &["probe.reply", "map", "1"],
        &["shutdown"],
        &["quit"],
        &["auth", "x"],
        &["select", "3"],
        &["dbsize"],
        &["select", "0"],
    ];
    for flags in flags {
        for command in commands {
            // What would end the server.
            if command[0] == "shutdown" && !flags.contains('S') {
                continue;
            }
            alike(&mut ours, &mut theirs, &[&["probe.call", flags], *command].concat());
            alike(&mut ours, &mut theirs, &[&["probe.pass", flags], *command].concat());
        }
    }
}

/// Steps with a key that have no number in them.
const STEPS: &[&str] = &[
    "open=r",
    "open=w",
    "open=rw",
    "open=rn",
    "open=wn",
    "type",
    "length",
    "read",
    "read",
    "set=",
    "set=12",
    "set=a-longer-text-that-has-a-block-of-its-own-in-redis-as-well",
    "truncate=0",
    "truncate=1",
    "truncate=5",
    "truncate=100",
    "fill=x",
    "delete",
    "unlink",
    "expire=10000000",
    "expire=-1",
    "expire=-2",
    "expireat=4102444800000",
    "expireat=-1",
    "expireat=-7",
    "expiry",
    "expiryat",
    "lru=10000000",
    "lru=-1",
    "lru=0",
    "lru",
    "lfu=9",
    "lfu=255",
    "lfu=-1",
    "lfu",
    "name",
];

#[test]
fn keys_are_used_as_in_redis() {
    let (mut ours, mut theirs) = both();
    let mut rng = Rng::seeded(4);
    let mut script = String::new();
    for policy in ["noeviction", "allkeys-lru", "allkeys-lfu"] {
        writeln!(script, "config set maxmemory-policy {policy}\nflushall").expect("a String");
        for key in ["text", "number", "other"] {
            writeln!(script, "set {key} {}", if key == "number" { "123456" } else { "some-text" })
                .expect("a String");
        }
        for _ in 0..ROUNDS {
            let key = ["text", "number", "other", "none"][rng.below(4) as usize];
            write!(script, "probe.key {key} open={}", ["r", "w", "rw"][rng.below(3) as usize])
                .expect("a String");
            for _ in 0..1 + rng.below(6) {
                write!(script, " {}", STEPS[rng.below(STEPS.len() as u64) as usize]).expect("a String");
            }
            writeln!(script, "\nget {key}\ntype {key}\ndbsize").expect("a String");
        }
    }
    same(&mut ours, &mut theirs, &script);
}

#[test]
fn figures_of_info_are_read_as_in_redis() {
    let (mut ours, mut theirs) = both();
    same(
        &mut ours,
        &mut theirs,
        "set k v
        get none
        probe.info stats keyspace_hits keyspace_misses expired_keys rejected_connections none
        probe.info memory maxmemory maxmemory_human maxmemory_policy
        probe.info server redis_mode none
        probe.info clients connected_clients blocked_clients
        probe.info keyspace db0
        probe.info commandstats none
        probe.info none keyspace_hits
        probe.info replication role connected_slaves",
    );
}
