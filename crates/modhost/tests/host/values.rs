//! Module values as the server's own commands treat them: the same as redis-server does, and in the same form.

use std::path::Path;

use crate::guests;
use crate::oracle::{Redis, payload, same};
use crate::support::{Server, compile};

/// An engine and redis-server with the same module in C.
pub(crate) fn both(name: &str, options: &[&str]) -> (Server, Redis) {
    let server = Server::new();
    let library = compile(server.directory(), name, options);
    both_with(server, &library)
}

fn both_with(mut server: Server, library: &Path) -> (Server, Redis) {
    let redis = Redis::with(library);
    server.load_file(library, &[]).expect("loaded");
    (server, redis)
}

/// Dumps a key on both sides, which must give the same bytes if `is_exact`, and restores each on the other side; `read`
/// must reply the same of all copies.
#[track_caller]
fn cross(ours: &mut Server, theirs: &mut Redis, key: &str, read: &str, is_exact: bool) {
    let dump: [&[u8]; 2] = [b"DUMP", key.as_bytes()];
    let (our_dump, their_dump) = (ours.bytes(&dump), theirs.bytes(&dump));
    let (our_dump, their_dump) = (payload(&our_dump), payload(&their_dump));
    if is_exact {
        assert_eq!(
            our_dump[..our_dump.len() - 10],
            their_dump[..their_dump.len() - 10],
            "the value of {key}"
        );
    }
    let expected = theirs.bytes(&read.split(' ').map(str::as_bytes).collect::<Vec<_>>());
    assert_ne!(expected, b"$-1\r\n", "{read}");
    for payload in [our_dump, their_dump] {
        let restore: [&[u8]; 5] = [b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"];
        assert_eq!(ours.bytes(&restore), b"+OK\r\n", "here");
        assert_eq!(theirs.bytes(&restore), b"+OK\r\n", "there");
        let read: Vec<&[u8]> = read.split(' ').map(str::as_bytes).collect();
        assert_eq!(ours.bytes(&read), expected, "here");
        assert_eq!(theirs.bytes(&read), expected, "there");
    }
}

#[test]
fn payloads_of_a_module_in_c_cross_both_ways() {
    let (mut ours, mut theirs) = both("parts", &["-DVERSION=4"]);
    let long = "compressible ".repeat(50).replace(' ', "_");
    for (number, text) in [("0", "x"), ("-1", "y"), ("9223372036854775807", &long), ("300", "12345")] {
        same(&mut ours, &mut theirs, &format!("parts.set k {number} {text} 3"));
        // What is compressed comes out the same, but has more than one form.
        cross(&mut ours, &mut theirs, "k", "parts.get k", text.len() < 20);
    }
}

#[test]
fn payloads_of_modules_in_rust_cross_both_ways() {
    let ours = Server::new();
    let library = guests::build(&ours, "tairstring");
    let (mut ours, mut theirs) = both_with(ours, &library);
    same(&mut ours, &mut theirs, "exset k value FLAGS 5\nexset k again\nexincrby n 42\nexincrbyfloat f 1.5");
    for (key, read) in [("k", "exget k WITHFLAGS"), ("n", "exget n"), ("f", "exget f")] {
        cross(&mut ours, &mut theirs, key, read, true);
    }
}

#[test]
fn damaged_payloads_are_refused() {
    let (mut ours, mut theirs) = both("parts", &["-DVERSION=4"]);
    same(&mut ours, &mut theirs, "parts.set k 5 text 2");
    let dumped = ours.bytes(&[b"DUMP", b"k"]);
    let dumped = payload(&dumped).to_vec();
    let before = ours.report("parts").memory;
    for at in 0..dumped.len() {
        let mut damaged = dumped.clone();
        damaged[at] ^= 1;
        let restore: [&[u8]; 4] = [b"RESTORE", b"l", b"0", &damaged];
        assert_eq!(ours.bytes(&restore), theirs.bytes(&restore), "byte {at}");
    }
    // Whole by their checksums, but cut within the module's parts: the module sees that something is missing.
    for len in 1..dumped.len() - 10 {
        let mut writer = persist::Writer::new(false);
        dumped[..len].iter().for_each(|&byte| writer.byte(byte));
        let cut = persist::dump::seal(writer);
        let restore: [&[u8]; 4] = [b"RESTORE", b"l", b"0", &cut];
        assert_eq!(ours.bytes(&restore), b"-ERR Bad data format\r\n", "cut to {len} bytes");
    }
    assert_eq!(ours.raw("exists l"), ":0|");
    let after = ours.report("parts").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks), "what was loaded in part is freed");
}

