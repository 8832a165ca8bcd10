//! What modules are charged for, beside the ledger: to the byte. The process has `ZMalloc` for its allocator and
//! nothing else to do, so this is one test.

#[path = "host/support.rs"]
#[allow(dead_code, reason = "the other tests use more of it")]
mod support;

use std::fs;

use modhost::{Leak, SLOTS};

use crate::support::{Server, compile};

#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

/// Kinds of things that the module takes, in an order in which they can be had.
const KINDS: [&str; 8] = ["contexts", "raw", "strings", "keys", "replies", "dictionaries", "pool", "others"];

/// A server that remembers nothing of the commands that it runs.
fn server() -> Server {
    let mut server = Server::new();
    server.call("config set slowlog-log-slower-than -1 latency-tracking no");
    server.call("set k v");
    server
}

/// What INFO says of all modules together: what they hold, the server's own, and the sum.
fn total(server: &mut Server) -> [i64; 3] {
    let info = server.raw("info modules");
    let line = info.split('|').find(|line| line.starts_with("modules_memory:")).expect("it is shown");
    let number = |name: &str| -> i64 {
        let field = line.split([':', ',']).find_map(|field| field.strip_prefix(name));
        field.expect(name).parse().expect("a number")
    };
    [number("modules="), number("server="), number("used_memory=")]
}

/// What the allocator gives for a request.
fn usable(bytes: usize) -> usize {
    let block = zmalloc::zmalloc_usable(bytes);
    // SAFETY: it was allocated above.
    unsafe { zmalloc::zfree(Some(block.cast())) };
    block.len()
}

fn do_all(server: &mut Server, lines: impl IntoIterator<Item = String>) {
    for line in lines {
        assert_eq!(server.raw(&line), "+OK|", "{line}");
    }
}

fn taking() -> impl Iterator<Item = String> {
    KINDS.into_iter().map(|kind| format!("first.take {kind}"))
}

fn giving() -> impl Iterator<Item = String> {
    KINDS.into_iter().rev().map(|kind| format!("first.give {kind}"))
}

/// What the ledger says, always after the same command, so that the server keeps the same buffers for its replies.
fn used(server: &mut Server) -> i64 {
    server.raw("ping");
    zmalloc::used_memory() as i64
}

/// Whatever the module takes, `used_memory` rises by it, and by nothing else.
fn each_kind_is_charged_to_the_byte() {
    let mut server = server();
    server.load("charges", &[]).expect("loaded");
    // What the engine makes once, it has made by then.
    for _ in 0..3 {
        do_all(&mut server, taking().chain(giving()));
        do_all(&mut server, ["first.automatic x".to_owned()]);
        used(&mut server);
    }
    let before = used(&mut server);
    let memory = server.report("first").memory;
    assert_eq!((memory.live, memory.blocks), (0, 0));
    for kind in KINDS {
        do_all(&mut server, [format!("first.take {kind}")]);
        let memory = server.report("first").memory;
        let fields = memory.fields();
        let of = |name| fields.iter().find(|(field, _)| *field == name).expect(name).1;
        assert!(of(kind) > 0, "{kind}: {memory:?}");
        assert_eq!(KINDS.into_iter().map(of).sum::<i64>(), memory.live);
        assert_eq!(used(&mut server) - before, memory.live, "{kind}");
        let held = server.host().held("first").expect("it holds something");
        assert_eq!((held.bytes, held.blocks), (memory.live, memory.blocks));
    }
    for line in giving() {
        do_all(&mut server, [line]);
        let live = server.report("first").memory.live;
        assert_eq!(used(&mut server) - before, live);
    }
    do_all(&mut server, ["first.automatic x".to_owned()]);
    assert_eq!(used(&mut server), before);
    let after = server.report("first").memory;
    assert_eq!((after.live, after.blocks, after.foreign_frees), (0, 0, 0));

    do_all(&mut server, taking());
    let live = server.report("first").memory.live;
    let [modules, own, used] = total(&mut server);
    assert_eq!((modules, modules + own), (live, used));
    assert!(own > 0);
    do_all(&mut server, giving());
}

/// As many threads as there are count in the same places.
fn threads_are_counted() {
    let mut server = server();
    server.load("charges", &[]).expect("loaded");
    do_all(&mut server, ["first.threads".to_owned(), "first.threads".to_owned()]);
    let memory = server.report("first").memory;
    assert_eq!((memory.live, memory.blocks, memory.strings), (0, 0, 0));
    assert_eq!(memory.foreign_frees, 0, "blocks of other threads aren't those of other modules");
    assert!(memory.peak >= 8 * 100);
    assert_eq!(server.host().held("first"), None);
}

