//! `cargo xtask sanitize`: the tests of `zmalloc`, `heapwalk`, `zmalloc-module` and `modhost` under AddressSanitizer,
//! which needs a nightly toolchain.
//!
//! The build chooses the C library's allocator by itself then, as that is what the sanitizer watches.

use std::process::Command;

use anyhow::{Result, bail};

use crate::shell;

/// Packages whose tests are run together.
struct Suite {
    packages: &'static [&'static str],
    features: &'static str,
    /// Tests that are left out, by parts of their names.
    skipped: &'static [&'static str],
    /// What the sanitizer is told besides.
    options: &'static str,
}

const SUITES: &[Suite] = &[
    // With all collections that a walk knows.
    Suite {
        packages: &["zmalloc", "heapwalk"],
        features: "heapwalk/derive,heapwalk/hashbrown,heapwalk/allocator-api2",
        skipped: &[],
        options: "",
    },
    // The allocator isn't the C library's then, and isn't taken for it.
    Suite {
        packages: &["zmalloc-module"],
        features: "zmalloc-module/heapwalk",
        skipped: &["libc_is_recognised"],
        options: "",
    },
    // Without the modules in Rust, which would be built with the sanitizer, and then be of no use to redis-server. Some
    // modules in C leave memory behind, so that it is told of: that is the host's to find there, not the sanitizer's.
    Suite {
        packages: &["modhost"],
        features: "",
        skipped: &["guests::", "refusals::", "payloads_of_modules_in_rust"],
        options: ":detect_leaks=0",
    },
];

/// Runs the tests.
///
/// # Errors
/// When there is no nightly toolchain, or a test failed.
pub(crate) fn run() -> Result<()> {
    let host = host()?;
    SUITES.iter().try_for_each(|suite| suite.run(&host))
}

impl Suite {
    fn run(&self, host: &str) -> Result<()> {
        let mut tests = shell::command("cargo");
        tests.args(["+nightly", "test", "--tests", "--no-fail-fast", "--features", self.features]);
        tests.args(self.packages.iter().flat_map(|package| ["--package", package]));
        tests.args(["--target", host, "--target-dir", "target/sanitize", "--"]);
        tests.args(self.skipped.iter().flat_map(|name| ["--skip", name]));
        tests.env("RUSTFLAGS", "-Zsanitizer=address");
        // The tests ask for more than there is, at which the sanitizer's `malloc` ends the program otherwise.
        tests.env("ASAN_OPTIONS", format!("allocator_may_return_null=1{}", self.options));
        // This program's own cargo would be taken for the toolchain otherwise.
        tests.env_remove("RUSTUP_TOOLCHAIN").env_remove("CARGO");
        shell::run(&mut tests)
    }
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