#[test]
fn every_command_calls_the_type_as_redis_does() {
    for version in 1..=4 {
        let (mut ours, mut theirs) = both("parts", &[&format!("-DVERSION={version}")]);
        same(
            &mut ours,
            &mut theirs,
            "parts.set k 7 text 3
            parts.diary
            type k
            object encoding k
            object refcount k
            debug digest-value k none
            parts.diary
            copy k l
            copy k l
            copy k m db 2
            copy l k replace
            parts.diary
            unlink k
            parts.diary
            parts.set k 8 other 200
            parts.set k 9 over 1
            parts.diary
            del k
            parts.diary
            parts.set k 1 x 1
            set k string
            parts.diary
            parts.set f 1 x 1
            parts.get f
            parts.diary
            select 2
            parts.get m
            del m
            parts.diary
            config set maxmemory-policy allkeys-lfu
            parts.set q 1 x 1
            object freq q
            restore q 0 payload
            flushall
            dbsize",
        );
    }
}

#[test]
fn memory_usage_asks_for_what_redis_asks() {
    for version in 1..=5 {
        let mut server = Server::new();
        let library = compile(server.directory(), "parts", &[&format!("-DVERSION={version}")]);
        server.load_file(&library, &[]).expect("loaded");
        server.call("parts.set k 7 text 3");
        server.call("parts.diary");
        for (command, samples) in [("memory usage k", 5), ("memory usage k samples 0", 0)] {
            let engine::Reply::Integer(usage) = server.call(command) else { panic!("an integer") };
            let base = if version >= 4 { 2_000_003 } else { 1_000_003 };
            assert!((base..base + 300).contains(&usage), "{usage} by version {version}");
            let diary = server.raw("parts.diary");
            if version >= 4 {
                let expected = format!("usage2 k db 0 samples {samples};|");
                assert!(diary.ends_with(&expected), "{diary}");
            } else {
                assert_eq!(diary, "$6|usage;|");
            }
        }
    }
}

#[test]
fn values_are_turned_into_strings_and_back() {
    let (mut ours, mut theirs) = both("parts", &["-DVERSION=4"]);
    same(&mut ours, &mut theirs, "parts.set k -5 text 3\nparts.pack k\nparts.diary");
    let packed = theirs.bytes(&[b"parts.pack", b"k"]);
    let packed = payload(&packed);
    for (version, note) in [(None, 0), (Some(&b"9"[..]), 9)] {
        let mut unpack: Vec<&[u8]> = vec![b"parts.unpack", b"l", packed];
        unpack.extend(version);
        theirs.bytes(&[b"parts.diary"]);
        assert_eq!(ours.bytes(&unpack), theirs.bytes(&unpack));
        same(&mut ours, &mut theirs, "parts.get l");
        let diary = ours.bytes(&[b"parts.diary"]);
        assert_eq!(diary, theirs.bytes(&[b"parts.diary"]));
        let note = format!("load (none) db -1 version {note};");
        assert!(String::from_utf8_lossy(&diary).contains(&note));
    }
    let before = ours.report("parts").memory;
    for len in 0..packed.len() {
        let unpack: [&[u8]; 3] = [b"parts.unpack", b"m", &packed[..len]];
        assert_eq!(ours.bytes(&unpack), b"-ERR not loaded\r\n", "cut to {len} bytes");
    }
    let after = ours.report("parts").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks));
}
