//! Child processes of modules, here and under redis-server.

use std::thread;
use std::time::{Duration, Instant};

use crate::oracle::{Redis, same};
use crate::support::{Server, compile};

const PATIENCE: Duration = Duration::from_secs(60);

/// Waits until a server has no child any more; `state` calls FORKER.STATE.
fn wait_for_end(mut state: impl FnMut() -> String) -> String {
    let until = Instant::now() + PATIENCE;
    loop {
        let text = state();
        if text.ends_with(":0|") {
            return text;
        }
        assert!(Instant::now() < until, "the child doesn't end: {text}");
        thread::sleep(Duration::from_millis(5));
    }
}

/// What both have told when their children have ended.
fn settled(ours: &mut Server, theirs: &mut Redis) -> (String, String) {
    let theirs =
        wait_for_end(|| String::from_utf8_lossy(&theirs.bytes(&[b"forker.state"])).replace("\r\n", "|"));
    (settled_alone(ours), theirs)
}

fn settled_alone(server: &mut Server) -> String {
    wait_for_end(|| {
        server.engine.attend();
        server.raw("forker.state")
    })
}

/// A field of INFO.
fn info(server: &mut Server, field: &str) -> String {
    let text = server.engine.info_text(&[] as &[&str]);
    let line = text.lines().find_map(|line| line.strip_prefix(field)?.strip_prefix(':'));
    line.unwrap_or_else(|| panic!("no {field}")).to_owned()
}

#[test]
fn children_end_as_under_redis_server() {
    let mut ours = Server::new();
    let library = compile(ours.directory(), "forker", &[]);
    ours.load_file(&library, &[]).expect("loaded");
    let mut theirs = Redis::with(&library);
    for how in ["exit 0", "exit 7", "exit 255", "kill 9", "kill 10"] {
        let script = format!(
            "set k before
             forker.fork {how}
             forker.fork {how}
             forker.state
             set k after
             forker.go
             get k"
        );
        same(&mut ours, &mut theirs, &script);
        let (ours, theirs) = settled(&mut ours, &mut theirs);
        assert_eq!(ours, theirs, "{how}");
    }
    same(&mut ours, &mut theirs, "forker.fork exit 0\nforker.kill\nforker.state\nget k");
}

#[test]
fn what_a_child_tells_is_shown() {
    let mut server = Server::with("forker");
    server.call("config set latency-monitor-threshold 1");
    server.call("set k before");
    assert_eq!(info(&mut server, "module_fork_in_progress"), "0");
    assert_eq!(server.raw("forker.fork exit 0"), ":1|");
    let until = Instant::now() + PATIENCE;
    while info(&mut server, "current_fork_perc") != "25.00" {
        assert!(Instant::now() < until, "the child tells nothing");
        server.engine.attend();
    }
    assert_eq!(info(&mut server, "module_fork_in_progress"), "1");
    assert_ne!(info(&mut server, "current_cow_size"), "0");
    assert_eq!(info(&mut server, "total_forks"), "1");
    server.call("forker.go");
    assert_eq!(settled_alone(&mut server), "*2|$28|born done(0,0,data,-1) died |:0|");
    assert_eq!(info(&mut server, "module_fork_in_progress"), "0");
    assert_eq!(info(&mut server, "current_fork_perc"), "0.00");
    assert_eq!(info(&mut server, "current_cow_size"), "0");
    assert_ne!(info(&mut server, "current_cow_peak"), "0");
}

#[test]
fn copy_on_write_is_measured() {
    const BYTES: usize = 24 << 20;
    let mut server = Server::with("forker");
    assert_eq!(server.raw(&format!("forker.dirty {BYTES}")), "+OK|");
    settled_alone(&mut server);
    let cow: usize = info(&mut server, "module_fork_last_cow_size").parse().expect("a number");
    assert!(cow >= BYTES, "{cow} bytes");
}

#[test]
fn a_child_that_returns_is_ended() {
    let mut server = Server::with("forker");
    assert_eq!(server.raw("forker.fork return 0"), ":1|");
    assert_eq!(settled_alone(&mut server), "*2|$28|born done(1,0,data,-1) died |:0|");
}

#[test]
fn the_child_of_a_module_that_goes_is_ended() {
    let mut server = Server::with("forker");
    assert_eq!(server.raw("forker.fork exit 0"), ":1|");
    let pid = server.raw("forker.pid");
    let pid: u32 = pid.trim_matches([':', '|']).parse().expect("a number");
    assert_eq!(server.raw("module unload forker"), "+OK|");
    assert!(!server.engine.has_child());
    assert!(!is_there(pid));
}

#[test]
fn the_child_of_a_server_that_ends_is_ended() {
    let mut server = Server::with("forker");
    let pid = |server: &mut Server| -> u32 {
        assert_eq!(server.raw("forker.fork exit 0"), ":1|");
        server.raw("forker.pid").trim_matches([':', '|']).parse().expect("a number")
    };
    let first = pid(&mut server);
    server.announce_shutdown();
    assert!(!is_there(first) && !server.engine.has_child());
    let second = pid(&mut server);
    drop(server);
    assert!(!is_there(second));
}

fn is_there(pid: u32) -> bool {
    std::path::Path::new(&format!("/proc/{pid}")).exists()
}
