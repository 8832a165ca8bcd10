//! The payloads of DUMP: those of each side restored on the other, and what is made of malformed ones.

use engine::{Engine, Options, Reply, Rng};
use persist::{Reader, TYPE_STRING, Writer, crc64, dump};

use crate::Pair;

/// Begins a string that is compressed.
const COMPRESSED: u8 = 0xc3;

/// A payload of a string.
pub(crate) fn payload(text: &[u8], compresses: bool) -> Vec<u8> {
    let mut writer = Writer::new(compresses);
    writer.byte(TYPE_STRING);
    writer.string(text);
    dump::seal(writer)
}

/// A payload of these bytes, whatever they are, with this version of the format and the right checksum.
pub(crate) fn seal(value: &[u8], version: u16) -> Vec<u8> {
    let mut payload = [value, &version.to_le_bytes()].concat();
    payload.extend(crc64::checksum(&payload).to_le_bytes());
    payload
}

/// Whether both replies are payloads of the same text, which one side at least has compressed: there, and only there,
/// the bytes may differ.
pub(crate) fn is_same_value(ours: &Reply, theirs: &Reply) -> bool {
    let read = |reply: &Reply| {
        let mut reader = dump::open(reply.as_bytes()?).ok()?;
        let is_compressed = reader.rest().starts_with(&[TYPE_STRING, COMPRESSED]);
        reader.byte().ok()?;
        let text = reader.string().ok()?.into_bytes().into_owned();
        reader.finish().is_ok().then_some((text, is_compressed))
    };
    match (read(ours), read(theirs)) {
        (Some(ours), Some(theirs)) => ours.0 == theirs.0 && (ours.1 || theirs.1),
        _ => false,
    }
}

impl Pair {
    /// The replies of both to the same command.
    fn both(&mut self, args: &[&[u8]]) -> (Reply, Reply) {
        let ours = self.engine.call(self.client, args);
        (ours, self.oracle.call(&args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>()))
    }

    /// The reply of both to the same command.
    #[track_caller]
    fn same(&mut self, args: &[&[u8]]) -> Reply {
        let (ours, theirs) = self.both(args);
        let shown: Vec<_> = args.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        assert_eq!(ours, theirs, "{}", shown.join(" "));
        ours
    }

    /// Restores each side's payload on the other, and expects the text there.
    fn cross(&mut self, text: &[u8]) {
        self.same(&[b"SET", b"from", text]);
        let (ours, theirs) = self.both(&[b"DUMP", b"from"]);
        assert!(ours == theirs || is_same_value(&ours, &theirs), "{ours:?}\n{theirs:?}");
        for dumped in [ours, theirs] {
            let dumped = dumped.as_bytes().expect("a payload");
            self.same(&[b"RESTORE", b"to", b"0", dumped, b"REPLACE"]);
            assert_eq!(self.same(&[b"GET", b"to"]).as_bytes(), Some(text));
            self.same(&[b"OBJECT", b"ENCODING", b"to"]);
            self.same(&[b"STRLEN", b"to"]);
        }
    }
}

/// Texts of every form that the format has for strings.
fn texts() -> Vec<Vec<u8>> {
    let mut texts: Vec<Vec<u8>> = Vec::new();
    for power in [0, 7, 8, 15, 16, 31, 32, 53, 62, 63] {
        for near in -2..=2 {
            let number = (1i128 << power) + near;
            texts.extend([number, -number].map(|number| number.to_string().into_bytes()));
        }
    }
    texts.extend(["", "-0", "007", "1e3", " 1"].map(Into::into));
    let mut rng = Rng::seeded(7);
    for len in [1, 10, 11, 12, 19, 20, 21, 22, 43, 44, 45, 63, 64, 65, 264, 265, 16_383, 16_384, 200_000] {
        texts.push(vec![b'a'; len]);
        texts.push((0..len).map(|_| rng.next_u64() as u8).collect());
        texts.push((0..len).map(|_| b'a' + rng.below(4) as u8).collect());
        texts.push(b"some words, ".iter().copied().cycle().take(len).collect());
    }
    texts
}

