//! The memory limit beside Debian's redis-server: what is refused, what is counted, and in which words.
#![forbid(unsafe_code)]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/pair.rs"]
mod pair;

use std::collections::HashMap;
use std::thread;
use std::time::{Duration, Instant};

use pair::Pair;

#[global_allocator]
static ALLOCATOR: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

impl Pair {
    /// The fields of INFO, ours and theirs.
    fn info(&mut self) -> [HashMap<String, String>; 2] {
        let (ours, theirs) = self.send("INFO");
        [ours, theirs].map(|text| {
            let text = String::from_utf8(text).expect("UTF-8");
            let fields = text.lines().filter_map(|line| line.split_once(':'));
            fields.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        })
    }

    #[track_caller]
    fn same_fields(&mut self, names: &[&str]) {
        let [ours, theirs] = self.info();
        for &name in names {
            assert_eq!(ours.get(name), theirs.get(name), "{name}");
        }
    }

    /// Waits until redis-server, which evicts in the background after CONFIG SET, has no key left that can go.
    fn await_keys(&mut self, count: &str) {
        let start = Instant::now();
        while self.send("DBSIZE").1 != format!(":{count}\r\n").as_bytes() {
            assert!(start.elapsed() < Duration::from_secs(10), "redis-server doesn't evict");
            thread::sleep(Duration::from_millis(1));
        }
    }
}

const COUNTED: [&str; 6] = [
    "evicted_keys",
    "expired_keys",
    "maxmemory",
    "maxmemory_human",
    "maxmemory_policy",
    "mem_not_counted_for_evict",
];

/// A byte is always too little, so that everything that can go has gone before each command.
#[test]
fn what_is_refused_at_the_limit() {
    let mut pair = Pair::start();
    pair.same("MSET a 1 b 2 c 3\nCONFIG SET maxmemory 1\nCONFIG GET maxmemory");
    let commands = r#"
        SET a 1
        SET
        SETNX d 1
        SETEX d 10 1
        PSETEX d 10 1
        GETSET a 1
        GETEX a
        GETEX a EX 100
        GETDEL c
        APPEND a 1
        SETRANGE a 0 1
        INCR a
        INCRBY a 1
        INCRBYFLOAT a 1
        DECR a
        DECRBY a 1
        MSET a 1
        MSETNX a 1
        GET a
        MGET a b c
        STRLEN a
        GETRANGE a 0 -1
        EXISTS a
        EXPIRE a 100
        PEXPIRE a 100000
        TTL a
        PERSIST a
        TYPE a
        TOUCH a b
        RENAME a e
        RENAMENX e a
        COPY a e
        MOVE a 1
        SELECT 1
        MOVE a 0
        SELECT 0
        SWAPDB 0 1
        SWAPDB 0 1
        OBJECT ENCODING a
        MEMORY USAGE none
        KEYS nosuch*
        DBSIZE
        RANDOMKEY x
        PING
        ECHO x
        CLIENT ID x
        HELLO 2 SETNAME "a b"
        RESET
        CONFIG GET maxmemory-policy
        UNLINK a
        DEL b
        NONSENSE
        FLUSHDB
        FLUSHALL
    "#;
    for policy in ["noeviction", "volatile-ttl", "volatile-lru", "volatile-random", "allkeys-lfu"] {
        pair.same(&format!("CONFIG SET maxmemory 0\nMSET a 1 b 2 c 3\nCONFIG SET maxmemory-policy {policy}"));
        pair.same("CONFIG SET maxmemory 1");
        if policy.starts_with("allkeys") {
            pair.await_keys("0");
        }
        pair.same(commands);
        pair.same_fields(&COUNTED);
    }
}

/// A key whose time has come and that nobody has met is evicted like any other, and counted as such.
#[test]
fn what_counts_as_evicted() {
    let policies = [
        ("volatile-ttl", "1"),
        ("volatile-lru", "1"),
        ("volatile-lfu", "1"),
        ("volatile-random", "1"),
        ("allkeys-lru", "0"),
        ("allkeys-lfu", "0"),
        ("allkeys-random", "0"),
        ("noeviction", "3"),
    ];
    for (policy, left) in policies {
        let mut pair = Pair::start();
        pair.same(
            "DEBUG SET-ACTIVE-EXPIRE 0\nSET a 1 PX 1\nSET b 1 EX 1000\nSET c 1\nSELECT 3\nSET d 1 PX 1",
        );
        pair.same("SELECT 0");
        thread::sleep(Duration::from_millis(5));
        pair.same(&format!("CONFIG SET maxmemory-policy {policy} maxmemory 1"));
        pair.await_keys(left);
        pair.same("DBSIZE\nSELECT 3\nDBSIZE");
        pair.same_fields(&COUNTED);
        pair.same("CONFIG RESETSTAT");
        pair.same_fields(&COUNTED);
    }
}

#[test]
fn limits_are_read_alike() {
    let mut pair = Pair::start();
    for value in ["1", "1b", "100k", "100kb", "3M", "3mb", "2g", "2GB", "-1", "1.5gb", "x", "1t", " 1", "0"] {
        pair.same(&format!("CONFIG SET maxmemory \"{value}\"\nCONFIG GET maxmemory"));
        pair.same_fields(&["maxmemory", "maxmemory_human"]);
        pair.same("CONFIG SET maxmemory 0");
    }
    for name in ["maxmemory-samples", "maxmemory-eviction-tenacity", "lfu-log-factor", "lfu-decay-time"] {
        for value in ["-1", "0", "1", "10", "64", "99", "100", "101", "2147483647", "2147483648", "x", ""] {
            pair.same(&format!("CONFIG SET {name} \"{value}\"\nCONFIG GET {name}"));
        }
    }
    for value in ["yes", "no", "maybe"] {
        for name in ["lazyfree-lazy-eviction", "jemalloc-bg-thread"] {
            pair.same(&format!("CONFIG SET {name} {value}\nCONFIG GET {name}"));
        }
    }
    for policy in ["noeviction", "ALLKEYS-LRU", "allkeys-ttl", ""] {
        pair.same(&format!("CONFIG SET maxmemory-policy \"{policy}\"\nCONFIG GET maxmemory-policy"));
    }
}
