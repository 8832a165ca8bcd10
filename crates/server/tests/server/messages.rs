//! What one client's command has others sent: messages, invalidations, the end of a wait.

use std::time::{Duration, Instant};

use crate::support::{Client, Server, encode, wait_for};

#[test]
fn a_message_reaches_a_thousand_subscribers_and_nothing_is_kept() {
    const MESSAGE: &[u8] = b"*3\r\n$7\r\nmessage\r\n$4\r\nnews\r\n$5\r\nhello\r\n";
    let server = Server::start(&[]);
    let mut first = server.connect();
    let before = first.info("used_memory");
    let mut subscribers: Vec<Client> = (0..1_000).map(|_| server.connect()).collect();
    for subscriber in &mut subscribers {
        subscriber.send(&encode(&[b"SUBSCRIBE", b"news"]));
        assert_eq!(subscriber.reply(), b"*3\r\n$9\r\nsubscribe\r\n$4\r\nnews\r\n:1\r\n");
    }
    for _ in 0..10 {
        assert_eq!(first.call(&["PUBLISH", "news", "hello"]), b":1000\r\n");
    }
    for subscriber in &mut subscribers {
        assert_eq!(subscriber.read(MESSAGE.len() * 10), MESSAGE.repeat(10));
    }
    drop(subscribers);
    wait_for("they are gone", || (first.info("connected_clients") == 1).then_some(()));
    assert_eq!(first.call(&["PUBLISH", "news", "hello"]), b":0\r\n");
    first.wait_for_memory(before);
}

#[test]
fn a_subscriber_that_does_not_read_is_closed() {
    let server = Server::start(&["--client-output-buffer-limit", "pubsub 1mb 0 0"]);
    let (mut publisher, mut slow) = (server.connect(), server.connect());
    let before = publisher.info("used_memory");
    slow.send(&encode(&[b"SUBSCRIBE", b"news"]));
    slow.reply();
    let text = "x".repeat(100_000);
    wait_for("it is closed", || (publisher.call(&["PUBLISH", "news", &text]) == b":0\r\n").then_some(()));
    assert_eq!(publisher.info("client_output_buffer_limit_disconnections"), 1);
    publisher.wait_for_memory(before);
}

#[test]
fn a_wait_ends_in_time_and_what_was_sent_meanwhile_is_done() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    let start = Instant::now();
    client.send(&encode(&[b"WAIT", b"1", b"30"]));
    client.send(&encode(&[b"ECHO", b"after"]));
    assert_eq!(client.reply(), b":0\r\n");
    assert!(start.elapsed() >= Duration::from_millis(30));
    assert_eq!(client.reply(), b"$5\r\nafter\r\n");
}

#[test]
fn clients_that_wait_can_be_woken_and_killed() {
    let server = Server::start(&[]);
    let (mut other, mut waiting, mut victim) = (server.connect(), server.connect(), server.connect());
    let number = |client: &mut Client| {
        let reply = client.call(&["CLIENT", "ID"]);
        String::from_utf8(reply[1..].to_vec()).expect("a number").trim_end().to_owned()
    };
    let (waiting_number, victim_number) = (number(&mut waiting), number(&mut victim));
    for client in [&mut waiting, &mut victim] {
        client.send(&encode(&[b"WAIT", b"1", b"0"]));
    }
    wait_for("both wait", || (other.info("blocked_clients") == 2).then_some(()));
    assert_eq!(other.call(&["CLIENT", "UNBLOCK", &waiting_number, "ERROR"]), b":1\r\n");
    assert_eq!(waiting.reply(), b"-UNBLOCKED client unblocked via CLIENT UNBLOCK\r\n");
    assert_eq!(other.call(&["CLIENT", "KILL", "ID", &victim_number]), b":1\r\n");
    assert_eq!(victim.read_to_end(), b"");
    wait_for("nobody waits", || (other.info("blocked_clients") == 0).then_some(()));
}

#[test]
fn a_pause_ends_by_itself() {
    let server = Server::start(&[]);
    let (mut other, mut writer) = (server.connect(), server.connect());
    assert_eq!(other.call(&["CLIENT", "PAUSE", "60", "WRITE"]), b"+OK\r\n");
    writer.send(&encode(&[b"SET", b"k", b"v"]));
    assert_eq!(other.call(&["GET", "k"]), b"$-1\r\n");
    assert_eq!(writer.reply(), b"+OK\r\n");
    assert_eq!(other.call(&["GET", "k"]), b"$1\r\nv\r\n");
}

#[test]
fn a_client_that_keeps_copies_is_told_of_changes() {
    let server = Server::start(&[]);
    let (mut keeper, mut writer) = (server.connect(), server.connect());
    keeper.call(&["HELLO", "3"]);
    assert_eq!(keeper.call(&["CLIENT", "TRACKING", "ON"]), b"+OK\r\n");
    keeper.call(&["GET", "k"]);
    assert_eq!(writer.call(&["SET", "k", "v"]), b"+OK\r\n");
    let message = b">2\r\n$10\r\ninvalidate\r\n*1\r\n$1\r\nk\r\n";
    assert_eq!(keeper.read(message.len()), message);
}
