//! The directives against those of a real redis-server 7.0: the same names, the same
//! defaults, and to CONFIG SET the same answers.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use engine::config::arguments::Arguments;
use engine::config::directive::Place;
use engine::config::load::Origin;
use engine::config::table::TABLE;
use engine::config::value::Kind;
use engine::config::{Config, Directive, Source};

const REDIS_SERVER: &str = "/usr/bin/redis-server";

/// A redis-server of our own, and a connection to it.
struct Oracle {
    process: Child,
    connection: BufReader<TcpStream>,
    port: u16,
}

impl Oracle {
    fn start() -> Self {
        let port = free_port();
        Self::start_with(port, &["--port", &port.to_string(), "--save", ""])
    }

    /// Starts with these arguments, which make it listen on `port`.
    fn start_with(port: u16, arguments: &[&str]) -> Self {
        let process = Command::new(REDIS_SERVER)
            .args(arguments)
            .stdout(Stdio::null())
            .spawn()
            .expect("redis-server is installed by the project's test command");
        let connection = (0..200)
            .find_map(|_| {
                std::thread::sleep(Duration::from_millis(50));
                TcpStream::connect(("127.0.0.1", port)).ok()
            })
            .expect("redis-server accepts connections");
        Self { process, connection: BufReader::new(connection), port }
    }

    /// Sends CONFIG with these arguments; the reply's strings, or its error.
    fn config(&mut self, arguments: &[&str]) -> Result<Vec<String>, String> {
        let mut request = format!("*{}\r\n$6\r\nCONFIG\r\n", arguments.len() + 1);
        for argument in arguments {
            request.push_str(&format!("${}\r\n{argument}\r\n", argument.len()));
        }
        let stream = self.connection.get_mut();
        stream.write_all(request.as_bytes()).expect("a connection");
        self.reply()
    }

    /// Every name with its value.
    fn all(&mut self) -> BTreeMap<String, String> {
        self.config(&["GET", "*"])
            .expect("names and values")
            .as_chunks::<2>()
            .0
            .iter()
            .map(|[name, value]| (name.clone(), value.clone()))
            .collect()
    }

    fn reply(&mut self) -> Result<Vec<String>, String> {
        let mut line = String::new();
        self.connection.read_line(&mut line).expect("a reply");
        let (kind, rest) = line.trim_end().split_at(1);
        match kind {
            "+" => Ok(vec![rest.to_owned()]),
            "-" => Err(rest.to_owned()),
            "$" => {
                let mut bytes = vec![0; rest.parse::<usize>().expect("a length") + 2];
                self.connection.read_exact(&mut bytes).expect("a string");
                bytes.truncate(bytes.len() - 2);
                Ok(vec![String::from_utf8(bytes).expect("UTF-8")])
            }
            "*" => {
                let length: usize = rest.parse().expect("a length");
                let items: Result<Vec<_>, _> = (0..length).map(|_| self.reply()).collect();
                Ok(items?.concat())
            }
            _ => panic!("an unknown reply: {line}"),
        }
    }
}

