//! CPU time per operation.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::entrant::Entrant;
use super::output;
use super::workload::Workload;

/// The nanoseconds of CPU time that an operation took, in one run.
///
/// # Errors
/// When the program can't be run, or doesn't say what it should.
pub fn measure(entrant: &Entrant, workload: &Workload) -> Result<f64> {
    let mut command = entrant.command(|program| Command::new(program), workload, workload.timed);
    let (report, _) = output(&mut command)?;
    let (operations, nanoseconds) =
        parse(&report).with_context(|| format!("cannot understand {report:?}"))?;
    if operations != workload.timed {
        bail!("{} did {operations} operations, not {}", entrant.allocator.label(), workload.timed);
    }
    Ok(nanoseconds as f64 / operations as f64)
}

/// Operations and nanoseconds: the last two words.
fn parse(report: &str) -> Option<(u64, u64)> {
    let mut words = report.split_whitespace().rev();
    let nanoseconds = words.next()?.parse().ok()?;
    Some((words.next()?.parse().ok()?, nanoseconds))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_a_name_and_two_numbers() {
        assert_eq!(parse("jemalloc-5.3.1 1000 2500\n"), Some((1000, 2500)));
        assert_eq!(parse("jemalloc 1000\n"), None);
        assert_eq!(parse(""), None);
    }
}
