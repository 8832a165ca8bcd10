//! Filters that change commands before they run.

use crate::support::Server;

#[test]
fn arguments_are_changed() {
    let mut server = Server::with("filters");
    assert_eq!(server.raw("echo @replace"), "$8|replaced|");
    assert_eq!(server.raw("@delete echo @delete x @delete"), "$1|x|");
    assert_eq!(server.raw("@insert"), "$7|@insert|");
    assert_eq!(server.raw("@delete"), "", "nothing is left of it");
    server.call("multi");
    assert_eq!(server.raw("set k @replace"), "+QUEUED|");
    server.call("exec");
    assert_eq!(server.raw("get k"), "$8|replaced|");
    assert_eq!(server.report("filters").filters, 1);
}

#[test]
fn filters_come_and_go() {
    let mut server = Server::with("filters");
    let client = server.client.number();
    server.call("set k value");
    assert_eq!(server.raw("filters.toggle"), format!(":{client}|"));
    assert_eq!(server.raw("get k"), ":5|");
    assert_eq!(server.report("filters").filters, 2);
    server.call("filters.toggle");
    assert_eq!(server.raw("get k"), "$5|value|");
    assert_eq!(server.raw("module unload filters"), "+OK|");
    assert_eq!(server.raw("echo @replace"), "$8|@replace|");
}

#[test]
fn what_modules_call_is_filtered_unless_it_is_their_own() {
    for (args, expected) in [(&[][..], "$8|replaced|"), (&["noself"], "$8|@replace|")] {
        let mut server = Server::new();
        server.load("filters", args).expect("loaded");
        assert_eq!(server.raw("filters.call"), expected);
        assert_eq!(server.raw("echo @replace"), "$8|replaced|");
    }
}
