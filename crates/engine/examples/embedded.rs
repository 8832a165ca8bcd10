//! A Redis inside this program: no server, no socket, and time in the program's own hands.
//!
//! `cargo run -p engine --example embedded`

use std::time::Duration;

use engine::{Clock, Engine, Options, Reply};

/// The memory figures are exact because every allocation goes through this.
#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn main() {
    let mut engine = Engine::open(Options {
        clock: Clock::manual(1_700_000_000_000),
        seed: Some(1),
        ..Options::default()
    });
    let client = engine.connect().expect("the first client is let in");

    engine.call(client, &[b"SET", b"session:1", b"ada", b"EX", b"3600"]);
    println!("session:1 is {:?}", engine.call(client, &[b"GET", b"session:1"]));

    engine.clock_mut().advance(Duration::from_secs(3599));
    println!("it lives for {:?} more seconds", engine.call(client, &[b"TTL", b"session:1"]));

    engine.clock_mut().advance(Duration::from_secs(1));
    assert_eq!(engine.call(client, &[b"GET", b"session:1"]), Reply::Null);
    println!("an hour has passed, and it is gone");

    for number in 0..10_000 {
        engine.call(client, &[b"SET", format!("key:{number}").as_bytes(), b"value"]);
    }
    println!("10,000 keys: {} bytes in use in this process", zmalloc::used_memory());

    // The same bytes that a socket would carry.
    engine.receive(client, b"*2\r\n$4\r\nINCR\r\n$4\r\nhits\r\nDBSIZE\r\n");
    println!("{}", engine.output(client).escape_ascii());
}
