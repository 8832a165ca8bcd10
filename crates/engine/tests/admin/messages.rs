//! Messages between clients: publishing, notifications, invalidations, and readers that are too slow.

use engine::{ClientId, Close};

use crate::{Session, field, number};

impl Session {
    /// What a client has been sent since this was last asked.
    fn take(&mut self, id: ClientId) -> String {
        let output = self.engine.output(id).to_vec();
        self.engine.sent(id, output.len());
        String::from_utf8(output).expect("the tests send text").replace("\r\n", " ").trim_end().to_owned()
    }

    fn send(&mut self, id: ClientId, line: &str) -> String {
        self.engine.receive(id, format!("{line}\r\n").as_bytes());
        self.take(id)
    }
}

#[test]
fn a_message_reaches_each_subscription_once() {
    let mut session = Session::new();
    let [channel, pattern, both] = ["a:1", "a:2", "a:3"].map(|address| session.accept(address));
    session.send(channel, "SUBSCRIBE news");
    session.send(pattern, "PSUBSCRIBE n*");
    session.send(both, "HELLO 3");
    session.send(both, "SUBSCRIBE news news other");
    session.send(both, "PSUBSCRIBE *");
    session.send(both, "SSUBSCRIBE news");
    session.check(&[
        ("PUBLISH news hi", ":4"),
        ("PUBSUB NUMSUB news x", "[$news :2 $x :0]"),
        ("PUBSUB NUMPAT", ":2"),
    ]);
    assert_eq!(session.take(channel), "*3 $7 message $4 news $2 hi");
    assert_eq!(session.take(pattern), "*4 $8 pmessage $2 n* $4 news $2 hi");
    assert_eq!(session.take(both), ">3 $7 message $4 news $2 hi >4 $8 pmessage $1 * $4 news $2 hi");
    session.check(&[("SPUBLISH news hi", ":1"), ("SPUBLISH nobody hi", ":0")]);
    assert_eq!(session.take(both), ">3 $8 smessage $4 news $2 hi");
    assert_eq!((session.take(channel), session.take(pattern)), (String::new(), String::new()));
}

#[test]
fn who_subscribes_in_resp2_may_do_little_else() {
    let mut session = Session::new();
    let id = session.accept("a:1");
    session.send(id, "SUBSCRIBE news");
    assert!(session.send(id, "GET a").starts_with("-ERR Can't execute 'get': only (P|S)SUBSCRIBE / "));
    assert!(session.send(id, "CLIENT ID").starts_with("-ERR Can't execute 'client|id': only "));
    assert_eq!(session.send(id, "PING"), "*2 $4 pong $0");
    assert_eq!(session.send(id, "PING hi"), "*2 $4 pong $2 hi");
    assert_eq!(session.send(id, "UNSUBSCRIBE"), "*3 $11 unsubscribe $4 news :0");
    assert_eq!(session.send(id, "UNSUBSCRIBE"), "*3 $11 unsubscribe $-1 :0");
    assert_eq!(session.send(id, "PING"), "+PONG");
    session.send(id, "PSUBSCRIBE a*");
    assert_eq!(session.send(id, "RESET"), "+RESET");
    session.check(&[("PUBSUB NUMPAT", ":0"), ("PUBLISH abc x", ":0")]);
}

/// What the command itself causes comes behind its reply, and behind EXEC's, so that it never stands in an array.
#[test]
fn messages_to_oneself_follow_the_reply() {
    let mut session = Session::new();
    let id = session.accept("a:1");
    session.send(id, "HELLO 3");
    session.send(id, "SUBSCRIBE me");
    assert_eq!(session.send(id, "PUBLISH me hi"), ":1 >3 $7 message $2 me $2 hi");
    session.send(id, "MULTI");
    session.send(id, "PUBLISH me hi");
    session.send(id, "PING");
    assert_eq!(session.send(id, "EXEC"), "*2 :1 +PONG >3 $7 message $2 me $2 hi");
}

