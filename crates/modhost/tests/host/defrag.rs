//! Active defragmentation of what modules hold.

use std::thread;
use std::time::{Duration, Instant};

use engine::Reply;

use crate::support::Server;

/// How long it may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// What `parts.moves` replies: blocks moved, values put off, visits to the module's own, passes begun and ended, and
/// answers that weren't what the documentation says.
fn moves(server: &mut Server) -> [i64; 6] {
    let Reply::Array(numbers) = server.call("parts.moves") else { panic!("an array") };
    let number =
        |reply: &Reply| if let Reply::Integer(number) = reply { *number } else { panic!("{reply:?}") };
    numbers.iter().map(number).collect::<Vec<_>>().try_into().expect("six numbers")
}

#[test]
fn the_blocks_of_values_are_moved_together() {
    let mut server = Server::with("parts");
    let own = server.report("parts").memory;
    server.call("select 3");
    // The cells of values that stay lie between those of values that go.
    for number in 0..20_000 {
        server.call(&format!("parts.set key{number} {number} text 7"));
    }
    for number in (0..20_000).filter(|number| number % 4 != 0) {
        server.call(&format!("del key{number}"));
    }
    // More cells than a step has time for.
    server.call("parts.set big 1 text 60000");
    let before = server.report("parts").memory;
    let settings = "config set activedefrag yes active-defrag-ignore-bytes 1 active-defrag-threshold-lower 1 \
        active-defrag-threshold-upper 2 active-defrag-cycle-min 90 active-defrag-cycle-max 99";
    if server.raw(settings).starts_with('-') {
        // The allocator that this was built with can't tell which blocks should move.
        assert_eq!(moves(&mut server), [0; 6]);
        return;
    }
    let began = Instant::now();
    let mut seen = moves(&mut server);
    while seen[0] < 1000 || seen[1] == 0 || seen[4] == 0 {
        assert!(began.elapsed() < PATIENCE, "{seen:?}");
        server.engine.tick();
        if let Some(pause) = server.engine.work() {
            thread::sleep(pause.min(Duration::from_millis(10)));
        }
        seen = moves(&mut server);
    }
    let [_, _, visits, begun, ended, wrong] = seen;
    assert_eq!((wrong, visits), (0, ended));
    assert!((ended..=ended + 1).contains(&begun), "{begun} passes begun, {ended} ended");

    let after = server.report("parts").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks), "the same blocks elsewhere");
    for number in (0..20_000).step_by(4) {
        let value = server.raw(&format!("parts.get key{number}"));
        assert!(value.starts_with(&format!("*5|:{number}|")) && value.ends_with("|$4|text|:7|"), "{value}");
    }
    assert!(server.raw("parts.get big").ends_with("|$4|text|:60000|"));
    server.call("config set activedefrag no");
    server.call("flushall sync");
    let after = server.report("parts").memory;
    assert_eq!((after.live, after.blocks), (own.live, own.blocks), "all is freed where it is now");
}
