//! `cargo xtask soak`: the extended check, for a night rather than for an edit.
//!
//! Two steps build jemalloc anew: the tests with its other quantum, and the packages as the registry would
//! have them. Then the engine is compared with redis-server from seeds that no run had before. The others are
//! discovered: every fuzz target under `fuzz/fuzz_targets`, and the long soak `benches/src/bin/soak.rs`.
//! Fuzz targets are driven by libFuzzer, which the crate `libfuzzer-sys` brings along; they can be run with
//! cargo-fuzz as well.

use std::fs;
use std::path::Path;
use std::process::{Command, ExitCode};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};

use crate::install::Purpose;
use crate::shell::{self, Step};
use crate::{backends, bench, install};

/// How long, and how much.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// Seconds for each fuzz target
    #[arg(long, default_value_t = 300)]
    fuzz_seconds: u64,
    /// How often the engine is compared with redis-server, each time from a seed of its own
    #[arg(long, default_value_t = 20)]
    seeds: u32,
    /// Passed on to the soak program; `-- --help` shows what it takes
    #[arg(last = true)]
    arguments: Vec<String>,
}

/// Runs every step that there is, whatever became of those before it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let mut steps = vec![Step::run("install", || install::run(Purpose::Soak))];
    steps.push(Step::run("quantum 16", backends::run_with_quantum_16));
    steps.push(Step::run("packages", || shell::run(&mut packages())));
    for _ in 0..arguments.seeds {
        let seed = SystemTime::now().duration_since(UNIX_EPOCH).context("the clock stands before 1970")?;
        let seed = seed.as_micros() as u64;
        steps.push(Step::run(&format!("differential, seed {seed}"), || shell::run(&mut differential(seed))));
    }
    let fuzzer = Fuzzer::find()?;
    for target in fuzz_targets(&shell::root().join("fuzz/fuzz_targets"))? {
        let seconds = arguments.fuzz_seconds;
        let name = format!("fuzz {target} for {seconds} s, {}", fuzzer.describe());
        steps.push(Step::run(&name, || fuzzer.run(&target, seconds)));
    }
    if shell::root().join("benches/src/bin/soak.rs").is_file() {
        steps.push(Step::run("soak", || bench::run_named("soak", &arguments.arguments)));
    }

    for step in &steps {
        println!("{}", step.summary());
    }
    let failed = steps.iter().filter(|step| !step.succeeded).count();
    println!("{} passed, {failed} failed", steps.len() - failed);
    Ok(if failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The differential test, beginning with `seed`.
fn differential(seed: u64) -> Command {
    let mut command = shell::cargo();
    command.args(["test", "--package", "engine", "--test", "differential"]);
    command.env("DIFFERENTIAL_SEED", seed.to_string());
    command
}

/// Packs what is to be published and builds it from the packages. Together, as each is looked for among the
/// others before the registry is asked.
fn packages() -> Command {
    let mut command = shell::cargo();
    command.args(["package", "--target-dir", "target/packages"]);
    command.args(["heapwalk-derive", "heapwalk", "zmalloc"].iter().flat_map(|name| ["--package", name]));
    command
}

/// The names of the fuzz targets in a directory, sorted; none when it isn't there.
fn fuzz_targets(directory: &Path) -> Result<Vec<String>> {
    if !directory.is_dir() {
        return Ok(Vec::new());
    }
    let mut targets = Vec::new();
    for entry in directory.read_dir().context("cannot list the fuzz targets")? {
        let path = entry.context("cannot list the fuzz targets")?.path();
        if path.extension().is_some_and(|extension| extension == "rs") {
            targets.extend(path.file_stem().map(|stem| stem.to_string_lossy().into_owned()));
        }
    }
    targets.sort();
    Ok(targets)
}

/// The flags that make a fuzz target report to libFuzzer which code it reached. The stable
/// compiler has them, so fuzzing needs neither nightly nor cargo-fuzz.
const COVERAGE: &[&str] = &[
    "--cfg=fuzzing",
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
    "-Cllvm-args=-sanitizer-coverage-trace-compares",
    "-Ccodegen-units=1",
    "-Cdebug-assertions",
];

/// How fuzz targets are built and run.
struct Fuzzer {
    /// Whether a nightly compiler is there, which can add AddressSanitizer.
    sanitized: bool,
    /// The machine's target triple. It is named to cargo so that the flags leave build scripts
    /// and procedural macros alone.
    triple: String,
}

impl Fuzzer {
    /// Looks at the toolchains of this machine.
    ///
    /// # Errors
    /// When rustc doesn't say what it builds for.
    fn find() -> Result<Self> {
        let output = shell::command("rustc").arg("-vV").output().context("cannot start rustc")?;
        let text = String::from_utf8_lossy(&output.stdout).into_owned();
        let triple = text.lines().find_map(|line| line.strip_prefix("host: "));
        let triple = triple.context("rustc doesn't say what it builds for")?.to_owned();
        let sanitized = shell::succeeds(nightly("rustc").arg("--version"));
        Ok(Self { sanitized, triple })
    }

    fn describe(&self) -> &'static str {
        if self.sanitized { "with AddressSanitizer" } else { "without a sanitizer (no nightly)" }
    }

    /// Fuzzes one target; its corpus grows in `fuzz/corpus`, an input that fails it is left in
    /// `fuzz/artifacts`.
    fn run(&self, target: &str, seconds: u64) -> Result<()> {
        for directory in ["fuzz/corpus", "fuzz/artifacts"] {
            let path = shell::root().join(directory).join(target);
            fs::create_dir_all(&path).with_context(|| format!("cannot make {}", path.display()))?;
        }
        shell::run(&mut self.command(target, seconds))
    }

    fn command(&self, target: &str, seconds: u64) -> Command {
        let mut command = if self.sanitized { nightly("cargo") } else { shell::cargo() };
        let mut flags = COVERAGE.to_vec();
        if self.sanitized {
            flags.push("-Zsanitizer=address");
        }
        command.env("RUSTFLAGS", flags.join(" "));
        command.args(["run", "--release", "--manifest-path", "fuzz/Cargo.toml"]);
        command.args(["--target", &self.triple, "--bin", target, "--"]);
        command.arg(format!("-max_total_time={seconds}"));
        command.arg(format!("-artifact_prefix=fuzz/artifacts/{target}/"));
        command.arg(format!("fuzz/corpus/{target}"));
        command
    }
}

