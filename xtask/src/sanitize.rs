//! `cargo xtask sanitize`: the tests of `zmalloc`, `heapwalk` and `modhost` under AddressSanitizer, which needs a
//! nightly toolchain.
//!
//! The build chooses the C library's allocator by itself then, as that is what the sanitizer watches.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// What is tested: packages, features, and the tests to leave out.
const SUITES: [(&[&str], &str, &[&str]); 2] = [
    // All collections that a walk knows.
    (&["zmalloc", "heapwalk"], "heapwalk/derive,heapwalk/hashbrown,heapwalk/allocator-api2", &[]),
    // Without the modules in Rust, which would be built with the sanitizer, and then be of no use to redis-server.
    (&["modhost"], "", &["guests::", "refusals::", "payloads_of_modules_in_rust"]),
];

/// Runs the tests.
///
/// # Errors
/// When there is no nightly toolchain, or a test failed.
pub(crate) fn run() -> Result<()> {
    let host = host()?;
    SUITES.iter().try_for_each(|(packages, features, skipped)| test(&host, packages, features, skipped))
}

fn test(host: &str, packages: &[&str], features: &str, skipped: &[&str]) -> Result<()> {
    let mut tests = shell::command("cargo");
    tests.args(["+nightly", "test", "--tests", "--no-fail-fast", "--features", features]);
    tests.args(packages.iter().flat_map(|package| ["--package", package]));
    tests.args(["--target", host, "--target-dir", "target/sanitize", "--"]);
    tests.args(skipped.iter().flat_map(|name| ["--skip", name]));
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
