//! Paths of one developer's machine.

use super::repository::{File, Repository};
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "no path of one developer's machine",
    remedy: "use a path relative to the repository, an environment variable, or a temporary one",
    check,
};

/// Directories that exist on one machine and not on the next. Split, so that this file passes.
const PREFIXES: &[&str] = &[
    concat!("/", "work/"),
    concat!("/", "root/"),
    concat!("/", "home/"),
    concat!("/", "Users/"),
    concat!("C:", "\\Users\\"),
];

fn check(repository: &Repository) -> Vec<Finding> {
    repository.files.iter().flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        let found = PREFIXES.iter().find(|prefix| holds_path(line, prefix));
        findings.extend(
            found.map(|prefix| Finding::new(&file.path, number, format!("a path that begins with {prefix}"))),
        );
    }
    findings
}

/// Whether a path in the line begins so; in the middle of a longer path or address it doesn't.
fn holds_path(line: &str, prefix: &str) -> bool {
    line.match_indices(prefix).any(|(at, _)| {
        let before = line[..at].chars().next_back();
        before.is_none_or(|before| !before.is_alphanumeric() && !"._-~}".contains(before))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_where_it_begins() {
        for prefix in PREFIXES {
            for text in [format!("{prefix}x"), format!("a \"{prefix}x\""), format!("a={prefix}")] {
                let file = File::new("a.txt", &text).unwrap();
                assert_eq!(check_file(&file).len(), 1, "{text}");
            }
        }
    }

    #[test]
    fn the_middle_of_a_path_does_not() {
        for part in ["work/", "root/", "home/"] {
            for text in [format!("a/{part}x"), format!("https://example.org/{part}"), part.into()] {
                let file = File::new("a.txt", &text).unwrap();
                assert!(check_file(&file).is_empty(), "{text}");
            }
        }
    }
}
