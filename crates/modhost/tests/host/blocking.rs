//! Clients that modules have blocked.

use std::time::Duration;

use engine::ClientId;

use crate::support::Server;

impl Server {
    /// What a client is replied that waits for threads.
    pub(crate) fn awaited(&mut self, client: ClientId) -> String {
        String::from_utf8_lossy(&self.await_reply(client)).replace("\r\n", "|")
    }

    /// A client that has sent a command, which hasn't replied.
    pub(crate) fn waiting(&mut self, line: &str) -> ClientId {
        let client = self.engine.connect().expect("a client");
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        self.engine.execute(client, &args);
        assert_eq!(self.engine.output(client), b"", "{line} waits");
        client
    }

    /// The reply of a client that waits no longer; nothing where it does.
    pub(crate) fn output(&mut self, client: ClientId) -> String {
        self.engine.attend();
        let bytes = self.engine.output(client).to_vec();
        self.engine.sent(client, bytes.len());
        String::from_utf8_lossy(&bytes).replace("\r\n", "|")
    }

    /// How often data was freed, freed of clients that had gone, and how many clients were found to have gone.
    fn counts(&mut self) -> String {
        self.engine.attend();
        self.raw("waiters.counts")
    }
}

#[test]
fn a_thread_ends_the_wait() {
    let mut server = Server::with("waiters");
    for _ in 0..20 {
        let client = server.waiting("waiters.thread more words");
        assert_eq!(server.awaited(client), "*3|$14|waiters.thread|:3|$15|from the thread|");
    }
    assert_eq!(server.counts(), "*3|:20|:0|:0|");
    assert_eq!(server.raw("module unload waiters"), "+OK|");
}

/// More requests than are parsed together, and than go on in one round.
#[test]
fn a_pipeline_of_commands_that_wait_stays_in_order() {
    let mut server = Server::with("waiters");
    let client = server.engine.connect().expect("a client");
    let (mut pipeline, mut expected) = (String::new(), String::new());
    for number in 0..50 {
        pipeline += &format!("waiters.at_once{}\r\necho {number}\r\nget x\r\n", " w".repeat(number % 3));
        let echoed = number.to_string();
        expected += &format!("*3|$15|waiters.at_once|:{}|$7|nothing|", number % 3 + 1);
        expected += &format!("${}|{echoed}|$-1|", echoed.len());
    }
    server.engine.receive(client, pipeline.as_bytes());
    let mut replies = server.output(client);
    assert!(replies.matches("nothing").count() > 1 && replies.len() < expected.len(), "{replies}");
    while replies.len() < expected.len() {
        let more = server.output(client);
        assert!(!more.is_empty(), "{replies}");
        replies += &more;
    }
    assert_eq!(replies, expected);
    assert_eq!(server.output(client), "");
}

/// The loop sleeps for no longer than until the first timer, also where it is set while others are served.
#[test]
fn a_timer_is_known_that_is_set_behind_a_wait() {
    let mut server = Server::with("waiters");
    server.load("corners", &[]).expect("loaded");
    let client = server.engine.connect().expect("a client");
    server.engine.receive(client, b"waiters.at_once\r\ncorners.timers\r\n");
    assert_eq!(server.engine.output(client), b"");
    let until = server.engine.attend().expect("a timer");
    assert!(until > Duration::ZERO && until <= Duration::from_millis(100), "{until:?}");
    assert_eq!(server.output(client), "*3|$15|waiters.at_once|:1|$7|nothing|+OK|");
}

#[test]
fn a_thread_replies() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.answer");
    assert_eq!(server.awaited(client), "*4|:1|:2|:3|:1|");
    let many: Vec<ClientId> = (0..10).map(|_| server.waiting("waiters.answer")).collect();
    for client in many {
        assert!(server.awaited(client).ends_with("|:1|"));
    }
    assert_eq!(server.raw("get turns"), "$2|33|");
}

