//! The event loop, by a program around the engine that has none: it only notes what it is to watch.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::io;
use std::rc::Rc;

use engine::config::{Config, Protection};
use engine::{Embedded, Engine, Host, Options, Readiness};
use modhost::ModuleHost;

use crate::support::Server;

/// The descriptors that are watched, and for what.
type Watched = Rc<RefCell<BTreeMap<i32, Readiness>>>;

#[derive(Debug)]
struct Noting(Watched);

impl Host for Noting {
    fn watch(&mut self, fd: i32, wanted: Readiness) -> io::Result<()> {
        if wanted.is_none() {
            self.0.borrow_mut().remove(&fd);
        } else {
            self.0.borrow_mut().insert(fd, wanted);
        }
        Ok(())
    }
}

const READABLE: Readiness = Readiness { readable: true, writable: false };
const WRITABLE: Readiness = Readiness { readable: false, writable: true };

/// A server whose engine has this host, with the module.
fn server_in(host: Box<dyn Host>) -> Server {
    let mut server = Server::new();
    let mut config = Config::default();
    config.enable_module_command = Protection::Yes;
    server.engine = Engine::open(Options { config, host, ..Options::default() });
    server.engine.host_modules(Rc::new(ModuleHost::new()));
    server.client = server.engine.connect().expect("a client");
    server.load("looper", &[]).expect("loaded");
    server
}

fn server() -> (Server, Watched) {
    let watched = Watched::default();
    (server_in(Box::new(Noting(Rc::clone(&watched)))), watched)
}

#[test]
fn descriptors_are_watched_as_long_as_is_wanted() {
    let (mut server, watched) = server();
    assert_eq!(server.raw("looper.watch"), "+OK|");
    let all: Vec<(i32, Readiness)> = watched.borrow().clone().into_iter().collect();
    let [(read, READABLE), (write, WRITABLE)] = all[..] else { panic!("{all:?}") };
    // What isn't watched for isn't told.
    server.engine.descriptor_ready(write, READABLE);
    assert_eq!(server.raw("looper.counts"), "*4|:0|$0||:0|:0|");
    server.engine.descriptor_ready(write, Readiness { readable: true, writable: true });
    assert_eq!(server.raw("looper.counts"), "*4|:0|$0||:1|:0|");
    assert!(!watched.borrow().contains_key(&write));
    server.raw("looper.write ab");
    server.engine.descriptor_ready(read, READABLE);
    server.engine.descriptor_ready(read, READABLE);
    assert_eq!(server.raw("looper.counts"), "*4|:2|$2|ab|:1|:0|");
    assert_eq!(watched.borrow().get(&read), Some(&READABLE));
    server.raw("looper.write");
    server.engine.descriptor_ready(read, READABLE);
    assert!(watched.borrow().is_empty());
    server.engine.descriptor_ready(read, READABLE);
    assert_eq!(server.raw("looper.counts"), "*4|:3|$3|ab.|:1|:0|");
}

#[test]
fn who_goes_has_nothing_watched() {
    let (mut server, watched) = server();
    server.raw("looper.watch");
    server.raw("looper.shoot");
    assert_eq!(server.raw("module unload looper"), "+OK|");
    assert!(watched.borrow().is_empty());
    assert_eq!(server.engine.attend(), None, "and nothing called");
}

#[test]
fn functions_are_called_once_in_the_next_round() {
    let (mut server, _) = server();
    assert_eq!(server.raw("looper.shoot"), ":0|");
    server.engine.attend();
    assert_eq!(server.raw("looper.shoot"), ":11|");
    server.engine.attend();
    server.engine.attend();
    assert_eq!(server.raw("looper.counts"), "*4|:0|$0||:0|:22|");
}

#[test]
fn without_an_event_loop_nothing_is_watched() {
    let mut server = server_in(Box::new(Embedded));
    assert!(server.raw("looper.watch").starts_with("-ERR line "));
}
