//! What COMMAND answers, beside what redis-server answers for the commands that both have.
//!
//! Needs Debian's redis-server 7.0. Summaries, complexities, remarks and the like are sentences of our own
//! and aren't compared; names, versions, flags, types, order and the kinds of reply are.

use std::collections::BTreeSet;
use std::fs;
use std::io::{Read, Write};
use std::os::unix::net::UnixStream;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use engine::command::table::COMMANDS;
use engine::resp::DecodeError;
use engine::{ClientId, Engine, Options, Reply};

/// What is here and not in the oracle, and why.
const NEWER: &[(&str, &str)] = &[
    ("client|no-touch", "came with Redis 7.2; tools that look at many keys send it first"),
    ("client|setinfo", "came with Redis 7.2; client libraries send it when they connect"),
    ("memory|modules", "no Redis has it"),
];

/// A redis-server of our own on a unix socket, and a connection to it.
struct Oracle {
    server: Child,
    directory: PathBuf,
    stream: UnixStream,
    unread: Vec<u8>,
}

impl Oracle {
    fn start(name: &str) -> Self {
        let directory = std::env::temp_dir().join(format!("oracle-{name}-{}", std::process::id()));
        fs::create_dir_all(&directory).unwrap();
        let socket = directory.join("socket");
        let server = Command::new("redis-server")
            .args(["--port", "0", "--save", "", "--daemonize", "no", "--unixsocket"])
            .arg(&socket)
            .current_dir(&directory)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed");
        let deadline = Instant::now() + Duration::from_secs(30);
        let stream = loop {
            match UnixStream::connect(&socket) {
                Ok(stream) => break stream,
                Err(error) => assert!(Instant::now() < deadline, "redis-server doesn't answer: {error}"),
            }
            thread::sleep(Duration::from_millis(20));
        };
        Self { server, directory, stream, unread: Vec::new() }
    }

