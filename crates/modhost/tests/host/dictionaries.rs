//! Dictionaries and scans, compared with redis-server's.

use std::fmt::Write as _;

use crate::oracle::{Redis, same};
use crate::support::{Server, compile};

fn both() -> (Server, Redis) {
    let mut server = Server::new();
    let library = compile(server.directory(), "dicts", &[]);
    server.load_file(&library, &[]).expect("loaded");
    (server, Redis::with(&library))
}

#[test]
fn entries_come_and_go() {
    let (mut ours, mut theirs) = both();
    let mut script = String::new();
    let ways = ["set", "setC", "replace", "replaceC", "get", "getC", "del", "delC"];
    let mut number = 1_u64;
    for _ in 0..600 {
        number = number.wrapping_mul(6364136223846793005).wrapping_add(1442695040888963407);
        let (way, key) =
            (ways[(number >> 33) as usize % ways.len()], "k".repeat((number >> 40) as usize % 7 + 1));
        writeln!(script, "dicts.change {way} {key} {}", number >> 50).expect("a String");
    }
    script.push_str("dicts.automatic\n");
    same(&mut ours, &mut theirs, &script);
}

#[test]
fn iterators_go_where_redis_s_go() {
    let (mut ours, mut theirs) = both();
    let mut script = String::new();
    // With and without keys, and with one that is the beginning of another.
    for keys in [&[][..], &["b"], &["ab", "abc", "b", "d", "dd", "z"]] {
        for (place, key) in keys.iter().enumerate() {
            writeln!(script, "dicts.change replace {key} {}", place + 1).expect("a String");
        }
        for operator in ["^", "$", ">", ">=", "<", "<=", "=", "=="] {
            for key in ["a", "ab", "aba", "b", "c", "d", "z", "zz"] {
                for steps in [
                    "n n n n n n n n n",
                    "p p p p p p p p p",
                    "N P N",
                    "P N P",
                    "n = == b N = < b = >= d p = > ab",
                ] {
                    writeln!(script, "dicts.walk {operator} {key} {steps}").expect("a String");
                }
            }
        }
        for (operator, key) in [(">", "b"), ("<=", "c"), ("^", "x"), ("$", "x"), ("==", "nope")] {
            writeln!(script, "dicts.walk ^ x n s {operator} {key} n n = = {key}").expect("a String");
        }
    }
    same(&mut ours, &mut theirs, &script);
}

#[test]
fn all_keys_are_scanned() {
    let (mut ours, mut theirs) = both();
    let mut script = "dicts.scan 0\n".to_owned();
    for number in 0..300 {
        writeln!(script, "set key{number} {number}").expect("a String");
    }
    script.push_str(
        "dicts.scan 0\nselect 3\nset other x\ndicts.scan 0\ndicts.elements other\ndicts.elements none\n",
    );
    script.push_str("select 0\ndicts.scan 1\ndbsize\ndicts.scan 0");
    same(&mut ours, &mut theirs, &script);
    ours.call("select 0");
    ours.call("set gone x px 5");
    ours.engine.clock_mut().advance(std::time::Duration::from_millis(6));
    assert_eq!(ours.raw("dicts.scan 0"), "*2|$4|gone|:1|", "nobody has looked at it");
}
