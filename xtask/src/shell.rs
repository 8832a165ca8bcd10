//! Child processes: where they run, how they are named in errors, and how long they took.

use std::ffi::OsStr;
use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail};

/// The root of the workspace, the directory every child process starts in.
pub(crate) fn root() -> &'static Path {
    let xtask = Path::new(env!("CARGO_MANIFEST_DIR"));
    xtask.parent().expect("the package xtask lies inside the workspace")
}

/// A command that starts in the root of the workspace.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    let mut command = Command::new(program);
    command.current_dir(root());
    command
}

/// The cargo that runs this program, or the one on the path.
pub(crate) fn cargo() -> Command {
    command(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
}

/// Runs a command to its end with this program's own output.
///
/// # Errors
/// When it can't be started, or ends with anything but success.
pub(crate) fn run(command: &mut Command) -> Result<()> {
    let status = command.status().with_context(|| format!("cannot start {}", line(command)))?;
    if !status.success() {
        bail!("{} ended with {status}", line(command));
    }
    Ok(())
}

/// Whether a command can be started and succeeds; its output is thrown away.
pub(crate) fn succeeds(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}

/// The command as one line, for messages.
pub(crate) fn line(command: &Command) -> String {
    let program = Path::new(command.get_program());
    let name = program.file_name().unwrap_or(program.as_os_str());
    let mut line = name.to_string_lossy().into_owned();
    for argument in command.get_args() {
        line.push(' ');
        line.push_str(&argument.to_string_lossy());
    }
    line
}

/// What became of one named step.
pub(crate) struct Step {
    name: String,
    duration: Duration,
    /// Whether the step did what it should.
    pub(crate) succeeded: bool,
}

impl Step {
    /// Prints the step's name, runs it, and prints how it ended and how long it took.
    pub(crate) fn run(name: &str, body: impl FnOnce() -> Result<()>) -> Self {
        println!("== {name}");
        let start = Instant::now();
        let outcome = body();
        let step = Self { name: name.to_owned(), duration: start.elapsed(), succeeded: outcome.is_ok() };
        if let Err(error) = outcome {
            println!("error: {error:#}");
        }
        println!("{}\n", step.summary());
        step
    }

    /// The step on one line: how it ended, its duration in seconds, its name.
    pub(crate) fn summary(&self) -> String {
        let outcome = if self.succeeded { "ok" } else { "FAILED" };
        format!("== {outcome:<6} {:>7.1} s  {}", self.duration.as_secs_f64(), self.name)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_command_is_named_without_its_directory() {
        let mut command = Command::new("/usr/bin/tool");
        command.args(["--flag", "value"]);
        assert_eq!(line(&command), "tool --flag value");
    }

    #[test]
    fn a_failing_step_is_marked() {
        let step = Step::run("example", || bail!("no"));
        assert!(!step.succeeded);
        assert!(step.summary().contains("FAILED"));
        assert!(Step::run("example", || Ok(())).summary().contains("ok"));
    }

    #[test]
    fn the_exit_status_decides() {
        assert!(run(&mut Command::new("true")).is_ok());
        assert!(run(&mut Command::new("false")).is_err());
        assert!(run(&mut Command::new("a-program-that-is-not-there")).is_err());
        assert!(!succeeds(&mut Command::new("a-program-that-is-not-there")));
    }
}
