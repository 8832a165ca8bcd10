//! CLIENT ID INFO LIST SETNAME GETNAME SETINFO KILL NO-EVICT.

use engine::{ClientId, Close, Origin};

use crate::{SYNTAX, Session, arity};

/// The fields of one line of CLIENT LIST, in order.
fn fields(line: &str) -> Vec<(&str, &str)> {
    line.trim_end().split(' ').map(|field| field.split_once('=').expect("a field has a value")).collect()
}

fn value<'a>(line: &'a str, name: &str) -> &'a str {
    fields(line).into_iter().find(|(field, _)| *field == name).expect(name).1
}

/// The numbers of the clients that a CLIENT LIST shows.
fn listed(session: &mut Session, line: &str) -> Vec<u64> {
    session.text(line).lines().map(|line| value(line, "id").parse().expect("a number")).collect()
}

fn numbers(ids: &[ClientId]) -> Vec<u64> {
    ids.iter().map(|id| id.number()).collect()
}

#[test]
fn a_line_has_the_fields_of_redis_in_its_order() {
    let mut session = Session::new();
    let names = "id addr laddr fd name age idle flags db sub psub ssub multi qbuf qbuf-free argv-mem multi-mem rbs rbp \
                 obl oll omem tot-mem events cmd user redir resp lib-name lib-ver";
    let line = session.text("CLIENT INFO");
    let found: Vec<_> = fields(&line).into_iter().map(|(name, _)| name).collect();
    assert_eq!(found.join(" "), names);
    assert!(line.ends_with('\n'));
}

#[test]
fn a_line_tells_what_is_so() {
    let mut session = Session::new();
    let other = session.accept("10.0.0.1:5000");
    session.call_as(other, "HELLO 3 SETNAME worker");
    session.call_as(other, "CLIENT SETINFO LIB-NAME lib");
    session.call_as(other, "CLIENT SETINFO lib-ver 1.2");
    session.call_as(other, "SELECT 7");
    session.call_as(other, "CLIENT NO-EVICT on");
    session.engine.receive(other, b"*2\r\n$4\r\nECHO\r\n$9\r\nhalf");
    let line = session.text("CLIENT LIST ID 2");
    for (name, expected) in [
        ("addr", "10.0.0.1:5000"),
        ("laddr", "127.0.0.1:6379"),
        ("fd", "9"),
        ("name", "worker"),
        ("flags", "e"),
        ("db", "7"),
        ("multi", "-1"),
        ("qbuf", "22"),
        ("obl", "0"),
        ("omem", "0"),
        ("events", "r"),
        ("cmd", "client|no-evict"),
        ("user", "default"),
        ("redir", "-1"),
        ("resp", "3"),
        ("lib-name", "lib"),
        ("lib-ver", "1.2"),
    ] {
        assert_eq!(value(&line, name), expected, "{name} in {line}");
    }
    session.engine.receive(other, b"other");
    assert_eq!(session.engine.output(other), b"");
    session.engine.receive(other, b"\r\nPING\r\n");
    assert_eq!(session.engine.output(other), b"$9\r\nhalfother\r\n+PONG\r\n");
    let line = session.text("CLIENT LIST ID 2");
    let owed = session.engine.output(other).len();
    assert_eq!(value(&line, "obl"), owed.to_string());
    assert_eq!(value(&line, "rbp"), owed.to_string());
    assert_eq!(value(&line, "omem"), value(&line, "rbs"));
    assert_eq!(value(&line, "events"), "rw");
    let number = |name| value(&line, name).parse::<usize>().expect("a number");
    assert!(number("tot-mem") > number("rbs") + number("qbuf"));
}

#[test]
fn flags_tell_unix_sockets_and_those_that_are_being_closed() {
    let mut session = Session::new();
    let unix = Origin { address: "/tmp/s:0".into(), local_address: "/tmp/s:0".into(), fd: 5, unix: true };
    let unix = session.engine.accept(unix).expect("there is room");
    assert_eq!(value(&session.text("CLIENT LIST ID 2"), "flags"), "U");
    session.call_as(unix, "QUIT");
    assert_eq!(value(&session.text("CLIENT LIST ID 2"), "flags"), "cU");
    assert_eq!(value(&session.text("CLIENT INFO"), "flags"), "N");
    session.accept("x:1");
    assert_eq!(value(&session.text("CLIENT LIST ID 3"), "cmd"), "NULL");
}

#[test]
fn lists_are_chosen_by_type_or_number() {
    let mut session = Session::new();
    let second = session.accept("a:1");
    let third = session.accept("a:2");
    session.engine.disconnect(second);
    let fourth = session.accept("a:3");
    assert_eq!(listed(&mut session, "CLIENT LIST"), [1, 3, 4]);
    assert_eq!(listed(&mut session, "CLIENT LIST type NORMAL"), [1, 3, 4]);
    assert_eq!(listed(&mut session, "CLIENT LIST ID 4 2 1 4 -1 0"), [4, 1, 4]);
    assert_eq!(numbers(&[third, fourth]), [3, 4]);
    for none in ["master", "replica", "slave", "PubSub"] {
        assert_eq!(session.ask(&format!("CLIENT LIST TYPE {none}")), "$");
    }
    session.check(&[
        ("CLIENT LIST TYPE", SYNTAX),
        ("CLIENT LIST TYPE all", "-ERR Unknown client type 'all'"),
        ("CLIENT LIST TYPE normal ID 1", SYNTAX),
        ("CLIENT LIST ID", SYNTAX),
        ("CLIENT LIST ID 1 x", "-ERR Invalid client ID"),
        ("CLIENT LIST USER default", SYNTAX),
        ("CLIENT INFO x", &arity("client|info")),
        ("CLIENT ID x", &arity("client|id")),
        ("CLIENT", &arity("client")),
        ("CLIENT NONSENSE", "-ERR unknown subcommand 'NONSENSE'. Try CLIENT HELP."),
    ]);
    session.call("HELLO 3");
    assert!(session.ask("CLIENT LIST").starts_with("txt:id=1 "));
    assert!(session.ask("CLIENT INFO").starts_with("txt:id=1 "));
    assert_eq!(session.ask("CLIENT ID"), ":1");
}

