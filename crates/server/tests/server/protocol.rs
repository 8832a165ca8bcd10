//! Requests, well-formed and not, in whatever pieces they come.

use crate::support::{Client, Oracle, Server, encode};

/// Requests of every form, in one pipeline. The last reply ends the connection.
fn pipeline(version: &[u8]) -> Vec<u8> {
    let mut bytes = Vec::new();
    let requests: [&[&[u8]]; 9] = [
        &[b"HELLO", version],
        &[b"SET", b"key", b"a\r\nb\0c"],
        &[b"GET", b"key"],
        &[b"GET", b"missing"],
        &[b"SET", b"", b""],
        &[b"STRLEN", b""],
        &[b"INCR", b"key"],
        &[b"NOSUCH", b"x"],
        &[b"MGET", b"key", b"", b"missing"],
    ];
    // HELLO shows the client's number, which differs from connection to connection.
    for request in &requests[1..] {
        bytes.extend_from_slice(&encode(request));
    }
    bytes.extend_from_slice(b"PING\r\n  ECHO \"a \\x41\" \r\n\r\n*0\r\n*-1\r\nECHO 'it\\'s'\n");
    bytes.extend_from_slice(&encode(&[b"QUIT"]));
    bytes
}

fn replies(server: &Server, version: &str, parts: &[&[u8]], bystander: &mut Client) -> Vec<u8> {
    let mut client = server.connect();
    assert_eq!(client.call(&["HELLO", version])[0], if version == "3" { b'%' } else { b'*' });
    for part in parts {
        // What is written may be refused when an earlier part was wrong: the replies show.
        let _ = client.try_send(part);
        // A reply to another client shows that the server has taken what was sent before.
        assert_eq!(bystander.call(&["PING"]), b"+PONG\r\n");
    }
    client.read_to_end()
}

#[test]
fn a_pipeline_cut_anywhere_gives_the_same_replies() {
    let server = Server::start(&[]);
    let mut bystander = server.connect();
    for version in ["2", "3"] {
        let bytes = pipeline(version.as_bytes());
        bystander.call(&["FLUSHALL"]);
        let whole = replies(&server, version, &[&bytes], &mut bystander);
        assert!(whole.ends_with(b"+OK\r\n"), "{}", whole.escape_ascii());
        for cut in 1..bytes.len() {
            let (first, second) = bytes.split_at(cut);
            bystander.call(&["FLUSHALL"]);
            let cut_replies = replies(&server, version, &[first, second], &mut bystander);
            assert_eq!(
                cut_replies.escape_ascii().to_string(),
                whole.escape_ascii().to_string(),
                "cut at {cut}"
            );
        }
        bystander.call(&["FLUSHALL"]);
        let single: Vec<&[u8]> = bytes.chunks(1).collect();
        assert_eq!(replies(&server, version, &single, &mut bystander), whole, "byte by byte");
    }
}

#[test]
fn pipelines_of_any_depth_are_answered_in_order() {
    const DEPTH: usize = 200_000;
    let server = Server::start(&[]);
    let mut writer = server.connect();
    let stream = writer.stream().try_clone().expect("a second handle");
    let reader = std::thread::spawn(move || {
        use std::io::{BufRead, BufReader};
        let mut lines = BufReader::new(stream).lines();
        (1..=DEPTH).all(|n| lines.next().is_some_and(|line| line.is_ok_and(|line| line == format!(":{n}"))))
    });
    writer.send(&encode(&[b"INCR", b"n"]).repeat(DEPTH));
    assert!(reader.join().expect("the reader"));
}

/// Things that are no requests, or not ones that can be served.
fn malformed() -> Vec<Vec<u8>> {
    let texts: [&[u8]; 32] = [
        b"*1\r\n+PING\r\n",
        b"*1\r\nPING\r\n",
        b"*1\r\n$abc\r\n",
        b"*1\r\n$-1\r\n",
        b"*1\r\n$-10\r\n",
        b"*1\r\n$\r\n",
        b"*1\r\n$ 4\r\nPING\r\n",
        b"*1\r\n$+4\r\nPING\r\n",
        b"*1\r\n$04\r\nPING\r\n",
        b"*1\r\n$4x\r\nPING\r\n",
        b"*1\r\n$536870913\r\n",
        b"*1\r\n$99999999999999999999\r\n",
        b"*abc\r\n",
        b"*\r\n",
        b"*+1\r\n$4\r\nPING\r\n",
        b"*01\r\n$4\r\nPING\r\n",
        b"*1 \r\n$4\r\nPING\r\n",
        b"*2147483648\r\n",
        b"*99999999999999999999\r\n",
        b"*-1\r\n",
        b"*-2147483648\r\n",
        b"*0\r\n",
        b"*1\r\n$0\r\n\r\n",
        b"*1\r\n$4\r\nP\0NG\r\n",
        b"*2\r\n$6\r\nno\r\nno\r\n$3\r\na\0b\r\n",
        b"*1\r\n$3\r\nGET\r\n",
        b"*3\r\n$6\r\nCONFIG\r\n$2\r\nno\r\n$1\r\nx\r\n",
        b"\"unbalanced\r\n",
        b"ECHO 'unbalanced\r\n",
        b"ECHO \"a\"b\r\n",
        b"\r\n\r\n\n\n",
        b"POST / HTTP/1.1\r\nHost: example\r\n\r\n",
    ];
    let mut all: Vec<Vec<u8>> = texts.iter().map(|text| text.to_vec()).collect();
    // These have no end of line, and none follows.
    let long = "9".repeat(70_000).into_bytes();
    all.push([b"*".as_slice(), &long].concat());
    all.push([b"*1\r\n$".as_slice(), &long].concat());
    all.push(long);
    all.push([b"NOSUCH ".as_slice(), &b"x".repeat(300), b" y\r\n"].concat());
    all
}

