//! Many clients, slow ones, rude ones.

use rustix::process::{Pid, Resource, Rlimit, prlimit};

use crate::support::{Client, Server, encode, wait_for};

/// A server with a value of 1 MiB under the key `big`.
fn with_big_value(options: &[&str]) -> (Server, Client) {
    let server = Server::start(options);
    let mut client = server.connect();
    assert_eq!(client.call(&["SET", "big", &"x".repeat(1 << 20)]), b"+OK\r\n");
    (server, client)
}

/// The bytes of a reply to `GET big`.
const BIG_REPLY: usize = "$1048576\r\n".len() + (1 << 20) + 2;

#[test]
fn a_thousand_clients_are_served_and_forgotten() {
    let server = Server::start(&[]);
    let mut first = server.connect();
    let before = first.info("used_memory");
    let mut clients: Vec<Client> = (0..1_000).map(|_| server.connect()).collect();
    for (index, client) in clients.iter_mut().enumerate() {
        client.send(&encode(&[b"SET", index.to_string().as_bytes(), b"v"]));
    }
    for client in &mut clients {
        assert_eq!(client.reply(), b"+OK\r\n");
    }
    wait_for("they are counted", || (first.info("connected_clients") == 1_001).then_some(()));
    assert_eq!(first.call(&["DBSIZE"]), b":1000\r\n");
    drop(clients);
    wait_for("they are gone", || (first.info("connected_clients") == 1).then_some(()));
    first.call(&["FLUSHALL"]);
    first.wait_for_memory(before);
}

#[test]
fn a_client_that_does_not_read_holds_up_nobody() {
    const REPLIES: usize = 64;
    let (server, mut other) = with_big_value(&[]);
    let before = other.info("used_memory");
    let mut slow = server.connect();
    slow.send(&encode(&[b"GET", b"big"]).repeat(REPLIES));
    wait_for("its replies pile up", || (other.info("used_memory") > before + (16 << 20)).then_some(()));
    assert_eq!(other.call(&["ECHO", "hello"]), b"$5\r\nhello\r\n");
    for _ in 0..REPLIES {
        let reply = slow.reply();
        assert!(reply.len() == BIG_REPLY && reply[10..BIG_REPLY - 2].iter().all(|&byte| byte == b'x'));
    }
    assert_eq!(slow.call(&["PING"]), b"+PONG\r\n");
    other.wait_for_memory(before);
}

#[test]
fn a_half_closed_client_gets_what_it_asked_for() {
    const REPLIES: usize = 32;
    let (server, mut other) = with_big_value(&[]);
    let mut client = server.connect();
    client.send(&encode(&[b"GET", b"big"]).repeat(REPLIES));
    client.send(b"*2\r\n$4\r\nECHO\r\n$5\r\nhel");
    client.finish();
    assert_eq!(other.call(&["PING"]), b"+PONG\r\n");
    assert_eq!(client.read_to_end().len(), REPLIES * BIG_REPLY);
    wait_for("it is gone", || (other.info("connected_clients") == 1).then_some(()));
}

#[test]
fn clients_that_vanish_in_the_middle_leave_nothing_behind() {
    let (server, mut other) = with_big_value(&[]);
    let before = other.info("used_memory");
    for _ in 0..20 {
        let mut reading = server.connect();
        reading.send(&encode(&[b"GET", b"big"]).repeat(10));
        assert_eq!(reading.read(1_000).len(), 1_000);
        reading.vanish();
        let mut sending = server.connect();
        sending.send(b"*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$1000000\r\n");
        sending.send(&[b'y'; 300_000]);
        sending.vanish();
        server.connect().vanish();
    }
    assert_eq!(other.call(&["EXISTS", "key"]), b":0\r\n");
    wait_for("they are gone", || (other.info("connected_clients") == 1).then_some(()));
    other.wait_for_memory(before);
}

#[test]
fn a_client_above_its_hard_output_limit_is_closed() {
    let (server, mut other) = with_big_value(&["--client-output-buffer-limit", "normal 4mb 0 0"]);
    let before = other.info("used_memory");
    let mut greedy = server.connect();
    greedy.send(&encode(&[b"GET", b"big"]).repeat(100));
    wait_for("it is closed", || (other.info("connected_clients") == 1).then_some(()));
    assert!(greedy.read_to_end().len() < 100 * BIG_REPLY);
    assert_eq!(other.info("client_output_buffer_limit_disconnections"), 1);
    other.wait_for_memory(before);
}

#[test]
fn a_client_above_its_soft_output_limit_is_closed_after_its_time() {
    let (server, mut other) = with_big_value(&["--client-output-buffer-limit", "normal 0 4mb 1"]);
    let mut greedy = server.connect();
    greedy.send(&encode(&[b"GET", b"big"]).repeat(40));
    wait_for("it is closed", || (other.info("connected_clients") == 1).then_some(()));
    assert_eq!(other.info("client_output_buffer_limit_disconnections"), 1);
}