#[test]
fn payloads_cross_both_ways() {
    let mut pair = Pair::new();
    for text in texts() {
        pair.cross(&text);
    }
}

#[test]
fn payloads_are_equal_where_nothing_is_compressed() {
    let mut pair = Pair::new();
    pair.same(&[b"CONFIG", b"GET", b"rdbcompression"]);
    pair.same(&[b"CONFIG", b"SET", b"rdbcompression", b"no"]);
    pair.same(&[b"CONFIG", b"SET", b"rdbcompression", b"perhaps"]);
    for text in texts() {
        pair.same(&[b"SET", b"key", &text]);
        pair.same(&[b"DUMP", b"key"]);
    }
    // Integers that are stored as text.
    pair.same(&[b"SET", b"key", b"12"]);
    pair.same(&[b"APPEND", b"key", b"34"]);
    pair.same(&[b"DUMP", b"key"]);
    pair.same(&[b"DUMP", b"none"]);
}

#[test]
fn what_is_no_payload_is_refused_alike() {
    let mut pair = Pair::new();
    let good = payload(b"some text", true);
    for len in 0..good.len() {
        pair.same(&[b"RESTORE", b"key", b"0", &good[..len]]);
    }
    for at in 0..good.len() {
        let mut damaged = good.clone();
        damaged[at] ^= 0x10;
        pair.same(&[b"RESTORE", b"key", b"0", &damaged]);
    }
    for version in [0, 1, 9, 10, 11, 80, u16::MAX] {
        pair.same(&[b"RESTORE", b"key", b"0", &seal(b"\0\x01v", version), b"REPLACE"]);
    }
    let values: &[&[u8]] = &[
        b"",
        b"\0",
        b"\0\xc4",
        b"\0\xff",
        b"\0\x82\0\0\0\x01a",
        b"\0\x80\0\0\0\x01a",
        b"\0\x40\x01a",
        b"\0\x81\0\0\0\0\0\0\0\x01a",
        b"\0\x81\x7f\0\0\0\0\0\0\x01a",
        b"\0\x80\0\x10\0\0a",
        b"\0\xc3\x02\x02\0a",
        b"\0\xc3\x02\x01\x20\0",
        b"\0\xc3\x04\x04\0a\x20\x05",
        b"\0\xc3\x04\x04\0a\x20\0",
        b"\0\xc3\x01\x81\x7f\0\0\0\0\0\0\x01\0",
        // Types that there aren't, and a module's that nobody has registered.
        b"\x06\x01",
        b"\x07\x81\xa6\xb8\xa6\x8a\xd8\xaf\x78\x03\x02\x05\0",
        b"\x1f\x01",
        b"\xff\x01",
    ];
    for value in values {
        for sanitize in ["no", "yes", "clients"] {
            pair.same(&[b"CONFIG", b"SET", b"sanitize-dump-payload", sanitize.as_bytes()]);
            pair.same(&[b"DEL", b"key"]);
            pair.same(&[b"RESTORE", b"key", b"0", &seal(value, dump::RDB_VERSION)]);
            pair.same(&[b"GET", b"key"]);
        }
    }
    pair.same(&[b"CONFIG", b"SET", b"sanitize-dump-payload", b"maybe"]);
    pair.same(&[b"CONFIG", b"GET", b"sanitize-dump-payload"]);
}

/// Redis reads into version and checksum where a value is cut off, and doesn't mind what follows one. Here both are
/// malformed.
#[test]
fn a_payload_holds_one_whole_value() {
    let mut pair = Pair::new();
    for value in [&b"\0\x05hell"[..], b"\0\x05hello!"] {
        let (ours, theirs) =
            pair.both(&[b"RESTORE", b"key", b"0", &seal(value, dump::RDB_VERSION), b"REPLACE"]);
        assert_eq!(ours, Reply::Error(b"ERR Bad data format".into()));
        assert_eq!(theirs, Reply::Simple("OK".into()));
    }
}

