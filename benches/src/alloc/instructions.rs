//! Instructions per operation, counted by callgrind. They hardly depend on what else the machine
//! does.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result};

use super::entrant::Entrant;
use super::output;
use super::workload::Workload;
use crate::summary::Summary;

/// The instructions that an operation takes.
///
/// # Errors
/// When valgrind isn't there, or the program can't be run.
pub fn measure(entrant: &Entrant, workload: &Workload) -> Result<f64> {
    let (few, many) = workload.counted;
    let once = |_| {
        let of_few = count(&mut entrant.command(counting, workload, few))?;
        let of_many = count(&mut entrant.command(counting, workload, many))?;
        Ok((of_many as f64 - of_few as f64) / (many - few) as f64)
    };
    let figures = (0..workload.counts).map(once).collect::<Result<Vec<_>>>()?;
    Ok(Summary::of(&figures).median)
}

/// A command that runs a program with its instructions counted.
pub(super) fn counting(program: &Path) -> Command {
    let mut command = Command::new("valgrind");
    // Without the profile that it would leave behind.
    command.args(["--tool=callgrind", "--callgrind-out-file=/dev/null"]).arg(program);
    command
}

/// The instructions of the whole program that such a command runs.
pub(super) fn count(command: &mut Command) -> Result<u64> {
    let (_, report) = output(command)?;
    parse(&report).with_context(|| format!("cannot understand {report:?}"))
}

/// The figure in callgrind's line `==PID== Collected : N`.
fn parse(report: &str) -> Option<u64> {
    report.lines().find_map(|line| line.split_once("Collected :")?.1.trim().parse().ok())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_figure_is_that_of_the_line() {
        assert_eq!(parse("==7== \n==7== Events    : Ir\n==7== Collected : 1234\n"), Some(1234));
        assert_eq!(parse("==7== Command: worker\n"), None);
    }
}
