//! What counting costs a program in C: a hot pair of `zmalloc` and `zfree` beside one of jemalloc's own
//! functions, in one program that is linked with `libzmalloc.a`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

use super::comparison::Goal;
use super::{build, instructions, output, root};
use crate::table::Table;

/// The instructions of a pair, relative to jemalloc's own.
const INSTRUCTIONS: Goal = Goal::AtMost(1.25);
/// The time of a pair, relative to jemalloc's own.
const TIME: Goal = Goal::AtMost(1.35);

/// The sizes of the blocks, in bytes.
const SIZES: &[u32] = &[16, 64, 512, 4096];

/// Pairs of two runs, whose difference is what the pairs between them take.
const COUNTED: (u64, u64) = (1000, 21_000);

/// Builds the program and measures it.
///
/// # Errors
/// When there is no C compiler or no valgrind, or the program doesn't say what it should.
pub fn compare() -> Result<Table> {
    let library = build(&["--package", "zmalloc-capi"], "", "libzmalloc.a", "libzmalloc.a")?;
    let program = compile(&library)?;
    let heading =
        ["zmalloc / jemalloc, in C", "instructions", "ratio", "goal", "", "ns", "ratio", "goal", ""];
    let mut table = Table::new(&heading);
    for &size in SIZES {
        let [ours, theirs] = ["zmalloc", "jemalloc"].map(|name| count(&program, size, name));
        let instructions = cells(ours?, theirs?, 1, INSTRUCTIONS);
        let (report, _) = output(Command::new(&program).arg(size.to_string()))?;
        let [ours, theirs] = ["zmalloc", "jemalloc"]
            .map(|name| nanoseconds(&report, name).with_context(|| format!("cannot understand {report:?}")));
        let mut row = vec![format!("pair, {size} bytes")];
        row.extend(instructions);
        row.extend(cells(ours?, theirs?, 2, TIME));
        table.push(row);
    }
    Ok(table)
}

/// Compiles the program, which is beside the library's sources, with optimisation, as Redis is.
fn compile(library: &Path) -> Result<PathBuf> {
    let sources = root().join("crates/zmalloc-capi");
    let program = library.with_file_name("pair-in-c");
    let mut compiler = Command::new(std::env::var_os("CC").unwrap_or_else(|| "cc".into()));
    compiler.arg("-O2").arg("-I").arg(sources.join("include")).arg(sources.join("benches/pair.c"));
    compiler.arg(library).args(["-lpthread", "-ldl", "-lm", "-o"]).arg(&program);
    let status = compiler.status().context("cannot start the C compiler")?;
    if !status.success() {
        bail!("{compiler:?} ended with {status}");
    }
    Ok(program)
}

/// The instructions that a pair takes.
fn count(program: &Path, size: u32, name: &str) -> Result<f64> {
    let (few, many) = COUNTED;
    let [of_few, of_many] = [few, many].map(|pairs| {
        let mut command = instructions::counting(program);
        instructions::count(command.args([&size.to_string(), &pairs.to_string(), name]))
    });
    Ok((of_many? as f64 - of_few? as f64) / (many - few) as f64)
}

/// The time that stands in the line of that name: `NAME SIZE NANOSECONDS`.
fn nanoseconds(report: &str, name: &str) -> Option<f64> {
    let line = report.lines().find(|line| line.split_whitespace().next() == Some(name))?;
    line.split_whitespace().nth(2)?.parse().ok()
}

fn cells(ours: f64, theirs: f64, digits: usize, goal: Goal) -> [String; 4] {
    let ratio = ours / theirs;
    let verdict = if goal.is_met(ratio) == Some(true) { "met" } else { "MISSED" };
    [format!("{ours:.digits$} / {theirs:.digits$}"), format!("{ratio:.3}"), goal.label(), verdict.to_owned()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_time_is_that_of_the_named_line() {
        let report = "jemalloc 64 4.250\nje_malloc 64 4.500\nzmalloc 64 4.375\n";
        assert_eq!(nanoseconds(report, "zmalloc"), Some(4.375));
        assert_eq!(nanoseconds(report, "jemalloc"), Some(4.25));
        assert_eq!(nanoseconds(report, "malloc"), None);
    }
}
