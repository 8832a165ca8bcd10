//! Files and lines stay readable.

use super::repository::{File, Repository};
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "files and lines stay readable",
    remedy: "split the file into two that each do one thing; break the line, or a long string \
             with a backslash at the end of the line",
    check,
};

/// The longest Rust file, in lines.
const MAX_LINES: usize = 900;

/// The longest line of a Rust file, in characters. rustfmt keeps code to 100; what it can't
/// break (strings, comments) may stand out a little.
const MAX_WIDTH: usize = 120;

fn check(repository: &Repository) -> Vec<Finding> {
    repository.rust_files().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let lines = file.text.lines().count();
    if lines > MAX_LINES {
        let what = format!("{lines} lines, more than {MAX_LINES}");
        findings.push(Finding::new(&file.path, 0, what));
    }
    for (number, line) in file.lines() {
        let width = line.chars().count();
        if width > MAX_WIDTH {
            let what = format!("{width} characters, more than {MAX_WIDTH}");
            findings.push(Finding::new(&file.path, number, what));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        check_file(&File::new("a.rs", text).unwrap()).len()
    }

    #[test]
    fn the_limits_are_inclusive() {
        assert_eq!(findings(&"\n".repeat(MAX_LINES)), 0);
        assert_eq!(findings(&"\n".repeat(MAX_LINES + 1)), 1);
        assert_eq!(findings(&format!("//{}", "é".repeat(MAX_WIDTH - 2))), 0);
        assert_eq!(findings(&format!("//{}", "é".repeat(MAX_WIDTH - 1))), 1);
    }
}
