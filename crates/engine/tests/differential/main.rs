//! The engine beside Debian's redis-server: the same random commands to both, and equal replies from both.
//!
//! `DIFFERENTIAL_COMMANDS` sets how many commands are compared. `DIFFERENTIAL_SEED` is what chance begins with: the
//! same every time by default, so that a change is judged by itself; `cargo xtask soak` goes on with new ones.
#![forbid(unsafe_code)]

mod bits;
mod compare;
mod dump;
mod generate;
mod messages;
#[path = "../support/oracle.rs"]
mod oracle;
mod sessions;

use compare::Verdict;
use engine::config::Protection;
use engine::{ClientId, Engine, Options, Reply};
use generate::{Generator, Step};
use oracle::{Oracle, Wire};

/// How many commands are sent to both before their replies are read.
const BATCH: usize = 200;

fn from_env(name: &str) -> Option<u64> {
    std::env::var(name).ok().map(|text| text.parse().unwrap_or_else(|_| panic!("{name} must be a number")))
}

/// What chance begins with, told so that a failing run can be repeated.
fn seed() -> u64 {
    let seed = from_env("DIFFERENTIAL_SEED").unwrap_or(1);
    println!("seed {seed}");
    seed
}

/// The length of the pieces, in bytes, in which a pipeline reaches the engine.
const PIECE: usize = 1_000;

/// After how many differences there is enough to think about.
const MANY: usize = 10;

/// Both servers, with one connection each.
struct Pair {
    engine: Engine,
    client: ClientId,
    oracle: Oracle,
    compared: u64,
    is_pipelined: bool,
    /// How often both have closed the connection: who deletes the user it acts as ends it.
    closed: u64,
}

/// Takes the first reply off the replies to a pipeline; nothing when there is none.
fn take_reply(replies: &mut Vec<u8>) -> Vec<u8> {
    let len = Reply::decode(replies).map_or(0, |(_, len)| len);
    replies.drain(..len).collect()
}

impl Pair {
    fn new() -> Self {
        let mut options = Options::default();
        options.config.enable_debug_command = Protection::Yes;
        let mut engine = Engine::open(options);
        let client = engine.connect().expect("there is room for one client");
        // Keys expire when they are looked at: when else they do is chance.
        let mut oracle = Oracle::start();
        oracle.call(&["DEBUG", "SET-ACTIVE-EXPIRE", "0"].map(|word| word.as_bytes().to_vec()));
        Self { engine, client, oracle, compared: 0, is_pipelined: false, closed: 0 }
    }

    /// Makes both forget everything, after they have come apart.
    fn start_over(&mut self) {
        for command in [&["HELLO", "2"][..], &["SELECT", "0"], &["FLUSHALL"]] {
            let args: Vec<&[u8]> = command.iter().map(|word| word.as_bytes()).collect();
            self.engine.call(self.client, &args);
            self.oracle.call(&args.iter().map(|arg| arg.to_vec()).collect::<Vec<_>>());
        }
    }

    /// The engine's replies: to argument vectors one after the other, or to the bytes that a socket would have
    /// carried, as one pipeline that is cut into pieces.
    fn ours(&mut self, steps: &[Step]) -> Vec<Vec<u8>> {
        self.is_pipelined = !self.is_pipelined;
        if self.is_pipelined {
            let bytes: Vec<u8> = steps.iter().flat_map(|step| oracle::request(&step.args)).collect();
            bytes.chunks(PIECE).for_each(|piece| self.engine.receive(self.client, piece));
            let mut replies = self.take_output();
            return steps.iter().map(|_| take_reply(&mut replies)).collect();
        }
        let reply = |step: &Step| {
            let args: Vec<&[u8]> = step.args.iter().map(Vec::as_slice).collect();
            self.engine.execute(self.client, &args);
            self.take_output()
        };
        steps.iter().map(reply).collect()
    }

    fn take_output(&mut self) -> Vec<u8> {
        let output = self.engine.output(self.client).to_vec();
        self.engine.sent(self.client, output.len());
        output
    }

    /// Sends the same steps to both and compares every reply; `Err` tells the first difference.
    fn run(&mut self, steps: &[Step]) -> Result<(), String> {
        for step in steps {
            self.oracle.send(&step.args);
        }
        self.oracle.flush();
        let mut outcome = Ok(());
        let ours = self.ours(steps);
        for (at, step) in steps.iter().enumerate() {
            let ours = &ours[at];
            let Some(theirs) = self.oracle.try_read() else {
                return outcome.and_then(|()| self.reopen(&steps[..=at], ours));
            };
            self.compared += 1;
            if let Verdict::Different(why) = compare::replies(step, ours, &theirs) {
                outcome = outcome.and_then(|()| Err(report(&steps[..=at], ours, &theirs, &why)));
            }
        }
        outcome
    }

