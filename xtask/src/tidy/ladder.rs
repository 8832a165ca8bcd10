//! The ladder: a crate uses only crates on floors below its own.

use cargo_metadata::{DependencyKind, Metadata, Package};

use super::repository::Repository;
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "the ladder: a crate uses only crates on lower floors",
    remedy: "move the code to the floor where it belongs, or pass what is needed in from above; \
             a new crate gets its floor in xtask/src/tidy/ladder.rs and in ARCHITECTURE.md",
    check,
};

/// The floor of every crate. The gaps are room for crates to come; ARCHITECTURE.md has the plan.
const FLOORS: &[(&str, u32)] = &[
    ("server", 6),
    ("modhost", 5),
    ("engine", 4),
    ("persist", 3),
    ("keyspace", 2),
    ("zmalloc-capi", 2),
    ("zmalloc", 1),
    ("zmalloc-module", 1),
    ("crash", 0),
    ("heapwalk", 0),
    ("heapwalk-derive", 0),
    ("module-abi", 0),
];

/// Packages beside the ladder: they may use every crate, and no crate may use them.
const BESIDE: &[&str] = &[
    "alloc-worker",
    "benches",
    "module-bench",
    "module-harness",
    "module-kit",
    "tairhash",
    "tairstring",
    "xtask",
];

fn check(repository: &Repository) -> Vec<Finding> {
    check_metadata(&repository.metadata, FLOORS)
        .into_iter()
        .map(|(package, what)| {
            let manifest = repository.relative(package.manifest_path.as_std_path());
            Finding::new(&manifest, 0, what)
        })
        .collect()
}

/// Every breach, with the package whose manifest holds it. Normal, build and development
/// dependencies are held to the same order: a test that reaches up the ladder belongs higher up.
fn check_metadata<'a>(metadata: &'a Metadata, floors: &[(&str, u32)]) -> Vec<(&'a Package, String)> {
    let floor = |name: &str| floors.iter().find(|(its, _)| *its == name).map(|(_, floor)| *floor);
    let members = metadata.workspace_packages();
    let mut breaches = Vec::new();
    for package in &members {
        let name = package.name.as_str();
        let own = floor(name);
        if own.is_none() && !BESIDE.contains(&name) {
            breaches.push((*package, format!("the crate `{name}` has no floor")));
            continue;
        }
        for dependency in &package.dependencies {
            let used = dependency.name.as_str();
            // A package may depend on itself for its own tests; the compiler rules out the rest. Its
            // derive macros, which must be a package of their own, share its floor.
            // And a crate of the same name from a registry is none of ours.
            let is_ours = dependency.source.is_none();
            if used == name
                || used == format!("{name}-derive")
                || !is_ours
                || !members.iter().any(|member| member.name.as_str() == used)
            {
                continue;
            }
            let allowed = match (own, floor(used)) {
                (None, _) => true,
                (Some(own), Some(used)) => used < own,
                (Some(_), None) => false,
            };
            if !allowed {
                let kind = match dependency.kind {
                    DependencyKind::Development => "dev-dependency",
                    DependencyKind::Build => "build-dependency",
                    _ => "dependency",
                };
                let what = format!("`{name}` may not use `{used}` ({kind}): it isn't below it");
                breaches.push((*package, what));
            }
        }
    }
    breaches
}

#[cfg(test)]
mod tests {
    use cargo_metadata::MetadataCommand;

    use super::*;
    use crate::shell;

    fn breaches(floors: &[(&str, u32)]) -> Vec<String> {
        let mut command = MetadataCommand::new();
        let metadata = command.current_dir(shell::root()).no_deps().exec().unwrap();
        check_metadata(&metadata, floors).into_iter().map(|(_, what)| what).collect()
    }

    /// A workspace of one crate `upper` that uses `lower`, in the shape cargo describes it.
    fn workspace(kind: &str) -> Metadata {
        let package = |name: &str, dependencies: &str| {
            format!(
                r#"{{"name":"{name}","version":"0.1.0","id":"{name} 0.1.0","license":null,
                "license_file":null,"description":null,"source":null,"targets":[],"features":{{}},
                "manifest_path":"crates/{name}/Cargo.toml","dependencies":[{dependencies}],
                "metadata":null,"publish":null,"authors":[],"categories":[],"keywords":[],
                "readme":null,"repository":null,"homepage":null,"documentation":null,
                "edition":"2024","links":null,"default_run":null,"rust_version":null}}"#
            )
        };
        let dependency = format!(
            r#"{{"name":"lower","source":null,"req":"*","kind":{kind},"rename":null,
            "optional":false,"uses_default_features":true,"features":[],"target":null,
            "registry":null}}"#
        );
        let metadata = format!(
            r#"{{"packages":[{},{}],"workspace_members":["upper 0.1.0","lower 0.1.0"],
            "resolve":null,"workspace_root":"root","target_directory":"target","version":1,
            "metadata":null}}"#,
            package("upper", &dependency),
            package("lower", ""),
        );
        cargo_metadata::MetadataCommand::parse(metadata).unwrap()
    }

    #[test]
    fn one_floor_down_passes_and_anything_else_fails() {
        for kind in ["null", r#""dev""#, r#""build""#] {
            let metadata = workspace(kind);
            let count = |floors: &[(&str, u32)]| check_metadata(&metadata, floors).len();
            assert_eq!(count(&[("upper", 2), ("lower", 1)]), 0, "{kind}");
            assert_eq!(count(&[("upper", 2), ("lower", 2)]), 1, "{kind}");
            assert_eq!(count(&[("upper", 1), ("lower", 2)]), 1, "{kind}");
        }
    }

    #[test]
    fn a_crate_without_a_floor_fails() {
        let metadata = workspace("null");
        let what = &check_metadata(&metadata, &[("lower", 1)])[0].1;
        assert!(what.contains("`upper` has no floor"), "{what}");
    }

    #[test]
    fn packages_beside_the_ladder_need_no_floor_and_crates_do() {
        assert!(breaches(FLOORS).is_empty());
        let without = breaches(&[]);
        assert!(without.iter().any(|what| what.contains("`engine` has no floor")));
        assert!(!without.iter().any(|what| what.contains("`xtask`")));
    }
}
