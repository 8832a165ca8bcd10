//! Commands that let others have their turn, without sockets: who gives turns calls what others send.

use std::cell::{Cell, RefCell};
use std::rc::Rc;

use engine::{ClientId, Engine, Turns};

use crate::support::Server;

/// Sends a line for each turn, by one client, and notes what came back meanwhile.
#[derive(Debug)]
struct Script {
    client: ClientId,
    lines: RefCell<std::vec::IntoIter<String>>,
    replies: RefCell<Vec<String>>,
    depth: Cell<usize>,
}

impl Turns for Script {
    fn give(&self, engine: &mut Engine) {
        assert_eq!(self.depth.replace(1), 0, "a turn within a turn");
        let line = self.lines.borrow_mut().next();
        if let Some(line) = line {
            let reply = send(engine, self.client, &line);
            self.replies.borrow_mut().push(reply);
        }
        self.depth.set(0);
    }
}

fn send(engine: &mut Engine, client: ClientId, line: &str) -> String {
    engine.receive(client, format!("{line}\r\n").as_bytes());
    taken(engine, client)
}

fn taken(engine: &mut Engine, client: ClientId) -> String {
    let text = String::from_utf8_lossy(engine.output(client)).replace("\r\n", "|");
    let count = engine.output(client).len();
    engine.sent(client, count);
    text
}

/// A server in which another client sends these lines, one for each turn.
fn server(lines: &[&str]) -> (Server, Rc<Script>) {
    let mut server = Server::with("yielder");
    server.call("config set busy-reply-threshold 0");
    server.call("config set hz 500");
    let client = server.engine.connect().expect("a client");
    let lines: Vec<String> = lines.iter().map(|line| (*line).to_owned()).collect();
    let script = Rc::new(Script {
        client,
        lines: RefCell::new(lines.into_iter()),
        replies: RefCell::default(),
        depth: Cell::default(),
    });
    server.engine.give_turns_by(Rc::clone(&script) as _);
    (server, script)
}

#[test]
fn clients_are_told_that_the_server_is_busy() {
    let lines = ["ping", "set k v", "nonsense", "multi", "ping", "exec", "yielder.inside", "yielder.stop"];
    let (mut server, script) = server(&lines);
    assert_eq!(server.raw("yielder.work clients 0 at_work"), "+stopped|");
    assert_eq!(
        *script.replies.borrow(),
        [
            "-BUSY at_work|",
            "-BUSY at_work|",
            "-ERR unknown command 'nonsense', with args beginning with: |",
            "+OK|",
            "-BUSY at_work|",
            "-EXECABORT Transaction discarded because of: BUSY at_work|",
            ":1|",
            ":1|",
        ]
    );
    assert_eq!(server.raw("exists k"), ":0|");
    assert_eq!(send(&mut server.engine, script.client, "ping"), "+PONG|");
}

#[test]
fn without_a_text_they_are_told_redis_s() {
    let (mut server, script) = server(&["ping", "yielder.stop"]);
    assert_eq!(server.raw("yielder.through clients 0 x"), "+stopped|");
    assert_eq!(script.replies.borrow()[0], "-BUSY x|");
    let (mut server, script) = self::server(&["ping", "yielder.stop"]);
    assert_eq!(server.raw("yielder.work clients 0"), "+stopped|");
    assert_eq!(*script.replies.borrow(), ["-BUSY Redis is busy running a module command.|", ":1|"]);
}

#[test]
fn requests_are_kept_where_clients_arent_served() {
    let (mut server, script) = server(&["set k v", "get k", "yielder.stop"]);
    assert_eq!(server.raw("yielder.work none 50"), "+done|");
    assert_eq!(*script.replies.borrow(), ["", "", ""]);
    assert_eq!(taken(&mut server.engine, script.client), "+OK|$1|v|:0|");
    assert_eq!(server.engine.take_ready(), [script.client]);
}

#[test]
fn messages_follow_the_reply_of_the_command_that_runs() {
    let lines = ["yielder.inside", "yielder.stop"];
    let (mut server, script) = server(&lines);
    server.call("hello 3");
    server.call("client tracking on bcast");
    let reply = server.raw("yielder.through clients 0 x");
    assert!(reply.starts_with("+stopped|>2|$10|invalidate|*1|$7|through|"), "{reply}");
    assert_eq!(*script.replies.borrow(), [":1|", ":1|"]);
    assert_eq!(server.raw("get through"), "$1|2|");
}

#[test]
fn a_client_that_goes_is_no_longer_kept() {
    let (mut server, script) = server(&["set k v"]);
    let id = script.client;
    let gone = Rc::new(Leaves { id });
    assert_eq!(server.raw("yielder.work none 20"), "+done|");
    assert_eq!(taken(&mut server.engine, id), "+OK|");
    server.engine.give_turns_by(gone);
    assert_eq!(server.raw("yielder.work none 20"), "+done|");
    assert_eq!(server.raw("ping"), "+PONG|");
}

/// Sends something and goes.
#[derive(Debug)]
struct Leaves {
    id: ClientId,
}

impl Turns for Leaves {
    fn give(&self, engine: &mut Engine) {
        engine.receive(self.id, b"set k w\r\n");
        engine.disconnect(self.id);
    }
}

#[test]
fn nothing_happens_before_the_threshold_or_without_anybody_who_gives_turns() {
    let (mut server, script) = server(&["ping"]);
    server.call("config set busy-reply-threshold 1000000");
    assert_eq!(server.raw("yielder.work clients 20"), "+done|");
    assert!(script.replies.borrow().is_empty());
    let mut server = Server::with("yielder");
    server.call("config set busy-reply-threshold 0");
    assert_eq!(server.raw("yielder.work clients 3"), "+done|");
}
