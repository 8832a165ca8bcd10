//! Rust source as tokens, in which comments and strings can't be mistaken for code.

use anyhow::{Result, anyhow};
use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

/// Splits a source file into tokens.
///
/// # Errors
/// When the text isn't Rust at all: a delimiter or a string is left open, say.
pub(super) fn split(text: &str) -> Result<TokenStream> {
    text.parse().map_err(|error| anyhow!("{error}"))
}

/// Calls `visit` with every run of sibling tokens: the whole stream, then the inside of each
/// group, at every depth. Each run is given from each of its tokens to its end, so that a pattern
/// is matched by looking at the start of the slice.
pub(super) fn walk(tokens: &TokenStream, visit: &mut impl FnMut(&[TokenTree])) {
    let siblings: Vec<_> = tokens.clone().into_iter().collect();
    for (index, token) in siblings.iter().enumerate() {
        visit(&siblings[index..]);
        if let TokenTree::Group(group) = token {
            walk(&group.stream(), visit);
        }
    }
}

/// A name called as a macro at the start of the slice, as in `name!(…)`.
pub(super) fn macro_call(tokens: &[TokenTree]) -> Option<(&Ident, &Group)> {
    match tokens {
        [TokenTree::Ident(name), TokenTree::Punct(bang), TokenTree::Group(arguments), ..]
            if bang.as_char() == '!' =>
        {
            Some((name, arguments))
        }
        _ => None,
    }
}

/// The inside of an outer attribute at the start of the slice, as in `#[…]`.
pub(super) fn outer_attribute(tokens: &[TokenTree]) -> Option<&Group> {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Group(group), ..] if is_attribute(hash, group) => Some(group),
        _ => None,
    }
}

/// The inside of an inner attribute at the start of the slice, as in `#![…]`.
pub(super) fn inner_attribute(tokens: &[TokenTree]) -> Option<&Group> {
    match tokens {
        [TokenTree::Punct(hash), TokenTree::Punct(bang), TokenTree::Group(group), ..]
            if bang.as_char() == '!' && is_attribute(hash, group) =>
        {
            Some(group)
        }
        _ => None,
    }
}

fn is_attribute(hash: &proc_macro2::Punct, group: &Group) -> bool {
    hash.as_char() == '#' && group.delimiter() == Delimiter::Bracket
}

/// An attribute's name and the words between its parentheses, without the punctuation:
/// `allow(unsafe_code, dead_code)` is `("allow", ["unsafe_code", "dead_code"])`.
pub(super) fn attribute_words(attribute: &Group) -> Option<(String, Vec<String>)> {
    let mut tokens = attribute.stream().into_iter();
    let TokenTree::Ident(name) = tokens.next()? else {
        return None;
    };
    let mut words = Vec::new();
    if let Some(TokenTree::Group(arguments)) = tokens.next() {
        walk(&arguments.stream(), &mut |rest| {
            if let [TokenTree::Ident(word), ..] = rest {
                words.push(word.to_string());
            }
        });
    }
    Some((name.to_string(), words))
}

/// Whether the file carries the inner attribute `#![name(word)]`, alone or among other words.
pub(super) fn has_inner_attribute(tokens: &TokenStream, name: &str, word: &str) -> bool {
    let siblings: Vec<_> = tokens.clone().into_iter().collect();
    (0..siblings.len()).any(|index| {
        inner_attribute(&siblings[index..])
            .and_then(attribute_words)
            .is_some_and(|(its_name, words)| its_name == name && words.iter().any(|its| its == word))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inner_attributes_are_found_at_the_top_alone() {
        let file = split("//! Text.\n#![allow(dead_code, unsafe_code)]\nfn a() {}").unwrap();
        assert!(has_inner_attribute(&file, "allow", "unsafe_code"));
        assert!(!has_inner_attribute(&file, "deny", "unsafe_code"));
        let inside = split("mod a { #![allow(unsafe_code)] } // #![deny(unsafe_code)]").unwrap();
        assert!(!has_inner_attribute(&inside, "allow", "unsafe_code"));
        assert!(!has_inner_attribute(&inside, "deny", "unsafe_code"));
    }

    #[test]
    fn macro_calls_are_told_from_comparisons() {
        let mut calls = Vec::new();
        let file = split("fn f() { g(h!(1)); a != (b); \"s!()\"; }").unwrap();
        walk(&file, &mut |rest| calls.extend(macro_call(rest).map(|(name, _)| name.to_string())));
        assert_eq!(calls, ["h"]);
    }
}
