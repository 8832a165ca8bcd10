//! An ACL matrix made from the command table: every command denied and allowed, through every way in, beside what
//! Debian's redis-server 7.0 answers.
#![forbid(unsafe_code)]

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use engine::command::Categories;
use engine::command::table::COMMANDS;
use engine::resp::DecodeError;
use engine::{ClientId, Engine, Options, Reply};

/// What is here and not in Redis 7.0.
const NEWER: &[&str] = &["client|no-touch", "client|setinfo", "memory|modules"];

/// A redis-server of our own on a unix socket.
struct Oracle {
    server: Child,
    directory: PathBuf,
}

impl Oracle {
    fn start(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("oracle-acl-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--enable-debug-command", "yes"])
            .args(["--enable-module-command", "yes", "--unixsocket"])
            .arg(directory.join("socket"))
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed (`cargo xtask test` does it)");
        Self { server, directory }
    }

    fn connect(&self) -> Connection {
        let deadline = Instant::now() + Duration::from_secs(30);
        loop {
            match UnixStream::connect(self.directory.join("socket")) {
                Ok(stream) => return Connection { stream, unread: Vec::new() },
                Err(error) => assert!(Instant::now() < deadline, "redis-server doesn't answer: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // The test is over either way: what can't be cleaned up does no harm to it.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

struct Connection {
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Sends bytes and gives the bytes of the first reply.
    fn send(&mut self, bytes: &[u8]) -> Vec<u8> {
        self.stream.write_all(bytes).unwrap();
        loop {
            match Reply::decode(&self.unread) {
                Ok((_, len)) => return self.unread.drain(..len).collect(),
                Err(DecodeError::Malformed) => panic!("not a reply: {}", self.unread.escape_ascii()),
                Err(DecodeError::Incomplete) => {
                    let mut part = [0; 1 << 16];
                    let len = self.stream.read(&mut part).unwrap();
                    assert_ne!(len, 0, "redis-server closed the connection");
                    self.unread.extend_from_slice(&part[..len]);
                }
            }
        }
    }
}

/// Both servers, with a connection each that may do everything.
struct Sides {
    engine: Engine,
    admin: ClientId,
    oracle: Oracle,
    their_admin: Connection,
}

impl Sides {
    fn new(name: &str) -> Self {
        let mut options = Options::default();
        options.config.enable_debug_command = engine::config::Protection::Yes;
        options.config.enable_module_command = engine::config::Protection::Yes;
        let mut engine = Engine::open(options);
        let admin = engine.connect().unwrap();
        let oracle = Oracle::start(name);
        let their_admin = oracle.connect();
        Self { engine, admin, oracle, their_admin }
    }

    /// Both replies to a line, as their bytes.
    fn both(&mut self, line: &str) -> (Vec<u8>, Vec<u8>) {
        let ours = send(&mut self.engine, self.admin, &array(line));
        (ours, self.their_admin.send(&array(line)))
    }

    #[track_caller]
    fn equal(&mut self, line: &str) {
        let (ours, theirs) = self.both(line);
        assert!(ours == theirs, "{line}\n  ours: {}\ntheirs: {}", ours.escape_ascii(), theirs.escape_ascii());
    }

    /// Makes the user `u` one with these rules, on both sides.
    fn user(&mut self, rules: &str) {
        self.equal(&format!("ACL SETUSER u reset on nopass {rules}"));
    }

    /// A new connection on either side that acts for the user `u`.
    fn log_in(&mut self) -> (ClientId, Connection) {
        let (id, mut connection) = (self.engine.connect().unwrap(), self.oracle.connect());
        let login = array("AUTH u x");
        assert_eq!(send(&mut self.engine, id, &login), b"+OK\r\n");
        assert_eq!(connection.send(&login), b"+OK\r\n");
        (id, connection)
    }
}

/// What the engine answers to bytes from a client.
fn send(engine: &mut Engine, id: ClientId, bytes: &[u8]) -> Vec<u8> {
    engine.receive(id, bytes);
    let output = engine.output(id).to_vec();
    engine.sent(id, output.len());
    output
}

fn array(line: &str) -> Vec<u8> {
    let words: Vec<&str> = line.split(' ').collect();
    let body: String = words.iter().map(|word| format!("${}\r\n{word}\r\n", word.len())).collect();
    format!("*{}\r\n{body}", words.len()).into_bytes()
}

fn inline(line: &str) -> Vec<u8> {
    format!("{line}\r\n").into_bytes()
}

/// Every command that can be called, by its full name, with as few arguments as it takes, all of them `x`; those
/// that would end the server or the connection get one that they refuse.
fn calls() -> Vec<(String, String)> {
    let mut calls = Vec::new();
    for command in COMMANDS {
        let mut add = |name: String, arity: i8, is_one: bool| {
            if !is_one || NEWER.contains(&name.as_str()) {
                return;
            }
            let mut words: Vec<&str> = name.split('|').collect();
            let extra = usize::from(arity < 0 && words.len() == 1);
            words.resize(usize::from(arity.unsigned_abs()) + extra, "x");
            calls.push((name.clone(), words.join(" ")));
        };
        add(command.name.to_owned(), command.arity, command.subcommands().is_empty());
        for inner in command.subcommands() {
            add(format!("{}|{}", command.name, inner.name), inner.arity, true);
        }
    }
    calls
}

fn is_denied(reply: &[u8]) -> bool {
    // EXEC says why it discards the transaction.
    let reason =
        reply.strip_prefix(b"-EXECABORT Transaction discarded because of: ").or(reply.strip_prefix(b"-"));
    reason.is_some_and(|reason| reason.starts_with(b"NOPERM"))
}

/// What ends a connection, or what changes who it acts for or how it speaks.
const LAST_WORDS: [&str; 4] = ["quit", "reset", "monitor", "shutdown"];

#[test]
fn every_command_is_denied_and_allowed_alike_through_every_way_in() {
    let mut sides = Sides::new("ways");
    let mut compared = 0;
    let has_multi = COMMANDS.iter().any(|command| command.name == "multi");
    for (name, call) in calls() {
        for (rules, expected) in
            [(format!("allkeys allchannels +@all -{name}"), true), (format!("~* &* +{name}"), false)]
        {
            sides.user(&rules);
            // Before the user has logged in, some commands are open to everybody.
            let is_open = ["auth", "hello", "quit", "reset"].contains(&name.as_str());
            let ways: [fn(&str) -> Vec<u8>; 2] = [array, inline];
            for way in ways {
                if LAST_WORDS.contains(&name.as_str()) && !expected {
                    continue;
                }
                let (id, mut connection) = sides.log_in();
                let ours = send(&mut sides.engine, id, &way(&call));
                let theirs = connection.send(&way(&call));
                let shown = format!(
                    "{call} with {rules}\n  ours: {}\ntheirs: {}",
                    ours.escape_ascii(),
                    theirs.escape_ascii()
                );
                assert_eq!(is_denied(&ours), is_denied(&theirs), "{shown}");
                assert_eq!(is_denied(&ours), expected && !is_open, "{shown}");
                assert!(!is_denied(&ours) || ours == theirs, "{shown}");
                sides.engine.disconnect(id);
                compared += 1;
            }
            if expected && has_multi && !is_open && !["multi", "exec"].contains(&name.as_str()) {
                compared += through_multi(&mut sides, &call);
            }
        }
    }
    println!("compared {compared} calls");
    assert!(compared > 300, "{compared}");
}

/// What a user may not do isn't queued, and spoils the transaction; nor is it executed when the permission is taken
/// away between the two.
fn through_multi(sides: &mut Sides, call: &str) -> u32 {
    let (id, mut connection) = sides.log_in();
    for line in ["MULTI", call, "EXEC"] {
        let ours = send(&mut sides.engine, id, &array(line));
        let theirs = connection.send(&array(line));
        assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string(), "{line} of {call}");
    }
    sides.engine.disconnect(id);
    1
}

#[test]
fn a_permission_that_is_withdrawn_behind_multi_is_missed_by_exec() {
    if !COMMANDS.iter().any(|command| command.name == "multi") {
        return;
    }
    let mut sides = Sides::new("exec");
    for (before, after) in
        [("+@all ~*", "-set"), ("+@all ~*", "resetkeys ~y"), ("+@all ~*", "resetkeys %R~x")]
    {
        sides.user(before);
        let (id, mut connection) = sides.log_in();
        for line in ["MULTI", "SET x 1", "GET x"] {
            assert_eq!(send(&mut sides.engine, id, &array(line)), connection.send(&array(line)));
        }
        sides.equal(&format!("ACL SETUSER u {after}"));
        let (ours, theirs) = (send(&mut sides.engine, id, &array("EXEC")), connection.send(&array("EXEC")));
        assert_eq!(ours.escape_ascii().to_string(), theirs.escape_ascii().to_string(), "{after}");
    }
}

#[test]
fn categories_hold_the_same_commands() {
    let mut sides = Sides::new("categories");
    let names: BTreeSet<String> = calls().into_iter().map(|(name, _)| name).collect();
    for (category, _) in Categories::all().iter_names() {
        let category = category.to_ascii_lowercase();
        let (ours, theirs) = sides.both(&format!("ACL CAT {category}"));
        let listed = |reply: &[u8]| -> BTreeSet<String> {
            let Ok((Reply::Array(elements), _)) = Reply::decode(reply) else { panic!("no array") };
            let text = |reply: &Reply| String::from_utf8(reply.as_bytes().unwrap().to_vec()).unwrap();
            elements.iter().map(text).filter(|name| names.contains(name)).collect()
        };
        assert_eq!(listed(&ours), listed(&theirs), "{category}");
        for rules in [format!("~* &* +@{category}"), format!("~* &* +@all -@{category}")] {
            sides.user(&rules);
            for (_, call) in calls() {
                sides.equal(&format!("ACL DRYRUN u {call}"));
            }
        }
    }
}

#[test]
fn keys_channels_and_first_arguments_are_checked_alike() {
    let mut sides = Sides::new("keys");
    for rules in [
        "+@all",
        "+@all ~x",
        "+@all %R~x",
        "+@all %W~x",
        "+@all %RW~x*",
        "+@all ~y ~[a-w]",
        "+@all &*",
        "+@all ~x &x",
        "+@all ~x &y &[x]",
        "(+@all %R~x) (+@all %W~x)",
        "+@read (~x +@write)",
        "~x &x (+@all)",
    ] {
        sides.user(rules);
        for (_, call) in calls() {
            sides.equal(&format!("ACL DRYRUN u {call}"));
        }
        for call in [
            "set x 1 get",
            "set x 1",
            "mset x 1 y 2",
            "msetnx x 1 a 2",
            "del x y",
            "copy y x",
            "copy x y",
            "bitop and x y",
            "bitop and y x",
            "bitfield x get u8 0",
            "bitfield x set u8 0 1",
            "bitfield x overflow sat get u8 0",
            "rename x y",
            "rename y x",
            "object encoding y",
            "memory usage y",
            "lcs x y",
            "mget x",
        ] {
            sides.equal(&format!("ACL DRYRUN u {call}"));
        }
    }
    for (name, call) in calls().into_iter().filter(|(name, _)| !name.contains('|')) {
        sides.user(&format!("allkeys allchannels +{name}|X"));
        sides.equal(&format!("ACL DRYRUN u {call}"));
        sides.equal(&format!("ACL DRYRUN u {}", call.replace(" x", " y")));
        sides.equal("ACL GETUSER u");
    }
    for (name, _) in calls() {
        for line in [format!("+{name}"), format!("-{name}|x"), format!("+{name}|x|y"), format!("+{name}|")] {
            sides.equal(&format!("ACL SETUSER u reset {line}"));
        }
    }
}
