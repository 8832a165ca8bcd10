//! Where `unsafe` may stand.

use proc_macro2::TokenTree;

use super::repository::{File, Repository};
use super::{Finding, Rule, tokens};

pub(super) const RULE: Rule = Rule {
    name: "unsafe code stands only where it may",
    remedy: "use a safe interface of a lower floor; the packages that may hold unsafe code are \
             listed in xtask/src/tidy/unsafe_code.rs, every other root carries \
             #![forbid(unsafe_code)]",
    check,
};

/// What a package may do with `unsafe`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Policy {
    /// Nowhere: the roots forbid it.
    Forbidden,
    /// In files that say so with `#![allow(unsafe_code)]`; the roots deny it.
    NamedFiles,
    /// Wherever it is needed.
    Allowed,
}

/// The packages that may hold unsafe code; it is forbidden in all others.
const POLICIES: &[(&str, Policy)] = &[
    ("crash", Policy::Allowed),
    ("zmalloc", Policy::Allowed),
    ("heapwalk", Policy::Allowed),
    ("zmalloc-capi", Policy::Allowed),
    ("zmalloc-module", Policy::Allowed),
    ("keyspace", Policy::NamedFiles),
    ("modhost", Policy::Allowed),
    ("alloc-worker", Policy::NamedFiles),
    // What the crate redis-module doesn't wrap; the modules above have no unsafe code.
    ("module-kit", Policy::NamedFiles),
    ("module-bench", Policy::NamedFiles),
];

fn check(repository: &Repository) -> Vec<Finding> {
    let mut findings = Vec::new();
    for package in repository.metadata.workspace_packages() {
        let named = POLICIES.iter().find(|(name, _)| *name == package.name.as_str());
        let policy = named.map_or(Policy::Forbidden, |(_, policy)| *policy);
        let roots = package
            .targets
            .iter()
            .filter(|target| target.is_lib() || target.is_bin() || target.is_proc_macro());
        for root in roots {
            let path = repository.relative(root.src_path.as_std_path());
            findings.extend(repository.file(&path).and_then(|file| check_root(file, policy)));
        }
        let sources = format!("{}/src/", repository.directory(package));
        if policy == Policy::NamedFiles {
            let files = repository.rust_files().filter(|file| file.path.starts_with(&sources));
            findings.extend(files.flat_map(check_named));
        }
    }
    findings
}

/// The root of a library or program must carry its package's lint.
fn check_root(file: &File, policy: Policy) -> Option<Finding> {
    let level = match policy {
        Policy::Forbidden => "forbid",
        Policy::NamedFiles => "deny",
        Policy::Allowed => return None,
    };
    let carries = tokens::has_inner_attribute(&file.tokens, level, "unsafe_code");
    (!carries).then(|| Finding::new(&file.path, 0, format!("lacks #![{level}(unsafe_code)]")))
}

/// A file with unsafe code must say so itself: the compiler would let it inherit the permission
/// from the module above. And a permission is the file's, never an item's.
fn check_named(file: &File) -> Vec<Finding> {
    let mut excused = tokens::has_inner_attribute(&file.tokens, "allow", "unsafe_code");
    let mut findings = Vec::new();
    tokens::walk(&file.tokens, &mut |rest| {
        match rest {
            [TokenTree::Ident(word), ..] if word == "unsafe" && !excused => {
                excused = true; // One finding for the file is enough.
                let what = "unsafe code in a file without #![allow(unsafe_code)]";
                findings.push(Finding::new(&file.path, word.span().start().line, what));
            }
            _ => {}
        }
        let words = tokens::outer_attribute(rest).and_then(tokens::attribute_words);
        if let Some((name, words)) = words
            && matches!(name.as_str(), "allow" | "expect")
            && words.iter().any(|word| word == "unsafe_code")
        {
            let line = rest[0].span().start().line;
            findings.push(Finding::new(&file.path, line, "unsafe code allowed to a single item"));
        }
    });
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn file(text: &str) -> File {
        File::new("a.rs", text).unwrap()
    }

    #[test]
    fn a_root_carries_the_lint_of_its_package() {
        let forbids = file("//! A.\n#![forbid(unsafe_code)]");
        let denies = file("//! A.\n#![deny(unsafe_code)]");
        let neither = file("//! A. #![forbid(unsafe_code)]\n// #![deny(unsafe_code)]");
        for (policy, right, wrong) in
            [(Policy::Forbidden, &forbids, &denies), (Policy::NamedFiles, &denies, &forbids)]
        {
            assert_eq!(check_root(right, policy), None);
            assert!(check_root(wrong, policy).is_some());
            assert!(check_root(&neither, policy).is_some());
        }
        assert_eq!(check_root(&neither, Policy::Allowed), None);
    }

    #[test]
    fn a_file_names_itself_before_it_is_unsafe() {
        let body = "fn a() {\n    unsafe { b() }\n    unsafe { c() }\n}";
        assert_eq!(check_named(&file(&format!("#![allow(unsafe_code)]\n{body}"))), []);
        let findings = check_named(&file(body));
        assert_eq!(findings.len(), 1);
        assert_eq!(findings[0].line, 2);
    }

    #[test]
    fn the_word_alone_is_no_code() {
        assert_eq!(check_named(&file("// unsafe\nfn a() { \"unsafe\"; r#unsafe(); }")), []);
    }

    #[test]
    fn a_single_item_is_not_excused() {
        let findings = check_named(&file("#[allow(dead_code, unsafe_code)]\nfn a() {}"));
        assert_eq!(findings.len(), 1);
        assert_eq!(check_named(&file("#[allow(dead_code)]\nfn a() {}")), []);
    }
}
