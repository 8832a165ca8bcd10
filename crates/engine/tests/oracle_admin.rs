//! The administrative commands beside Debian's redis-server: the same commands to both.
//!
//! What both can only answer alike is compared byte for byte; of figures the names and their order are.
#![forbid(unsafe_code)]

#[path = "support/oracle.rs"]
mod oracle;
#[path = "support/pair.rs"]
mod pair;

use engine::Reply;
use pair::Pair;

impl Pair {
    fn call(&mut self, line: &str) -> (Reply, Reply) {
        let (ours, theirs) = self.send(line);
        let decode = |bytes: &[u8]| Reply::decode(bytes).expect("a reply").0;
        (decode(&ours), decode(&theirs))
    }

    /// The texts that both answer.
    fn texts(&mut self, line: &str) -> (String, String) {
        let (ours, theirs) = self.call(line);
        let text =
            |reply: Reply| String::from_utf8(reply.as_bytes().expect("a text").to_vec()).expect("UTF-8");
        (text(ours), text(theirs))
    }
}

#[test]
fn connections() {
    let mut pair = Pair::start();
    pair.same(
        r#"
        PING
        PING "a\r\nb"
        PING a b
        ECHO
        ECHO ""
        ECHO a b
        HELLO abc
        HELLO 1
        HELLO 4
        HELLO 99999999999999999999
        HELLO 2 AUTH
        HELLO 2 AUTH default
        HELLO 2 AUTH nobody any
        HELLO 2 SETNAME
        HELLO 2 SETNAME "a b"
        HELLO 2 SETNAME one NONSENSE
        CLIENT GETNAME
        HELLO 3 SETNAME two AUTH nobody any
        CLIENT GETNAME
        AUTH
        AUTH any
        AUTH default any
        AUTH nobody any
        AUTH a b c
        SELECT
        SELECT a
        SELECT 15
        SELECT 16
        SELECT -1
        SELECT 01
        SELECT 2147483648
        SELECT -2147483649
        SELECT 99999999999999999999
        SELECT 0 1
        RESET x
        RESET
        CLIENT GETNAME
        TIME x
        "#,
    );
}

#[test]
fn passwords() {
    let mut pair = Pair::start();
    pair.same(
        r#"
        CONFIG SET requirepass secret
        PING
        RESET
        PING
        NONSENSE
        ECHO
        SELECT 1
        HELLO
        HELLO 3
        HELLO 4
        HELLO 3 SETNAME one
        HELLO 3 AUTH default wrong
        HELLO 3 AUTH nobody secret
        AUTH wrong
        AUTH default wrong
        AUTH secret
        CLIENT GETNAME
        AUTH wrong
        PING
        CONFIG GET requirepass
        CONFIG SET requirepass ""
        AUTH secret
        "#,
    );
}

#[test]
fn clients() {
    let mut pair = Pair::start();
    pair.same(
        r#"
        CLIENT
        CLIENT NONSENSE
        CLIENT ID x
        CLIENT INFO x
        CLIENT LIST TYPE
        CLIENT LIST TYPE nonsense
        CLIENT LIST TYPE master
        CLIENT LIST TYPE replica
        CLIENT LIST TYPE slave
        CLIENT LIST TYPE PUBSUB
        CLIENT LIST TYPE normal ID 1
        CLIENT LIST ID
        CLIENT LIST ID x
        CLIENT LIST ID 0 -1 999999
        CLIENT LIST NONSENSE
        CLIENT GETNAME
        CLIENT SETNAME "a b"
        CLIENT SETNAME "a\n"
        CLIENT SETNAME "\x7f"
        CLIENT SETNAME "\xff"
        CLIENT SETNAME "!~"
        CLIENT GETNAME
        CLIENT SETNAME ""
        CLIENT GETNAME
        CLIENT SETNAME
        CLIENT KILL
        CLIENT KILL nobody
        CLIENT KILL ID
        CLIENT KILL ID x
        CLIENT KILL ID 0
        CLIENT KILL ID -1
        CLIENT KILL ID 99999999999999999999
        CLIENT KILL ID 999999
        CLIENT KILL TYPE nonsense
        CLIENT KILL TYPE slave
        CLIENT KILL TYPE normal
        CLIENT KILL USER nobody
        CLIENT KILL USER default
        CLIENT KILL SKIPME maybe
        CLIENT KILL SKIPME yes
        CLIENT KILL ADDR 1.2.3.4:5 LADDR 1.2.3.4:5 SKIPME no
        CLIENT KILL NONSENSE x
        CLIENT KILL ID 1 ADDR
        CLIENT NO-EVICT
        CLIENT NO-EVICT maybe
        CLIENT NO-EVICT on
        CLIENT NO-EVICT OFF
        HELLO 3 SETNAME x NONSENSE
        CLIENT KILL TYPE normal SKIPME no
        "#,
    );
}