#[test]
fn malformed_requests_get_the_errors_of_redis_and_nobody_else_notices() {
    let (server, oracle) = (Server::start(&[]), Oracle::start());
    let mut bystander = server.connect();
    let before = bystander.info("used_memory");
    for bytes in malformed() {
        let [ours, theirs] = [server.connect(), oracle.connect()].map(|mut client| {
            // A server that has seen enough may close the connection.
            let _ = client.try_send(&bytes);
            if bytes.ends_with(b"\n") {
                let _ = client.try_send(b"PING\r\n");
            }
            client.finish();
            client.read_to_end()
        });
        let excerpt = &bytes[..bytes.len().min(60)];
        assert_eq!(
            ours.escape_ascii().to_string(),
            theirs.escape_ascii().to_string(),
            "{}",
            excerpt.escape_ascii()
        );
        assert_eq!(bystander.call(&["PING"]), b"+PONG\r\n");
    }
    bystander.wait_for_memory(before);
}

/// Redis looks for the end of such a line up to the NUL only, and so waits for ever.
#[test]
fn a_nul_byte_in_an_inline_request_ends_nothing() {
    let server = Server::start(&[]);
    for bytes in [&b"\0\r\n"[..], b"ECHO a\0b\r\n", b"\0\0\0 \0\r\n"] {
        let mut client = server.connect();
        client.send(bytes);
        client.send(b"PING\r\n");
        client.finish();
        let replies = client.read_to_end();
        assert!(replies.ends_with(b"+PONG\r\n"), "{}", replies.escape_ascii());
    }
}

#[test]
fn a_stranger_may_not_send_large_requests() {
    let (server, oracle) = (Server::start(&[]), Oracle::start());
    for bytes in
        [&b"*11\r\n"[..], b"*1\r\n$16385\r\n", b"*10\r\n$4\r\nPING\r\n", b"PING\r\n", b"*1\r\n$16384\r\n"]
    {
        let [ours, theirs] = [server.connect(), oracle.connect()].map(|mut client| {
            client.call(&["CONFIG", "SET", "requirepass", "secret"]);
            let mut stranger = Client::connect(client.stream().peer_addr().expect("an address").port());
            stranger.send(bytes);
            stranger.finish();
            let replies = stranger.read_to_end();
            assert_eq!(client.call(&["CONFIG", "SET", "requirepass", ""]), b"+OK\r\n");
            replies
        });
        assert_eq!(
            ours.escape_ascii().to_string(),
            theirs.escape_ascii().to_string(),
            "{}",
            bytes.escape_ascii()
        );
    }
}

#[test]
fn a_header_of_a_million_elements_takes_no_memory() {
    let server = Server::start(&[]);
    let mut bystander = server.connect();
    let before = bystander.info("used_memory");
    let promising: Vec<_> = (0..100)
        .map(|_| {
            let mut client = server.connect();
            client.send(b"*1000000\r\n$3\r\nDEL\r\n$536870912\r\nx");
            client
        })
        .collect();
    let during = bystander.info("used_memory");
    assert!(during < before + 4_000_000, "{during} bytes instead of {before}");
    promising.into_iter().for_each(Client::vanish);
    bystander.wait_for_memory(before);
}

#[test]
fn a_string_of_512_megabytes_is_stored_and_given_back() {
    const SIZE: usize = 512 << 20;
    let server = Server::start(&[]);
    let mut client = server.connect();
    let before = client.info("used_memory");
    let block: Vec<u8> = (0..1 << 20).map(|n: u32| ((n * 31) >> 3) as u8).collect();
    client.send(format!("*3\r\n$3\r\nSET\r\n$3\r\nbig\r\n${SIZE}\r\n").as_bytes());
    (0..SIZE / block.len()).for_each(|_| client.send(&block));
    client.send(b"\r\n");
    assert_eq!(client.reply(), b"+OK\r\n");
    assert!(server.connect().info("used_memory") >= SIZE as u64);
    client.send(&encode(&[b"GET", b"big"]));
    assert_eq!(client.read(12), format!("${SIZE}\r\n").as_bytes());
    for index in 0..SIZE / block.len() {
        assert!(client.read(block.len()) == block, "block {index} came back otherwise");
    }
    assert_eq!(client.read(2), b"\r\n");
    assert_eq!(
        client.call(&["APPEND", "big", "x"]),
        b"-ERR string exceeds maximum allowed size (proto-max-bulk-len)\r\n"
    );
    assert_eq!(client.call(&["DEL", "big"]), b":1\r\n");
    client.wait_for_memory(before);
}
