//! Values of a module's type.

use engine::Reply;

use keyspace::{Corrupt, Digest, Load, ModuleValue, Place, Rewrite, Save};

use crate::support::{Server, compile};

#[test]
fn values_are_stored_and_freed() {
    let mut server = Server::with("boxes");
    assert_eq!(server.raw("boxes.set k hello"), "+OK|");
    assert_eq!(server.raw("boxes.get k"), "$5|hello|");
    assert_eq!(server.raw("type k"), "+testboxes|");
    assert_eq!(server.raw("object encoding k"), "$3|raw|");
    assert_eq!(server.raw("get k"), "-WRONGTYPE Operation against a key holding the wrong kind of value|");
    assert_eq!(
        server.raw("append k x"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value|"
    );
    assert_eq!(server.raw("scan 0 type testboxes"), "*2|$1|0|*1|$1|k|");
    assert_eq!(server.raw("boxes.swap k other"), "$5|hello|");
    assert_eq!(server.raw("boxes.counts"), "*2|:1|:0|");
    server.call("set s text");
    assert_eq!(
        server.raw("boxes.get s"),
        "-WRONGTYPE Operation against a key holding the wrong kind of value|"
    );
    assert_eq!(server.raw("boxes.swap s x"), "$-1|");
    server.call("set k text");
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:1|", "overwritten");
    server.call("boxes.set a 1");
    server.call("boxes.set a 2");
    server.call("del a");
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:3|", "replaced, and deleted");
}

#[test]
fn values_are_copied_and_moved_and_expire() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k v");
    assert_eq!(server.call("copy k l"), Reply::Integer(1));
    assert_eq!(server.raw("boxes.get l"), "$1|v|");
    assert_eq!(server.call("rename l m"), Reply::Simple("OK".to_owned()));
    assert_eq!(server.call("move m 1"), Reply::Integer(1));
    assert_eq!(server.raw("boxes.counts"), "*2|:2|:2|", "from one key to the other");
    server.call("pexpire k 10");
    server.engine.clock_mut().advance(std::time::Duration::from_millis(11));
    assert_eq!(server.raw("boxes.get k"), "$-1|");
    assert_eq!(server.raw("boxes.counts"), "*2|:1|:3|");
}

/// Within the same entry, which has had an expiry, and where the old value's time has come.
#[test]
fn a_value_that_takes_another_s_place_never_expires() {
    let mut server = Server::with("boxes");
    for lazy in ["no", "yes"] {
        server.raw(&format!("config set lazyfree-lazy-server-del {lazy}"));
        server.call("boxes.set k old");
        server.call("pexpire k 1000");
        assert_eq!(server.raw("boxes.set k new"), "+OK|");
        assert_eq!(server.raw("pttl k"), ":-1|");
        server.call("pexpire k 1000");
        server.engine.clock_mut().advance(std::time::Duration::from_millis(1001));
        assert_eq!(server.raw("boxes.get k"), "$-1|");
        server.call("boxes.set k newer");
        server.engine.clock_mut().advance(std::time::Duration::from_secs(3600));
        assert_eq!(server.raw("boxes.get k"), "$5|newer|");
    }
    server.call("set k a-string");
    assert_eq!(server.raw("boxes.counts"), "*2|:0|:6|", "all are unlinked and freed, those too that expired");
}

#[test]
fn memory_usage_asks_the_type() {
    let mut server = Server::with("boxes");
    server.call(&format!("boxes.set k {}", "x".repeat(100_000)));
    let live = server.report("boxes").memory.live;
    for (line, samples) in
        [("memory usage k", 5), ("memory usage k samples 0", 0), ("memory usage k samples 2", 2)]
    {
        let Reply::Integer(usage) = server.call(line) else { panic!("an integer") };
        let usage = usage - samples * 1_000_000;
        assert!((live..live + 100).contains(&usage), "{usage} of {live}");
    }
    assert_eq!(server.raw("boxes.place"), "$3|0:k|");
    server.call("copy k other db 3");
    assert_eq!(server.raw("boxes.place"), "$7|3:other|");
}

/// A struct of an old version ends earlier; what lies behind its end must not be called.
#[test]
fn every_version_of_the_functions_is_read_to_its_end() {
    for version in 1..=5 {
        let mut server = Server::new();
        let library = compile(server.directory(), "boxes", &[&format!("-DVERSION={version}")]);
        server.load_file(&library, &[]).expect("loaded");
        server.call("boxes.set k v");
        let copied = server.call("copy k l");
        let expected = match version {
            1 | 2 => Reply::Error(b"ERR not supported for this module key".to_vec()),
            _ => Reply::Integer(1),
        };
        assert_eq!(copied, expected, "version {version}");
        server.call("memory usage k");
        server.call("del k l");
        let unlinked = match version {
            1 | 2 => 0,
            _ => 2,
        };
        assert_eq!(server.raw("boxes.counts"), format!("*2|:0|:{unlinked}|"), "version {version}");
    }
}

/// What a value is made of, as it was saved.
#[derive(Clone, Debug, PartialEq)]
enum Part {
    Unsigned(u64),
    Signed(i64),
    Float(f32),
    Double(f64),
    Text(Vec<u8>),
}

#[derive(Default)]
struct Saved {
    parts: Vec<Part>,
    /// How many parts can be saved before something fails.
    room: Option<usize>,
}

