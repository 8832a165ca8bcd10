//! Waiting, with waiters made for the purpose: they take what is stored at the key that they wait for.

use std::rc::Rc;
use std::time::Duration;

use keyspace::{Expiry, StringValue};

use crate::blocking::{News, Ticket, Waiter};
use crate::client::ClientId;
use crate::clock::Clock;
use crate::command::table::COMMANDS;
use crate::context::Context;
use crate::engine::{Engine, Options};
use crate::error::Error;

const NOW: i64 = 1_700_000_000_000;

/// Takes the string at a key; tells by its counter whether it is still there itself.
#[derive(Debug, Default)]
struct Taker {
    _alive: Rc<()>,
}

impl Waiter for Taker {
    fn key_ready(&mut self, context: &mut Context<'_>, db: usize, key: &[u8]) -> Result<bool, Error> {
        let is_there = context.engine.remove(db, key, false);
        if is_there {
            context.reply().bulk(key);
        }
        Ok(is_there)
    }

    fn woken(&mut self, context: &mut Context<'_>, news: News) -> Result<(), Error> {
        let text = news.downcast::<String>().expect("the tests send texts");
        context.reply().bulk(text.as_bytes());
        Ok(())
    }

    fn timed_out(&mut self, context: &mut Context<'_>) -> Result<(), Error> {
        context.reply().null();
        Ok(())
    }
}

fn engine() -> Engine {
    Engine::open(Options { clock: Clock::manual(NOW), seed: Some(1), ..Options::default() })
}

fn wait(engine: &mut Engine, id: ClientId, keys: &[&[u8]], timeout: Option<u64>) -> Ticket {
    wait_with(engine, id, keys, timeout, Taker::default())
}

/// Has a client wait, as a command would.
fn wait_with(
    engine: &mut Engine,
    id: ClientId,
    keys: &[&[u8]],
    timeout: Option<u64>,
    taker: Taker,
) -> Ticket {
    let reply = engine.begin_reply(id);
    let mut context = Context { engine, id, command: &COMMANDS[0], reply, is_push: false };
    let ticket = context.wait(keys, timeout.map(Duration::from_millis), Box::new(taker));
    let Context { engine, reply, .. } = context;
    engine.end_reply(id, reply);
    ticket
}

/// Stores something at a key, and says so.
fn fill(engine: &mut Engine, key: &[u8]) {
    engine.store(0, key, StringValue::text(b"something"), Expiry::Never);
    engine.signal_key(0, key);
    engine.serve_waiting();
    engine.settle();
}

#[test]
fn who_came_first_is_served_first() {
    let mut engine = engine();
    let ids: Vec<_> = (0..4).map(|_| engine.connect().unwrap()).collect();
    for &id in &ids {
        wait(&mut engine, id, &[b"k"], None);
    }
    // Who is gone is passed over.
    engine.disconnect(ids[1]);
    for &served in &[ids[0], ids[2], ids[3]] {
        assert_eq!(engine.output(served), b"");
        fill(&mut engine, b"k");
        assert_eq!(engine.output(served), b"$1\r\nk\r\n");
    }
    assert_eq!((engine.waits.len(), engine.waits.with_deadline()), (0, 0));
    fill(&mut engine, b"k");
    assert!(engine.keyspace.db(0).find(b"k").is_some(), "nobody is left to take it");
}

#[test]
fn who_finds_nothing_keeps_its_place() {
    let mut engine = engine();
    let [first, second] = [(); 2].map(|()| engine.connect().unwrap());
    wait(&mut engine, first, &[b"k"], None);
    wait(&mut engine, second, &[b"k"], None);
    engine.signal_key(0, b"k");
    engine.signal_key(0, b"another");
    engine.serve_waiting();
    assert_eq!(engine.waits.len(), 2);
    fill(&mut engine, b"k");
    assert_eq!((engine.output(first), engine.output(second)), (&b"$1\r\nk\r\n"[..], &b""[..]));
}

#[test]
fn who_waits_for_several_keys_is_served_once() {
    let mut engine = engine();
    let id = engine.connect().unwrap();
    wait(&mut engine, id, &[b"a", b"b", b"a"], Some(1_000));
    fill(&mut engine, b"b");
    fill(&mut engine, b"a");
    assert_eq!(engine.output(id), b"$1\r\nb\r\n");
    assert!(engine.keyspace.db(0).find(b"a").is_some());
    engine.clock_mut().advance(Duration::from_secs(2));
    assert_eq!(engine.attend(), None);
    assert_eq!(engine.output(id), b"$1\r\nb\r\n");
}

