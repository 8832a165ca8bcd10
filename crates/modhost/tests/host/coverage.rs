//! What is bound of the API, and that all of it is tested.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::{env, fs};

use module_abi::TABLE;

fn bound() -> BTreeSet<&'static str> {
    modhost::bound_names().collect()
}

/// The names behind the prefix in the test modules' sources.
fn mentioned() -> BTreeSet<String> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules");
    let mut names = BTreeSet::new();
    for file in fs::read_dir(directory).expect("the test modules") {
        let text = fs::read_to_string(file.expect("a file").path()).expect("a text");
        for (at, prefix) in text.match_indices("RedisModule_").chain(text.match_indices("BIND(")) {
            let rest = &text[at + prefix.len()..];
            let rest =
                if prefix == "BIND(" { rest.split_once(", ").map_or("", |(_, rest)| rest) } else { rest };
            let end = rest.find(|c: char| !c.is_ascii_alphanumeric() && c != '_').unwrap_or(rest.len());
            names.insert(rest[..end].to_owned());
        }
    }
    names
}

#[test]
fn what_is_bound_is_in_the_table_and_tested() {
    let bound = bound();
    let mentioned = mentioned();
    for name in &bound {
        assert!(module_abi::entry(name).is_some(), "{name} is no function of the API");
        assert!(mentioned.contains(*name), "no test module calls {name}");
    }
    assert_eq!(bound.len(), modhost::bound_names().count(), "a name is bound twice");
}

#[test]
fn the_documentation_lists_what_is_bound() {
    let bound = bound();
    let mut areas: BTreeMap<&str, (Vec<&str>, Vec<&str>)> = BTreeMap::new();
    for entry in &TABLE {
        let (there, missing) = areas.entry(entry.area).or_default();
        if bound.contains(entry.name) { there } else { missing }.push(entry.name);
    }
    let mut text = format!(
        "# The Module API, function by function\n\nOf {} functions {} are there. This file is generated: \
         `BLESS=1 cargo test -p modhost documentation` writes it. A module that asks for a function that isn't there \
         is told so, as by an older Redis.\n\n| area | there | not there |\n|---|---|---|\n",
        TABLE.len(),
        bound.len()
    );
    let names = |names: &[&str]| names.iter().map(|name| format!("`{name}`")).collect::<Vec<_>>().join(" ");
    for (area, (there, missing)) in &areas {
        writeln!(text, "| {area} | {} | {} |", names(there), names(missing)).expect("a String");
    }
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/module-api.md");
    if env::var_os("BLESS").is_some() {
        fs::write(&path, &text).expect("writable");
    }
    let written = fs::read_to_string(&path).unwrap_or_default();
    assert!(written == text, "docs/module-api.md is out of date");
}
