//! DUMP, RESTORE and COPY of values whose type a module would have registered.
//!
//! The type is one in Rust, known by the name and with the parts of one that redis-server 7.0.15 was given for the
//! payload [`FROM_REDIS`]. Implementing a type is unsafe, so that this file can't forbid it.

use std::ffi::c_void;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use engine::{ClientId, Clock, Engine, Options, Reply};
use keyspace::{Corrupt, Defrag, Digest, Load, ModuleType, ModuleTypes, Place, Rewrite, Save};
use persist::{ModuleTypeId, crc64, dump};

/// A value of the type `primitive`, encoding version 3: [`record`].
const FROM_REDIS: &[u8] = b"\x07\x81\xa6\xb8\xa6\x8a\xd8\xaf\x78\x03\
    \x02\x05\x02\x81\xff\xff\xff\xff\xff\xff\xff\xff\x02\x81\xff\xff\xff\xff\xff\xff\xff\xfb\x02\x07\
    \x03\0\0\xc0\x3f\x04\0\0\0\0\0\0\x02\xc0\x05\xc1\x39\x30\x05\x05hello\
    \x05\xc3\x09\x25\x01aa\xe0\x18\0\x01aa\x05\xc0\x63\0\x0a\0\x7f\x1b\x25\x6f\x82\x03\xb0\x44";

/// Where the bytes of the version begin, from the end.
const FOOTER: usize = 10;

const NOW: i64 = 1_700_000_000_000;

#[derive(Clone, Debug, PartialEq)]
struct Record {
    unsigned: [u64; 2],
    signed: [i64; 2],
    float: f32,
    double: f64,
    strings: [Vec<u8>; 4],
}

fn record() -> Record {
    Record {
        unsigned: [5, u64::MAX],
        signed: [-5, 7],
        float: 1.5,
        double: -2.25,
        strings: [b"12345".into(), b"hello".into(), vec![b'a'; 37], b"99".into()],
    }
}

impl Record {
    fn load(load: &mut dyn Load) -> Result<Record, Corrupt> {
        Ok(Record {
            unsigned: [load.unsigned()?, load.unsigned()?],
            signed: [load.signed()?, load.signed()?],
            float: load.float()?,
            double: load.double()?,
            strings: [load.string()?, load.string()?, load.string()?, load.string()?],
        })
    }
}

/// The type: how many values are live, how often it was asked to load one, and what for.
#[derive(Debug, Default)]
struct Primitive {
    live: AtomicUsize,
    loads: AtomicUsize,
    last_version: AtomicUsize,
    /// Makes a value although something was wrong with what was read.
    is_careless: bool,
}

impl Primitive {
    fn keep(&self, record: Record) -> *mut c_void {
        self.live.fetch_add(1, Ordering::Relaxed);
        Box::into_raw(Box::new(record)).cast()
    }

    fn live(&self) -> usize {
        self.live.load(Ordering::Relaxed)
    }

    fn loads(&self) -> usize {
        self.loads.load(Ordering::Relaxed)
    }
}

/// # Safety
/// `value` is one that [`Primitive::keep`] made, and live for `'a`.
unsafe fn borrow<'a>(value: *mut c_void) -> &'a Record {
    // SAFETY: a box of a record, by the caller's word.
    unsafe { &*value.cast::<Record>() }
}

// SAFETY: every value is a box of its own, which any thread may free.
unsafe impl ModuleType for Primitive {
    fn name(&self) -> &str {
        "primitive"
    }

    fn id(&self) -> u64 {
        ModuleTypeId::new(self.name(), 3).expect("nine letters").0
    }

    unsafe fn memory_usage(&self, _: *mut c_void, _: Place<'_>, _: usize) -> usize {
        size_of::<Record>()
    }

    unsafe fn free_effort(&self, _: *mut c_void, _: Place<'_>) -> usize {
        1
    }

