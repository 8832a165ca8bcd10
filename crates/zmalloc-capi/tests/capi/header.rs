//! The header against the Rust source: the same functions, with the same types.

use std::collections::BTreeSet;

use crate::exports::{Functions, Signature};
use crate::gcc::{gcc, include, succeed};
use crate::rust;

/// What a program may define before it includes the header.
const VARIANTS: &[&[&str]] = &[
    &[],
    &["-DZMALLOC_API_REDIS=60200"],
    &["-DZMALLOC_API_REDIS=70200"],
    &["-DZMALLOC_API_REDIS=70400"],
    &["-DZMALLOC_API_REDIS=80000"],
    &["-DZMALLOC_API_VALKEY=80000"],
    &["-DZMALLOC_API_VALKEY=80100"],
    &["-DZMALLOC_API_VALKEY=90100"],
];

/// The functions that our headers declare, as the preprocessor leaves them.
fn declared(defines: &[&str]) -> Functions {
    let mut command = gcc();
    command.args(["-E", "-DUSE_JEMALLOC"]).args(defines).arg(include().join("zmalloc.h"));
    let preprocessed = succeed(&mut command);
    let mut ours = String::new();
    let mut is_ours = false;
    for line in preprocessed.lines() {
        // `# 12 "file" flags`: what follows is of that file.
        if let Some(marker) = line.strip_prefix("# ") {
            let file = marker.split('"').nth(1).unwrap_or_default();
            is_ours = file.starts_with(include().to_str().expect("text"));
        } else if is_ours {
            ours.push_str(line);
            ours.push(' ');
        }
    }
    ours.split(';').map(str::trim).filter(|text| !text.is_empty()).map(declaration).collect()
}

/// Reads `result name(parameters)`, with attributes before it.
fn declaration(text: &str) -> (String, Signature) {
    let mut text = text;
    while let Some(rest) = text.strip_prefix("__attribute__") {
        text = rest[closing(rest) + 1..].trim_start();
    }
    let open = text.find('(').unwrap_or_else(|| panic!("no function: {text}"));
    let (result, name) = typed(&text[..open]);
    let inside = &text[open + 1..open + closing(&text[open..])];
    let parameters = top_level(inside).into_iter().map(|parameter| parameter_type(&parameter));
    let parameters: Vec<_> = parameters.filter(|parameter| parameter != "void").collect();
    (name.expect("a function has a name"), Signature { result, parameters })
}

/// Where the parenthesis closes that is the first to open.
fn closing(text: &str) -> usize {
    let mut depth = 0;
    for (position, character) in text.char_indices() {
        match character {
            '(' => depth += 1,
            ')' if depth == 1 => return position,
            ')' => depth -= 1,
            _ => {}
        }
    }
    panic!("parentheses don't match: {text}");
}

/// Splits at the commas that are in no parentheses.
fn top_level(text: &str) -> Vec<String> {
    let mut parts = vec![String::new()];
    let mut depth = 0;
    for character in text.chars() {
        match character {
            ',' if depth == 0 => {
                parts.push(String::new());
                continue;
            }
            '(' => depth += 1,
            ')' => depth -= 1,
            _ => {}
        }
        parts.last_mut().expect("one at least").push(character);
    }
    parts
}

/// The type of a parameter, named or not.
fn parameter_type(text: &str) -> String {
    let Some(open) = text.find("(*") else {
        return typed(text).0;
    };
    let (result, rest) = (typed(&format!("{} x", &text[..open])).0, &text[open..]);
    let inside = &rest[closing(rest) + 1..];
    let inside = &inside[1..closing(inside)];
    let parameters: Vec<_> = top_level(inside).iter().map(|parameter| parameter_type(parameter)).collect();
    format!("{result} (*)({})", parameters.join(", "))
}

/// Splits `const char *name` into `const char *` and the name, if there is one.
fn typed(text: &str) -> (String, Option<String>) {
    const OF_TYPES: &[&str] = &["const", "void", "char", "int", "long", "unsigned", "size_t"];
    let spaced = text.replace('*', " * ");
    let mut words: Vec<_> = spaced.split_whitespace().collect();
    let is_name = |word: &str| word != "*" && !OF_TYPES.contains(&word);
    let name = words.pop_if(|word| is_name(word)).map(str::to_owned);
    let stars = words.iter().rev().take_while(|word| **word == "*").count();
    words.truncate(words.len() - stars);
    let blank = if stars > 0 { " " } else { "" };
    (format!("{}{blank}{}", words.join(" "), "*".repeat(stars)), name)
}

#[test]
fn declares_what_the_libraries_have() {
    let defined = rust::functions();
    let mut seen = BTreeSet::new();
    for defines in VARIANTS {
        let declared = declared(defines);
        assert!(declared.len() > 40, "{defines:?}: {} functions", declared.len());
        for (name, signature) in declared {
            assert_eq!(Some(&signature), defined.get(&name), "{name}, with {defines:?}");
            seen.insert(name);
        }
    }
    let undeclared: Vec<_> = defined.keys().filter(|name| !seen.contains(*name)).collect();
    assert!(undeclared.is_empty(), "defined and not declared: {undeclared:?}");
}

#[test]
fn a_version_picks_its_form() {
    for (defines, name, parameters) in [
        ("ZMALLOC_API_REDIS=70000", "zmalloc_get_allocator_info", 3),
        ("ZMALLOC_API_REDIS=70400", "zmalloc_get_allocator_info_5", 5),
        ("ZMALLOC_API_REDIS=80200", "zmalloc_get_allocator_info_7", 7),
        ("ZMALLOC_API_VALKEY=80000", "zmalloc_get_allocator_info_6", 6),
        ("ZMALLOC_API_VALKEY=80100", "zmalloc_get_allocator_info_5", 5),
        ("ZMALLOC_API_VALKEY=80000", "zmalloc", 1),
        ("ZMALLOC_API_VALKEY=80000", "zmadvise_dontneed", 1),
        ("ZMALLOC_API_VALKEY=80100", "valkey_malloc", 1),
        ("ZMALLOC_API_VALKEY=80100", "zmadvise_dontneed_2", 2),
        ("ZMALLOC_API_VALKEY=80100", "zmalloc_cache_aligned", 1),
        ("ZMALLOC_API_VALKEY=90100", "valkey_malloc_cache_aligned", 1),
    ] {
        let declared = declared(&[&format!("-D{defines}")]);
        let found = declared.get(name).map(|signature| signature.parameters.len());
        assert_eq!(found, Some(parameters), "{name} with {defines}");
    }
}

/// The comparison is worth something: it reads what C and Rust have as different.
#[test]
fn declarations_are_read_apart() {
    let of = |text: &str| declaration(text).1;
    let strings = |types: &[&str]| types.iter().map(|text| (*text).to_owned()).collect::<Vec<_>>();
    let read = of("__attribute__((malloc, alloc_size(1))) void *f(const char *s, size_t n)");
    assert_eq!(read.result, "void *");
    assert_eq!(read.parameters, strings(&["const char *", "size_t"]));
    assert_ne!(read, of("void *f(char *s, size_t n)"));
    assert_ne!(read, of("void *f(const char *s, size_t *n)"));
    assert_eq!(of("void f(void)").parameters, strings(&[]));
    assert_eq!(
        of("void f(void (*g)(void *, const char *), unsigned int)").parameters,
        strings(&["void (*)(void *, const char *)", "unsigned int"])
    );
}
