//! What INFO says that clients hold, beside what the ledger counts. Alone in its binary, because the ledger counts
//! every test that runs in the same process.
#![forbid(unsafe_code)]

use engine::{ClientId, Engine, Options, Origin};

#[global_allocator]
static ALLOCATOR: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn accept(engine: &mut Engine, address: &str) -> ClientId {
    let origin =
        Origin { address: address.into(), local_address: "127.0.0.1:6379".into(), fd: 9, unix: false };
    engine.accept(origin).expect("there is room for a client")
}

/// Gives every client something of all that clients can hold.
fn load(engine: &mut Engine, ids: &[ClientId]) {
    for (at, &id) in ids.iter().enumerate() {
        let mut send = |text: String| engine.receive(id, text.as_bytes());
        send(format!("HELLO 3\r\nCLIENT SETNAME name:{at}\r\n"));
        // Some want to know of all keys with their prefixes, the others of those that they read.
        match at % 4 {
            0 => send(format!("CLIENT TRACKING ON BCAST PREFIX everyone:{at}: PREFIX all\r\n")),
            _ => send("CLIENT TRACKING ON\r\n".to_owned()),
        }
        for number in 0..40 {
            send(format!("GET key:{at}:{number}\r\nWATCH watched:{number}\r\n"));
            send(format!("SUBSCRIBE channel:{number} own:{at}:{number}\r\n"));
        }
        send("MULTI\r\nSET a value-that-is-kept\r\n*2\r\n$4\r\nECHO\r\n$500\r\nhalf".to_owned());
    }
}

/// What INFO says that clients hold, and what the ledger counts, in bytes.
fn figures(engine: &mut Engine) -> (f64, f64) {
    let info = engine.info_text(&["memory"]);
    let number = |name: &str| {
        let value = info.split("\r\n").find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
        value.expect(name).parse::<f64>().expect("a number")
    };
    (number("mem_clients_normal"), number("used_memory"))
}

#[test]
fn the_figure_for_clients_is_what_the_ledger_has_for_them() {
    let mut options = Options { seed: Some(1), ..Options::default() };
    // Counts of durations are nobody's, and grow when a call takes longer than any before it.
    options.config.latency_tracking = false;
    let mut engine = Engine::open(options);
    // Whatever is made once, for the first clients, is made.
    let first = [accept(&mut engine, "first:1"), accept(&mut engine, "first:2")];
    load(&mut engine, &first);
    first.into_iter().for_each(|id| engine.disconnect(id));
    figures(&mut engine);
    let before = figures(&mut engine);

    let ids: Vec<_> = (0..200).map(|port| accept(&mut engine, &format!("10.0.0.1:{port}"))).collect();
    load(&mut engine, &ids);
    let loaded = figures(&mut engine);
    let (clients, used) = (loaded.0 - before.0, loaded.1 - before.1);
    assert!((clients - used).abs() <= used * 0.005, "clients say {clients}, the ledger {used}");

    for id in ids {
        engine.disconnect(id);
    }
    for _ in 0..8 {
        engine.tick();
    }
    let after = figures(&mut engine);
    assert_eq!(after.0, before.0, "clients that are gone hold nothing");
    assert!(after.1 - before.1 <= 16_384.0, "{} bytes are kept", after.1 - before.1);
}