#[test]
fn requests_wait_for_the_reply_before_them() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.hold 0");
    server.engine.execute(client, &[b"PING"]);
    assert_eq!(server.output(client), "");
    assert_eq!(
        server.raw("module unload waiters"),
        "-ERR Error unloading module: the module has blocked clients. Please wait them unblocked and try again|"
    );
    assert_eq!(server.raw("waiters.release"), ":0|");
    assert_eq!(server.output(client), "*3|$12|waiters.hold|:2|$4|held|+PONG|");
    assert_eq!(server.counts(), "*3|:1|:0|:0|");
}

#[test]
fn time_runs_out() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.hold 100");
    assert_eq!(server.engine.attend(), Some(Duration::from_millis(100)));
    server.engine.clock_mut().advance(Duration::from_millis(100));
    assert_eq!(server.output(client), "+TIMEOUT|");
    assert_eq!(server.counts(), "*3|:0|:0|:0|", "the module has yet to unblock it");
    assert_eq!(server.raw("waiters.release"), ":0|");
    assert_eq!(server.counts(), "*3|:1|:1|:0|");
    assert_eq!(server.output(client), "");
    let on_key = server.waiting("waiters.keys 100 k");
    server.engine.clock_mut().advance(Duration::from_millis(100));
    assert_eq!(server.output(on_key), "+TIMEOUT|");
    assert_eq!(server.counts(), "*3|:2|:2|:0|", "on keys the server does");
    assert_eq!(server.raw("module unload waiters"), "+OK|");
}

#[test]
fn who_goes_is_told_of() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.hold 0");
    server.engine.disconnect(client);
    assert_eq!(server.counts(), "*3|:1|:1|:1|");
    let on_key = server.waiting("waiters.keys 0 k");
    server.engine.disconnect(on_key);
    assert_eq!(server.counts(), "*3|:2|:2|:2|");
    assert_eq!(server.raw("waiters.release"), ":1|", "nobody is left");
    assert_eq!(server.raw("module unload waiters"), "+OK|");
}

#[test]
fn client_unblock_is_as_time_that_runs_out() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.hold 100000");
    assert_eq!(server.raw(&format!("client unblock {}", client.number())), ":1|");
    assert_eq!(server.output(client), "+TIMEOUT|");
    server.raw("waiters.release");
    let without = server.waiting("waiters.hold 0");
    assert_eq!(server.raw(&format!("client unblock {}", without.number())), ":0|", "it has no timeout");
    server.raw("waiters.release");
    assert_eq!(server.output(without), "*3|$12|waiters.hold|:2|$4|held|");
}

#[test]
fn keys_are_waited_for_in_turn() {
    let mut server = Server::with("waiters");
    let first = server.waiting("waiters.keys 0 a b");
    let second = server.waiting("waiters.keys 0 b");
    server.raw("set b bad");
    assert_eq!(server.raw("waiters.signal b"), ":1|");
    assert_eq!(server.output(first), "", "that was not good enough");
    // The second found it gone, which is.
    assert_eq!(server.output(second), "*3|$1|b|$-1|$4|data|");
    server.raw("set a good");
    assert_eq!(server.output(first), "", "nobody has said so");
    server.raw("waiters.signal a");
    assert_eq!(server.output(first), "*3|$1|a|$4|good|$4|data|");
    assert_eq!(server.counts(), "*3|:2|:0|:0|");
    assert_eq!(server.raw("module unload waiters"), "+OK|");
}