    fn call(&mut self, args: &[&[u8]]) -> Reply {
        let mut request = format!("*{}\r\n", args.len()).into_bytes();
        for arg in args {
            request.extend_from_slice(format!("${}\r\n", arg.len()).as_bytes());
            request.extend_from_slice(arg);
            request.extend_from_slice(b"\r\n");
        }
        self.stream.write_all(&request).unwrap();
        loop {
            match Reply::decode(&self.unread) {
                Ok((reply, len)) => {
                    self.unread.drain(..len);
                    return reply;
                }
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

impl Drop for Oracle {
    fn drop(&mut self) {
        // The test is over either way: what can't be cleaned up does no harm to it.
        let _ = self.server.kill();
        let _ = self.server.wait();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

/// The two sides, each with one connection that speaks the same version of RESP.
struct Sides {
    engine: Engine,
    client: ClientId,
    oracle: Oracle,
}

impl Sides {
    fn new(name: &str, resp3: bool) -> Self {
        let mut engine = Engine::open(Options::default());
        let client = engine.connect().unwrap();
        let mut sides = Self { engine, client, oracle: Oracle::start(&format!("{name}-{resp3}")) };
        if resp3 {
            assert!(!sides.ours("HELLO 3").is_error());
            assert!(!sides.theirs("HELLO 3").is_error());
        }
        sides
    }

    fn ours(&mut self, line: &str) -> Reply {
        self.engine.call(self.client, &words(line))
    }

    fn theirs(&mut self, line: &str) -> Reply {
        self.oracle.call(&words(line))
    }

    #[track_caller]
    fn compare(&mut self, line: &str, tidy: impl Fn(Reply) -> Reply) {
        let (ours, theirs) = (tidy(self.ours(line)), tidy(self.theirs(line)));
        assert!(ours == theirs, "{line}\n  ours: {}\ntheirs: {}", shown(&ours), shown(&theirs));
    }
}

/// A reply on one line, for the reader of a failure.
fn shown(reply: &Reply) -> String {
    let all = |replies: &[Reply]| replies.iter().map(shown).collect::<Vec<_>>().join(" ");
    match reply {
        Reply::Error(text) | Reply::Bulk(text) => text.escape_ascii().to_string(),
        Reply::Array(replies) => format!("[{}]", all(replies)),
        Reply::Set(replies) => format!("~[{}]", all(replies)),
        Reply::Map(pairs) => {
            let pairs = pairs.iter().map(|(name, value)| format!("{}: {}", shown(name), shown(value)));
            format!("{{{}}}", pairs.collect::<Vec<_>>().join(", "))
        }
        other => format!("{other:?}"),
    }
}

fn words(line: &str) -> Vec<&[u8]> {
    line.split(' ').map(str::as_bytes).collect()
}

/// Runs a test in both versions of RESP.
fn in_both_versions(name: &str, test: impl Fn(&mut Sides)) {
    for resp3 in [false, true] {
        test(&mut Sides::new(name, resp3));
    }
}

/// The full names of every command and sub-command here.
fn names() -> Vec<String> {
    let mut names = Vec::new();
    for command in COMMANDS {
        names.push(command.name.to_owned());
        names.extend(command.subcommands().iter().map(|inner| format!("{}|{}", command.name, inner.name)));
    }
    names
}

fn shared_names() -> BTreeSet<String> {
    names().into_iter().filter(|name| NEWER.iter().all(|(newer, _)| newer != name)).collect()
}

fn text(reply: &Reply) -> String {
    String::from_utf8(reply.as_bytes().expect("a string").to_vec()).unwrap()
}

/// The pairs of a map, which is a flat array in RESP2.
fn pairs(reply: Reply) -> Vec<(Reply, Reply)> {
    match reply {
        Reply::Map(pairs) => pairs,
        Reply::Array(flat) => flat.chunks_exact(2).map(|pair| (pair[0].clone(), pair[1].clone())).collect(),
        other => panic!("no map: {other:?}"),
    }
}

/// Puts pairs back into the form that they had in `like`.
fn map_like(like: &Reply, pairs: Vec<(Reply, Reply)>) -> Reply {
    match like {
        Reply::Map(_) => Reply::Map(pairs),
        _ => Reply::Array(pairs.into_iter().flat_map(|(name, value)| [name, value]).collect()),
    }
}

fn elements(reply: Reply) -> Vec<Reply> {
    match reply {
        Reply::Array(elements) | Reply::Set(elements) => elements,
        other => panic!("no array: {other:?}"),
    }
}

fn elements_like(like: &Reply, elements: Vec<Reply>) -> Reply {
    match like {
        Reply::Set(_) => Reply::Set(elements),
        _ => Reply::Array(elements),
    }
}

/// The reply to COMMAND INFO without remarks, and with the sub-commands that both sides have, by name.
fn tidy_info(reply: Reply) -> Reply {
    let shared = shared_names();
    let entries = elements(reply).into_iter().map(|entry| match entry {
        Reply::Null => Reply::Null,
        entry => {
            let mut fields = elements(entry);
            let subcommands = fields.pop().expect("ten fields");
            let specs = fields.pop().expect("ten fields");
            let specs_without_notes = elements(specs.clone())
                .into_iter()
                .map(|spec| {
                    let kept = pairs(spec.clone()).into_iter().filter(|(name, _)| text(name) != "notes");
                    map_like(&spec, kept.collect())
                })
                .collect();
            fields.push(elements_like(&specs, specs_without_notes));
            let tidied = elements(tidy_info(subcommands.clone()));
            let mut kept: Vec<Reply> =
                tidied.into_iter().filter(|entry| shared.contains(&name_of(entry))).collect();
            kept.sort_by_key(name_of);
            fields.push(elements_like(&subcommands, kept));
            Reply::Array(fields)
        }
    });
    Reply::Array(entries.collect())
}

fn name_of(entry: &Reply) -> String {
    text(&elements(entry.clone())[0])
}

/// The reply to COMMAND DOCS without sentences, and with the sub-commands that both sides have, by name.
fn tidy_docs(reply: Reply) -> Reply {
    let shared = shared_names();
    let mut commands: Vec<(Reply, Reply)> =
        pairs(reply.clone()).into_iter().filter(|(name, _)| shared.contains(&text(name))).collect();
    commands.sort_by_key(|(name, _)| text(name));
    for (_, docs) in &mut commands {
        let fields = pairs(docs.clone()).into_iter().map(|(name, value)| {
            let value = match text(&name).as_str() {
                "summary" | "complexity" | "replaced_by" => Reply::Null,
                "history" => {
                    elements_like(&value, elements(value.clone()).into_iter().map(version_of).collect())
                }
                "subcommands" => tidy_docs(value),
                _ => value,
            };
            (name, value)
        });
        *docs = map_like(docs, fields.collect());
    }
    map_like(&reply, commands)
}

fn version_of(change: Reply) -> Reply {
    elements(change).swap_remove(0)
}

/// The names in the reply to COMMAND LIST that both sides have.
fn tidy_list(reply: Reply) -> Reply {
    let shared = shared_names();
    let kept: BTreeSet<String> =
        elements(reply.clone()).iter().map(text).filter(|name| shared.contains(name)).collect();
    elements_like(&reply, kept.into_iter().map(|name| Reply::Bulk(name.into_bytes())).collect())
}

#[test]
fn command_info_is_the_same() {
    in_both_versions("info", |sides| {
        for name in shared_names() {
            sides.compare(&format!("COMMAND INFO {name}"), tidy_info);
        }
        sides.compare("COMMAND INFO Config|GET nosuch get|x |get config|get| OBJECT", tidy_info);
    });
}

#[test]
fn command_docs_are_the_same() {
    in_both_versions("docs", |sides| {
        for name in shared_names() {
            sides.compare(&format!("COMMAND DOCS {name}"), tidy_docs);
        }
        sides.compare("COMMAND DOCS nosuch Client|LIST get|x |get GET", tidy_docs);
        sides.compare("COMMAND DOCS nosuch", tidy_docs);
        sides.compare("COMMAND DOCS", tidy_docs);
    });
}

#[test]
fn command_alone_describes_what_its_subcommands_count() {
    in_both_versions("alone", |sides| {
        let all = elements(sides.ours("COMMAND"));
        assert_eq!(Reply::Integer(all.len() as i64), sides.ours("COMMAND COUNT"));
        assert_eq!(all, elements(sides.ours("COMMAND INFO")));
        let known: BTreeSet<String> = elements(sides.theirs("COMMAND")).iter().map(name_of).collect();
        assert!(all.iter().map(name_of).all(|name| known.contains(&name)));
    });
}

#[test]
fn command_list_is_the_same() {
    const CATEGORIES: &str = "keyspace read write set sortedset list hash string bitmap hyperloglog \
                              geo stream pubsub admin fast slow blocking dangerous connection transaction scripting";
    in_both_versions("list", |sides| {
        sides.compare("COMMAND LIST", tidy_list);
        for category in CATEGORIES.split(' ').chain(["KeySpace", "@read", "nosuch"]) {
            sides.compare(&format!("COMMAND LIST FILTERBY ACLCAT {category}"), tidy_list);
        }
        for pattern in ["*", "g*", "G?T", "*|*", "config|[gs]et", "[^a-s]*", "nosuch"] {
            sides.compare(&format!("COMMAND LIST filterby pattern {pattern}"), tidy_list);
        }
        sides.compare("COMMAND LIST FILTERBY MODULE nosuch", tidy_list);
    });
}

#[test]
fn keys_are_the_same() {
    const ARGUMENTS: [&str; 8] = ["a", "b", "c", "GET", "d", "7", "EX", ""];
    in_both_versions("keys", |sides| {
        for name in shared_names() {
            for count in 0..=ARGUMENTS.len() {
                let call = format!("{} {}", name.replace('|', " "), ARGUMENTS[..count].join(" "));
                sides.compare(&format!("COMMAND GETKEYS {}", call.trim_end()), |reply| reply);
                sides.compare(&format!("COMMAND GETKEYSANDFLAGS {}", call.trim_end()), |reply| reply);
            }
        }
    });
}

#[test]
fn errors_are_the_same() {
    in_both_versions("errors", |sides| {
        for line in [
            "COMMAND nosuch",
            "COMMAND COUNT x",
            "COMMAND HELP x",
            "COMMAND LIST x",
            "COMMAND LIST FILTERBY",
            "COMMAND LIST FILTERBY MODULE",
            "COMMAND LIST FILTERBY nosuch x",
            "COMMAND LIST FILTERBY PATTERN a b",
            "COMMAND LIST nosuch PATTERN a",
            "COMMAND GETKEYS",
            "COMMAND GETKEYS GET",
            "COMMAND GETKEYS nosuch a",
            "COMMAND GETKEYS object|freq a",
            "COMMAND GETKEYS OBJECT nosuch a",
            "COMMAND GETKEYS CLIENT SETNAME x",
            "OBJECT",
            "OBJECT HELP x",
            "CLIENT nosuch",
        ] {
            sides.compare(line, |reply| reply);
            assert!(sides.ours(line).is_error(), "{line}");
        }
    });
}

#[test]
fn help_has_the_form_of_redis_and_each_subcommand() {
    in_both_versions("help", |sides| {
        for container in COMMANDS.iter().filter(|command| !command.subcommands().is_empty()) {
            let line = format!("{} HELP", container.name);
            let ours: Vec<String> = elements(sides.ours(&line)).iter().map(text).collect();
            let theirs: Vec<String> = elements(sides.theirs(&line)).iter().map(text).collect();
            assert_eq!(ours[0], theirs[0], "{line}");
            for subcommand in container.subcommands() {
                let name = subcommand.name.to_ascii_uppercase();
                assert!(ours.iter().any(|line| line.split(' ').next() == Some(&name)), "{line}: {name}");
            }
        }
    });
}
