//! `cargo xtask tidy`: the rules of the house, each of them a check.
//!
//! A rule is one file below `tidy/`: it names itself, states the remedy, and reports every place
//! that breaks it. [`RULES`] is the list; `tidy/repository.rs` is what the rules look at.

mod banned_words;
mod conditional;
mod file_size;
mod ladder;
mod links;
mod machine_paths;
mod manifests;
mod module_docs;
mod panic_abort;
mod repository;
mod tokens;
mod unsafe_code;

use std::fmt;
use std::process::ExitCode;

use anyhow::{Result, bail};

use self::repository::Repository;
use crate::shell;

/// Every rule, in the order of the report.
const RULES: &[Rule] = &[
    ladder::RULE,
    unsafe_code::RULE,
    conditional::RULE,
    panic_abort::RULE,
    manifests::RULE,
    module_docs::RULE,
    file_size::RULE,
    banned_words::RULE,
    machine_paths::RULE,
    links::RULE,
];

/// One rule of the house.
struct Rule {
    /// What the rule demands, in a few words.
    name: &'static str,
    /// What to do about a finding.
    remedy: &'static str,
    /// Reports every place that breaks the rule.
    check: fn(&Repository) -> Vec<Finding>,
}

/// One place that breaks a rule.
#[derive(Debug, PartialEq, Eq)]
struct Finding {
    /// The file, relative to the root of the workspace.
    path: String,
    /// The line, counted from 1; 0 for the file as a whole.
    line: usize,
    /// What is wrong there.
    what: String,
}

impl Finding {
    fn new(path: &str, line: usize, what: impl Into<String>) -> Self {
        Self { path: path.to_owned(), line, what: what.into() }
    }
}

impl fmt::Display for Finding {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.line {
            0 => write!(formatter, "{}: {}", self.path, self.what),
            line => write!(formatter, "{}:{line}: {}", self.path, self.what),
        }
    }
}

/// Checks every rule and ends the program accordingly.
pub(crate) fn run() -> Result<ExitCode> {
    check().map(|()| ExitCode::SUCCESS)
}

/// Checks every rule and prints what breaks them.
///
/// # Errors
/// When a rule is broken, or the repository can't be read.
pub(crate) fn check() -> Result<()> {
    let repository = Repository::read(shell::root())?;
    let mut broken = 0;
    for rule in RULES {
        let findings = (rule.check)(&repository);
        println!("{} {}", if findings.is_empty() { "ok    " } else { "BROKEN" }, rule.name);
        for finding in &findings {
            println!("       {finding}");
        }
        if !findings.is_empty() {
            println!("       remedy: {}", rule.remedy);
            broken += 1;
        }
    }
    if broken > 0 {
        bail!("{broken} of {} rules are broken", RULES.len());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_have_distinct_names_and_remedies() {
        let mut names: Vec<_> = RULES.iter().map(|rule| rule.name).collect();
        names.sort_unstable();
        names.dedup();
        assert_eq!(names.len(), RULES.len());
        assert!(RULES.iter().all(|rule| !rule.remedy.is_empty()));
    }

    #[test]
    fn a_finding_points_at_its_place() {
        assert_eq!(Finding::new("a.rs", 7, "why").to_string(), "a.rs:7: why");
        assert_eq!(Finding::new("a.rs", 0, "why").to_string(), "a.rs: why");
    }
}