impl Saved {
    fn push(&mut self, part: Part) {
        if self.room.is_none_or(|room| self.parts.len() < room) {
            self.parts.push(part);
        }
    }
}

impl Save for Saved {
    fn unsigned(&mut self, value: u64) {
        self.push(Part::Unsigned(value));
    }

    fn signed(&mut self, value: i64) {
        self.push(Part::Signed(value));
    }

    fn float(&mut self, value: f32) {
        self.push(Part::Float(value));
    }

    fn double(&mut self, value: f64) {
        self.push(Part::Double(value));
    }

    fn string(&mut self, bytes: &[u8]) {
        self.push(Part::Text(bytes.to_vec()));
    }

    fn has_failed(&self) -> bool {
        self.room == Some(self.parts.len())
    }
}

struct Loading(std::vec::IntoIter<Part>);

impl Load for Loading {
    fn unsigned(&mut self) -> Result<u64, Corrupt> {
        if let Some(Part::Unsigned(value)) = self.0.next() { Ok(value) } else { Err(Corrupt) }
    }

    fn signed(&mut self) -> Result<i64, Corrupt> {
        if let Some(Part::Signed(value)) = self.0.next() { Ok(value) } else { Err(Corrupt) }
    }

    fn float(&mut self) -> Result<f32, Corrupt> {
        if let Some(Part::Float(value)) = self.0.next() { Ok(value) } else { Err(Corrupt) }
    }

    fn double(&mut self) -> Result<f64, Corrupt> {
        if let Some(Part::Double(value)) = self.0.next() { Ok(value) } else { Err(Corrupt) }
    }

    fn string(&mut self) -> Result<Vec<u8>, Corrupt> {
        if let Some(Part::Text(text)) = self.0.next() { Ok(text) } else { Err(Corrupt) }
    }
}

#[derive(Default)]
struct Words(Vec<Vec<u8>>);

impl Digest for Words {
    fn element(&mut self, bytes: &[u8]) {
        self.0.push(bytes.to_vec());
    }

    fn end_sequence(&mut self) {
        self.0.push(b"end".to_vec());
    }
}

impl Rewrite for Words {
    fn command(&mut self, args: &[&[u8]]) {
        self.0.extend(args.iter().map(|arg| arg.to_vec()));
    }
}

/// Uses the value at `k` in database 0.
fn with_value<R>(server: &mut Server, body: impl FnOnce(&ModuleValue, Place<'_>) -> R) -> R {
    let silent = engine::Look { touch: false, notify_miss: false, count: false, expired_too: false };
    let shown = server.engine.look_up(0, b"k", silent, |entry| {
        body(&entry.module().expect("a module's value"), Place { db: 0, key: b"k" })
    });
    shown.expect("it is there")
}

#[test]
fn values_are_saved_and_loaded() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k hello");
    let mut saved = Saved::default();
    let kind = with_value(&mut server, |value, place| {
        value.save(place, &mut saved);
        value.kind().clone()
    });
    let text = |text: &str| Part::Text(text.as_bytes().to_vec());
    assert_eq!(
        saved.parts,
        [
            Part::Unsigned(u64::MAX),
            Part::Signed(-7),
            Part::Float(0.5),
            Part::Double(0.1),
            text("0xc.ccccccccccccccdp-7"),
            text("a name"),
            text("hello"),
        ]
    );
    let place = Place { db: 9, key: b"there" };
    let loaded = ModuleValue::load(kind.clone(), &mut Loading(saved.parts.clone().into_iter()), 3, place);
    assert_eq!(server.raw("boxes.place"), "$7|9:there|");
    assert_eq!(server.raw("boxes.counts"), "*2|:2|:0|");
    drop(loaded.expect("loaded"));
    assert_eq!(server.raw("boxes.counts"), "*2|:1|:0|");
    let before = server.report("boxes").memory;
    // Cut short anywhere, or of another version, there is no value, and nothing is left of it.
    for end in 0..saved.parts.len() {
        let parts = saved.parts[..end].to_vec();
        assert!(
            ModuleValue::load(kind.clone(), &mut Loading(parts.into_iter()), 3, place).is_none(),
            "{end}"
        );
    }
    assert!(ModuleValue::load(kind, &mut Loading(saved.parts.into_iter()), 2, place).is_none());
    let after = server.report("boxes").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks));
}

#[test]
fn nothing_is_saved_after_a_failure() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k hello");
    let mut saved = Saved { room: Some(2), ..Saved::default() };
    with_value(&mut server, |value, place| value.save(place, &mut saved));
    assert_eq!(saved.parts, [Part::Unsigned(u64::MAX), Part::Signed(-7)]);
}

#[test]
fn values_are_digested_and_written_as_commands() {
    let mut server = Server::with("boxes");
    server.call("boxes.set k hello");
    let mut words = Words::default();
    with_value(&mut server, |value, place| value.digest(place, &mut words));
    assert_eq!(words.0, [&b"hello"[..], b"5", b"end"]);
    assert_eq!(server.raw("boxes.place"), "$3|0:k|");
    let mut words = Words::default();
    with_value(&mut server, |value, place| value.rewrite(place, &mut words));
    assert_eq!(words.0, [&b"boxes.set"[..], b"k", b"hello"]);
}
