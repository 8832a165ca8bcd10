//! Modules in Rust that are refused memory, each refusal in a process of its own (`examples/refusals.rs`): one that
//! they can't take ends the process, as Rust does it; none leads to a wrong value.

use std::io::Write;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use crate::guests::{build, build_example};
use crate::support::Server;

/// Runs the commands in the module, with that allocation refused.
fn run(program: &Path, module: &Path, nth: usize, script: &str) -> Output {
    let mut child = Command::new(program)
        .arg(module)
        .arg(nth.to_string())
        .env("RUST_BACKTRACE", "0")
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("it is built");
    // One that has ended already reads no more.
    let _ = child.stdin.take().expect("a pipe").write_all(script.as_bytes());
    child.wait_with_output().expect("it ends")
}

fn check(name: &str, script: &str) {
    let directory = Server::new();
    let (program, module) = (build_example("refusals"), build(&directory, name));
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let whole = run(&program, &module, 0, script);
    assert!(whole.status.success(), "{}", text(&whole.stderr));
    let whole = text(&whole.stdout);
    let replies = whole.strip_suffix("spared\n").expect("nothing was refused");
    let mut nth = 1;
    loop {
        let Output { status, stdout, stderr } = run(&program, &module, nth, script);
        let (stdout, stderr) = (text(&stdout), text(&stderr));
        if status.success() {
            assert!(stdout.starts_with(replies), "{name}, allocation {nth}: {stdout}");
        } else {
            assert_eq!(status.signal(), Some(libc::SIGABRT), "{name}, allocation {nth}: {status}, {stderr}");
            assert!(stderr.contains("memory allocation of "), "{name}, allocation {nth}: {stderr}");
            assert!(replies.starts_with(&stdout), "{name}, allocation {nth}: {stdout}");
        }
        if stdout.ends_with("spared\n") {
            break;
        }
        nth += 1;
    }
    assert!(nth > script.lines().count(), "every command takes memory");
}

#[test]
fn tairstring_never_has_half_a_value() {
    check(
        "tairstring",
        "exset k value EX 100\nexincrby n 5\nexappend k more\nexget k\ncopy k l\nexget l\nunlink k",
    );
}

#[test]
fn tairhash_never_has_half_a_value() {
    check(
        "tairhash",
        "exhset k f value EX 100\nexhincrby k n 5\nexhget k f\nexhmset k a 1 b 2\nexhdel k a\nexhlen k",
    );
}
