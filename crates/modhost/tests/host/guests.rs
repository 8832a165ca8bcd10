//! Modules that weren't written for this host: those in Rust that stand in this repository, as they are.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

use crate::support::Server;

/// Builds one of the modules in Rust, and gives its file: a copy, as each is loaded once by its path.
fn build(server: &Server, name: &str) -> PathBuf {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let status =
        Command::new(env!("CARGO")).args(["build", "--quiet", "-p", name]).status().expect("cargo runs");
    assert!(status.success(), "{name} builds");
    let metadata = cargo_metadata::MetadataCommand::new().no_deps().exec().expect("the workspace");
    let built = metadata.target_directory.join("debug").join(format!("lib{name}.so"));
    let copy = server.directory().join(format!("{name}.so"));
    std::fs::copy(&built, &copy).expect("built");
    copy
}

fn with(name: &str) -> Server {
    let mut server = Server::new();
    let library = build(&server, name);
    server.load_file(&library, &[]).expect("loaded");
    server
}

#[test]
fn tairstring_as_it_is() {
    let mut server = with("tairstring");
    assert_eq!(server.raw("exset k v"), "+OK|");
    assert_eq!(server.raw("exget k"), "*2|$1|v|:1|");
    assert_eq!(server.raw("exset k w VER 7"), "-ERR update version is stale|");
    assert_eq!(server.raw("type k"), "+exstrtype|");
    assert_eq!(server.raw("exincrby n 5"), ":5|");
    assert_eq!(server.raw("exincrby n 5 MAX 7"), "-ERR increment or decrement would overflow|");
    assert_eq!(server.raw("copy k l"), ":1|");
    assert_eq!(server.raw("exget l"), "*2|$1|v|:1|");
    assert_eq!(server.raw("exset"), "-ERR wrong number of arguments for 'exset' command|");
    server.call("del k l n");
    assert!(server.report("exstrtype").memory.blocks >= 0);
}

#[test]
fn tairhash_as_it_is() {
    let mut server = with("tairhash");
    assert_eq!(server.raw("exhset k f v EX 10"), ":1|");
    assert_eq!(server.raw("exhget k f"), "$1|v|");
    assert_eq!(server.raw("exhttl k f"), ":10|");
    assert_eq!(server.raw("exhlen k"), ":1|");
    server.engine.clock_mut().advance(std::time::Duration::from_secs(11));
    assert_eq!(server.raw("exhget k f"), "$-1|");
}
