//! Conditional compilation picks a file in one place; it doesn't interleave a body.

use proc_macro2::{Group, TokenTree};
use quote::ToTokens;
use syn::visit::{self, Visit};

use super::repository::{File, Repository};
use super::{Finding, Rule, tokens};

pub(super) const RULE: Rule = Rule {
    name: "conditional compilation stays out of function bodies",
    remedy: "write one file for each case, with the same functions, and choose between the files \
             in one place",
    check,
};

/// Conditions that may stand in a body: they tell checks from code.
const ALLOWED: &[&str] = &["test", "debug_assertions", "miri"];

fn check(repository: &Repository) -> Vec<Finding> {
    let sources = repository.rust_files().filter(|file| file.path.contains("/src/"));
    sources.flat_map(check_file).collect()
}

fn check_file(file: &File) -> Vec<Finding> {
    let mut bodies = Bodies { file, findings: Vec::new() };
    match syn::parse_file(&file.text) {
        Ok(parsed) => bodies.visit_file(&parsed),
        Err(error) => {
            let line = error.span().start().line;
            bodies.findings.push(Finding::new(&file.path, line, format!("not Rust: {error}")));
        }
    }
    bodies.findings
}

/// Looks into the body of every function, at any depth.
struct Bodies<'a> {
    file: &'a File,
    findings: Vec<Finding>,
}

impl Bodies<'_> {
    fn look_into(&mut self, body: &syn::Block) {
        tokens::walk(&body.to_token_stream(), &mut |rest| {
            if let Some(condition) = condition(rest)
                && !is_allowed(&condition)
            {
                let line = rest[0].span().start().line;
                let what = format!("cfg({condition}) inside a function");
                self.findings.push(Finding::new(&self.file.path, line, what));
            }
        });
    }
}

impl<'ast> Visit<'ast> for Bodies<'_> {
    fn visit_item_mod(&mut self, module: &'ast syn::ItemMod) {
        let is_test = module.attrs.iter().any(|attribute| {
            attribute.path().is_ident("cfg")
                && attribute.parse_args::<syn::Path>().is_ok_and(|path| path.is_ident("test"))
        });
        if !is_test {
            visit::visit_item_mod(self, module);
        }
    }

    fn visit_item_fn(&mut self, function: &'ast syn::ItemFn) {
        self.look_into(&function.block);
    }

    fn visit_impl_item_fn(&mut self, function: &'ast syn::ImplItemFn) {
        self.look_into(&function.block);
    }

    fn visit_trait_item_fn(&mut self, function: &'ast syn::TraitItemFn) {
        if let Some(body) = &function.default {
            self.look_into(body);
        }
    }
}

/// The condition of `#[cfg(…)]` or `cfg!(…)` at the start of the slice.
fn condition(tokens: &[TokenTree]) -> Option<String> {
    if let Some((name, arguments)) = tokens::macro_call(tokens) {
        return (name == "cfg").then(|| text(arguments));
    }
    let attribute = tokens::outer_attribute(tokens)?;
    let mut inside = attribute.stream().into_iter();
    match (inside.next()?, inside.next()?) {
        (TokenTree::Ident(name), TokenTree::Group(arguments)) if name == "cfg" => Some(text(&arguments)),
        _ => None,
    }
}

fn text(arguments: &Group) -> String {
    arguments.stream().to_string()
}

/// Whether a condition, or its negation, is one of those that may stand in a body.
fn is_allowed(condition: &str) -> bool {
    let bare: String = condition.chars().filter(|c| !c.is_whitespace()).collect();
    let plain = bare.strip_prefix("not(").and_then(|rest| rest.strip_suffix(')')).unwrap_or(&bare);
    ALLOWED.contains(&plain)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn findings(text: &str) -> Vec<usize> {
        let file = File::new("crates/a/src/a.rs", text).unwrap();
        check_file(&file).iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn choosing_a_file_or_an_item_passes() {
        for text in [
            "#[cfg(unix)]\nmod unix;\n#[cfg(not(unix))]\nmod other;",
            "#[cfg(unix)]\nfn a() { b(); }",
            "fn a() { #[cfg(test)] b(); if cfg!(debug_assertions) { c() } }",
            "fn a() { \"#[cfg(unix)]\"; } // cfg!(unix)",
            "#[cfg(test)]\nmod tests { fn a() { #[cfg(unix)] b(); } }",
        ] {
            assert!(findings(text).is_empty(), "{text}");
        }
    }

    #[test]
    fn interleaving_a_body_fails() {
        for text in [
            "fn a() {\n#[cfg(unix)]\nb(); }",
            "fn a() {\nif cfg!(unix) { b() } }",
            "impl A { fn a() {\nif let B { #[cfg(unix)] c, .. } = d { } } }",
            "trait A { fn a() {\nprintln!(\"{}\", cfg!(unix)); } }",
            "mod a { fn a() {\n#[cfg(all(test, unix))]\nb(); } }",
        ] {
            assert_eq!(findings(text), [2], "{text}");
        }
    }
}
