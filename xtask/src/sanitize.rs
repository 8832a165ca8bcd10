//! `cargo xtask sanitize`: the tests of the package `zmalloc` under the compiler's sanitizers, which
//! need a nightly toolchain.
//!
//! Under AddressSanitizer the build chooses the C library's allocator by itself, as that is what the
//! sanitizer watches. ThreadSanitizer sees the synchronisation of any allocator, if the standard
//! library is instrumented too, which takes its source (`rustup component add rust-src`).

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// A sanitizer, and what it needs.
struct Sanitizer {
    name: &'static str,
    arguments: &'static [&'static str],
}

const SANITIZERS: &[Sanitizer] = &[
    Sanitizer { name: "address", arguments: &[] },
    Sanitizer { name: "thread", arguments: &["-Zbuild-std"] },
];

/// Runs the tests under each sanitizer; all are tried, whatever became of those before.
///
/// # Errors
/// When there is no nightly toolchain, or a test failed.
pub(crate) fn run() -> Result<()> {
    let target = host()?;
    let mut failed = Vec::new();
    for sanitizer in SANITIZERS {
        println!("-- {}", sanitizer.name);
        let mut tests = shell::command("cargo");
        tests.args(["+nightly", "test", "--package", "zmalloc", "--tests", "--no-fail-fast"]);
        tests.args(["--target", &target, "--target-dir", &format!("target/sanitize-{}", sanitizer.name)]);
        tests.args(sanitizer.arguments);
        tests.env("MALLOC", "libc").env("RUSTFLAGS", format!("-Zsanitizer={}", sanitizer.name));
        // The tests ask for more than there is; the sanitizers' `malloc` ends the program at that otherwise.
        for options in ["ASAN_OPTIONS", "TSAN_OPTIONS"] {
            tests.env(options, "allocator_may_return_null=1");
        }
        // This program's own cargo would be taken for the toolchain otherwise.
        tests.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        if let Err(error) = shell::run(&mut tests) {
            println!("error: {error:#}");
            failed.push(sanitizer.name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed under {}", failed.join(", ")) }
}

/// The target that the nightly compiler builds for by default.
fn host() -> Result<String> {
    let output = Command::new("rustc")
        .args(["+nightly", "--version", "--verbose"])
        .env_remove("RUSTUP_TOOLCHAIN")
        .output()?;
    let text = String::from_utf8_lossy(&output.stdout);
    match text.lines().find_map(|line| line.strip_prefix("host: ")) {
        Some(host) if output.status.success() => Ok(host.to_owned()),
        _ => bail!("there is no nightly toolchain: `rustup toolchain install nightly --component rust-src`"),
    }
}
