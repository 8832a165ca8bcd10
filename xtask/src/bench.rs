//! `cargo xtask bench NAME`: one benchmark of the package `benches`, built as it is measured.

use std::path::{Path, PathBuf};
use std::process::{ExitCode, Stdio};

use anyhow::{Context, Result, bail};
use cargo_metadata::{Message, MetadataCommand};

use crate::install::{self, Purpose};
use crate::shell;

/// The programs of `benches` that measure the server, and are told which one.
const NEED_SERVER: &[&str] = &["active-defrag", "eviction", "server", "soak"];

/// What to run.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// The benchmark: a file `benches/src/bin/NAME.rs`, with `_` for each `-` of the name
    name: String,
    /// Passed on to the benchmark; `--help` shows what it takes
    #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
    arguments: Vec<String>,
}

/// Installs what benchmarks need, builds this one, and the server if it measures that, with the profile
/// `bench`; then runs it.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let source = format!("benches/src/bin/{}.rs", arguments.name.replace('-', "_"));
    if !shell::root().join(&source).is_file() {
        bail!("there is no benchmark `{}` ({source}); there are: {}", arguments.name, names()?);
    }
    install::run(Purpose::Bench)?;
    run_named(&arguments.name, &arguments.arguments)?;
    Ok(ExitCode::SUCCESS)
}

/// The same for a benchmark that is there.
///
/// # Errors
/// When something can't be built, or the benchmark fails.
pub(crate) fn run_named(name: &str, arguments: &[String]) -> Result<()> {
    let mut command = shell::command(build("benches", name)?);
    if !arguments.iter().any(|argument| names_ours(argument)) {
        match name {
            "module" => {
                command.arg("--ours").arg(build_modules("target/modules", &[])?);
                let theirs = build_modules("target/modules-redis-alloc", &["--features", "redis-alloc"])?;
                command.arg("--theirs").arg(theirs);
            }
            "modhost" => {
                command.arg("--ours").arg(build("server", "zmalloc-server")?);
                let modules = build_modules("target/modules", &[])?;
                compile_module("benches/modules/calls.c", &modules.join("libcalls.so"))?;
                command.arg("--modules").arg(modules);
            }
            _ if NEED_SERVER.contains(&name) => {
                command.arg("--ours").arg(build("server", "zmalloc-server")?);
                if name == "soak" && wants_modules(arguments) {
                    command.arg("--modules").arg(build_modules("target/modules", &[])?);
                }
            }
            _ => {}
        }
    }
    shell::run(command.args(arguments))
}

/// Whether the soak is to have its part that loads modules.
fn wants_modules(arguments: &[String]) -> bool {
    let named = arguments.iter().any(|argument| argument.starts_with("--only"));
    !named || arguments.iter().any(|argument| argument == "modules" || argument == "--only=modules")
}

/// Whether an argument names the server to measure, so that none needs building.
fn names_ours(argument: &str) -> bool {
    argument == "--ours" || argument.starts_with("--ours=") || argument == "--help"
}

/// The benchmarks there are, for messages.
fn names() -> Result<String> {
    let directory =
        std::fs::read_dir(shell::root().join("benches/src/bin")).context("cannot list the benchmarks")?;
    let mut names: Vec<_> = directory
        .flatten()
        .filter_map(|entry| Some(entry.path().file_stem()?.to_string_lossy().replace('_', "-")))
        .collect();
    names.sort();
    Ok(names.join(", "))
}

/// Builds the modules with the profile `bench`, in a directory of their own, because they are built
/// with either allocator; returns where they are.
fn build_modules(directory: &str, more: &[&str]) -> Result<PathBuf> {
    let directory = shell::root().join(directory);
    let mut command = shell::cargo();
    command.args(["build", "--profile", "bench", "--package", "module-bench", "--package", "tairstring"]);
    command.args(["--package", "tairhash", "--target-dir"]).arg(&directory).args(more);
    shell::run(&mut command)?;
    Ok(directory.join("release"))
}

/// Compiles a module of one file in C, against the header that comes with the crate `redis-module`.
fn compile_module(source: &str, library: &Path) -> Result<()> {
    let metadata = MetadataCommand::new().current_dir(shell::root()).exec()?;
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "redis-module");
    let manifest = &package.context("no module depends on the crate redis-module")?.manifest_path;
    let headers = manifest.with_file_name("src").join("include");
    let mut command = shell::command("gcc");
    command.args(["-std=gnu11", "-Wall", "-Werror", "-O2", "-fPIC", "-shared", "-I"]).arg(headers);
    shell::run(command.arg(shell::root().join(source)).arg("-o").arg(library))
}

/// Builds one binary with the profile `bench` and returns its path, as cargo reports it.
fn build(package: &str, binary: &str) -> Result<PathBuf> {
    let mut command = shell::cargo();
    command.args(["build", "--profile", "bench", "--package", package, "--bin", binary]);
    command.arg("--message-format=json-render-diagnostics").stderr(Stdio::inherit());
    let output = command.output().context("cannot start cargo build")?;
    if !output.status.success() {
        bail!("{} failed", shell::line(&command));
    }
    Message::parse_stream(&output.stdout[..])
        .flatten()
        .filter_map(|message| match message {
            Message::CompilerArtifact(artifact) if artifact.target.name == binary => artifact.executable,
            _ => None,
        })
        .last()
        .map(PathBuf::from)
        .with_context(|| format!("cargo built no program {binary}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_server_is_built_unless_one_is_named() {
        assert!(names_ours("--ours") && names_ours("--ours=target/x") && names_ours("--help"));
        assert!(!names_ours("--ourselves") && !names_ours("--theirs"));
    }

    #[test]
    fn the_soak_needs_modules_for_one_of_its_parts() {
        let wants =
            |line: &str| wants_modules(&line.split_whitespace().map(str::to_owned).collect::<Vec<_>>());
        assert!(wants("") && wants("--loads 1") && wants("--only modules") && wants("--only=modules"));
        assert!(!wants("--only told") && !wants("--only=told --loads 1"));
    }

    #[test]
    fn an_unknown_name_is_refused_with_the_list() {
        let arguments = Arguments { name: "no-such".to_owned(), arguments: Vec::new() };
        let error = run(&arguments).unwrap_err().to_string();
        assert!(error.contains("no-such") && error.contains("server"), "{error}");
    }
}