/// What else RESTORE makes of a value is what the access clock says, and how long the key lives.
#[test]
fn options_of_restore() {
    let mut pair = Pair::new();
    let dumped = payload(b"v", true);
    let ask = |pair: &mut Pair, policy: &str, options: &[&[u8]]| {
        pair.same(&[b"CONFIG", b"SET", b"maxmemory-policy", policy.as_bytes()]);
        pair.same(&[&[&b"RESTORE"[..], b"key", b"0", &dumped, b"REPLACE"], options].concat());
        pair.same(&[b"OBJECT", b"FREQ", b"key"]);
        pair.both(&[b"OBJECT", b"IDLETIME", b"key"])
    };
    for seconds in [0, 1, 3_600, 1_000_000] {
        let (ours, theirs) = ask(&mut pair, "allkeys-lru", &[b"IDLETIME", seconds.to_string().as_bytes()]);
        let (Reply::Integer(ours), Reply::Integer(theirs)) = (&ours, &theirs) else {
            panic!("{ours:?} {theirs:?}");
        };
        assert!((seconds..seconds + 60).contains(ours) && (seconds..seconds + 60).contains(theirs));
    }
    for frequency in [0, 1, 200, 255] {
        let (ours, theirs) = ask(&mut pair, "allkeys-lfu", &[b"FREQ", frequency.to_string().as_bytes()]);
        assert_eq!(ours, theirs);
        assert_eq!(pair.same(&[b"OBJECT", b"FREQ", b"key"]), Reply::Integer(frequency));
    }
    // What the policy doesn't know is as for a new key.
    ask(&mut pair, "allkeys-lfu", &[b"IDLETIME", b"77"]);
    let (ours, _) = ask(&mut pair, "noeviction", &[b"FREQ", b"77"]);
    assert!(matches!(ours, Reply::Integer(0..60)));
    // An idle time of longer than the clock can tell is the longest, never an access just now.
    let (ours, _) = ask(&mut pair, "allkeys-lru", &[b"IDLETIME", b"9223372036854775807"]);
    assert!(matches!(ours, Reply::Integer(16_000_000..)), "{ours:?}");
}

/// The keys of a payload that is damaged but sealed anew: whatever is accepted has the value that Redis sees, too.
#[test]
fn what_is_accepted_has_the_same_value() {
    let mut pair = Pair::new();
    let mut rng = Rng::seeded(crate::seed());
    let texts = [b"some words, some words, some words".to_vec(), b"12345".to_vec(), vec![b'z'; 300]];
    let mut accepted = 0;
    for round in 0..3_000 {
        let sealed = payload(&texts[round % texts.len()], true);
        let mut value = sealed[..sealed.len() - 10].to_vec();
        for _ in 0..=rng.below(2) {
            // The type stays: other types aren't read here.
            let at = 1 + rng.below(value.len() as u64 - 1) as usize;
            value[at] = rng.next_u64() as u8;
        }
        let sealed = seal(&value, dump::RDB_VERSION);
        let (ours, theirs) = pair.both(&[b"RESTORE", b"key", b"0", &sealed, b"REPLACE"]);
        if !ours.is_error() {
            assert_eq!(ours, theirs, "{}", value.escape_ascii());
            pair.same(&[b"GET", b"key"]);
            accepted += 1;
        } else if !theirs.is_error() {
            // Where Redis is content with less: see the test above, and lengths that are none.
            let mut reader = Reader::new(&value[1..]);
            assert!(reader.string().is_err() || reader.finish().is_err());
        }
    }
    assert!(accepted > 100, "{accepted}");
}

/// No beginning of a payload is a payload, nor does any change of one make the engine panic.
#[test]
fn an_engine_of_its_own_survives_any_payload() {
    let mut engine = Engine::open(Options::default());
    let client = engine.connect().expect("there is room for one client");
    let mut rng = Rng::seeded(3);
    for _ in 0..20_000 {
        let mut value: Vec<u8> = (0..rng.below(40)).map(|_| rng.next_u64() as u8).collect();
        if let Some(first) = value.first_mut() {
            *first = [TYPE_STRING, persist::TYPE_MODULE_2][usize::from(*first & 1)];
        }
        let reply =
            engine.call(client, &[b"RESTORE", b"key", b"0", &seal(&value, dump::RDB_VERSION), b"REPLACE"]);
        assert!(matches!(reply, Reply::Simple(_) | Reply::Error(_)), "{reply:?}");
    }
}