#[test]
fn configuration() {
    let mut pair = Pair::start();
    pair.same(
        r#"
        CONFIG
        CONFIG NONSENSE
        CONFIG GET
        CONFIG GET timeout
        CONFIG GET TIMEOUT timeout
        CONFIG GET nosuch
        CONFIG SET
        CONFIG SET timeout
        CONFIG SET nosuch 1
        CONFIG SET timeout 1 hz
        CONFIG SET timeout x
        CONFIG SET timeout -1
        CONFIG SET hz 20 timeout x
        CONFIG SET hz 20 hz 30
        CONFIG SET hz 20 nosuch 1
        CONFIG SET hz x nosuch 1
        CONFIG SET hz 20 databases 3
        CONFIG SET databases 3 hz 20 hz 30
        CONFIG SET hz 20 timeout 5
        CONFIG GET hz
        CONFIG GET timeout
        CONFIG RESETSTAT
        CONFIG RESETSTAT x
        CONFIG REWRITE
        CONFIG REWRITE x
        "#,
    );
}

#[test]
fn memory_and_debug() {
    let mut pair = Pair::start();
    pair.same(
        r#"
        MEMORY
        MEMORY NONSENSE
        MEMORY USAGE
        MEMORY USAGE none
        MEMORY USAGE none SAMPLES
        MEMORY USAGE none SAMPLES x
        MEMORY USAGE none SAMPLES -1
        MEMORY USAGE none SAMPLES 0
        MEMORY USAGE none SAMPLES 1 SAMPLES -1
        MEMORY USAGE none NONSENSE
        MEMORY DOCTOR x
        MEMORY STATS x
        MEMORY PURGE
        MEMORY PURGE x
        MEMORY MALLOC-STATS x
        DEBUG
        DEBUG NONSENSE
        DEBUG NONSENSE 1 2
        DEBUG SLEEP
        DEBUG SLEEP 0
        DEBUG SLEEP -1
        DEBUG SLEEP nonsense
        DEBUG SLEEP 0 0
        DEBUG OBJECT
        DEBUG OBJECT none
        DEBUG OBJECT none fast
        DEBUG SET-ACTIVE-EXPIRE
        DEBUG SET-ACTIVE-EXPIRE 0
        DEBUG SET-ACTIVE-EXPIRE nonsense
        DEBUG SET-ACTIVE-EXPIRE 1
        DEBUG HELP x
        SHUTDOWN NONSENSE
        SHUTDOWN SAVE NOSAVE
        SHUTDOWN NOSAVE ABORT
        SHUTDOWN ABORT NOW
        SHUTDOWN ABORT
        INFO nosuch
        INFO "" nosuch
        INFO modules
        INFO cluster
        INFO keyspace
        "#,
    );
}

#[test]
fn hello_answers_the_same_map() {
    let mut pair = Pair::start();
    for line in ["HELLO", "HELLO 3", "HELLO 2 AUTH default any SETNAME one", "HELLO 3"] {
        let (ours, theirs) = pair.call(line);
        assert_eq!(without_identity(&ours), without_identity(&theirs), "{line}");
    }
    // Texts for people have a type of their own in RESP3.
    pair.same("INFO modules\nCLIENT LIST TYPE pubsub\nCLIENT LIST ID 0\nMEMORY USAGE none");
    pair.same("CLIENT SETNAME \"\"\nCLIENT GETNAME");
    for line in ["INFO", "CLIENT INFO", "CLIENT LIST", "MEMORY DOCTOR", "MEMORY MALLOC-STATS"] {
        let (ours, theirs) = pair.call(line);
        let is_text = |reply: &Reply| matches!(reply, Reply::Verbatim(kind, _) if kind == "txt");
        assert!(is_text(&ours) && is_text(&theirs), "{line}");
    }
}

