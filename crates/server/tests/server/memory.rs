//! Memory is given back, all of it.

use std::fs;

use crate::support::{Server, encode, redis_cli};

const KEYS: usize = 200_000;

/// How much more resident memory than at the start may stay after a purge, in bytes.
const RSS_SLACK: u64 = 20 << 20;

/// Words of the system's list, where it has one, and numbered ones to fill up.
fn words() -> impl Iterator<Item = Vec<u8>> {
    let list = fs::read("/usr/share/dict/words").unwrap_or_default();
    let words: Vec<Vec<u8>> = list.split(|&byte| byte == b'\n').map(<[u8]>::to_vec).collect();
    words.into_iter().chain((0..).map(|number| format!("user:{number}:name").into_bytes())).take(KEYS)
}

#[test]
fn what_was_loaded_is_given_back_when_it_is_flushed() {
    let server = Server::start(&[]);
    let mut client = server.connect();
    client.call(&["MEMORY", "PURGE"]);
    let (used, resident) = (client.info("used_memory"), client.info("used_memory_rss"));
    // Values as words have them: most are short, some are long, some are numbers.
    let values = (0..).map(|n: usize| match n % 10 {
        0 => n.to_string().into_bytes(),
        1 => vec![b'v'; n % 1_000],
        _ => vec![b'v'; n % 60],
    });
    let load: Vec<u8> =
        words().zip(values).flat_map(|(word, value)| encode(&[b"SET", &word, &value])).collect();
    let report = redis_cli(&server, &["--pipe"], &load);
    assert!(report.contains(&format!("errors: 0, replies: {KEYS}\n")), "{report}");
    // Half of what was sent is the protocol's at most.
    assert!(client.info("used_memory") > used + load.len() as u64 / 2);
    assert_eq!(client.call(&["FLUSHALL"]), b"+OK\r\n");
    client.wait_for_memory(used);
    assert_eq!(client.call(&["MEMORY", "PURGE"]), b"+OK\r\n");
    let left = client.info("used_memory_rss").saturating_sub(resident);
    assert!(left <= RSS_SLACK, "{left} bytes more are resident than before");
}