/// A program of the nightly toolchain. The variables that cargo set for this process name the
/// stable one, and are taken away.
fn nightly(program: &str) -> Command {
    let mut command = shell::command("rustup");
    command.args(["run", "nightly", program]);
    for variable in ["CARGO", "RUSTC", "RUSTDOC", "RUSTUP_TOOLCHAIN"] {
        command.env_remove(variable);
    }
    command
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn targets_are_the_rust_files_by_name() {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let targets = fuzz_targets(&directory).unwrap();
        assert!(targets.is_sorted());
        assert!(targets.contains(&"soak".to_owned()));
        assert!(!targets.contains(&"ladder".to_owned()));
        assert!(fuzz_targets(&directory.join("no-such-directory")).unwrap().is_empty());
    }

    #[test]
    fn a_target_runs_for_the_stated_time() {
        for sanitized in [false, true] {
            let fuzzer = Fuzzer { sanitized, triple: "a-b-c".to_owned() };
            let command = fuzzer.command("resp", 7);
            let line = shell::line(&command);
            assert!(line.contains("--target a-b-c --bin resp -- -max_total_time=7 "), "{line}");
            let flags = command.get_envs().find(|(name, _)| *name == "RUSTFLAGS").unwrap().1;
            let flags = flags.unwrap().to_string_lossy();
            assert_eq!(flags.contains("-Zsanitizer"), sanitized);
        }
    }
}
