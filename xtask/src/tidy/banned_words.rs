//! Marks of unfinished work.

use proc_macro2::TokenTree;

use super::repository::{File, Repository};
use super::{Finding, Rule, tokens};

pub(super) const RULE: Rule = Rule {
    name: "nothing is left unfinished",
    remedy: "finish it, or open an issue and delete the mark; a test that can't run here is \
             deleted or made to run, a long one goes to `cargo xtask soak`",
    check,
};

/// Words that mark work to come, in any text. Split, so that this file passes its own check.
const WORDS: &[&str] = &[concat!("TO", "DO"), concat!("FIX", "ME"), concat!("XX", "X")];

/// Macros that stand for code that isn't there, or that print to a developer.
const MACROS: &[&str] = &["todo", "unimplemented", "dbg"];

fn check(repository: &Repository) -> Vec<Finding> {
    let words = repository.files.iter().flat_map(check_words);
    words.chain(repository.rust_files().flat_map(check_code)).collect()
}

fn check_words(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (number, line) in file.lines() {
        let found = line
            .split(|character: char| !character.is_alphanumeric() && character != '_')
            .find(|word| WORDS.contains(word));
        findings.extend(found.map(|word| Finding::new(&file.path, number, word)));
    }
    findings
}

fn check_code(file: &File) -> Vec<Finding> {
    let mut findings = Vec::new();
    let mut report = |token: &TokenTree, what: String| {
        findings.push(Finding::new(&file.path, token.span().start().line, what));
    };
    tokens::walk(&file.tokens, &mut |rest| {
        if let Some((name, _)) = tokens::macro_call(rest)
            && MACROS.iter().any(|banned| name == banned)
        {
            report(&rest[0], format!("{name}!"));
        }
        if let Some(attribute) = tokens::outer_attribute(rest)
            && let Some((name, _)) = tokens::attribute_words(attribute)
            && name == "ignore"
        {
            report(&rest[0], "an ignored test".to_owned());
        }
    });
    for (number, line) in file.lines() {
        let comment = line.trim_start();
        let fence = ["/// ```", "//! ```"].iter().find_map(|open| comment.strip_prefix(open));
        if fence.is_some_and(|flags| flags.split(',').any(|flag| flag.trim() == "ignore")) {
            findings.push(Finding::new(&file.path, number, "an ignored example"));
        }
    }
    findings
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(text: &str) -> usize {
        check_words(&File::new("a.md", text).unwrap()).len()
    }

    fn code(text: &str) -> usize {
        check_code(&File::new("a.rs", text).unwrap()).len()
    }

    #[test]
    fn words_count_whole_and_in_capitals() {
        for word in WORDS {
            assert_eq!(words(&format!("a\n// {word}: later\n")), 1);
            assert_eq!(words(&format!("{word}S and {}", word.to_lowercase())), 0);
        }
        assert_eq!(words("SET key value NX | XX"), 0);
    }

    #[test]
    fn macros_count_when_called() {
        for name in MACROS {
            assert_eq!(code(&format!("fn a() {{ {name}!() }}")), 1);
            assert_eq!(code(&format!("fn {name}() {{}} // {name}!()")), 0);
        }
    }

    #[test]
    fn ignored_tests_and_examples_count() {
        assert_eq!(code("#[test]\n#[ignore]\nfn a() {}"), 1);
        assert_eq!(code("mod a { #[ignore = \"slow\"]\nfn a() {} }"), 1);
        assert_eq!(code("#[test]\nfn ignore() {}"), 0);
        assert_eq!(code("/// ```ignore\n/// a\n/// ```\nfn a() {}"), 1);
        assert_eq!(code("/// ```no_run\n/// ignore\n/// ```\nfn a() {}"), 0);
    }
}
