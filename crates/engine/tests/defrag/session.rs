//! An engine whose memory is fragmented, and what should be in it.

use std::time::{Duration, Instant};

use engine::{ClientId, Engine, Options, Reply, Rng, quoting};

/// Something that is checked, with its name.
pub(crate) type Check = (&'static str, fn());

/// How long anything may take before it is given up.
const PATIENCE: Duration = Duration::from_secs(120);

/// Keys have lower numbers.
const NUMBERS: usize = 200_000;

const REFUSAL: &[u8] = b"ERR CONFIG SET failed (possibly related to argument 'activedefrag') - Active \
    defragmentation cannot be enabled: it requires a Redis server compiled with a modified Jemalloc like the one \
    shipped by default with the Redis source distribution";

/// Whether the allocator of this program can't tell which blocks should move: then the refusal is Redis's.
pub(crate) fn is_refused() -> bool {
    let mut session = Session::new();
    match session.call("CONFIG SET activedefrag yes") {
        Reply::Simple(ok) if ok == "OK" => false,
        reply => {
            assert_eq!(reply, Reply::Error(REFUSAL.to_vec()));
            true
        }
    }
}

pub(crate) struct Session {
    pub(crate) engine: Engine,
    id: ClientId,
    rng: Rng,
    /// The databases' contents: the lengths of the values by the numbers of their keys, 0 where there is no key. In one
    /// block each, as many small ones would lie among those that are moved, and keep their pages.
    pub(crate) model: [Vec<u16>; 2],
}

impl Session {
    pub(crate) fn new() -> Self {
        let mut engine = Engine::open(Options { seed: Some(5), ..Options::default() });
        let id = engine.connect().expect("there is room for a client");
        Self { engine, id, rng: Rng::seeded(11), model: [vec![0; NUMBERS], vec![0; NUMBERS]] }
    }

    /// With some `megabytes` of strings in two databases, 60% of which were deleted at random.
    pub(crate) fn fragmented(megabytes: u64) -> Self {
        let mut session = Self::new();
        let keys = (megabytes << 20) / 540;
        for number in 0..keys {
            session.set((number % 2) as usize, number);
        }
        for number in 0..keys {
            if session.rng.below(10) < 6 {
                session.delete((number % 2) as usize, number);
            }
        }
        session
    }

    /// Sets a key to a value of 40 to 1,040 bytes; every fourth expires, but not for years.
    pub(crate) fn set(&mut self, db: usize, number: u64) {
        let length = 40 + self.rng.below(1001);
        self.select(db);
        let (key, value) = (key(number), value(number, length));
        let reply = if has_expiry(number) {
            self.engine.call(self.id, &[b"SET", &key, &value, b"EX", b"1000000000"])
        } else {
            self.engine.call(self.id, &[b"SET", &key, &value])
        };
        assert_eq!(reply, Reply::Simple("OK".into()));
        self.model[db][number as usize] = length as u16;
    }

    pub(crate) fn delete(&mut self, db: usize, number: u64) {
        self.select(db);
        let was_there = std::mem::take(&mut self.model[db][number as usize]) != 0;
        assert_eq!(self.engine.call(self.id, &[b"DEL", &key(number)]), Reply::Integer(was_there.into()));
    }

    fn select(&mut self, db: usize) {
        self.engine.call(self.id, &[b"SELECT", db.to_string().as_bytes()]);
    }

    pub(crate) fn call(&mut self, line: &str) -> Reply {
        let words = quoting::split(line.as_bytes()).expect("quotes are closed");
        let args: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.engine.call(self.id, &args)
    }

    #[track_caller]
    pub(crate) fn ok(&mut self, line: &str) {
        assert_eq!(self.call(line), Reply::Simple("OK".into()), "{line}");
    }

    /// Switches it on, such that it does all it can.
    pub(crate) fn enable(&mut self) {
        self.ok("CONFIG SET activedefrag yes active-defrag-ignore-bytes 1 active-defrag-threshold-lower 1 \
             active-defrag-threshold-upper 2 active-defrag-cycle-min 90 active-defrag-cycle-max 99");
    }

    /// A number of INFO.
    pub(crate) fn field(&mut self, name: &str) -> f64 {
        let text = self.engine.info_text(&["memory", "stats"]);
        let find = |line: &str| line.strip_prefix(name)?.strip_prefix(':')?.parse().ok();
        text.lines().find_map(find).unwrap_or_else(|| panic!("no number {name} in {text}"))
    }

    /// Has a step taken when it is due, as a server's event loop would.
    pub(crate) fn step(&mut self) {
        match self.engine.work() {
            Some(wait) => std::thread::sleep(wait.min(Duration::from_millis(1))),
            None => _ = self.engine.tick(),
        }
    }

    /// Goes on until `is_done`.
    #[track_caller]
    pub(crate) fn step_until(&mut self, what: &str, mut is_done: impl FnMut(&mut Self) -> bool) {
        let began = Instant::now();
        while !is_done(self) {
            self.step();
            assert!(
                began.elapsed() < PATIENCE,
                "given up: {what}\n{}",
                self.engine.info_text(&["memory", "stats"])
            );
        }
    }

    /// Goes on until a pass is under way that has moved something since.
    pub(crate) fn step_into_pass(&mut self) {
        let before = self.field("active_defrag_hits");
        self.step_until("a pass begins", |session| {
            session.field("active_defrag_running") > 0.0 && session.field("active_defrag_hits") > before
        });
    }

    /// Compares everything.
    #[track_caller]
    pub(crate) fn check(&mut self) {
        for db in 0..2 {
            self.select(db);
            let lengths = std::mem::take(&mut self.model[db]);
            let keys = lengths.iter().filter(|length| **length != 0).count();
            assert_eq!(self.engine.call(self.id, &[b"DBSIZE"]), Reply::Integer(keys as i64));
            for (number, length) in (0..).zip(&lengths).filter(|(_, length)| **length != 0) {
                let reply = self.engine.call(self.id, &[b"GET", &key(number)]);
                assert!(reply == Reply::Bulk(value(number, u64::from(*length))), "key {number}: {reply:?}");
                let Reply::Integer(ttl) = self.engine.call(self.id, &[b"TTL", &key(number)]) else {
                    panic!("TTL answers no number")
                };
                assert_eq!(ttl > 0, has_expiry(number));
            }
            self.model[db] = lengths;
        }
    }
}

fn key(number: u64) -> Vec<u8> {
    format!("key:{number}").into_bytes()
}

fn value(number: u64, length: u64) -> Vec<u8> {
    (0..length).map(|at| b'a' + ((number + at) % 23) as u8).collect()
}

fn has_expiry(number: u64) -> bool {
    number.is_multiple_of(4)
}