/// Two modules of one file, built differently.
fn two(server: &mut Server) {
    let first = compile(server.directory(), "charges", &[]);
    let renamed = server.directory().join("first.so");
    fs::rename(first, &renamed).expect("ours");
    let second = compile(server.directory(), "charges", &["-DSECOND"]);
    server.load_file(&renamed, &[]).expect("loaded");
    server.load_file(&second, &[]).expect("loaded");
}

fn what_passes_between_modules_stays_counted() {
    let mut server = server();
    two(&mut server);
    let live = |server: &Server| {
        let of = |name| server.report(name).memory;
        (of("first").live, of("second").live)
    };
    let block = usable(40) as i64;
    do_all(&mut server, ["second.block".to_owned()]);
    assert_eq!(live(&server), (block, -block), "charged to who took it, credited to who freed it");
    let second = server.report("second").memory;
    assert_eq!((second.blocks, second.foreign_frees), (-1, 1));
    assert_eq!(server.report("first").memory.foreign_frees, 0);
    let held = server.host().held("second").expect("less than nothing");
    assert_eq!((held.bytes, held.by_size), (-block, vec![(usable(40), -1)]));

    do_all(&mut server, ["second.string".to_owned()]);
    let (first, second) = live(&server);
    assert!(first > block && second == -block, "two hold it, the one who made it is charged");
    do_all(&mut server, ["first.string-free".to_owned()]);
    assert_eq!(live(&server), (block, first - block + second), "then the one who has it left");
    do_all(&mut server, ["second.string free".to_owned()]);
    assert_eq!(live(&server), (block, -block));
}

fn what_is_left_is_a_leak() {
    let mut server = server();
    server.load("charges", &[]).expect("loaded");
    do_all(&mut server, ["first.take raw".to_owned(), "module unload first".to_owned()]);
    let (small, large) = (usable(48), usable(101 * 999));
    let leak = Leak {
        module: "first".to_owned(),
        bytes: (3 * small + large) as i64,
        blocks: 4,
        by_size: vec![(small, 3), (large, 1)],
        stays: None,
    };
    assert_eq!(server.host().leaks(), std::slice::from_ref(&leak));
    assert!(leak.to_string().contains(&format!("3 blocks of {small} bytes")));
    // Those that went last are remembered, however often one comes and goes.
    let library = compile(server.directory(), "charges", &[]);
    for _ in 0..32 {
        server.load_file(&library, &[]).expect("loaded");
        do_all(&mut server, ["first.take raw".to_owned(), "module unload first".to_owned()]);
    }
    assert_eq!(server.host().leaks(), vec![leak.clone(); 32]);
    // The next one begins with nothing, and at the end what it holds is told as well.
    server.load("charges", &[]).expect("loaded");
    assert_eq!(server.host().held("first"), None);
    do_all(&mut server, ["first.take raw".to_owned()]);
    do_all(&mut server, ["first.take raw".to_owned()]);
    server.announce_shutdown();
    let leaks = server.host().leaks();
    assert_eq!((leaks.len(), leaks[31].bytes), (32, 2 * leak.bytes));
}

/// All that a process has room for, twice: a host that is dropped makes room.
fn there_is_room_for_so_many() {
    for _ in 0..2 {
        let mut server = server();
        let library = compile(server.directory(), "charges", &[]);
        for number in 0..SLOTS {
            server.load_file(&library, &[&format!("copy{number}")]).expect("there is room");
        }
        let error = server.load_file(&library, &["another"]).expect_err("there is none");
        assert!(error.to_string().contains("256 modules are loaded"), "{error}");
        server.call("module unload copy7");
        server.load_file(&library, &["another"]).expect("there is room again");
    }
}

fn blocks_are_aligned_as_modules_in_rust_need_them() {
    let mut server = server();
    server.load("charges", &[]).expect("loaded");
    do_all(&mut server, ["first.align".to_owned()]);
    assert_eq!(server.host().held("first"), None);
}

#[test]
fn the_ledger_and_the_modules_agree() {
    each_kind_is_charged_to_the_byte();
    threads_are_counted();
    what_passes_between_modules_stays_counted();
    what_is_left_is_a_leak();
    there_is_room_for_so_many();
    blocks_are_aligned_as_modules_in_rust_need_them();
}
