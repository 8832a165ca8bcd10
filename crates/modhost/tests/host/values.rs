//! Module values as the server's own commands treat them: the same as redis-server does, and in the same form.

use std::path::Path;

use engine::Rng;

use crate::guests;
use crate::oracle::{Redis, each, payload, same, words};
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

/// Dumps a key on both sides, and restores each on the other side, where `read` must reply the same. Without
/// compression both payloads are the same bytes, if there is one order for what the value holds; what is compressed
/// has more than one form.
#[track_caller]
fn cross(ours: &mut Server, theirs: &mut Redis, key: &str, read: &str, has_order: bool) {
    for compression in [&b"no"[..], b"yes"] {
        run(ours, theirs, &[b"CONFIG", b"SET", b"rdbcompression", compression]);
        let dump: [&[u8]; 2] = [b"DUMP", key.as_bytes()];
        let (our_dump, their_dump) = (ours.bytes(&dump), theirs.bytes(&dump));
        let (our_dump, their_dump) = (payload(&our_dump), payload(&their_dump));
        if has_order && compression == b"no" {
            // All but the version and the checksum.
            let value = |dump: &[u8]| dump[..dump.len() - 10].to_vec();
            assert_eq!(value(our_dump), value(their_dump), "the value of {key}");
        }
        let expected = theirs.bytes(&words(read));
        assert_ne!(expected, b"$-1\r\n", "{read}");
        for payload in [our_dump, their_dump] {
            run(ours, theirs, &[b"RESTORE", key.as_bytes(), b"0", payload, b"REPLACE"]);
            assert_eq!(ours.bytes(&words(read)), expected, "here");
            assert_eq!(theirs.bytes(&words(read)), expected, "there");
        }
    }
}

/// Payloads of as many values as this cross.
const RANDOM_VALUES: usize = 60;

/// A number of up to 63 bits, small ones as often as large ones.
fn number(rng: &mut Rng) -> u64 {
    let bits = 1 + rng.below(63);
    rng.below(1 << bits)
}

/// Bytes of any kind: none, some, many; with patterns or without; numbers.
fn bytes(rng: &mut Rng) -> Vec<u8> {
    let longest = [1, 8, 64, 300, 20_000][rng.below(5) as usize];
    let len = rng.below(longest);
    match rng.below(4) {
        0 => number(rng).to_string().into_bytes(),
        1 => format!("-{}", rng.below(1 << 17)).into_bytes(),
        2 => (0..len).map(|at| b"pattern"[at as usize % 7]).collect(),
        _ => (0..len).map(|_| rng.below(256) as u8).collect(),
    }
}

/// Has both servers run a command, which must succeed.
#[track_caller]
fn run(ours: &mut Server, theirs: &mut Redis, args: &[&[u8]]) {
    for reply in each(ours, theirs, args) {
        assert_eq!(String::from_utf8_lossy(&reply), "+OK\r\n");
    }
}

/// Both, with a module in Rust of this repository.
fn both_hosting(name: &str, args: &[&str]) -> (Server, Redis) {
    let mut ours = Server::new();
    let library = guests::build(&ours, name);
    let theirs = Redis::with_args(&library, args);
    ours.load_file(&library, args).expect("loaded");
    (ours, theirs)
}

#[test]
fn payloads_of_a_module_in_c_cross_both_ways() {
    let (mut ours, mut theirs) = both("parts", &["-DVERSION=4"]);
    let mut values: Vec<(i64, Vec<u8>, u64)> =
        [0, -1, i64::MAX, i64::MIN, 300].map(|number| (number, b"12345".to_vec(), 3)).into();
    let mut rng = Rng::seeded(3);
    for _ in 0..RANDOM_VALUES {
        let sign = if rng.below(2) == 0 { 1 } else { -1 };
        values.push((sign * number(&mut rng) as i64, bytes(&mut rng), rng.below(20)));
    }
    for (number, text, count) in values {
        let (number, count) = (number.to_string(), count.to_string());
        let set: [&[u8]; 5] = [b"parts.set", b"k", number.as_bytes(), &text, count.as_bytes()];
        run(&mut ours, &mut theirs, &set);
        cross(&mut ours, &mut theirs, "k", "parts.get k", true);
    }
}

#[test]
fn payloads_of_tairstring_cross_both_ways() {
    let (mut ours, mut theirs) = both_hosting("tairstring", &[]);
    same(&mut ours, &mut theirs, "exset k value FLAGS 5\nexset k again\nexincrby n 42\nexincrbyfloat f 1.5");
    for (key, read) in [("k", "exget k WITHFLAGS"), ("n", "exget n"), ("f", "exget f")] {
        cross(&mut ours, &mut theirs, key, read, true);
    }
    let mut rng = Rng::seeded(1);
    for _ in 0..RANDOM_VALUES {
        let value = bytes(&mut rng);
        let (version, flags) = (number(&mut rng).max(1).to_string(), rng.below(1 << 32).to_string());
        let set: [&[u8]; 7] =
            [b"EXSET", b"k", &value, b"ABS", version.as_bytes(), b"FLAGS", flags.as_bytes()];
        run(&mut ours, &mut theirs, &set);
        cross(&mut ours, &mut theirs, "k", "exget k WITHFLAGS", true);
        same(&mut ours, &mut theirs, "debug digest-value k");
    }
}

/// Fields with any version, that never expire, have yet to, or have expired: nobody removes those here until they are
/// asked for.
#[test]
fn payloads_of_tairhash_cross_both_ways() {
    let (mut ours, mut theirs) = both_hosting("tairhash", &["enable_active_expire", "0"]);
    let mut rng = Rng::seeded(2);
    for _ in 0..RANDOM_VALUES {
        let most = [1, 2, 8, 32][rng.below(4) as usize];
        let count = 1 + rng.below(most);
        let mut load: Vec<Vec<u8>> = vec![b"EXHLOAD".to_vec(), b"k".to_vec()];
        for _ in 0..count {
            let deadline = match rng.below(3) {
                0 => 0,
                1 => 1 + rng.below(1_000_000_000_000),
                _ => 32_503_680_000_000 + rng.below(1_000_000_000_000),
            };
            let (name, value, version) = (bytes(&mut rng), bytes(&mut rng), number(&mut rng));
            load.extend([name, value, version.to_string().into(), deadline.to_string().into()]);
        }
        let load: Vec<&[u8]> = load.iter().map(Vec::as_slice).collect();
        run(&mut ours, &mut theirs, &load);
        cross(&mut ours, &mut theirs, "k", "debug digest-value k", count == 1);
        same(&mut ours, &mut theirs, "exhlen k\nexhlen k noexp\ndel k");
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
                let expected = format!("usage2 k db 0 samples {samples}\n|");
                assert!(diary.ends_with(&expected), "{diary}");
            } else {
                assert_eq!(diary, "$6|usage\n|");
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
        let note = format!("load (none) db -1 version {note}\n");
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
