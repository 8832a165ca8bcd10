//! Modules and their directives in the configuration file, which CONFIG REWRITE writes and the next start reads.

use rustix::process::Signal;

use crate::support::{Client, Server, compile, run};

/// What a client is shown that a restart should leave as it is.
fn shown(client: &mut Client) -> Vec<String> {
    let replies = ["configs.*", "plain-number", "hz"]
        .map(|pattern| String::from_utf8_lossy(&client.call(&["CONFIG", "GET", pattern])).into_owned());
    replies.into_iter().collect()
}

#[test]
fn what_was_rewritten_is_there_after_a_restart() {
    let directory = tempfile::tempdir().expect("a directory");
    let [configs, looper] =
        ["configs", "looper"].map(|name| compile(directory.path(), name).display().to_string());
    let file = directory.path().join("redis.conf");
    let text = format!("# ours\nloadmodule {configs}\nconfigs.number 3\nhz 20\nconfigs.immutable yes\n");
    std::fs::write(&file, text).expect("writable");
    let name = file.display().to_string();
    let options = [&*name, "--enable-module-command", "yes"];

    let server = Server::start_in(directory, &options, b"");
    let mut client = server.connect();
    assert_eq!(client.call(&["MODULE", "LOAD", &looper, "with words", "and\nmore"]), b"+OK\r\n");
    let set = [
        "CONFIG",
        "SET",
        "configs.number",
        "7",
        "configs.color",
        "blue",
        "configs.bits",
        "red green",
        "configs.text",
        "two words",
        "configs.flag",
        "no",
        "plain-number",
        "9",
    ];
    assert_eq!(client.call(&set), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    let (before, modules) = (shown(&mut client), client.call(&["MODULE", "LIST"]));
    let rewritten = std::fs::read_to_string(&file).expect("readable");
    assert_eq!(rewritten.matches("configs.number").count(), 1, "{rewritten}");
    assert!(
        rewritten.contains("\nconfigs.number 7\n") && rewritten.contains("\nplain-number 9\n"),
        "{rewritten}"
    );
    assert!(!rewritten.contains("configs.bytes"), "what has its default stays out: {rewritten}");
    let directory = server.stop(Signal::TERM).directory;

    let server = Server::start_in(directory, &options, b"");
    let mut client = server.connect();
    assert_eq!(shown(&mut client), before);
    assert_eq!(client.call(&["MODULE", "LIST"]), modules);
    // A second time nothing changes any more.
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    // But for the port, which is another.
    let but_port = |text: &str| {
        text.lines().filter(|line| !line.starts_with("port ")).map(str::to_owned).collect::<Vec<_>>()
    };
    assert_eq!(but_port(&std::fs::read_to_string(&file).expect("readable")), but_port(&rewritten));
    // Back at its default a directive that the file has stays there.
    assert_eq!(client.call(&["CONFIG", "SET", "configs.number", "5"]), b"+OK\r\n");
    assert_eq!(client.call(&["CONFIG", "REWRITE"]), b"+OK\r\n");
    assert!(std::fs::read_to_string(&file).expect("readable").contains("\nconfigs.number 5\n"));
}

#[test]
fn a_directive_that_no_module_takes_ends_the_start() {
    let directory = tempfile::tempdir().expect("a directory");
    let library = compile(directory.path(), "configs").display().to_string();
    for (words, reason) in [
        (&["--loadmodule", &library, "--plain-nothing", "5"][..], "plain-nothing: aborting"),
        (&["--loadmodule", &library, "--other.thing", "5"], "other.thing: aborting"),
        (&["--plain-number", "5", "--loadmodule", &library], "Bad directive"),
        (&["--loadmodule", &library, "--plain-number", "101"], "between 0 and 100"),
    ] {
        let output = run(&[&["--port", "0", "--unixsocket", "socket"][..], words].concat(), directory.path());
        assert_eq!(output.status.code(), Some(1), "{words:?}");
        let said = [output.stdout, output.stderr].concat();
        let said = String::from_utf8_lossy(&said);
        assert!(said.contains(reason), "{words:?}: {said}");
    }
}
