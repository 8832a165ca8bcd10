//! The tests of the package `zmalloc` over each of its back ends.
//!
//! Each is chosen both by its cargo feature and by `MALLOC`. The feature gives each a build of its
//! own in the common target directory, so that jemalloc, which is always compiled in, is built once,
//! and nothing is built again when the tests are run again.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// What is tested besides the default, jemalloc: the value of `MALLOC`, and whether the pool stands
/// in front.
const COMBINATIONS: &[(&str, bool)] = &[
    ("libc", false),
    ("libc", true),
    ("prefixed", false),
    ("prefixed", true),
    ("mimalloc", false),
    ("tcmalloc", false),
    ("tcmalloc_minimal", false),
];

/// All integration tests: they ask of a block only what every back end promises.
const SUITE: &[&str] = &[
    "alignment",
    "conformance",
    "counts",
    "defrag",
    "exhaustion",
    "family",
    "heap_walk",
    "ledger",
    "not_global",
    "process",
    "selection",
    "statistics",
    "tallies",
    "wrapped",
];

/// Checks every back end by clippy and hands the command that tests it to `run_tests`. All are
/// tried, whatever became of those before.
///
/// # Errors
/// When any of them failed; the message names them.
pub(crate) fn run(mut run_tests: impl FnMut(&mut Command) -> Result<()>) -> Result<()> {
    let mut failed = Vec::new();
    for &(backend, pool) in COMBINATIONS {
        let name = if pool { format!("{backend} with pool") } else { backend.to_owned() };
        println!("-- {name}");
        let mut clippy = cargo_with("clippy", backend, pool);
        clippy.args(["--quiet", "--all-targets", "--", "-D", "warnings"]);
        let mut tests = cargo_with("test", backend, pool);
        tests.args(["--quiet", "--no-fail-fast", "--lib"]);
        tests.args(SUITE.iter().flat_map(|name| ["--test", name]));
        if let Err(error) = shell::run(&mut clippy).and_then(|()| run_tests(&mut tests)) {
            println!("error: {name}: {error:#}");
            failed.push(name);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("failed over {}", failed.join(", ")) }
}

/// Runs the tests over a jemalloc with its own quantum, 16 bytes, where this repository's is 8. jemalloc is
/// built once more for it, which takes minutes.
///
/// # Errors
/// When a test fails.
pub(crate) fn run_with_quantum_16() -> Result<()> {
    let mut tests = shell::cargo();
    tests.args(["test", "--package", "zmalloc", "--quiet", "--no-fail-fast", "--lib"]);
    tests.args(SUITE.iter().flat_map(|name| ["--test", name]));
    tests.args(["--target-dir", "target/quantum-16"]);
    tests.env("JEMALLOC_SYS_WITH_LG_QUANTUM", "4").env_remove("MALLOC");
    shell::run(&mut tests)
}

/// Hands the command that runs the ledger's model (`crates/zmalloc/src/ledger/model`) to `run_tests`.
///
/// # Errors
/// When a schedule was found in which a check fails.
pub(crate) fn run_model(run_tests: impl FnOnce(&mut Command) -> Result<()>) -> Result<()> {
    println!("-- the ledger's model");
    let mut tests = shell::cargo();
    // No other build has these features together, so that none has to be built again.
    tests.args(["test", "--package", "zmalloc", "--features", "prefixed,libc", "--quiet", "--lib"]);
    tests.args(["ledger::model", "--", "--test-threads", "1"]);
    tests.env("ZMALLOC_MODEL", "1").env("MALLOC", "prefixed").env("MALLOC_POOL", "0");
    run_tests(&mut tests)
}

/// Checks that a choice that can't be met stops a build with the sentence that helps.
///
/// # Errors
/// When a build succeeds, or says something else.
pub(crate) fn check_refusals() -> Result<()> {
    for (value, sentence) in [
        ("no-such-allocator", "MALLOC=no-such-allocator is not known"),
        ("mimalloc", "build with the feature `mimalloc`"),
    ] {
        let mut build = cargo_with("check", "libc", false);
        let output = build.env("MALLOC", value).output()?;
        let text = String::from_utf8_lossy(&output.stderr);
        if output.status.success() || !text.contains(sentence) {
            bail!("MALLOC={value} should have stopped the build with \"{sentence}\", not:\n{text}");
        }
    }
    Ok(())
}

/// Checks the C interface by clippy where it stands on another allocator than jemalloc: some of its
/// files are compiled only there. Its tests build and run it over both.
///
/// # Errors
/// When clippy finds something.
pub(crate) fn check_c_interface() -> Result<()> {
    let mut clippy = shell::cargo();
    clippy.args(["clippy", "--package", "zmalloc-capi", "--features", "libc", "--quiet"]);
    clippy.args(["--", "-D", "warnings"]).env("MALLOC", "libc").env("MALLOC_POOL", "0");
    shell::run(&mut clippy)
}

/// A cargo command on the package over this back end.
fn cargo_with(subcommand: &str, backend: &str, pool: bool) -> Command {
    let features = if pool { format!("{backend},pool") } else { backend.to_owned() };
    let mut command = shell::cargo();
    command.args([subcommand, "--package", "zmalloc", "--features", &features]);
    command.env("MALLOC", backend).env("MALLOC_POOL", if pool { "1" } else { "0" });
    command
}
