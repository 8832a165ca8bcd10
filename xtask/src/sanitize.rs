//! `cargo xtask sanitize`: the tests of `zmalloc` and `heapwalk` under AddressSanitizer, which needs a
//! nightly toolchain.
//!
//! The build chooses the C library's allocator by itself then, as that is what the sanitizer watches.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// What is tested: all suites of either.
const PACKAGES: &[&str] = &["zmalloc", "heapwalk"];

/// Runs the tests.
///
/// # Errors
/// When there is no nightly toolchain, or a test failed.
pub(crate) fn run() -> Result<()> {
    let mut tests = shell::command("cargo");
    tests.args(["+nightly", "test", "--tests", "--no-fail-fast"]);
    tests.args(PACKAGES.iter().flat_map(|package| ["--package", package]));
    // All collections that a walk knows.
    tests.args(["--features", "heapwalk/derive,heapwalk/hashbrown,heapwalk/allocator-api2"]);
    tests.args(["--target", &host()?, "--target-dir", "target/sanitize"]);
    tests.env("RUSTFLAGS", "-Zsanitizer=address");
    // The tests ask for more than there is, at which the sanitizer's `malloc` ends the program otherwise.
    tests.env("ASAN_OPTIONS", "allocator_may_return_null=1");
    // This program's own cargo would be taken for the toolchain otherwise.
    tests.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
    shell::run(&mut tests)
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
        _ => bail!("there is no nightly toolchain: `rustup toolchain install nightly`"),
    }
}
