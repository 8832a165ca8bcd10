//! Links between the repository's pages lead somewhere, and the files that they name are there.

use std::collections::BTreeSet;

use super::repository::{File, Repository};
use super::{Finding, Rule};

pub(super) const RULE: Rule = Rule {
    name: "links between pages resolve, and the files they name are there",
    remedy: "correct the path (of a link, relative to the page it stands on; in `code`, relative \
             to the root) or the heading after the `#`",
    check,
};

fn check(repository: &Repository) -> Vec<Finding> {
    let pages = || repository.files.iter().filter(|file| file.is("md"));
    pages().flat_map(|page| check_page(page, &repository.files)).collect()
}

fn check_page(page: &File, files: &[File]) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in prose(&page.text) {
        for path in named_files(line).filter(|path| !exists(path.trim_end_matches('/'), files)) {
            findings.push(Finding::new(&page.path, number, format!("{path}: there is no such file")));
        }
        for target in targets(line) {
            if target.contains("://") || target.starts_with("mailto:") {
                continue;
            }
            let (path, heading) = target.split_once('#').unwrap_or((target, ""));
            if let Some(what) = problem(page, path, heading, files) {
                findings.push(Finding::new(&page.path, number, format!("{target}: {what}")));
            }
        }
    }
    findings
}

/// What is wrong with a link from `page` to `path`, `heading`; either may be empty.
fn problem(page: &File, path: &str, heading: &str, files: &[File]) -> Option<&'static str> {
    let target = if path.is_empty() {
        page
    } else {
        let Some(path) = resolve(&page.path, path) else {
            return Some("leads out of the repository");
        };
        match files.iter().find(|file| file.path == path) {
            Some(file) => file,
            None => return (!exists(&path, files)).then_some("there is no such file"),
        }
    };
    let missing = !heading.is_empty() && !headings(&target.text).contains(heading);
    missing.then_some("there is no such heading")
}

/// Whether a path from the root names a file, or a directory with a file in it.
fn exists(path: &str, files: &[File]) -> bool {
    let below = |file: &File| file.path.strip_prefix(path).is_some_and(|rest| rest.starts_with('/'));
    files.iter().any(|file| file.path == path || below(file))
}

/// The directories at the root that hold code: a code span that begins so names a file.
const CODE: &[&str] = &["benches/", "crates/", "fuzz/", "xtask/"];

/// The files and directories of the repository that code spans on a line name.
fn named_files(line: &str) -> impl Iterator<Item = &str> {
    let spans = line.split('`').skip(1).step_by(2);
    spans.filter(|span| CODE.iter().any(|directory| span.starts_with(directory)))
}

/// The lines outside fenced blocks, with their numbers.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let is_fence = line.trim_start().starts_with("```");
        fenced ^= is_fence;
        (!fenced && !is_fence).then_some((index + 1, line))
    })
}

/// The targets of the inline links on a line, outside code spans.
fn targets(line: &str) -> Vec<&str> {
    let code: Vec<_> = line.match_indices('`').map(|(at, _)| at).collect();
    let in_code = |at: usize| code.partition_point(|&tick| tick < at) % 2 == 1;
    let links = line.match_indices("](").filter(|(at, _)| !in_code(*at));
    links
        .filter_map(|(at, open)| {
            let rest = &line[at + open.len()..];
            let target = rest[..rest.find(')')?].split_whitespace().next()?;
            Some(target.trim_start_matches('<').trim_end_matches('>'))
        })
        .collect()
}

/// A link's path from the root, or `None` when it leads out of it.
fn resolve(page: &str, link: &str) -> Option<String> {
    let mut parts: Vec<_> = page.split('/').collect();
    parts.pop();
    for part in link.trim_end_matches('/').split('/') {
        match part {
            "." => {}
            ".." => {
                parts.pop()?;
            }
            part => parts.push(part),
        }
    }
    Some(parts.join("/"))
}

/// The anchors of a page's headings: lower case, hyphens for spaces, no other punctuation.
fn headings(text: &str) -> BTreeSet<String> {
    let marked = prose(text).filter_map(|(_, line)| {
        let title = line.trim_start_matches('#');
        (title.len() < line.len()).then(|| title.strip_prefix(' ')).flatten()
    });
    let anchor = |title: &str| -> String {
        let kept = title.trim().chars().filter(|&c| c.is_alphanumeric() || " -_".contains(c));
        kept.flat_map(char::to_lowercase).map(|c| if c == ' ' { '-' } else { c }).collect()
    };
    marked.map(anchor).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> usize {
        let files = [
            File::new("docs/page.md", text).unwrap(),
            File::new("docs/other.md", "# A title, with `code`\n").unwrap(),
            File::new("README.md", "").unwrap(),
            File::new("crates/a/src/lib.rs", "").unwrap(),
        ];
        check_page(&files[0], &files).len()
    }

    #[test]
    fn links_that_resolve_pass() {
        for text in [
            "[a](other.md) and [b](../README.md)",
            "[a](./other.md#a-title-with-code \"title\")",
            "[a](../docs) [b](../docs/)",
            "# Here\n[a](#here)",
            "[a](https://example.org/none) [b](mailto:a@example.org)",
            "`[a](none.md)`",
            "```\n[a](none.md)\n```",
            "`crates/a/src/lib.rs` `crates/a/src/` `crates/a`",
            "`none.md` crates/b/",
        ] {
            assert_eq!(findings(text), 0, "{text}");
        }
    }

    #[test]
    fn links_that_do_not_resolve_fail() {
        for text in [
            "[a](none.md)",
            "[a](README.md)",
            "[a](../../README.md)",
            "[a](other.md#no-such-title)",
            "[a](#nowhere)",
            "`code` [a](none.md) `code`",
            "```\n```\n[a](none.md)",
            "`a` `crates/b/src/lib.rs`",
            "`crates/a/sr`",
        ] {
            assert_eq!(findings(text), 1, "{text}");
        }
    }
}
