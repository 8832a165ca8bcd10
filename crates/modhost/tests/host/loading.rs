//! Modules come and go.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;

use engine::Reply;

use crate::support::{Server, compile};

#[test]
fn a_module_is_unloaded_without_a_trace() {
    let mut server = Server::new();
    let library = compile(server.directory(), "basics", &[]);
    let count = server.call("command count");
    for _ in 0..20 {
        server.load_file(&library, &["a", "b"]).expect("loaded");
        assert_eq!(server.raw("basics.echo x"), "*1|$6|x-tail|");
        assert_eq!(server.report("basics").args, [b"a", b"b"]);
        assert_eq!(server.raw("module unload basics"), "+OK|");
        assert!(server.raw("basics.echo x").starts_with("-ERR unknown command"));
    }
    assert_eq!(server.call("command count"), count);
    assert_eq!(server.raw("module list"), "*0|");
    assert_eq!(
        server.raw("module unload basics"),
        "-ERR Error unloading module: no such module with that name|"
    );
}

#[test]
fn a_load_that_fails_leaves_nothing() {
    let mut server = Server::new();
    let library = compile(server.directory(), "basics", &[]);
    let path = library.display();
    let failed = "-ERR Error loading the extension. Please check the server logs.|";
    assert_eq!(server.raw(&format!("module load {path} fail")), failed);
    assert!(server.raw("basics.echo x").starts_with("-ERR unknown command"));
    assert_eq!(server.raw(&format!("module load {path}")), "+OK|");
    let other = server.directory().join("other.so");
    fs::copy(&library, &other).expect("a copy");
    for (again, why) in [(&library, "it is there"), (&other, "the name is taken")] {
        assert_eq!(server.raw(&format!("module load {}", again.display())), failed, "{why}");
        assert_eq!(server.raw("basics.echo x"), "*1|$6|x-tail|", "and the module with that name is unharmed");
        let before = server.report("basics").memory;
        server.call("basics.hold 100000");
        let held = server.report("basics").memory;
        assert!(held.raw >= before.raw + 100_000, "what it takes is still counted as its own: {held:?}");
        server.call("basics.hold 0");
        assert_eq!(server.report("basics").memory.live, before.live);
    }
    assert_eq!(server.raw("module unload basics"), "+OK|");
    assert_eq!(server.raw(&format!("module load {path}")), "+OK|", "once it is gone it can come again");
}

#[test]
fn loadex_passes_arguments_and_refuses_values_for_no_directive() {
    let mut server = Server::new();
    let library = compile(server.directory(), "basics", &[]);
    let path = library.display();
    assert_eq!(
        server.raw(&format!("module loadex {path} config basics.speed 3 args a b")),
        "-ERR Error loading the extension. Please check the server logs.|"
    );
    assert_eq!(server.raw("module list"), "*0|");
    assert!(server.raw("basics.echo x").starts_with("-ERR unknown command"));
    assert_eq!(server.raw(&format!("module loadex {path} args a b")), "+OK|");
    assert_eq!(server.report("basics").args, [b"a", b"b"]);
    assert!(server.raw(&format!("module loadex {path} config name")).starts_with("-ERR unknown subcommand"));
}

#[test]
fn what_is_no_module_is_refused() {
    let mut server = Server::new();
    let failed = "-ERR Error loading the extension. Please check the server logs.|";
    assert_eq!(server.raw("module load /nowhere.so"), failed);
    let library = compile(server.directory(), "basics", &[]);
    fs::set_permissions(&library, Permissions::from_mode(0o644)).expect("ours");
    assert_eq!(server.raw(&format!("module load {}", library.display())), failed, "not executable");
    fs::write(&library, "text").expect("writable");
    fs::set_permissions(&library, Permissions::from_mode(0o755)).expect("ours");
    assert_eq!(server.raw(&format!("module load {}", library.display())), failed, "no library");
    let library = compile(server.directory(), "no_entry", &[]);
    assert_eq!(server.raw(&format!("module load {}", library.display())), failed, "no OnLoad");
    assert_eq!(server.raw("module list"), "*0|");
}

#[test]
fn a_module_with_types_stays() {
    let mut server = Server::with("boxes");
    assert_eq!(
        server.raw("module unload boxes"),
        "-ERR Error unloading module: the module exports one or more module-side data types, can't unload|"
    );
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:0|");
}

#[test]
fn loading_is_for_those_who_may() {
    let mut server = Server::new();
    server.engine = engine::Engine::open(engine::Options::default());
    server.client = server.engine.connect().expect("a client");
    let reply = server.raw("module load /x.so");
    assert!(reply.starts_with("-ERR MODULE command not allowed."), "{reply}");
    assert_eq!(server.call("module list"), Reply::Array(vec![]));
    assert!(server.raw("module help").contains("LOADEX"));
}
