//! Any commands, to two engines with the same seed and the same clock: equal replies, byte for byte.
//!
//! The first is called as a program calls it, the second receives the same commands as a connection
//! brings them, cut in two. At the end the ways to list the keys agree with each other.
#![no_main]

use std::collections::BTreeSet;
use std::time::Duration;

use arbitrary::Arbitrary;
use engine::command::table::COMMANDS;
use engine::{ClientId, Clock, Engine, Options, Reply};
use libfuzzer_sys::fuzz_target;

/// One command, and what happens around it.
#[derive(Arbitrary, Debug)]
struct Step<'a> {
    command: u8,
    arguments: Vec<Word<'a>>,
    /// How far the clock moves before it, in milliseconds.
    advance: u16,
    /// Where the bytes of the command are cut.
    cut: u8,
}

/// An argument.
#[derive(Arbitrary, Debug)]
enum Word<'a> {
    /// One of few keys, so that commands meet.
    Key(u8),
    Option(u8),
    Small(i8),
    Integer(i64),
    Double(f64),
    Bytes(&'a [u8]),
}

/// Words that commands know; whatever stands here is met far sooner than by chance.
const OPTIONS: [&str; 40] = [
    "NX",
    "XX",
    "GT",
    "LT",
    "EX",
    "PX",
    "EXAT",
    "PXAT",
    "KEEPTTL",
    "PERSIST",
    "GET",
    "MATCH",
    "COUNT",
    "TYPE",
    "string",
    "DB",
    "REPLACE",
    "ASYNC",
    "SYNC",
    "ENCODING",
    "FREQ",
    "IDLETIME",
    "REFCOUNT",
    "HELP",
    "LIST",
    "INFO",
    "DOCS",
    "GETKEYS",
    "FILTERBY",
    "PATTERN",
    "set",
    "getex",
    "config|get",
    "AUTH",
    "SETNAME",
    "maxmemory-policy",
    "allkeys-lfu",
    "*",
    "key:[0-3]",
    "9223372036854775807",
];

/// Commands whose replies are about this very process or the real time, not about the data.
const ABOUT_THE_PROCESS: [&str; 3] = ["client", "info", "memory"];

/// The longest value that commands may build, in bytes: small, so that a run stays small.
const LONGEST_VALUE: u64 = 1 << 16;

/// More arguments than that are cut off, and longer ones too: a client that has to authenticate
/// first would not be heard as a connection, where it is refused as a caller.
const MOST_ARGUMENTS: usize = 9;
const LONGEST_ARGUMENT: usize = 1 << 12;

fuzz_target!(|steps: Vec<Step<'_>>| {
    let (mut called, caller) = open();
    let (mut connected, connection) = open();
    for step in &steps {
        let Some(args) = step.args() else { continue };
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let by = Duration::from_millis(step.advance.into());
        called.clock_mut().advance(by);
        connected.clock_mut().advance(by);

        called.execute(caller, &args);
        let request = encode(&args);
        let (head, tail) = request.split_at(usize::from(step.cut).min(request.len()));
        connected.receive(connection, head);
        connected.receive(connection, tail);

        let show = || args.iter().map(|arg| arg.escape_ascii().to_string()).collect::<Vec<_>>().join(" ");
        let (ours, theirs) = (take(&mut called, caller), take(&mut connected, connection));
        assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string(), "{}", show());
        assert_eq!(called.closing(caller), connected.closing(connection), "{}", show());
        if called.closing(caller).is_some() || called.config().proto_max_bulk_len > LONGEST_VALUE {
            return;
        }
    }
    check_keys(&mut called);
});

fn open() -> (Engine, ClientId) {
    let mut options = Options { clock: Clock::manual(1_000_000), seed: Some(7), ..Options::default() };
    options.config.proto_max_bulk_len = LONGEST_VALUE;
    let mut engine = Engine::open(options);
    let client = engine.connect().expect("there is room for one client");
    (engine, client)
}

impl Step<'_> {
    /// The command with its arguments; `None` when it isn't to be compared.
    fn args(&self) -> Option<Vec<Vec<u8>>> {
        let name = COMMANDS[usize::from(self.command) % COMMANDS.len()].name;
        let words = self.arguments.iter().take(MOST_ARGUMENTS).map(Word::text);
        let compared = !ABOUT_THE_PROCESS.contains(&name);
        compared.then(|| std::iter::once(name.into()).chain(words).collect())
    }
}

impl Word<'_> {
    fn text(&self) -> Vec<u8> {
        match self {
            Word::Key(number) => format!("key:{}", number % 8).into_bytes(),
            Word::Option(index) => OPTIONS[usize::from(*index) % OPTIONS.len()].into(),
            Word::Small(number) => number.to_string().into_bytes(),
            Word::Integer(number) => number.to_string().into_bytes(),
            Word::Double(number) => number.to_string().into_bytes(),
            Word::Bytes(bytes) => bytes[..bytes.len().min(LONGEST_ARGUMENT)].to_vec(),
        }
    }
}

fn encode(args: &[&[u8]]) -> Vec<u8> {
    let mut request = format!("*{}\r\n", args.len()).into_bytes();
    for arg in args {
        request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
        request.extend_from_slice(arg);
        request.extend_from_slice(b"\r\n");
    }
    request
}

/// What the client is owed, taken.
fn take(engine: &mut Engine, client: ClientId) -> Vec<u8> {
    let output = engine.output(client).to_vec();
    engine.sent(client, output.len());
    output
}

/// KEYS and a whole SCAN show the same keys of database 0, EXISTS knows each, and none outlives
/// FLUSHALL.
fn check_keys(engine: &mut Engine) {
    let client = engine.connect().expect("there is room for a second client");
    if engine.call(client, &[b"PING"]).is_error() {
        return; // A password was set.
    }
    let listed: BTreeSet<Vec<u8>> = strings(engine.call(client, &[b"KEYS", b"*"])).into_iter().collect();
    let (mut cursor, mut scanned) = (b"0".to_vec(), BTreeSet::new());
    loop {
        let Reply::Array(reply) = engine.call(client, &[b"SCAN", &cursor]) else { panic!("SCAN failed") };
        let [Reply::Bulk(next), keys] = &reply[..] else { panic!("{reply:?}") };
        scanned.extend(strings(keys.clone()));
        if next == b"0" {
            break;
        }
        cursor.clone_from(next);
    }
    assert_eq!(listed, scanned);
    for key in &listed {
        assert_eq!(engine.call(client, &[b"EXISTS", key]), Reply::Integer(1), "{}", key.escape_ascii());
    }
    assert!(!engine.call(client, &[b"FLUSHALL"]).is_error());
    assert_eq!(engine.call(client, &[b"DBSIZE"]), Reply::Integer(0));
}

fn strings(reply: Reply) -> Vec<Vec<u8>> {
    let Reply::Array(elements) = reply else { panic!("{reply:?}") };
    elements.iter().map(|element| element.as_bytes().expect("a string").to_vec()).collect()
}
