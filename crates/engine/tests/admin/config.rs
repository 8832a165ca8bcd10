//! CONFIG GET SET RESETSTAT REWRITE.

use std::cell::RefCell;
use std::io;
use std::path::Path;
use std::rc::Rc;

use engine::Host;
use engine::config::{Config, Protection};

use crate::{Session, arity, field};

/// A program with a configuration file, which can be made to refuse.
#[derive(Clone, Debug, Default)]
struct Program(Rc<RefCell<State>>);

#[derive(Debug, Default)]
struct State {
    file: Option<Vec<u8>>,
    applied: Vec<(u32, Vec<&'static str>)>,
    refusal: Option<String>,
    write_error: Option<io::ErrorKind>,
}

impl Host for Program {
    fn config_file(&self) -> Option<&Path> {
        Some(Path::new("/etc/redis.conf"))
    }

    fn read_config(&self) -> io::Result<Vec<u8>> {
        self.0.borrow().file.clone().ok_or(io::ErrorKind::NotFound.into())
    }

    fn write_config(&mut self, text: &[u8]) -> io::Result<()> {
        let mut state = self.0.borrow_mut();
        match state.write_error {
            Some(kind) => Err(kind.into()),
            None => {
                state.file = Some(text.to_vec());
                Ok(())
            }
        }
    }

    fn apply(&mut self, config: &Config, changed: &[&'static str]) -> Result<(), String> {
        let mut state = self.0.borrow_mut();
        state.applied.push((config.timeout, changed.to_vec()));
        state.refusal.clone().map_or(Ok(()), Err)
    }
}

fn hosted() -> (Session, Program) {
    let program = Program::default();
    (Session::with(Config::default(), Box::new(program.clone())), program)
}

#[test]
fn get_takes_names_and_globs() {
    let mut session = Session::new();
    session.check(&[
        ("CONFIG GET timeout", "[$timeout $0]"),
        ("CONFIG GET TimeOut timeout time*", "[$TimeOut $0]"),
        ("CONFIG GET hz maxc*", "[$hz $10 $maxclients $10000]"),
        ("CONFIG GET nosuch nosuch*", "[]"),
        ("CONFIG GET", &arity("config|get")),
        ("CONFIG", &arity("config")),
        ("CONFIG NONSENSE", "-ERR unknown subcommand 'NONSENSE'. Try CONFIG HELP."),
    ]);
    session.call("HELLO 3");
    session.check(&[("CONFIG GET hz port", "{$hz=$10 $port=$6379}"), ("CONFIG GET nosuch", "{}")]);
}

#[test]
fn set_sets_all_or_nothing() {
    let (mut session, program) = hosted();
    session.check(&[
        ("CONFIG SET timeout 7 hz 20", "+OK"),
        ("CONFIG GET timeout hz", "[$timeout $7 $hz $20]"),
        ("CONFIG SET timeout 7", "+OK"),
        (
            "CONFIG SET timeout 8 hz x",
            "-ERR CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer",
        ),
        (
            "CONFIG SET timeout 8 timeout 9",
            "-ERR CONFIG SET failed (possibly related to argument 'timeout') - duplicate parameter",
        ),
        (
            "CONFIG SET timeout 8 databases 3",
            "-ERR CONFIG SET failed (possibly related to argument 'databases') - can't set immutable config",
        ),
        ("CONFIG SET timeout 8 nosuch 1", "-ERR Unknown option or number of arguments for CONFIG SET - 'nosuch'"),
        ("CONFIG SET timeout 8 hz", "-ERR syntax error"),
        ("CONFIG SET timeout", &arity("config|set")),
        ("CONFIG GET timeout hz", "[$timeout $7 $hz $20]"),
    ]);
    // What was refused, and what changed nothing, never reached the program.
    assert_eq!(program.0.borrow().applied, [(7, vec!["timeout", "hz"])]);
}

#[test]
fn what_the_program_refuses_is_taken_back() {
    let (mut session, program) = hosted();
    program.0.borrow_mut().refusal = Some("no such port".into());
    session.check(&[
        ("CONFIG SET port 7", "-ERR CONFIG SET failed (possibly related to argument 'port') - no such port"),
        ("CONFIG SET port 7 timeout 5", "-ERR CONFIG SET failed - no such port"),
        ("CONFIG GET port timeout", "[$port $6379 $timeout $0]"),
    ]);
    assert_eq!(program.0.borrow().applied, [(0, vec!["port"]), (5, vec!["port", "timeout"])]);
}

#[test]
fn protected_directives_ask_where_the_client_is() {
    let mut session = Session::configured(|config| config.enable_protected_configs = Protection::Local);
    let refused =
        "-ERR CONFIG SET failed (possibly related to argument 'dbfilename') - can't set protected config";
    for (address, expected) in [("10.0.0.1:9", refused), ("127.0.0.1:9", "+OK"), ("[::1]:9", "+OK")] {
        let id = session.accept(address);
        let reply = session.call_as(id, "CONFIG SET dbfilename a.rdb");
        assert_eq!(crate::show(&reply), expected, "{address}");
    }
    session.check(&[("CONFIG SET dbfilename b.rdb", "+OK")]);
}

#[test]
fn resetstat_resets_counters_and_nothing_else() {
    let mut session = Session::new();
    let other = session.accept("a:1");
    session.engine.receive(other, b"PING\r\nNONSENSE\r\n");
    session.engine.sent(other, 3);
    let before = session.text("INFO");
    session.check(&[("CONFIG RESETSTAT", "+OK"), ("CONFIG RESETSTAT x", &arity("config|resetstat"))]);
    let after = session.text("INFO");
    for (name, was, is) in [
        ("total_connections_received", "2", "0"),
        // What is refused doesn't count, and INFO counts itself when it is done.
        ("total_commands_processed", "1", "1"),
        ("total_error_replies", "1", "1"),
        ("total_net_input_bytes", "16", "0"),
        ("total_net_output_bytes", "3", "0"),
        ("connected_clients", "2", "2"),
    ] {
        assert_eq!((field(&before, name), field(&after, name)), (was, is), "{name}");
    }
    let peak = |text| crate::number(text, "used_memory_peak");
    assert!(peak(&after) >= peak(&before));
}

#[test]
fn rewrite_changes_the_file() {
    let (mut session, program) = hosted();
    program.0.borrow_mut().file = Some(b"# mine\ntimeout 3\n".to_vec());
    session.check(&[("CONFIG SET timeout 9", "+OK"), ("CONFIG REWRITE", "+OK")]);
    let file = String::from_utf8(program.0.borrow().file.clone().expect("it is there")).expect("it is text");
    assert!(file.starts_with("# mine\ntimeout 9\n"), "{file}");
    program.0.borrow_mut().file = None;
    session.check(&[("CONFIG REWRITE", "+OK"), ("CONFIG REWRITE x", &arity("config|rewrite"))]);
    let file = program.0.borrow().file.clone().expect("it was written anew");
    assert!(file.windows(9).any(|line| line == b"timeout 9"));
    program.0.borrow_mut().write_error = Some(io::ErrorKind::StorageFull);
    session.check(&[("CONFIG REWRITE", "-ERR Rewriting config file: no storage space")]);
}

#[test]
fn rewrite_needs_a_file() {
    Session::new().check(&[("CONFIG REWRITE", "-ERR The server is running without a config file")]);
}