#[test]
fn time_ends_waits_in_its_order() {
    let mut engine = engine();
    let [late, early, never] = [(); 3].map(|()| engine.connect().unwrap());
    wait(&mut engine, late, &[], Some(500));
    wait(&mut engine, early, &[], Some(200));
    wait(&mut engine, never, &[], None);
    assert_eq!(engine.attend(), Some(Duration::from_millis(200)));
    engine.clock_mut().advance(Duration::from_millis(199));
    assert_eq!(engine.attend(), Some(Duration::from_millis(1)));
    assert_eq!(engine.output(early), b"");
    engine.clock_mut().advance(Duration::from_millis(1));
    assert_eq!(engine.attend(), Some(Duration::from_millis(300)));
    assert_eq!((engine.output(early), engine.output(late)), (&b"$-1\r\n"[..], &b""[..]));
    engine.clock_mut().advance(Duration::from_secs(9));
    assert_eq!(engine.attend(), None);
    assert_eq!(engine.output(late), b"$-1\r\n");
    assert_eq!(engine.waits.len(), 1);
}

#[test]
fn requests_are_kept_meanwhile_and_done_afterwards() {
    let mut engine = engine();
    let [id, other] = [(); 2].map(|()| engine.connect().unwrap());
    // What stands behind WAIT in the same pipeline, what comes later in pieces, and what a program calls.
    engine.receive(id, b"PING\r\nWAIT 1 0\r\nINCR n\r\nINC");
    engine.receive(id, b"R n\r\nECHO ha");
    engine.execute(other, &[b"INCR", b"n"]);
    assert_eq!(engine.output(id), b"+PONG\r\n");
    engine.execute(other, &[b"CLIENT", b"UNBLOCK", b"1"]);
    assert_eq!(engine.output(id), b"+PONG\r\n:0\r\n:2\r\n:3\r\n");
    assert_eq!(engine.take_ready(), [id]);
    engine.receive(id, b"lf\r\n");
    assert!(engine.output(id).ends_with(b"$4\r\nhalf\r\n"));
    engine.execute(id, &[b"WAIT", b"1", b"0"]);
    engine.execute(id, &[b"ECHO", b"kept\r\n"]);
    engine.execute(other, &[b"CLIENT", b"UNBLOCK", b"1", b"ERROR"]);
    let end = b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n$6\r\nkept\r\n\r\n";
    assert!(engine.output(id).ends_with(end));
    assert_eq!(engine.output(other), b":1\r\n:1\r\n:1\r\n");
}

#[test]
fn a_thread_ends_the_wait_whose_ticket_it_has() {
    let mut engine = engine();
    let id = engine.connect().unwrap();
    let stale = wait(&mut engine, id, &[], None);
    engine.unblock(id, None);
    engine.serve_waiting();
    engine.settle();
    let ticket = wait(&mut engine, id, &[], None);
    assert_ne!(stale, ticket);
    let unblocker = engine.unblocker();
    std::thread::spawn(move || {
        unblocker.unblock(stale, Box::new("too late".to_owned()));
        unblocker.unblock(ticket, Box::new("done".to_owned()));
        unblocker.unblock(ticket, Box::new("again".to_owned()));
    })
    .join()
    .unwrap();
    assert_eq!(engine.attend(), None);
    assert_eq!(engine.output(id), b"$-1\r\n$4\r\ndone\r\n");
}

#[test]
fn a_client_that_is_gone_takes_its_waiter_along() {
    let mut engine = engine();
    let id = engine.connect().unwrap();
    let alive = Rc::new(());
    let taker = Taker { _alive: Rc::clone(&alive) };
    wait_with(&mut engine, id, &[b"a", b"b"], Some(10), taker);
    assert_eq!(Rc::strong_count(&alive), 2);
    engine.disconnect(id);
    assert_eq!((Rc::strong_count(&alive), engine.waits.len(), engine.waits.with_deadline()), (1, 0, 0));
    fill(&mut engine, b"a");
    engine.clock_mut().advance(Duration::from_secs(1));
    assert_eq!(engine.attend(), None);
}

#[test]
fn a_transaction_does_not_wait() {
    let mut engine = engine();
    let id = engine.connect().unwrap();
    engine.receive(id, b"MULTI\r\nWAIT 1 0\r\nPING\r\nEXEC\r\n");
    assert!(engine.output(id).ends_with(b"*2\r\n:0\r\n+PONG\r\n"));
}