#[test]
fn a_request_above_the_query_buffer_limit_closes_its_client() {
    let server = Server::start(&["--client-query-buffer-limit", "1mb"]);
    let mut other = server.connect();
    let before = other.info("used_memory");
    let mut greedy = server.connect();
    greedy.send(b"*2\r\n$4\r\nECHO\r\n$10000000\r\n");
    // The server closes the connection while it is being written to.
    let _ = greedy.try_send(&vec![b'x'; 9_000_000]);
    assert_eq!(greedy.read_to_end(), b"");
    assert_eq!(other.info("client_query_buffer_limit_disconnections"), 1);
    other.wait_for_memory(before);
}

#[test]
fn an_idle_client_is_closed_after_the_timeout() {
    let server = Server::start(&["--timeout", "1"]);
    let mut idle = server.connect();
    let mut busy = server.connect();
    idle.call(&["PING"]);
    wait_for("the idle one is closed", || (busy.info("connected_clients") == 1).then_some(()));
    assert_eq!(idle.read_to_end(), b"");
    assert_eq!(busy.call(&["PING"]), b"+PONG\r\n");
}

#[test]
fn no_more_clients_than_allowed_are_taken() {
    let server = Server::start(&["--maxclients", "3"]);
    let mut clients: Vec<Client> = (0..3)
        .map(|_| {
            let mut client = server.connect();
            assert_eq!(client.call(&["PING"]), b"+PONG\r\n");
            client
        })
        .collect();
    assert_eq!(server.connect().read_to_end(), b"-ERR max number of clients reached\r\n");
    clients.pop();
    wait_for("there is room again", || {
        let mut client = server.connect();
        client.try_send(b"PING\r\n").ok()?;
        client.finish();
        (client.read_to_end() == b"+PONG\r\n").then_some(())
    });
    assert!(clients[0].info("rejected_connections") >= 1);
}

#[test]
fn clients_can_be_closed_by_others_and_by_themselves() {
    let server = Server::start(&[]);
    let (mut first, mut second) = (server.connect(), server.connect());
    let id = second.text(&["CLIENT", "ID"]);
    assert_eq!(first.call(&["CLIENT", "KILL", "ID", &id]), b":1\r\n");
    assert_eq!(second.read_to_end(), b"");
    let own = first.text(&["CLIENT", "ID"]);
    assert_eq!(first.call(&["CLIENT", "KILL", "ID", &own, "SKIPME", "no"]), b":1\r\n");
    assert_eq!(first.read_to_end(), b"");
    let mut third = server.connect();
    third.send(b"QUIT\r\nPING\r\n");
    assert_eq!(third.read_to_end(), b"+OK\r\n");
    let mut last = server.connect();
    wait_for("nobody else is left", || (last.info("connected_clients") == 1).then_some(()));
}

#[test]
fn a_password_is_asked_for() {
    let server = Server::start(&["--requirepass", "secret"]);
    let mut client = server.connect();
    assert_eq!(client.call(&["GET", "a"]), b"-NOAUTH Authentication required.\r\n");
    assert!(client.text(&["AUTH", "wrong"]).starts_with("WRONGPASS"));
    assert_eq!(client.call(&["AUTH", "secret"]), b"+OK\r\n");
    assert_eq!(client.call(&["GET", "a"]), b"$-1\r\n");
}

#[test]
fn a_fat_pipeline_does_not_starve_the_others() {
    const DEPTH: usize = 400_000;
    let server = Server::start(&[]);
    let mut fat = server.connect();
    let mut other = server.connect();
    let reading = fat.stream().try_clone().expect("a second handle");
    let reader = std::thread::spawn(move || {
        use std::io::Read;
        let mut expected = b"+PONG\r\n".len() * DEPTH;
        let mut buffer = vec![0; 1 << 16];
        while expected > 0 {
            expected -= (&reading).read(&mut buffer).expect("replies");
        }
    });
    let writer = std::thread::spawn(move || fat.send(&encode(&[b"PING"]).repeat(DEPTH)));
    wait_for("the pipeline is under way", || (other.info("total_commands_processed") > 1_000).then_some(()));
    // These are answered in between: behind all of it, the count below would be the whole.
    let processed = other.info("total_commands_processed");
    assert!((processed as usize) < DEPTH, "{processed} commands were executed first");
    writer.join().expect("the writer");
    reader.join().expect("the reader");
}

#[test]
fn a_server_out_of_descriptors_goes_on_and_accepts_later() {
    const WAITING: usize = 40;
    let server = Server::start(&[]);
    let mut first = server.connect();
    assert_eq!(first.call(&["PING"]), b"+PONG\r\n");
    let pid = i32::try_from(server.pid()).ok().and_then(Pid::from_raw);
    let few = Rlimit { current: Some(24), maximum: Some(1_024) };
    prlimit(pid, Resource::Nofile, few).expect("a process of ours");
    // The kernel completes the connections, whether the server takes them or not.
    let mut clients: Vec<Client> = (0..WAITING).map(|_| server.connect()).collect();
    for client in &mut clients {
        client.send(b"PING\r\n");
    }
    wait_for("it says so", || server.log().contains("Can't accept a connection").then_some(()));
    assert_eq!(first.call(&["PING"]), b"+PONG\r\n");
    // Each that goes makes room for one that waits.
    for mut client in clients {
        assert_eq!(client.reply(), b"+PONG\r\n");
    }
}
