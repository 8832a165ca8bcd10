//! What the server doesn't have, modules are told so.

use crate::support::Server;

#[test]
fn every_function_fails_in_its_own_way() {
    let mut server = Server::with("absent");
    let before = server.report("absent").memory;
    server.call("set text value");
    for area in ["lists", "zsets", "hashes", "streams", "files"] {
        for key in ["none", "text"] {
            assert_eq!(server.raw(&format!("absent.{area} {key}")), "+OK|", "{area} {key}");
        }
    }
    assert_eq!(server.raw("exists none"), ":0|", "nothing was made");
    let after = server.report("absent").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks));
}

#[test]
fn slots_are_those_of_a_cluster() {
    let mut server = Server::with("absent");
    // As redis-server's CLUSTER KEYSLOT answers.
    for (key, slot) in [("foo", 12182), ("somekey", 11058), ("foo{hash_tag}", 2515), ("bar{hash_tag}", 2515)]
    {
        assert_eq!(server.raw(&format!("absent.cluster {key}")), format!(":{slot}|"), "{key}");
    }
}