    /// Replaces the connection, which redis-server has closed before it answered the last of `steps`: the engine must
    /// have done the same, and `ours`, its answer to that step, is then none.
    fn reopen(&mut self, steps: &[Step], ours: &[u8]) -> Result<(), String> {
        let is_closed = self.engine.closing(self.client).is_some();
        self.engine.disconnect(self.client);
        self.client = self.engine.connect().expect("there is room for one client");
        self.oracle.wire = Wire::open(&self.oracle.folder).expect("redis-server still runs");
        self.closed += 1;
        if is_closed && ours.is_empty() {
            return Ok(());
        }
        Err(report(steps, ours, b"", "redis-server has closed the connection"))
    }
}

/// What a person needs to see the difference: the commands on the same key that led to it, and both replies.
fn report(steps: &[Step], ours: &[u8], theirs: &[u8], why: &str) -> String {
    let last = &steps[steps.len() - 1];
    let related = |step: &&Step| step.args.iter().skip(1).any(|arg| last.args[1..].contains(arg));
    let mut text = String::new();
    let history: Vec<_> = steps.iter().filter(related).collect();
    for step in history.iter().skip(history.len().saturating_sub(20)) {
        text += &format!("  {}\n", step.show());
    }
    let show = |reply: &[u8]| reply[..reply.len().min(2000)].escape_ascii().to_string();
    format!("{why}\nafter\n{text}on\n  {}\nours   {}\ntheirs {}", last.show(), show(ours), show(theirs))
}

#[test]
fn random_commands_get_equal_replies() {
    let wanted = from_env("DIFFERENTIAL_COMMANDS").unwrap_or(300_000);
    let seed = seed();
    let mut pair = Pair::new();
    let mut generator = Generator::new(seed);
    let mut differences = Vec::new();
    while pair.compared < wanted && differences.len() < MANY {
        let steps: Vec<Step> = (0..BATCH).map(|_| generator.step()).collect();
        if let Err(difference) = pair.run(&steps).and_then(|()| pair.run(&generator.audit())) {
            differences.push(format!("after {} commands: {difference}\n", pair.compared));
            pair.start_over();
        }
    }
    assert!(differences.is_empty(), "seed {seed}\n{}", differences.join("\n"));
    let (compared, closed) = (pair.compared, pair.closed);
    println!(
        "compared {compared} commands with redis-server {}, {closed} times closed",
        pair.oracle.version()
    );
}

/// Several connections, whose commands meet: transactions, messages, tracking, waiting.
#[test]
fn interleaved_connections_get_equal_replies_and_messages() {
    let wanted = from_env("DIFFERENTIAL_COMMANDS").unwrap_or(300_000) / 6;
    let seed = seed();
    let mut sessions = sessions::Sessions::start(seed);
    while sessions.compared < wanted {
        if let Err(difference) = sessions.step() {
            panic!("seed {seed}, after {} commands: {difference}", sessions.compared);
        }
    }
    let (compared, closed) = (sessions.compared, sessions.closed);
    println!(
        "compared {compared} commands of {} connections, {closed} of which were closed",
        sessions::CONNECTIONS
    );
}

#[test]
fn scans_return_the_same_keys() {
    let mut pair = Pair::new();
    let mut generator = Generator::new(11);
    for round in 0..40 {
        let steps: Vec<Step> = (0..BATCH).map(|_| generator.filling_step()).collect();
        pair.run(&steps).unwrap_or_else(|difference| panic!("round {round}: {difference}"));
        for options in generator.scan_options() {
            let ours = scan(&options, |args| {
                let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
                pair.engine.call(pair.client, &args)
            });
            let theirs = scan(&options, |args| pair.oracle.call(args));
            assert_eq!(ours, theirs, "SCAN with {options:?}");
        }
    }
}

/// Follows SCAN from cursor 0 back to cursor 0; the keys are sorted, and each is listed once.
fn scan(options: &[Vec<u8>], mut call: impl FnMut(&[Vec<u8>]) -> Reply) -> Vec<Vec<u8>> {
    let (mut cursor, mut found) = (b"0".to_vec(), Vec::new());
    loop {
        let args = [&[b"SCAN".to_vec(), cursor], options].concat();
        let Reply::Array(reply) = call(&args) else { panic!("SCAN failed with {options:?}") };
        let [Reply::Bulk(next), Reply::Array(keys)] = &reply[..] else { panic!("{reply:?}") };
        found.extend(keys.iter().filter_map(|key| key.as_bytes()).map(<[u8]>::to_vec));
        if next == b"0" {
            break;
        }
        cursor = next.clone();
    }
    found.sort_unstable();
    found.dedup();
    found
}

#[test]
fn keys_expire_alike() {
    let mut pair = Pair::new();
    let mut generator = Generator::new(5);
    for _ in 0..6 {
        let steps = generator.short_lived(50);
        pair.run(&steps).unwrap_or_else(|difference| panic!("{difference}"));
        // Longer than any of them lives, on either clock.
        std::thread::sleep(std::time::Duration::from_millis(60));
        pair.run(&generator.audit()).unwrap_or_else(|difference| panic!("{difference}"));
    }
}