#[test]
fn a_reader_that_is_too_slow_is_closed() {
    let mut session = Session::new();
    session.check(&[("CONFIG SET client-output-buffer-limit \"pubsub 1000 0 0\"", "+OK")]);
    let [slow, normal] = ["a:1", "a:2"].map(|address| session.accept(address));
    session.engine.receive(slow, b"SUBSCRIBE news\r\n");
    let message = "x".repeat(100);
    let sent = (0..100).take_while(|_| session.ask(&format!("PUBLISH news {message}")) == ":1").count();
    assert_eq!(sent, 100, "who is to be closed is a subscriber until it is gone");
    assert_eq!(session.engine.closing(slow), Some(Close::Now));
    assert_eq!(session.engine.take_doomed(), [slow]);
    // It was given no more once it was over the limit.
    assert!(session.engine.output(slow).len() < 1_300);
    session.engine.disconnect(slow);
    session.check(&[("PUBLISH news x", ":0"), ("PUBSUB CHANNELS", "[]")]);
    session.engine.receive(normal, format!("ECHO {}\r\n", "y".repeat(2_000)).as_bytes());
    assert_eq!(session.engine.closing(normal), None);
    assert_eq!(number(&session.text("INFO stats"), "client_output_buffer_limit_disconnections"), 1.0);
}

#[test]
fn notifications_tell_what_happened_to_keys() {
    let mut session = Session::new();
    let id = session.accept("a:1");
    session.send(id, "PSUBSCRIBE __keyevent@*");
    let events = |session: &mut Session, line: &str| {
        assert!(!session.call(line).is_error(), "{line}");
        let text = session.take(id);
        let names = text.split("__keyevent@").skip(1).filter(|part| !part.starts_with('*'));
        let event = |part: &str| {
            let mut words = part.split(' ');
            let name = words.next().expect("a name").to_owned();
            format!("{name}={}", words.nth(1).unwrap_or_default())
        };
        names.map(event).collect::<Vec<_>>().join(" ")
    };
    session.call("CONFIG SET notify-keyspace-events KEAnm");
    for (line, expected) in [
        ("SET a 1", "0__:new=a 0__:set=a"),
        ("SET a 1 EX 100", "0__:set=a 0__:expire=a"),
        ("MSET a 1 b 2", "0__:set=a 0__:new=b 0__:set=b"),
        ("GET none", "0__:keymiss=none"),
        ("TTL none", "0__:keymiss=none"),
        ("OBJECT ENCODING none", ""),
        ("PERSIST a", ""),
        ("GETEX a EX 5", "0__:expire=a"),
        ("GETEX a PERSIST", "0__:persist=a"),
        ("INCR a", "0__:incrby=a"),
        ("INCRBYFLOAT f 1", "0__:new=f 0__:incrbyfloat=f"),
        ("APPEND a x", "0__:append=a"),
        ("SETRANGE s 1 x", "0__:new=s 0__:setrange=s"),
        ("RENAME a b", "0__:new=b 0__:rename_from=a 0__:rename_to=b"),
        ("COPY b c DB 2", "2__:new=c 2__:copy_to=c"),
        ("MOVE b 3", "3__:new=b 0__:move_from=b 3__:move_to=b"),
        ("GETDEL s", "0__:del=s"),
        ("EXPIRE f -1", "0__:del=f"),
        ("SET a 1 PX 10", "0__:new=a 0__:set=a 0__:expire=a"),
        ("FLUSHALL", ""),
    ] {
        assert_eq!(events(&mut session, line), expected, "{line}");
    }
    // A key that has expired is told of before what takes its place, and when nobody asks for it too.
    events(&mut session, "SET a 1 PX 10");
    session.engine.clock_mut().advance(std::time::Duration::from_millis(10));
    assert_eq!(events(&mut session, "SET a 2 PX 10"), "0__:expired=a 0__:new=a 0__:set=a 0__:expire=a");
    session.engine.clock_mut().advance(std::time::Duration::from_millis(10));
    session.engine.tick();
    assert_eq!(events(&mut session, "PING"), "0__:expired=a");
    session.call("CONFIG SET notify-keyspace-events Kx");
    assert_eq!(events(&mut session, "SET a 2"), "");
}

#[test]
fn tracking_forgets_more_keys_than_it_may_remember() {
    let mut session = Session::new();
    session.check(&[("CONFIG SET tracking-table-max-keys 10", "+OK")]);
    let id = session.accept("a:1");
    session.send(id, "HELLO 3");
    session.send(id, "CLIENT TRACKING ON");
    for number in 0..25 {
        session.engine.receive(id, format!("GET key:{number}\r\n").as_bytes());
    }
    assert_eq!(session.take(id).matches("invalidate").count(), 15);
    let info = session.text("INFO");
    assert_eq!((field(&info, "tracking_total_keys"), field(&info, "tracking_clients")), ("10", "1"));
    session.engine.disconnect(id);
    let info = session.text("INFO");
    assert_eq!((field(&info, "tracking_total_keys"), field(&info, "tracking_clients")), ("0", "0"));
}
