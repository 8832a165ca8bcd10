//! What a module holds, to the byte.

use engine::Reply;

use crate::support::Server;

fn integer(reply: Reply) -> i64 {
    let Reply::Integer(number) = reply else { panic!("{reply:?} is no integer") };
    number
}

#[test]
fn blocks_are_counted_at_their_usable_size() {
    let mut server = Server::with("basics");
    let before = server.report("basics").memory;
    for bytes in [1, 100, 100_000, 24, 3_000_000, 8] {
        let usable = integer(server.call(&format!("basics.hold {bytes}")));
        let memory = server.report("basics").memory;
        assert_eq!((memory.live - before.live, memory.blocks - before.blocks), (usable, 1));
        assert!(memory.peak >= memory.live);
    }
    server.call("basics.hold 0");
    let memory = server.report("basics").memory;
    assert_eq!((memory.live, memory.blocks), (before.live, before.blocks));
    assert!(memory.peak >= 3_000_000);
    assert_eq!(memory.foreign_frees, 0);
}

#[test]
fn strings_that_a_module_keeps_are_its() {
    let mut server = Server::with("basics");
    let before = server.report("basics").memory;
    server.call(&format!("basics.echo {}", "x".repeat(5000)));
    assert_eq!(server.report("basics").memory.live, before.live, "nothing is left by a command");
    server.call(&format!("basics.keep {}", "x".repeat(5000)));
    let kept = server.report("basics").memory;
    assert!(kept.strings >= 5000 && kept.live - before.live == kept.strings);
    assert_eq!(server.call("basics.keep"), Reply::Bulk(vec![b'x'; 5000]));
    let after = server.report("basics").memory;
    assert_eq!((after.live, after.strings), (before.live, 0));
}

#[test]
fn it_is_shown() {
    let mut server = Server::with("basics");
    server.call("basics.hold 1000");
    let live = server.report("basics").memory.live;
    let info = server.raw("info modules");
    assert!(
        info.contains("module:name=basics,ver=3,api=1,filters=0,usedby=[],using=[],options=[]|"),
        "{info}"
    );
    assert!(info.contains(&format!("module_memory_basics:live={live},peak=")), "{info}");
    let shown = server.raw("memory modules");
    assert!(shown.starts_with(&format!("*2|$6|basics|*26|$4|live|:{live}|$4|peak|")), "{shown}");
    assert!(server.raw("module list").contains(&format!("$6|memory|*26|$4|live|:{live}|")));
}

#[test]
fn values_are_their_module_s() {
    let mut server = Server::with("boxes");
    let before = server.report("boxes").memory;
    for at in 0..100 {
        server.call(&format!("boxes.set k{at} {}", "x".repeat(at)));
    }
    let held = server.report("boxes").memory;
    assert_eq!(held.blocks - before.blocks, 100);
    server.call("flushall sync");
    let after = server.report("boxes").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks));
}
