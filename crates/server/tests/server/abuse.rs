//! Random clients that connect, misbehave and vanish.

use engine::Rng;

use crate::support::{Client, Server, encode, wait_for};

/// How many clients misbehave, at most [`AT_ONCE`] of them connected at a time.
const CLIENTS: usize = 2_000;
const AT_ONCE: usize = 50;

/// Bytes that are part of requests, so that some of what is made of them gets far.
const PIECES: [&[u8]; 16] = [
    b"*3\r\n$3\r\nSET\r\n",
    b"*2\r\n$3\r\nGET\r\n",
    b"$3\r\nkey\r\n",
    b"$100000\r\n",
    b"*1000000\r\n",
    b"*-1\r\n",
    b"$536870912\r\n",
    b"\r\n",
    b"\n",
    b"\0",
    b"\"",
    b"PING\r\n",
    b"HELLO 3\r\n",
    b"CLIENT LIST\r\n",
    b"APPEND key value\r\n",
    b"QUIT\r\n",
];

fn misbehave(client: &mut Client, rng: &mut Rng) {
    for _ in 0..1 + rng.below(8) {
        let bytes = match rng.below(4) {
            0 => (0..rng.below(2_000)).map(|_| rng.below(256) as u8).collect(),
            1 => encode(&[b"SETRANGE", b"key", b"50000", b"x"]),
            2 => b"GET key\r\n".repeat(rng.below(20) as usize),
            _ => (0..rng.below(10)).flat_map(|_| PIECES[rng.below(16) as usize].to_vec()).collect(),
        };
        // The server may have closed the connection.
        if client.try_send(&bytes).is_err() {
            break;
        }
    }
}

#[test]
fn nothing_is_left_of_clients_that_misbehave_and_vanish() {
    let server = Server::start(&[]);
    let mut witness = server.connect();
    let before = witness.info("used_memory");
    let mut rng = Rng::seeded(20_26);
    let mut connected: Vec<Client> = Vec::new();
    for _ in 0..CLIENTS {
        let mut client = server.connect();
        misbehave(&mut client, &mut rng);
        connected.push(client);
        if connected.len() == AT_ONCE {
            let leaving = connected.swap_remove(rng.below(AT_ONCE as u64) as usize);
            match rng.below(3) {
                0 => leaving.vanish(),
                1 => leaving.finish(),
                _ => drop(leaving),
            }
            assert_eq!(witness.call(&["PING"]), b"+PONG\r\n");
        }
    }
    drop(connected);
    wait_for("they are gone", || (witness.info("connected_clients") == 1).then_some(()));
    witness.call(&["FLUSHALL"]);
    witness.wait_for_memory(before);
}
