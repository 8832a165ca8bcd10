//! Every Rust file says what it is for.

use super::repository::{File, Repository};
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "every Rust file begins with its documentation",
    remedy: "begin the file with a `//!` line that says what it is for",
    check,
};

fn check(repository: &Repository) -> Vec<Finding> {
    repository.rust_files().filter_map(check_file).collect()
}

fn check_file(file: &File) -> Option<Finding> {
    let first = file.text.lines().next().unwrap_or_default();
    let says = first.strip_prefix("//!").is_some_and(|text| !text.trim().is_empty());
    (!says).then(|| Finding::new(&file.path, 1, "no `//!` text on the first line"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_purpose() {
        let passes = |text| check_file(&File::new("a.rs", text).unwrap()).is_none();
        assert!(passes("//! What it is for.\nfn a() {}"));
        for text in ["", "fn a() {}", "\n//! Late.", "//!\n//! Late.", "// Not documentation."] {
            assert!(!passes(text), "{text:?}");
        }
    }
}