    unsafe fn unlink(&self, _: *mut c_void, _: Place<'_>) {}

    unsafe fn copy(&self, value: *mut c_void, _: Place<'_>, _: Place<'_>) -> Option<*mut c_void> {
        // SAFETY: by the caller's word.
        Some(self.keep(unsafe { borrow(value) }.clone()))
    }

    unsafe fn digest(&self, _: *mut c_void, _: Place<'_>, _: &mut dyn Digest) {}

    unsafe fn free(&self, value: *mut c_void) {
        self.live.fetch_sub(1, Ordering::Relaxed);
        // SAFETY: a box that `keep` made, by the caller's word not used any more.
        drop(unsafe { Box::from_raw(value.cast::<Record>()) });
    }

    unsafe fn defrag(&self, value: *mut c_void, _: Place<'_>, _: &mut dyn Defrag) -> (*mut c_void, bool) {
        (value, true)
    }

    unsafe fn save(&self, value: *mut c_void, place: Place<'_>, save: &mut dyn Save) {
        assert_eq!(place, Place { db: 3, key: b"key" });
        // SAFETY: by the caller's word.
        let record = unsafe { borrow(value) };
        record.unsigned.iter().for_each(|&value| save.unsigned(value));
        record.signed.iter().for_each(|&value| save.signed(value));
        save.float(record.float);
        save.double(record.double);
        record.strings.iter().for_each(|string| save.string(string));
    }

    unsafe fn rewrite(&self, _: *mut c_void, _: Place<'_>, _: &mut dyn Rewrite) {}

    fn load(&self, load: &mut dyn Load, encoding_version: u32, place: Place<'_>) -> Option<*mut c_void> {
        assert_eq!(place, Place { db: 3, key: b"key" });
        self.loads.fetch_add(1, Ordering::Relaxed);
        self.last_version.store(encoding_version as usize, Ordering::Relaxed);
        let loaded = Record::load(load);
        let loaded = if self.is_careless { Ok(loaded.unwrap_or_else(|Corrupt| record())) } else { loaded };
        // It knows no later encoding than its own.
        Some(self.keep(loaded.ok().filter(|_| encoding_version <= 3)?))
    }
}

/// Knows one type.
struct One(Arc<Primitive>);

impl ModuleTypes for One {
    fn by_id(&self, id: u64) -> Option<Arc<dyn ModuleType>> {
        (id >> 10 == self.0.id() >> 10).then(|| Arc::clone(&self.0) as _)
    }
}

struct Session {
    engine: Engine,
    client: ClientId,
    kind: Arc<Primitive>,
}

impl Session {
    fn new() -> Self {
        Self::with(Primitive::default())
    }

    fn with(kind: Primitive) -> Self {
        let options = Options { clock: Clock::manual(NOW), seed: Some(1), ..Options::default() };
        let mut engine = Engine::open(options);
        let client = engine.connect().expect("there is room for one client");
        let kind = Arc::new(kind);
        engine.set_module_types(Rc::new(One(Arc::clone(&kind))));
        let mut session = Self { engine, client, kind };
        assert_eq!(session.call(&[b"SELECT", b"3"]), ok());
        session
    }

    fn call(&mut self, args: &[&[u8]]) -> Reply {
        self.engine.call(self.client, args)
    }

    fn restore(&mut self, payload: &[u8]) -> Reply {
        self.call(&[b"RESTORE", b"key", b"0", payload, b"REPLACE"])
    }

    fn dump(&mut self) -> Vec<u8> {
        let reply = self.call(&[b"DUMP", b"key"]);
        reply.as_bytes().unwrap_or_else(|| panic!("{reply:?}")).to_vec()
    }
}

fn ok() -> Reply {
    Reply::Simple("OK".into())
}

fn bad_format() -> Reply {
    Reply::Error(b"ERR Bad data format".into())
}

/// The value of a payload with version and checksum anew.
fn sealed(value: &[u8]) -> Vec<u8> {
    let mut payload = [value, &dump::RDB_VERSION.to_le_bytes()].concat();
    payload.extend(crc64::checksum(&payload).to_le_bytes());
    payload
}

#[test]
fn a_payload_of_redis_7_0_restores_and_dumps_again() {
    let mut session = Session::new();
    assert_eq!(session.restore(FROM_REDIS), ok());
    assert_eq!(session.kind.last_version.load(Ordering::Relaxed), 3);
    assert_eq!(session.call(&[b"TYPE", b"key"]), Reply::Simple("primitive".into()));
    // The record is what comes out: loaded and saved, it makes the same payload twice.
    let dumped = session.dump();
    assert_eq!(session.restore(&dumped), ok());
    assert_eq!(session.dump(), dumped);
    // But for the compressed string the payload is Redis's.
    let compressed = FROM_REDIS.windows(2).position(|pair| pair == b"\x05\xc3").expect("a compressed string");
    assert_eq!(dumped[..compressed + 2], FROM_REDIS[..compressed + 2]);
    assert_eq!(session.call(&[b"CONFIG", b"SET", b"rdbcompression", b"no"]), ok());
    let uncompressed = session.dump();
    let expected = [&FROM_REDIS[..compressed], b"\x05\x25", &[b'a'; 37], b"\x05\xc0\x63\0"].concat();
    assert_eq!(uncompressed, sealed(&expected));
    assert_eq!(session.restore(&uncompressed), ok());
    assert_eq!(session.dump(), uncompressed);
    assert_eq!(session.kind.live(), 1);
}

#[test]
fn every_value_is_freed_once() {
    let mut session = Session::new();
    assert_eq!(session.restore(FROM_REDIS), ok());
    assert_eq!(session.call(&[b"COPY", b"key", b"other"]), Reply::Integer(1));
    assert_eq!(session.kind.live(), 2);
    let busy = Reply::Error(b"BUSYKEY Target key name already exists.".into());
    assert_eq!(session.call(&[b"RESTORE", b"key", b"0", FROM_REDIS]), busy);
    assert_eq!(session.kind.loads(), 1);
    // A time that is past: what was there is gone, and nothing takes its place.
    let past = session.call(&[b"RESTORE", b"key", b"1", FROM_REDIS, b"REPLACE", b"ABSTTL"]);
    assert_eq!((past, session.call(&[b"EXISTS", b"key"])), (ok(), Reply::Integer(0)));
    assert_eq!(session.kind.live(), 1);
    assert_eq!(session.call(&[b"RESTORE", b"key", b"5", FROM_REDIS]), ok());
    session.engine.clock_mut().advance(std::time::Duration::from_millis(5));
    assert_eq!(session.call(&[b"EXISTS", b"key"]), Reply::Integer(0));
    assert_eq!(session.call(&[b"DEL", b"other"]), Reply::Integer(1));
    assert_eq!(session.kind.live(), 0);
}

#[test]
fn a_type_that_nobody_has_registered_is_a_bad_format() {
    let mut session = Session::new();
    let mut value = FROM_REDIS[..FROM_REDIS.len() - FOOTER].to_vec();
    value[2] ^= 1;
    assert_eq!(session.restore(&sealed(&value)), bad_format());
    session.engine.set_module_types(Rc::new(One(Arc::default())));
    assert_eq!(session.restore(FROM_REDIS), ok());
    assert_eq!(session.kind.loads(), 0, "the other registry's type was asked");
    let mut alone = Engine::open(Options::default());
    let client = alone.connect().expect("there is room for one client");
    assert_eq!(alone.call(client, &[b"RESTORE", b"key", b"0", FROM_REDIS]), bad_format());
}

#[test]
fn a_type_sees_the_version_that_was_saved() {
    let mut session = Session::new();
    for version in [0, 2, 4] {
        let mut value = FROM_REDIS[..FROM_REDIS.len() - FOOTER].to_vec();
        value[9] = version;
        let expected = if version <= 3 { ok() } else { bad_format() };
        assert_eq!(session.restore(&sealed(&value)), expected);
        assert_eq!(session.kind.last_version.load(Ordering::Relaxed), usize::from(version));
    }
    // What couldn't be loaded has not taken the place of what was there.
    assert_eq!(session.kind.live(), 1);
    assert_eq!(session.call(&[b"EXISTS", b"key"]), Reply::Integer(1));
}

/// A value that is cut off at any place, goes on at any place, or has other parts than its type wants.
fn malformed() -> Vec<Vec<u8>> {
    let value = &FROM_REDIS[..FROM_REDIS.len() - FOOTER];
    let mut values: Vec<Vec<u8>> = (1..value.len()).map(|len| value[..len].to_vec()).collect();
    values.push([value, b"\0"].concat());
    values.push([&value[..value.len() - 1], b"\x02\x01\0"].concat());
    values.push([&value[..value.len() - 1], b"\x06"].concat());
    values
}

#[test]
fn malformed_values_are_refused_and_freed() {
    for is_careless in [false, true] {
        let mut session = Session::with(Primitive { is_careless, ..Primitive::default() });
        for value in malformed() {
            assert_eq!(session.restore(&sealed(&value)), bad_format(), "{}", value.escape_ascii());
            assert_eq!(session.kind.live(), 0);
        }
        assert!(session.kind.loads() > 0);
        assert_eq!(session.call(&[b"EXISTS", b"key"]), Reply::Integer(0));
    }
}

#[test]
fn where_payloads_are_sanitized_no_type_sees_a_value_that_is_not_whole() {
    let mut session = Session::new();
    let cut = sealed(&FROM_REDIS[..FROM_REDIS.len() - FOOTER - 1]);
    for (setting, rule, sees) in [
        ("no", "sanitize-payload", true),
        ("yes", "skip-sanitize-payload", false),
        ("clients", "skip-sanitize-payload", true),
        ("clients", "sanitize-payload", false),
    ] {
        assert_eq!(session.call(&[b"CONFIG", b"SET", b"sanitize-dump-payload", setting.as_bytes()]), ok());
        assert_eq!(session.call(&[b"ACL", b"SETUSER", b"default", rule.as_bytes()]), ok());
        let before = session.kind.loads();
        assert_eq!(session.restore(&cut), bad_format());
        assert_eq!(session.kind.loads() - before, usize::from(sees), "{setting} {rule}");
        assert_eq!(session.restore(FROM_REDIS), ok(), "{setting} {rule}");
    }
}
