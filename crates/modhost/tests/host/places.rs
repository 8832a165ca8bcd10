//! What the callbacks of a type are told, and when.

use std::time::{Duration, Instant};

use crate::oracle::{PATIENCE, Redis, payload, same};
use crate::support::{Server, compile};

#[test]
fn callbacks_are_called_as_by_redis_server() {
    let mut ours = Server::new();
    let library = compile(ours.directory(), "places", &[]);
    ours.load_file(&library, &[]).expect("loaded");
    let mut theirs = Redis::with(&library);
    // Each leaves the databases empty, and begins with two values that are worth a thread, and two that aren't.
    for line in [
        "del large none small",
        "unlink large small",
        "set large x",
        "rename large other",
        "rename large small",
        "renamenx large other",
        "move large 5",
        "copy large other",
        "copy large other db 2",
        "copy large small replace",
        "copy small other replace",
        "expire small -1",
        "pexpireat large 1",
        "debug digest-value large",
        "flushdb",
        "flushall async",
        "swapdb 3 4",
        "getdel large",
        "getset large x",
        "mset large x small y",
        "bitop not large small",
        "setbit large 1 1",
        "append large x",
        "persist large",
        "object freq large",
        "places.drop large delete",
        "places.drop large unlink",
        "places.drop small string",
        "places.set large 7",
        "type large",
    ] {
        for lazy in ["yes", "no"] {
            let setup = "select 3\nplaces.set large 1000\nplaces.set small 1\nplaces.notes";
            let script = format!(
                "config set lazyfree-lazy-server-del {lazy} lazyfree-lazy-expire {lazy} lazyfree-lazy-user-del {lazy}
                 {setup}\n{line}\nplaces.notes\ndbsize\nflushall\nplaces.notes\n"
            );
            println!("{line}, {lazy}");
            same(&mut ours, &mut theirs, &script);
        }
    }
}

#[test]
fn a_payload_is_restored_where_it_is_told() {
    let mut ours = Server::new();
    let library = compile(ours.directory(), "places", &[]);
    ours.load_file(&library, &[]).expect("loaded");
    let mut theirs = Redis::with(&library);
    same(
        &mut ours,
        &mut theirs,
        "select 7\nplaces.set k 1000\nplaces.set l 1\nconfig set lazyfree-lazy-server-del yes",
    );
    let payload = payload(&theirs.bytes(&[b"dump", b"k"])).to_vec();
    for _ in 0..2 {
        let restore: &[&[u8]] = &[b"restore", b"l", b"0", &payload, b"replace"];
        assert_eq!(ours.bytes(restore), theirs.bytes(restore));
        same(&mut ours, &mut theirs, "places.notes");
    }
}

#[test]
fn what_time_and_memory_take_is_told_as_well() {
    let mut server = Server::with("places");
    server.call(
        "config set lazyfree-lazy-expire yes lazyfree-lazy-eviction yes maxmemory-policy allkeys-random",
    );
    server.call("select 6");
    let note = |what: &str| format!("${}|{what}|", what.len());
    // Looked up, and found by the way.
    for look in [true, false] {
        server.call("places.set k 5");
        server.call("pexpire k 1");
        server.engine.clock_mut().advance(Duration::from_millis(2));
        if look {
            assert_eq!(server.raw("exists k"), ":0|");
        } else {
            server.engine.tick();
        }
        assert_eq!(server.raw("places.notes"), note("unlink 6:k effort 6:k "));
    }
    server.call("places.set k 5");
    server.call("config set maxmemory 1");
    assert_eq!(server.raw("dbsize"), ":0|");
    assert_eq!(server.raw("places.notes"), note("unlink 6:k effort 6:k "));
}