#[test]
fn names_and_libraries() {
    let refused = "-ERR Client names cannot contain spaces, newlines or special characters.";
    Session::new().check(&[
        ("CLIENT GETNAME", "nil"),
        ("CLIENT SETNAME one", "+OK"),
        ("CLIENT SETNAME \"a b\"", refused),
        ("CLIENT SETNAME \"a\\n\"", refused),
        ("CLIENT SETNAME \"\\x7f\"", refused),
        ("CLIENT SETNAME \"\\xc3\\xa9\"", refused),
        ("CLIENT GETNAME", "$one"),
        ("CLIENT SETNAME \"!~\"", "+OK"),
        ("CLIENT GETNAME", "$!~"),
        ("CLIENT SETNAME \"\"", "+OK"),
        ("CLIENT GETNAME", "nil"),
        ("CLIENT SETNAME", &arity("client|setname")),
        (
            "CLIENT SETINFO lib-name \"a b\"",
            "-ERR lib-name cannot contain spaces, newlines or special characters.",
        ),
        (
            "CLIENT SETINFO LIB-VER \"\\t\"",
            "-ERR LIB-VER cannot contain spaces, newlines or special characters.",
        ),
        ("CLIENT SETINFO lib-color red", "-ERR Unrecognized option 'lib-color'"),
        ("CLIENT SETINFO lib-name", &arity("client|setinfo")),
        ("CLIENT SETINFO lib-name \"\"", "+OK"),
        ("CLIENT NO-EVICT maybe", SYNTAX),
        ("CLIENT NO-EVICT", &arity("client|no-evict")),
        ("CLIENT NO-EVICT ON", "+OK"),
        ("CLIENT NO-EVICT off", "+OK"),
    ]);
}

#[test]
fn kill_by_address() {
    let mut session = Session::new();
    let victim = session.accept("10.0.0.1:5000");
    session.check(&[
        ("CLIENT KILL 10.0.0.1:5001", "-ERR No such client"),
        ("CLIENT KILL 10.0.0.1:5000", "+OK"),
        ("CLIENT KILL 10.0.0.1:5000", "-ERR No such client"),
        ("CLIENT KILL", &arity("client|kill")),
    ]);
    assert_eq!(session.engine.closing(victim), Some(Close::Now));
    assert_eq!(session.engine.take_doomed(), [victim]);
    assert_eq!(listed(&mut session, "CLIENT LIST"), [1]);
    assert_eq!(session.closing(), None);
}

#[test]
fn kill_by_filters_that_all_must_pass() {
    let mut session = Session::new();
    let clients: Vec<_> = (1..=4).map(|port| session.accept(&format!("10.0.0.1:{port}"))).collect();
    session.check(&[
        ("CLIENT KILL ID 2 ADDR 10.0.0.1:2", ":0"),
        ("CLIENT KILL ID 2 ADDR 10.0.0.1:1 LADDR 127.0.0.1:6379 TYPE normal USER default SKIPME no", ":1"),
        ("CLIENT KILL id 2", ":0"),
    ]);
    assert_eq!(session.engine.take_doomed(), [clients[0]]);
    session.check(&[
        ("CLIENT KILL LADDR 1.1.1.1:1", ":0"),
        ("CLIENT KILL TYPE replica", ":0"),
        ("CLIENT KILL TYPE pubsub", ":0"),
        ("CLIENT KILL SKIPME yes", ":3"),
    ]);
    assert_eq!(session.engine.take_doomed(), clients[1..]);
    assert_eq!(session.closing(), None);
}

#[test]
fn kill_refuses_what_it_does_not_know_and_kills_nobody() {
    let mut session = Session::new();
    session.accept("10.0.0.1:1");
    let number = "-ERR client-id should be greater than 0";
    session.check(&[
        ("CLIENT KILL ID x", number),
        ("CLIENT KILL ID 0", number),
        ("CLIENT KILL ID -2", number),
        ("CLIENT KILL ID 9223372036854775808", number),
        ("CLIENT KILL TYPE all", "-ERR Unknown client type 'all'"),
        ("CLIENT KILL USER nobody", "-ERR No such user 'nobody'"),
        ("CLIENT KILL SKIPME maybe", SYNTAX),
        ("CLIENT KILL ID 2 SKIPME", SYNTAX),
        ("CLIENT KILL ID 2 NONSENSE 1", SYNTAX),
        ("CLIENT KILL ID", "-ERR No such client"),
    ]);
    assert!(session.engine.take_doomed().is_empty());
}

#[test]
fn who_kills_itself_is_answered_first() {
    let mut session = Session::new();
    let own = session.id.number();
    session.check(&[(&format!("CLIENT KILL ID {own}"), ":0")]);
    assert_eq!(session.closing(), None);
    session.engine.receive(session.id, format!("CLIENT KILL ID {own} SKIPME no\r\nPING\r\n").as_bytes());
    assert_eq!(session.engine.output(session.id), b":1\r\n");
    assert_eq!(session.closing(), Some(Close::AfterReply));
    assert!(session.engine.take_doomed().is_empty());
}
