//! Values of a module's type.

use engine::Reply;

use crate::support::{Server, compile};

#[test]
fn values_are_stored_and_freed() {
    let mut server = Server::with("boxes");
    assert_eq!(server.raw("boxes.set k hello"), "+OK|");
    assert_eq!(server.raw("boxes.get k"), "$5|hello|");
    assert_eq!(server.raw("type k"), "+testboxes|");
    assert_eq!(server.raw("object encoding k"), "$3|raw|");
    assert_eq!(server.raw("get k"), "-WRONGTYPE Operation against a key holding the wrong kind of value|");
    assert_eq!(
        server.raw("append k x"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value|"
    );
    assert_eq!(server.raw("scan 0 type testboxes"), "*2|$1|0|*1|$1|k|");
    assert_eq!(server.raw("boxes.swap k other"), "$5|hello|");
    assert_eq!(server.raw("boxes.counts"), "*2|:1|:0|");
    server.call("set s text");
    assert_eq!(
        server.raw("boxes.get s"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value|"
    );
    assert_eq!(server.raw("boxes.swap s x"), "$-1|");
    server.call("set k text");
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:0|");
    server.call("boxes.set a 1");
    server.call("boxes.set a 2");
    server.call("del a");
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:2|", "replaced, and deleted");
}

#[test]
fn values_are_copied_and_moved_and_expire() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k v");
    assert_eq!(server.call("copy k l"), Reply::Integer(1));
    assert_eq!(server.raw("boxes.get l"), "$1|v|");
    assert_eq!(server.call("rename l m"), Reply::Simple("OK".to_owned()));
    assert_eq!(server.call("move m 1"), Reply::Integer(1));
    assert_eq!(server.raw("boxes.counts"), "*2|:2|:0|");
    server.call("pexpire k 10");
    server.engine.clock_mut().advance(std::time::Duration::from_millis(11));
    assert_eq!(server.raw("boxes.get k"), "$-1|");
    assert_eq!(server.raw("boxes.counts"), "*2|:1|:0|");
}

#[test]
fn memory_usage_asks_the_type() {
    let mut server = Server::with("boxes");
    server.call(&format!("boxes.set k {}", "x".repeat(100_000)));
    let Reply::Integer(usage) = server.call("memory usage k") else { panic!("an integer") };
    let live = server.report("boxes").memory.live;
    assert!((live..live + 100).contains(&usage), "{usage} of {live}");
}

/// A struct of an old version ends earlier; what lies behind its end must not be called.
#[test]
fn every_version_of_the_functions_is_read_to_its_end() {
    for version in 1..=5 {
        let mut server = Server::new();
        let library = compile(server.directory(), "boxes", &[&format!("-DVERSION={version}")]);
        server.load_file(&library, &[]).expect("loaded");
        server.call("boxes.set k v");
        let copied = server.call("copy k l");
        assert_eq!(copied, Reply::Integer((version >= 3).into()), "version {version}");
        server.call("memory usage k");
        server.call("del k l");
        let unlinked = match version {
            1 | 2 => 0,
            _ => 2,
        };
        assert_eq!(server.raw("boxes.counts"), format!("*2|:0|:{unlinked}|"), "version {version}");
    }
}