/// The pairs of HELLO's map in either version, but for the version of the server and the client's number.
fn without_identity(hello: &Reply) -> Vec<(Reply, Reply)> {
    let pairs: Vec<(Reply, Reply)> = match hello {
        Reply::Map(pairs) => pairs.clone(),
        Reply::Array(flat) => flat.chunks(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
        other => panic!("{other:?}"),
    };
    let hidden = |name: &Reply| matches!(name.as_bytes(), Some(b"version" | b"id"));
    let hide = |(name, value)| if hidden(&name) { (name, Reply::Null) } else { (name, value) };
    pairs.into_iter().map(hide).collect()
}

/// The words of `ours` that `theirs` has too must come in the same order there; gives the words that it hasn't.
#[track_caller]
fn additions<'a>(ours: &[&'a str], theirs: &[&str]) -> Vec<&'a str> {
    let (shared, added): (Vec<&str>, Vec<&str>) = ours.iter().partition(|word| theirs.contains(word));
    let expected: Vec<&str> = theirs.iter().copied().filter(|word| shared.contains(word)).collect();
    assert_eq!(shared, expected);
    added
}

#[test]
fn info_has_redis_fields_in_redis_order() {
    let mut pair = Pair::start();
    pair.call("SET key value");
    let (ours, theirs) = pair.texts("INFO");
    let names = |text: &'static str| {
        let name = |line: &'static str| line.split(':').next().expect("a first part");
        text.split("\r\n").map(name).filter(|name| !name.is_empty()).collect::<Vec<_>>()
    };
    let added = additions(&names(ours.leak()), &names(theirs.leak()));
    let newer = [
        "zmalloc_version",
        // Redis 7.4 has the rest, but for the longest step.
        "allocator_muzzy",
        "active_defrag_longest_step_usec",
        "client_query_buffer_limit_disconnections",
        "client_output_buffer_limit_disconnections",
    ];
    assert_eq!(added, newer);
}

#[test]
fn memory_stats_has_redis_fields_in_redis_order() {
    let mut pair = Pair::start();
    pair.call("SET key value");
    let names = |reply: Reply| -> Vec<&'static str> {
        let Reply::Array(flat) = reply else { panic!("{reply:?}") };
        let name =
            |reply: &Reply| String::from_utf8(reply.as_bytes().expect("a name").to_vec()).expect("UTF-8");
        flat.iter().step_by(2).map(|reply| &*name(reply).leak()).collect()
    };
    let (ours, theirs) = pair.call("MEMORY STATS");
    assert_eq!(additions(&names(ours), &names(theirs)), ["allocator.muzzy"]);
}

#[test]
fn client_info_has_redis_fields_in_redis_order() {
    let mut pair = Pair::start();
    pair.same("CLIENT SETNAME one\nSELECT 3\nCLIENT NO-EVICT on");
    let (ours, theirs) = pair.texts("CLIENT INFO");
    let fields = |text: &'static str| {
        let split = |field: &'static str| field.split_once('=').expect("a field has a value");
        text.trim_end().split(' ').map(split).collect::<Vec<_>>()
    };
    let (ours, theirs) = (fields(ours.leak()), fields(theirs.leak()));
    let names = |fields: &[(&'static str, &str)]| fields.iter().map(|field| field.0).collect::<Vec<_>>();
    assert_eq!(additions(&names(&ours), &names(&theirs)), ["lib-name", "lib-ver"]);
    assert_eq!(names(&ours)[..theirs.len()], names(&theirs));
    let same = "name db sub psub ssub multi multi-mem obl oll omem cmd user redir resp";
    for name in same.split(' ') {
        let find = |fields: &[(&str, &'static str)]| {
            fields.iter().find(|field| field.0 == name).map(|field| field.1)
        };
        assert_eq!(find(&ours), find(&theirs), "{name}");
    }
}

/// Redis 7.0 keeps clients that are shown commands among its replicas, which may not touch keys.
#[test]
fn who_monitors_reaches_no_keys() {
    let mut pair = Pair::start();
    pair.same("MSET a 1 b 2\nMONITOR");
    pair.same(
        r#"
        GET a
        GET
        SET a 2
        SET a 2 NONSENSE
        MGET a b
        DEL a
        EXISTS nosuch
        EXPIRE a abc
        RENAME a b
        OBJECT ENCODING a
        OBJECT REFCOUNT
        BITCOUNT a
        SETBIT a -1 1
        LCS a b
        DUMP a
        RESTORE c 0 abc
        MEMORY USAGE a
        RANDOMKEY
        DBSIZE
        KEYS *
        SCAN abc
        SWAPDB 0 1
        FLUSHALL
        PUBLISH a b
        SPUBLISH a b
        LOLWUT
        NONSENSE
        CONFIG GET maxmemory
        ACL WHOAMI x
        DEBUG SLEEP 0
        RESET
        MGET a b
        DBSIZE
        INFO errorstats
        "#,
    );
}