impl Drop for Oracle {
    fn drop(&mut self) {
        // It may have ended by itself; there is nothing left to do then.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> u16 {
    let free = TcpListener::bind("127.0.0.1:0").expect("a free port");
    free.local_addr().expect("an address").port()
}

/// A matcher that takes every name.
fn every(_pattern: &[u8], _text: &[u8], _nocase: bool) -> bool {
    true
}

/// Every name of `config` with its value.
fn all(config: &Config) -> BTreeMap<String, String> {
    config.get(&[b"*"], every).into_iter().map(|(name, value)| (text(name), text(value))).collect()
}

fn text(bytes: Vec<u8>) -> String {
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn names_and_defaults_are_those_of_redis() {
    let mut oracle = Oracle::start();
    let theirs = oracle.all();
    let directory = std::env::current_dir().expect("a working directory");
    let mut config = Config::default();
    config.port = oracle.port;
    config.dir = directory.into_os_string().into_encoded_bytes();
    let ours = all(&config);
    // Both started with `save ""`: where Redis's own default is to save, ours is not to.
    assert_eq!(ours, theirs);
    assert!(ours.len() > 180, "{} names", ours.len());
}

/// Why an answer of ours to CONFIG SET is meant to differ from Redis's.
fn wanted_difference(directive: &Directive, value: &str) -> Option<&'static str> {
    let is_memory = matches!(directive.kind, Kind::Memory { .. } | Kind::MemoryOrPercent);
    match directive.name {
        "port" | "bind" | "dir" | "maxclients" => {
            Some("Redis tries the new value out; here that is the server's part")
        }
        "repl-backlog-size" => Some("Redis raises small sizes to 16 kb; there is no backlog here"),
        "notify-keyspace-events" if value.contains('A') && value.contains('n') => {
            Some("Redis doesn't show `n` beside `A`, and so loses it when it rewrites its file")
        }
        _ if is_memory && !value.starts_with(|c: char| c.is_ascii_digit() || c == '-') => {
            Some("Redis takes a size without a digit for 0")
        }
        _ if is_memory && value.len() >= 19 => {
            Some("Redis takes what is past 64 bits for the greatest size, or wraps it around")
        }
        _ => None,
    }
}

/// A test value as CONFIG SET takes it and shows it, or the whole error.
fn set_ours(directive: &Directive, name: &str, value: &str) -> Result<String, String> {
    let mut config = Config::default();
    match config.set(&[name.as_bytes(), value.as_bytes()], true) {
        Ok(_change) => Ok(text(directive.get(&config))),
        Err(error) => Err(format!("ERR {error}")),
    }
}

fn set_theirs(oracle: &mut Oracle, name: &str, value: &str) -> Result<String, String> {
    let before = oracle.config(&["GET", name])?.remove(1);
    oracle.config(&["SET", name, value])?;
    let after = oracle.config(&["GET", name])?.remove(1);
    oracle.config(&["SET", name, &before])?;
    Ok(after)
}

#[test]
fn set_answers_as_redis_does() {
    const VALUES: &[&str] = &[
        "",
        "x",
        "yes",
        "NO",
        "0",
        "1",
        "-1",
        "-2",
        "2",
        "10",
        "100",
        "101",
        "500",
        "70000",
        "007",
        "1k",
        "3MB",
        "10%",
        "101%",
        "a b",
        "a/b",
        "always",
        "local",
        "optional",
        "save",
        "KEA",
        "AKE$n",
        "50 99.5",
        "60 1",
        "normal 1kb 2 3",
        "replica 1 2 3 pubsub 4 5 6",
        "1 2 3",
        "2147483647",
        "2147483648",
        "4294967296",
        "9223372036854775807",
        "9223372036854775808",
        "99999999999999999999",
        "{title} {port}",
        "{x}",
    ];
    let mut oracle = Oracle::start();
    let mut compared = 0;
    for directive in TABLE {
        for name in [Some(directive.name), directive.alias].into_iter().flatten() {
            for value in VALUES {
                if wanted_difference(directive, value).is_some() {
                    continue;
                }
                let ours = set_ours(directive, name, value);
                if let Place::Only { absent, .. } = directive.place
                    && ours.as_ref().is_err_and(|error| error.ends_with(absent))
                {
                    continue;
                }
                let theirs = set_theirs(&mut oracle, name, value);
                assert_eq!(ours, theirs, "CONFIG SET {name} {value:?}");
                compared += 1;
            }
        }
    }
    println!("{compared} answers to CONFIG SET compared");
    assert!(compared > 5000, "only {compared} answers compared");
}

#[test]
fn redis_reads_what_rewrite_writes() {
    let port = free_port();
    let directory = std::env::temp_dir().join(format!("oracle_config_{port}"));
    std::fs::create_dir(&directory).expect("a directory");
    let file = directory.join("it's \"redis\".conf");
    let old = "# A comment\ntimeout 1\nsave \"\"\ntimeout 2\nmin-slaves-max-lag 3\n\
               client-output-buffer-limit normal 1mb 2mb 3\n";

    let mut config = Config::default();
    config.port = port;
    config.dir = directory.clone().into_os_string().into_encoded_bytes();
    for (name, value) in [
        ("bind", "127.0.0.1 -::1"),
        ("requirepass", ""),
        ("masterauth", "a \"quoted\" \\ word\n"),
        ("timeout", "3"),
        ("hz", "20"),
        ("databases", "3"),
        ("loglevel", "warning"),
        ("unixsocketperm", "750"),
        ("client-query-buffer-limit", "3mb"),
        ("client-output-buffer-limit", "pubsub 5 6 7"),
        ("hash-max-listpack-value", "1025"),
        ("hash-max-listpack-entries", "7"),
        ("active-defrag-ignore-bytes", "1gb"),
        ("notify-keyspace-events", "KEA"),
        ("latency-tracking-info-percentiles", ""),
        ("shutdown-on-sigterm", "nosave force"),
        ("oom-score-adj-values", "1 2 3"),
        ("proc-title-template", "{title} {port}"),
        ("enable-debug-command", "local"),
        ("maxmemory-policy", "allkeys-lfu"),
        ("activerehashing", "no"),
        ("slowlog-log-slower-than", "-1"),
        ("propagation-error-behavior", "panic"),
        ("syslog-ident", "x"),
    ] {
        let directive = Directive::find(name.as_bytes()).expect(name);
        assert_eq!(directive.set(&mut config, value.as_bytes()), Ok(()), "{name}");
    }
    let source = |text: &[u8]| Source { origin: Origin::File, text: text.to_vec() };
    let new = config.rewrite(old.as_bytes());
    let mut reread = Config::default();
    reread.load(&source(&new), &mut |_| unreachable!("no include")).expect("a good text");
    std::fs::write(&file, &new).expect("a file");

    let mut oracle = Oracle::start_with(port, &[file.to_str().expect("UTF-8")]);
    let theirs = oracle.all();
    drop(oracle);
    std::fs::remove_dir_all(&directory).expect("the directory");
    assert_eq!(all(&reread), theirs);
    assert_eq!(all(&config), all(&reread));
}

/// The line that is refused and the reason, as redis-server prints them last.
fn their_refusal(arguments: &[&str]) -> String {
    let output = Command::new(REDIS_SERVER)
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .expect("redis-server is installed by the project's test command");
    assert!(!output.status.success(), "{arguments:?} is accepted");
    let message = text(output.stderr);
    let line = message.find(">>> ").unwrap_or_else(|| panic!("{message}"));
    message[line..].trim_end().to_owned()
}

#[test]
fn command_lines_are_refused_as_redis_does() {
    for arguments in [
        &["--nosuch", "1"][..],
        &["--nosuch"],
        &["--port"],
        &["--port", "x", "--hz", "5"],
        &["--port", "1", "2"],
        &["--port", "1", "x.conf"],
        &["--port 70000"],
        &["--port \"1", "--hz", "5"],
        &["--save", "--port", "x"],
        &["--save", "1"],
        &["--port", "--hz"],
        &["--pidfile", "--x", "--PORT", "-1"],
        &["--timeout", "3 4"],
        &["--loglevel", "loud"],
        &["--maxmemory", "1gg"],
        &["--replicaof", "--127.0.0.1--"],
        &["--unixsocketperm", "1000"],
        &["--unixsocketperm", "8"],
        &["--appendfilename", "a/b"],
        &["--client-output-buffer-limit", "normal", "1", "2"],
        &["--requirepass", "tab\t\"quote\" \u{e9}", "more"],
        &["-x"],
    ] {
        let source = Arguments::parse(arguments).source();
        let error =
            Config::default().load(&source, &mut |_| unreachable!("no include")).expect_err("a refusal");
        let ours = format!(">>> '{}'\n{}", error.text, error.reason);
        assert_eq!(ours, their_refusal(arguments), "{arguments:?}");
    }
}