#[test]
fn removals_are_waited_for_by_who_says_so() {
    let mut server = Server::with("waiters");
    let steps = ["unlink k", "flushdb", "getdel k", "move k 1", "rename k l", "expire k -1"];
    for step in steps {
        server.raw("flushall");
        server.raw("set k v");
        let plain = server.waiting("waiters.keys 50 k");
        let client = server.waiting("waiters.gone k");
        server.raw("set k w");
        assert_eq!(server.output(client), "", "it is there as before");
        server.raw(step);
        assert_eq!(server.output(client), "*3|$1|k|$-1|$4|data|", "{step}");
        assert_eq!(server.output(plain), "", "{step}");
        server.engine.clock_mut().advance(Duration::from_millis(50));
        assert_eq!(server.output(plain), "+TIMEOUT|");
    }
    server.raw("set k v px 10");
    let client = server.waiting("waiters.gone k");
    server.engine.clock_mut().advance(Duration::from_millis(11));
    server.raw("exists k");
    assert_eq!(server.output(client), "*3|$1|k|$-1|$4|data|", "its time has come");
}

#[test]
fn where_nothing_may_block_the_client_is_told() {
    let mut server = Server::with("waiters");
    server.raw("multi");
    server.raw("waiters.hold 0");
    server.raw("waiters.keys 10 k");
    assert_eq!(
        server.raw("exec"),
        "*2|-ERR Blocking module command called from transaction|\
         -ERR Blocking module command called from transaction|"
    );
    assert_eq!(
        server.raw("waiters.call waiters.hold 0"),
        "-ERR Blocking module command called where nothing may block|"
    );
    assert_eq!(server.counts(), "*3|:2|:2|:0|", "what was for them is freed");
}

#[test]
fn a_module_thinks_better_of_it() {
    let mut server = Server::with("waiters");
    assert_eq!(server.raw("waiters.abort"), "-ERR no thread to be had|");
    server.engine.attend();
    assert_eq!(server.raw("ping"), "+PONG|");
    assert_eq!(server.counts(), "*3|:0|:0|:0|");
    assert_eq!(server.raw("module unload waiters"), "+OK|");
}

#[test]
fn what_waits_is_promised() {
    let mut server = Server::with("waiters");
    assert_eq!(server.raw("waiters.promise incr n"), ":1|", "what doesn't wait replies");
    let on_thread = server.waiting("waiters.promise waiters.thread x");
    assert_eq!(server.awaited(on_thread), "*2|+kept|*3|$14|waiters.thread|:2|$15|from the thread|");
    let on_clock = server.waiting("waiters.promise wait 1 100");
    server.engine.clock_mut().advance(Duration::from_millis(100));
    assert_eq!(server.output(on_clock), "");
    assert_eq!(server.output(on_clock), "*2|+kept|:0|", "in the round after the one in which the wait ended");
    let on_key = server.waiting("waiters.promise waiters.keys 0 k");
    let outer = server.waiting("waiters.promise waiters.promise waiters.keys 0 k");
    server.raw("set k v");
    server.raw("waiters.signal k");
    assert_eq!(server.output(on_key), "*2|+kept|*3|$1|k|$1|v|$4|data|");
    while server.engine.output(outer).is_empty() {
        server.engine.attend();
    }
    assert_eq!(server.output(outer), "*2|+kept|*2|+kept|*3|$1|k|$-1|$4|data|");
    assert_eq!(server.raw("waiters.break"), ":1|", "it was kept");
    assert_eq!(server.raw("info clients").matches("connected_clients:5|").count(), 1);
}

#[test]
fn promises_are_broken() {
    let mut server = Server::with("waiters");
    let client = server.waiting("waiters.promise waiters.keys 0 k");
    assert_eq!(server.raw("waiters.break"), ":0|");
    assert_eq!(server.output(client), "", "nobody has replied");
    server.engine.execute(client, &[b"PING"]);
    assert_eq!(server.output(client), "+PONG|");
    assert_eq!(server.counts(), "*3|:1|:1|:1|", "who waited is gone");
    server.raw("set k v");
    server.raw("waiters.signal k");
    assert_eq!(server.raw("get k"), "$1|v|");
    server.raw("multi");
    server.raw("waiters.promise waiters.hold 0");
    assert_eq!(server.raw("exec"), "*1|-ERR Blocking module command called where nothing may block|");
}
