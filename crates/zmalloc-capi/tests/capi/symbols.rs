//! What the libraries export.

use std::collections::BTreeSet;
use std::path::Path;
use std::process::Command;

use crate::gcc::succeed;
use crate::libraries::libraries;
use crate::rust;

/// The symbols that a library defines for others.
fn symbols(library: &Path, options: &[&str]) -> BTreeSet<String> {
    let mut command = Command::new("nm");
    command.args(["--quiet", "--defined-only", "--extern-only"]).args(options).arg(library);
    let listing = succeed(&mut command);
    // `0000000000012340 T name`; an archive has other lines between them.
    let names = listing.lines().filter_map(|line| line.split_once(" T ").map(|(_, name)| name.to_owned()));
    names.collect()
}

fn of_jemalloc(name: &str) -> bool {
    name.starts_with("je_") || name.ends_with("_with_flags")
}

#[test]
fn the_shared_library_exports_the_functions_and_nothing_else() {
    let expected: BTreeSet<_> = rust::functions().into_keys().collect();
    assert_eq!(symbols(&libraries().shared_over_jemalloc.path, &["--dynamic"]), expected);
}

#[test]
fn the_static_library_exports_every_function() {
    let exported = symbols(&libraries().over_jemalloc.path, &[]);
    let missing: Vec<_> = rust::functions().into_keys().filter(|name| !exported.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}

#[test]
fn over_another_allocator_there_is_nothing_of_jemalloc() {
    let exported = symbols(&libraries().over_libc.path, &[]);
    for name in rust::functions().into_keys() {
        assert_eq!(exported.contains(&name), !of_jemalloc(&name), "{name}");
    }
}
