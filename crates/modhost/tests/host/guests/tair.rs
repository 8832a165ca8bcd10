//! The modules in Rust of this repository.

use super::{both, build};
use crate::oracle::same;
use crate::support::Server;

fn hosting(name: &str) -> Server {
    let mut server = Server::new();
    let library = build(&server, name);
    server.load_file(&library, &[]).expect("loaded");
    server
}

#[test]
fn what_tairstring_has_held_is_given_back() {
    let mut server = hosting("tairstring");
    let before = server.report("exstrtype").memory;
    assert_eq!(server.raw("exset k v"), "+OK|");
    assert_eq!(server.raw("exget k"), "*2|$1|v|:1|");
    server.call(&format!("exset l {}", "x".repeat(100_000)));
    let held = server.report("exstrtype").memory;
    assert!(held.live - before.live > 100_000 && held.blocks > before.blocks);
    server.call("del k l");
    let after = server.report("exstrtype").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks));
}

#[test]
fn fields_of_tairhash_expire_by_the_engine_s_clock() {
    let mut server = hosting("tairhash");
    assert_eq!(server.raw("exhset k f v EX 10"), ":1|");
    assert_eq!(server.raw("exhset k g w EX 20"), ":1|");
    assert_eq!(server.raw("exhttl k f"), ":10|");
    assert_eq!(server.raw("exhlen k"), ":2|");
    server.engine.clock_mut().advance(std::time::Duration::from_secs(11));
    assert_eq!(server.raw("exhget k f"), "$-1|");
    server.engine.attend();
    assert_eq!(server.raw("exhlen k"), ":1|", "the module's timer has removed it");
}

/// Every command of both, with what they refuse.
const SCRIPTS: &[(&str, &str)] =
    &[("tairstring", include_str!("tairstring.txt")), ("tairhash", include_str!("tairhash.txt"))];

#[test]
fn the_modules_in_rust_answer_as_in_redis() {
    for (name, script) in SCRIPTS {
        let directory = Server::new();
        let (mut ours, mut theirs) = both(&build(&directory, name), &[]);
        same(&mut ours, &mut theirs, script);
    }
}
