//! What every package's manifest holds.

use cargo_metadata::Package;

use super::repository::Repository;
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "every manifest is complete",
    remedy: "add `lints.workspace = true`, a description, a licence, an edition and a \
             `rust-version`; a package that is published has a README.md beside its manifest",
    check,
};

fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.metadata.workspace_packages() {
        let path = repository.relative(package.manifest_path.as_std_path());
        let text = repository.file(&path).map_or("", |file| &file.text);
        let readme = format!("{}/README.md", repository.directory(package));
        let facts = Facts {
            has_readme: repository.file(&readme).is_some_and(|file| !file.text.trim().is_empty()),
            ..Facts::of(package, text)
        };
        findings.extend(facts.lacking().into_iter().map(|what| Finding::new(&path, 0, what)));
    }
    findings
}

/// What the rule wants to know of a package.
#[derive(Clone, Copy)]
struct Facts {
    has_lints: bool,
    has_description: bool,
    has_license: bool,
    has_rust_version: bool,
    is_published: bool,
    has_readme: bool,
}

impl Facts {
    fn of(package: &Package, manifest: &str) -> Self {
        let described = package.description.as_ref();
        Self {
            has_lints: inherits_lints(manifest),
            has_description: described.is_some_and(|text| !text.trim().is_empty()),
            has_license: package.license.is_some(),
            has_rust_version: package.rust_version.is_some(),
            is_published: package.publish.as_ref().is_none_or(|registries| !registries.is_empty()),
            has_readme: false,
        }
    }

    fn lacking(&self) -> Vec<&'static str> {
        let wanted = [
            (self.has_lints, "doesn't inherit the workspace's lints"),
            (self.has_description, "has no description"),
            (self.has_license, "has no licence"),
            (self.has_rust_version, "has no rust-version"),
            (self.has_readme || !self.is_published, "is published, and has no README.md"),
        ];
        wanted.into_iter().filter(|(there, _)| !there).map(|(_, what)| what).collect()
    }
}

/// Whether a manifest says `[lints]` `workspace = true`, on two lines or one.
fn inherits_lints(manifest: &str) -> bool {
    let mut table = "";
    manifest.lines().map(|line| line.split('#').next().unwrap_or_default().trim()).any(|line| {
        if line.starts_with('[') {
            table = line;
        }
        let setting = line.replace(' ', "");
        (table == "[lints]" && setting == "workspace=true")
            || (table.is_empty() && setting == "lints.workspace=true")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lints_are_inherited_in_either_spelling() {
        assert!(inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = true # all\n"));
        assert!(inherits_lints("lints.workspace = true\n[package]\nname = \"a\"\n"));
        assert!(!inherits_lints("[package]\nname = \"a\"\n\n[lints]\nworkspace = false\n"));
        assert!(!inherits_lints("[lints]\n[dependencies]\nworkspace = true\n"));
        assert!(!inherits_lints("# lints.workspace = true\n"));
    }

    #[test]
    fn each_gap_is_named() {
        let full = Facts {
            has_lints: true,
            has_description: true,
            has_license: true,
            has_rust_version: true,
            is_published: true,
            has_readme: true,
        };
        assert!(full.lacking().is_empty());
        assert!(Facts { has_readme: false, is_published: false, ..full }.lacking().is_empty());
        for gap in [
            Facts { has_lints: false, ..full },
            Facts { has_description: false, ..full },
            Facts { has_license: false, ..full },
            Facts { has_rust_version: false, ..full },
            Facts { has_readme: false, ..full },
        ] {
            assert_eq!(gap.lacking().len(), 1);
        }
    }
}
