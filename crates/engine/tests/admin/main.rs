//! The administrative commands, called as a program calls them that has the engine in process.
//!
//! The allocator is this binary's, so that the figures about memory are real.

mod acl;
mod client;
mod config;
mod connection;
mod debug;
mod info;
mod introspection;
mod lazyfree;
mod memory;
mod messages;
mod server;
mod transactions;
mod waiting;

use engine::config::Config;
use engine::{ClientId, Clock, Close, Engine, Host, Options, Origin, Reply, quoting};

#[global_allocator]
static ALLOCATOR: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

/// Where the data clock of every test stands, in milliseconds.
const NOW: i64 = 1_700_000_000_123;

/// An engine and a client of it.
struct Session {
    engine: Engine,
    id: ClientId,
}

impl Session {
    fn new() -> Self {
        Self::with(Config::default(), Box::new(engine::Embedded))
    }

    /// With directives other than the defaults.
    fn configured(change: impl FnOnce(&mut Config)) -> Self {
        let mut config = Config::default();
        change(&mut config);
        Self::with(config, Box::new(engine::Embedded))
    }

    fn with(config: Config, host: Box<dyn Host>) -> Self {
        let clock = Clock::manual(NOW);
        let mut engine = Engine::open(Options { config, clock, seed: Some(1), host });
        let id = engine.connect().expect("there is room for a client");
        Self { engine, id }
    }

    /// Another client, which comes from that address.
    fn accept(&mut self, address: &str) -> ClientId {
        let origin =
            Origin { address: address.into(), local_address: "127.0.0.1:6379".into(), fd: 9, unix: false };
        self.engine.accept(origin).expect("there is room for a client")
    }

    fn call(&mut self, line: &str) -> Reply {
        self.call_as(self.id, line)
    }

    fn call_as(&mut self, id: ClientId, line: &str) -> Reply {
        let words = quoting::split(line.as_bytes()).expect("quotes are closed");
        let args: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.engine.call(id, &args)
    }

    /// The reply in one line: see [`show`].
    fn ask(&mut self, line: &str) -> String {
        show(&self.call(line))
    }

    /// The text of a reply that is a string.
    fn text(&mut self, line: &str) -> String {
        let reply = self.call(line);
        let bytes = reply.as_bytes().unwrap_or_else(|| panic!("{line} answers {reply:?}"));
        String::from_utf8(bytes.to_vec()).expect("the reply is UTF-8")
    }

    /// Calls each command and compares its reply in one line.
    #[track_caller]
    fn check(&mut self, cases: &[(&str, &str)]) {
        for (line, expected) in cases {
            assert_eq!(self.ask(line), *expected, "{line}");
        }
    }

    fn closing(&self) -> Option<Close> {
        self.engine.closing(self.id)
    }
}

/// A reply as one line: the sigils of RESP before the values, `nil` for the absence of one.
fn show(reply: &Reply) -> String {
    let bytes = |bytes: &[u8]| bytes.escape_ascii().to_string();
    let list = |replies: &[Reply]| replies.iter().map(show).collect::<Vec<_>>().join(" ");
    match reply {
        Reply::Simple(text) => format!("+{text}"),
        Reply::Error(text) => format!("-{}", String::from_utf8_lossy(text)),
        Reply::Integer(number) => format!(":{number}"),
        Reply::Bulk(text) => format!("${}", bytes(text)),
        Reply::Null => "nil".into(),
        Reply::Array(replies) => format!("[{}]", list(replies)),
        Reply::Map(pairs) => {
            let pairs = pairs.iter().map(|(key, value)| format!("{}={}", show(key), show(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(" "))
        }
        Reply::Verbatim(kind, text) => format!("{kind}:{}", bytes(text)),
        other => format!("{other:?}"),
    }
}

const ARITY: &str = "-ERR wrong number of arguments for";
const SYNTAX: &str = "-ERR syntax error";
const NOT_AN_INTEGER: &str = "-ERR value is not an integer or out of range";

/// The error for too few or too many arguments.
fn arity(name: &str) -> String {
    format!("{ARITY} '{name}' command")
}

/// The value of a field of INFO.
fn field<'a>(text: &'a str, name: &str) -> &'a str {
    let find = |line: &'a str| line.strip_prefix(name)?.strip_prefix(':');
    text.split("\r\n").find_map(find).unwrap_or_else(|| panic!("no field {name} in {text}"))
}

/// The value of a field of INFO that is a number.
fn number(text: &str, name: &str) -> f64 {
    let value = field(text, name);
    value.trim_end_matches('%').parse().unwrap_or_else(|_| panic!("{name} is {value}"))
}
