//! What the pool of small blocks saves: a million of them with it and without.

use std::path::PathBuf;
use std::process::Command;

use anyhow::{Context, Result};

use super::{build, output};
use crate::summary::Summary;
use crate::table::Table;

/// The builds of the example: the name, and the features of `zmalloc`.
const BUILDS: &[(&str, &str)] = &[
    ("libc", "libc"),
    ("libc with the pool", "libc,pool"),
    ("prefixed", "prefixed"),
    ("prefixed with the pool", "prefixed,pool"),
];

/// The example that allocates a million small blocks.
const EXAMPLE: &str = "million_small_blocks";

/// One build, and what was measured of it, run by run.
struct Build {
    name: &'static str,
    program: PathBuf,
    runs: Vec<Figures>,
}

/// What one run says of itself.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Figures {
    /// How far the resident set rose, in bytes.
    resident: f64,
    /// Milliseconds to allocate all blocks.
    allocating: f64,
    /// Milliseconds to free them.
    freeing: f64,
}

/// Builds the example over each allocator and measures it so many times, in turn.
///
/// # Errors
/// When it can't be built or run, or strace isn't there.
pub fn compare(rounds: u32) -> Result<Table> {
    let mut builds = Vec::new();
    for &(name, features) in BUILDS {
        let target = ["--package", "zmalloc", "--example", EXAMPLE];
        let kept = format!("{EXAMPLE}-{}", features.replace(',', "-"));
        let program = build(&target, features, &format!("examples/{EXAMPLE}"), &kept)?;
        builds.push(Build { name, program, runs: Vec::new() });
    }
    for _ in 0..rounds {
        for build in &mut builds {
            let (report, _) = output(&mut Command::new(&build.program))?;
            let figures = parse(&report).with_context(|| format!("cannot understand {report:?}"))?;
            build.runs.push(figures);
        }
    }
    let heading = ["a million small blocks", "resident MB", "system calls", "allocating ms", "freeing ms"];
    let mut table = Table::new(&heading);
    for build in &builds {
        let median = |figure: fn(&Figures) -> f64| {
            Summary::of(&build.runs.iter().map(figure).collect::<Vec<_>>()).median
        };
        table.push(vec![
            build.name.to_owned(),
            format!("{:.1}", median(|figures| figures.resident) / 1e6),
            system_calls(build)?.to_string(),
            format!("{:.0}", median(|figures| figures.allocating)),
            format!("{:.0}", median(|figures| figures.freeing)),
        ]);
    }
    Ok(table)
}

/// The system calls of the whole program.
fn system_calls(build: &Build) -> Result<u64> {
    let mut strace = Command::new("strace");
    let (_, summary) = output(strace.args(["--follow-forks", "--summary-only"]).arg(&build.program))?;
    calls(&summary).with_context(|| format!("cannot understand {summary:?}"))
}

/// The number of calls in the last line of strace's summary: `100.00 SECONDS USECS CALLS [ERRORS] total`.
fn calls(summary: &str) -> Option<u64> {
    let total = summary.lines().find(|line| line.trim_end().ends_with(" total"))?;
    total.split_whitespace().nth(3)?.parse().ok()
}

/// The numbers in the example's last two lines.
fn parse(report: &str) -> Option<Figures> {
    let numbers = |line: &str| -> Vec<f64> {
        let words = line.split(|character: char| !character.is_ascii_digit());
        words.filter_map(|word| word.parse().ok()).collect()
    };
    let mut lines = report.lines().skip(1);
    let &[_, resident] = &numbers(lines.next()?)[..] else { return None };
    let &[allocating, freeing] = &numbers(lines.next()?)[..] else { return None };
    Some(Figures { resident, allocating, freeing })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_is_understood() {
        let report = "libc: 1000000 blocks of 68000000 bytes together\n  \
            used_memory rose by 79000000 bytes, the resident set by 83800000\n  \
            allocated in 112 ms, freed in 28 ms\n";
        let figures = Figures { resident: 83_800_000.0, allocating: 112.0, freeing: 28.0 };
        assert_eq!(parse(report), Some(figures));
        assert_eq!(parse("libc\n"), None);
    }

    #[test]
    fn the_sum_of_calls_is_found_with_errors_and_without() {
        let head = "% time     seconds  usecs/call     calls    errors syscall\n";
        assert_eq!(
            calls(&format!("{head}100.00    0.001213           1       695         2 total\n")),
            Some(695)
        );
        assert_eq!(
            calls(&format!("{head}100.00    0.001213           1       695           total\n")),
            Some(695)
        );
        assert_eq!(calls(head), None);
    }
}
