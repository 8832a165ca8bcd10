//! Finds out which jemalloc was built, so that `zmalloc::BACKEND` can name it.

use std::{env, fs, path::Path};

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    println!("cargo::rerun-if-env-changed=DEP_JEMALLOC_ROOT");
    let version = env::var_os("DEP_JEMALLOC_ROOT")
        .and_then(|root| fs::read_to_string(Path::new(&root).join("include/jemalloc/jemalloc.h")).ok())
        .and_then(|header| jemalloc_version(&header));
    // A jemalloc that someone else built (JEMALLOC_OVERRIDE) comes without a header to read.
    let backend = version.map_or("jemalloc".to_owned(), |version| format!("jemalloc-{version}"));
    println!("cargo::rustc-env=ZMALLOC_BACKEND={backend}");
}

/// The `major.minor.bugfix` that jemalloc's public header defines.
fn jemalloc_version(header: &str) -> Option<String> {
    let part = |name: &str| {
        header.lines().find_map(|line| {
            let mut words = line.split_whitespace();
            (words.next() == Some("#define") && words.next() == Some(name)).then(|| words.next())?
        })
    };
    Some(format!(
        "{}.{}.{}",
        part("JEMALLOC_VERSION_MAJOR")?,
        part("JEMALLOC_VERSION_MINOR")?,
        part("JEMALLOC_VERSION_BUGFIX")?
    ))
}
