//! Memory is given back, all of it.

use std::fs;

use crate::support::{Server, encode, redis_cli, wait_for};

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

/// Each command may evict one key and no more here: the server does the rest by itself.
#[test]
fn a_new_limit_takes_effect_without_commands() {
    const COUNT: usize = 20_000;
    let server = Server::start(&["--maxmemory-policy", "allkeys-lru", "--maxmemory-eviction-tenacity", "0"]);
    let mut client = server.connect();
    let value = [b'v'; 300];
    let load: Vec<u8> = words().take(COUNT).flat_map(|word| encode(&[b"SET", &word, &value])).collect();
    redis_cli(&server, &["--pipe"], &load);
    let limit = client.info("used_memory") - 3_000_000;
    assert_eq!(client.call(&["CONFIG", "SET", "maxmemory", &limit.to_string()]), b"+OK\r\n");
    let mut asked = 0;
    wait_for("memory is below the limit", || {
        asked += 1;
        (client.info("used_memory") <= limit).then_some(())
    });
    let evicted = client.info("evicted_keys");
    assert!(evicted > 5_000 && evicted > 10 * asked, "{evicted} keys went in {asked} commands");
    assert_eq!(client.info("total_error_replies"), 0);
    assert!(server.log().contains(&format!("maxmemory is now {limit}")), "{}", server.log());
}

#[test]
fn a_limit_without_its_unit_is_questioned() {
    for (limit, is_small) in [("100", true), ("1048575", true), ("1mb", false), ("0", false)] {
        let server = Server::start(&["--maxmemory", limit]);
        assert_eq!(server.log().contains("less than 1 MB"), is_small, "{limit}: {}", server.log());
    }
}

/// The allocator's threads have names of their own.
#[test]
fn the_allocator_gives_back_in_the_background_when_it_should() {
    let threads = |server: &Server| {
        let tasks = fs::read_dir(format!("/proc/{}/task", server.pid())).expect("it runs");
        let name = |task: fs::DirEntry| fs::read_to_string(task.path().join("comm")).unwrap_or_default();
        tasks.flatten().map(name).filter(|name| name.starts_with("jemalloc")).count()
    };
    let server = Server::start(&["--jemalloc-bg-thread", "no"]);
    assert_eq!(threads(&server), 0);
    let mut client = server.connect();
    let uses_jemalloc = client.text(&["INFO", "memory"]).contains("mem_allocator:jemalloc");
    assert_eq!(client.call(&["CONFIG", "SET", "jemalloc-bg-thread", "yes"]), b"+OK\r\n");
    wait_for("there is a thread", || (threads(&server) > 0 || !uses_jemalloc).then_some(()));
    assert_eq!(client.call(&["CONFIG", "SET", "jemalloc-bg-thread", "no"]), b"+OK\r\n");
    wait_for("there is none", || (threads(&server) == 0).then_some(()));
    let server = Server::start(&[]);
    wait_for("there is a thread from the start", || (threads(&server) > 0 || !uses_jemalloc).then_some(()));
}