/// Redis ends when a value can't be read whose module hasn't said that it looks for errors; here no module's word is
/// needed, and there is none in INFO but what it has said.
#[test]
fn a_payload_that_is_broken_is_refused_whatever_the_module_says_of_errors() {
    for (args, options) in [(&[][..], "options=[]"), (&["handle"][..], "options=[handle-io-errors]")] {
        let mut server = Server::new();
        server.load("places", args).expect("loaded");
        assert!(server.engine.info_text(&["modules"]).contains(options));
        server.call("places.set k 5");
        let whole = payload(&server.bytes(&[b"dump", b"k"])).to_vec();
        server.call("places.notes");
        let before = server.report("places").memory;
        // Of the value: the type's number in nine bytes, what follows and the number in one each, the end. Then two of
        // the version and eight of the checksum.
        for (at, byte) in [(10, 9), (10, 0), (11, 0xc0)] {
            let mut broken = whole.clone();
            broken[at] = byte;
            let body = broken.len() - 8;
            let checksum = persist::crc64::checksum(&broken[..body]).to_le_bytes();
            broken[body..].copy_from_slice(&checksum);
            let reply = server.bytes(&[b"restore", b"l", b"0", &broken]);
            assert_eq!(String::from_utf8_lossy(&reply), "-ERR Bad data format\r\n", "{at} {byte}");
        }
        assert!(server.raw("places.notes").contains("broken 0:l"));
        let after = server.report("places").memory;
        assert_eq!((after.live, after.blocks), (before.live, before.blocks));
        assert_eq!(server.raw("exists l"), ":0|");
    }
}

/// A client that has sent a command, which hasn't replied.
fn waiting(server: &mut Server, db: usize, line: &str) -> engine::ClientId {
    let client = server.engine.connect().expect("a client");
    assert!(server.engine.select_database(client, db));
    let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    server.engine.execute(client, &args);
    assert_eq!(server.engine.output(client), b"", "{line} waits");
    client
}

fn output(server: &mut Server, client: engine::ClientId) -> String {
    server.engine.attend();
    let bytes = server.engine.output(client).to_vec();
    server.engine.sent(client, bytes.len());
    String::from_utf8_lossy(&bytes).replace("\r\n", "|")
}

/// As Redis 7.2 documents for waits that removals end: a key is removed if it isn't there afterwards, or is of another
/// type.
#[test]
fn a_database_that_is_swapped_takes_its_keys_along() {
    let mut server = Server::with("places");
    server.call("places.set both 1");
    server.call("places.set here 1");
    server.call("places.set changed 1");
    server.call("select 1");
    server.call("places.set both 2");
    server.call("places.set there 2");
    server.call("set changed text");
    let clients = [
        (0, "places.await here removal", "$4|gone|"),
        (0, "places.await here", ""),
        (0, "places.await changed removal", "$4|gone|"),
        (0, "places.await there removal", "$5|there|"),
        (0, "places.await there", "$5|there|"),
        (0, "places.await none removal", ""),
        (1, "places.await here", "$5|there|"),
        (1, "places.await there removal", "$4|gone|"),
        (2, "places.await here removal", ""),
    ];
    let clients = clients.map(|(db, line, expected)| (waiting(&mut server, db, line), line, expected));
    server.call("swapdb 0 1");
    for (client, line, expected) in clients {
        assert_eq!(output(&mut server, client), expected, "{line}");
    }
}

/// How many clients of redis-server wait.
fn blocked_clients(theirs: &mut Redis) -> usize {
    let info = String::from_utf8(theirs.bytes(&[b"info", b"clients"])).expect("text");
    let field = info.lines().find_map(|line| line.strip_prefix("blocked_clients:"));
    field.and_then(|count| count.parse().ok()).expect("a number")
}

#[test]
fn waits_end_as_under_redis_server_when_databases_are_swapped() {
    for line in ["swapdb 0 1", "rename other k", "move k 0", "copy other k", "places.set k 1", "set k v"] {
        let mut ours = Server::new();
        let library = compile(ours.directory(), "places", &[]);
        ours.load_file(&library, &[]).expect("loaded");
        let mut theirs = Redis::with(&library);
        let setup = "places.set other 1\nselect 1\nplaces.set k 1";
        same(&mut ours, &mut theirs, setup);
        let client = waiting(&mut ours, 0, "places.await k");
        let mut their_client = theirs.connect();
        their_client.send(&[b"places.await", b"k"]);
        let until = Instant::now() + PATIENCE;
        while blocked_clients(&mut theirs) != 1 {
            assert!(Instant::now() < until, "theirs doesn't wait");
        }
        same(&mut ours, &mut theirs, if line == "move k 0" { "select 1" } else { "select 0" });
        same(&mut ours, &mut theirs, line);
        let told = output(&mut ours, client);
        let is_told = blocked_clients(&mut theirs) == 0;
        assert_eq!(!told.is_empty(), is_told, "{line}: {told}");
        if is_told {
            let reply = their_client.read_reply();
            assert_eq!(told, String::from_utf8_lossy(&reply).replace("\r\n", "|"), "{line}");
        }
    }
}
