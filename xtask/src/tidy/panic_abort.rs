//! A panic must be able to unwind.

use super::repository::{File, Repository};
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "a panic unwinds: nothing sets it to abort",
    remedy: "delete the setting: a program that embeds the engine must be able to catch a panic, \
             and the server must be able to report one",
    check,
};

fn check(repository: &Repository) -> Vec<Finding> {
    repository.files.iter().filter(|file| file.is("toml")).flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        let setting = line.split('#').next().unwrap_or_default();
        let bare: String = setting.chars().filter(|&c| !c.is_whitespace() && c != '"' && c != '\'').collect();
        if bare.contains("panic=abort") || bare.contains("panic=immediate-abort") {
            findings.push(Finding::new(&file.path, number, "panics abort"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_setting_counts_in_every_spelling() {
        let findings = |text| check_file(&File::new("Cargo.toml", text).unwrap()).len();
        assert_eq!(findings("[profile.release]\npanic = \"abort\"\n"), 1);
        assert_eq!(findings("[profile]\nrelease = { panic='abort' }\n"), 1);
        assert_eq!(findings("[build]\nrustflags = [\"-Cpanic=abort\"]\n"), 1);
        assert_eq!(findings("panic = \"unwind\" # never panic = \"abort\"\n"), 0);
    }
}
