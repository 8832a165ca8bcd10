//! `cargo xtask test`: the whole check.
//!
//! The build is shared between the steps: dependencies are built once, in the development profile,
//! with the same flags for clippy, documentation and tests.

use std::io::{BufRead, BufReader, Write};
use std::ops::AddAssign;
use std::process::{Command, ExitCode, Stdio};

use anyhow::{Context, Result, bail};

use crate::shell::{self, Step};
use crate::{backends, install, platforms, tidy};

/// Runs every step, whatever became of those before it, and ends with one line `N passed, N failed`.
///
/// The line is the sum over the result lines of all test runners. Failed steps without a failed
/// test to show for them (formatting, say, or a test process that was killed) count as well, so that
/// the line never reads well when the run doesn't.
pub(crate) fn run() -> Result<ExitCode> {
    let mut counts = Counts::default();
    let steps = [
        Step::run("install", || install::run(install::Purpose::Test)),
        Step::run("fmt", check_format),
        Step::run("clippy", || shell::run(&mut clippy())),
        Step::run("docs", || shell::run(&mut docs())),
        Step::run("tidy", tidy::check),
        Step::run("tests", || run_tests(&mut workspace_tests(), &mut counts)),
        Step::run("allocators", || {
            backends::run(|tests| run_tests(tests, &mut counts))?;
            backends::run_model(|tests| run_tests(tests, &mut counts))?;
            backends::check_refusals()?;
            backends::check_c_interface()
        }),
        Step::run("platforms", platforms::check),
    ];

    for step in &steps {
        println!("{}", step.summary());
    }
    let failed_steps = steps.iter().filter(|step| !step.succeeded).count();
    counts.include_steps(failed_steps as u64);
    println!("{} passed, {} failed", counts.passed, counts.failed);
    Ok(if counts.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The format of the workspace, and of the fuzz targets, which are a workspace of their own.
fn check_format() -> Result<()> {
    shell::run(shell::cargo().args(["fmt", "--all", "--check"]))?;
    let fuzz = "fuzz/Cargo.toml";
    if shell::root().join(fuzz).is_file() {
        shell::run(shell::cargo().args(["fmt", "--manifest-path", fuzz, "--check"]))?;
    }
    Ok(())
}

fn clippy() -> Command {
    let mut command = shell::cargo();
    command.args(["clippy", "--workspace", "--all-targets", "--", "-D", "warnings"]);
    command
}

fn docs() -> Command {
    let mut command = shell::cargo();
    command.args(["doc", "--workspace", "--no-deps", "--document-private-items"]);
    command.env("RUSTDOCFLAGS", "-D warnings");
    command
}

/// Unit, integration and documentation tests of every crate.
fn workspace_tests() -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--workspace", "--no-fail-fast"]);
    command
}

/// Runs tests by this command; output is passed on as it comes.
fn run_tests(command: &mut Command, counts: &mut Counts) -> Result<()> {
    let before = counts.passed;
    let mut child = command.stdout(Stdio::piped()).spawn().context("cannot start cargo test")?;
    let output = child.stdout.take().expect("the output is piped");
    forward(BufReader::new(output), std::io::stdout().lock(), counts)?;
    let status = child.wait().context("cannot wait for cargo test")?;
    if !status.success() {
        bail!("{} ended with {status}", shell::line(command));
    }
    if counts.passed == before {
        bail!("cargo test ran no test");
    }
    Ok(())
}

/// Copies a test runner's output line by line and adds up its result lines.
fn forward(mut input: impl BufRead, mut output: impl Write, counts: &mut Counts) -> Result<()> {
    let mut line = Vec::new();
    while input.read_until(b'\n', &mut line)? > 0 {
        output.write_all(&line)?;
        output.flush()?;
        if let Some(result) = Counts::of_line(&String::from_utf8_lossy(&line)) {
            *counts += result;
        }
        line.clear();
    }
    Ok(())
}

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Counts {
    passed: u64,
    failed: u64,
}

impl Counts {
    /// Reads a line such as `test result: ok. 3 passed; 0 failed; 0 ignored; …`; `None` for any
    /// other line.
    fn of_line(line: &str) -> Option<Self> {
        let results = line.trim().strip_prefix("test result: ")?;
        let (_, figures) = results.split_once(". ")?;
        let number = |unit: &str| {
            let mut parts = figures.split(';');
            parts.find_map(|part| part.trim().strip_suffix(unit)?.trim().parse().ok())
        };
        Some(Self { passed: number("passed")?, failed: number("failed")? })
    }

    /// Counts failed steps as failures; one of them is the step of the tests when a test failed.
    fn include_steps(&mut self, failed_steps: u64) {
        self.failed = (self.failed + failed_steps).saturating_sub(u64::from(self.failed > 0));
    }
}

impl AddAssign for Counts {
    fn add_assign(&mut self, other: Self) {
        self.passed += other.passed;
        self.failed += other.failed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn result_lines_are_summed_and_output_is_unchanged() {
        let input = b"running 2 tests\n\
            test result: ok. 2 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out\n\
            test a \xff ... ok\n\
            test result: FAILED. 10 passed; 3 failed; 0 ignored; finished in 0.00s\n\
            no newline at the end";
        let mut output = Vec::new();
        let mut counts = Counts::default();
        forward(&input[..], &mut output, &mut counts).unwrap();
        assert_eq!(output, input);
        assert_eq!(counts, Counts { passed: 12, failed: 3 });
    }

    #[test]
    fn a_failed_step_is_a_failure_and_a_failed_test_counts_once() {
        for (failed_tests, failed_steps, failed) in [(0, 0, 0), (0, 2, 2), (3, 1, 3), (3, 2, 4)] {
            let mut counts = Counts { passed: 5, failed: failed_tests };
            counts.include_steps(failed_steps);
            assert_eq!(counts, Counts { passed: 5, failed });
        }
    }

    #[test]
    fn other_lines_count_nothing() {
        for line in [
            "",
            "5 passed; 0 failed",
            "test result: ok.",
            "test result: ok. many passed; 0 failed",
            "test result: ok. 1 passed",
        ] {
            assert_eq!(Counts::of_line(line), None, "{line}");
        }
    }
}
