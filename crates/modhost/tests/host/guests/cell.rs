//! The package `redis-cell`, which limits rates.

use std::sync::LazyLock;
use std::time::Instant;

use super::{both, cargo, copied, package};
use crate::oracle::{same, words};
use crate::support::Server;

static MANIFEST: LazyLock<String> =
    LazyLock::new(|| package("guest-cell", "[dependencies]\nredis-cell = \"=0.2.2\"\n"));

/// The numbers that CL.THROTTLE replies: whether it refuses, limit, remaining, and seconds until the next is granted
/// and until all are.
fn numbers(reply: &[u8]) -> [i64; 5] {
    let text = std::str::from_utf8(reply).expect("text");
    let body = text.strip_prefix("*5\r\n").unwrap_or_else(|| panic!("{text}"));
    let numbers = body.lines().map(|line| line.trim_start_matches(':').parse().expect("a number"));
    numbers.collect::<Vec<_>>().try_into().expect("five")
}

#[test]
fn rates_are_limited_as_in_redis() {
    // As it is, it would be a library of Rust's, which no server can load without Rust's own beside it.
    cargo("rustc", &["--manifest-path", &MANIFEST, "-p", "redis-cell", "--lib", "--crate-type", "cdylib"]);
    let directory = Server::new();
    let (mut ours, mut theirs) = both(&copied(&directory, "libredis_cell.so"), &[]);
    let began = Instant::now();
    // One in a thousand seconds, in bursts of five; then more at a time, and more than there can ever be.
    let steps = ["k 4 1 1000"; 7].into_iter().chain([
        "other 9 3 30000 1",
        "other 9 3 30000 5",
        "other 9 3 30000 5",
        "other 9 3 30000 0",
        "other 9 3 30000 11",
        "k 4 1 1000 0",
    ]);
    let mut refused = 0;
    for step in steps {
        let line = format!("cl.throttle {step}");
        let (ours, theirs) = (numbers(&ours.bytes(&words(&line))), numbers(&theirs.bytes(&words(&line))));
        assert_eq!(ours[..3], theirs[..3], "{line}");
        // It asks for the time itself.
        let passed = 1 + i64::try_from(began.elapsed().as_secs()).expect("not that long");
        for at in [3, 4] {
            assert!((0..=passed).contains(&(ours[at] - theirs[at])), "{line}: {ours:?}, {theirs:?}");
        }
        refused += ours[0];
    }
    assert_eq!(refused, 4);
    same(
        &mut ours,
        &mut theirs,
        "cl.throttle
        cl.throttle k
        cl.throttle k 1 1
        cl.throttle k 1 1 1 1 1
        cl.throttle k x 1 1
        cl.throttle k 1 x 1
        cl.throttle k 1 1 x
        cl.throttle k 1 1 1 x
        cl.throttle k 1 1 99999999999999999999
        set text words
        cl.throttle text 4 1 1000
        type k
        exists k other
        del k other
        exists k",
    );
}
