//! The programs, on their own.

use std::process::Command;

use crate::gcc::{compile, compile_cpp, succeed};
use crate::libraries::{Library, libraries};

/// Those that run over any allocator.
pub(crate) const PROGRAMS: &[&str] =
    &["blocks", "usable", "try", "handler", "threads", "fork", "statistics", "valkey"];

/// Those that are about jemalloc.
const OVER_JEMALLOC: &[&str] = &["jemalloc", "defrag"];

fn run_each(names: &[&str], library: &Library, kind: &str) {
    for name in names {
        succeed(&mut Command::new(compile(name, library, kind, &[])));
    }
}

#[test]
fn run_with_the_static_library() {
    let library = &libraries().over_jemalloc;
    run_each(PROGRAMS, library, "static");
    run_each(OVER_JEMALLOC, library, "static");
}

#[test]
fn run_with_the_shared_library() {
    let library = &libraries().shared_over_jemalloc;
    run_each(PROGRAMS, library, "shared");
    run_each(OVER_JEMALLOC, library, "shared");
}

#[test]
fn run_over_the_c_library() {
    run_each(PROGRAMS, &libraries().over_libc, "libc");
}

#[test]
fn run_in_cpp() {
    for standard in ["c++11", "c++20"] {
        for library in [&libraries().over_jemalloc, &libraries().over_libc] {
            succeed(&mut Command::new(compile_cpp("allocator", library, standard)));
        }
    }
}

/// As the README has it for a Redis that keeps its own header.
#[test]
fn the_linker_can_choose_a_form() {
    const FORM: &str = "-Wl,--defsym=zmalloc_get_allocator_info=zmalloc_get_allocator_info_7";
    let library = &libraries().over_jemalloc;
    succeed(&mut Command::new(compile("own_declarations", library, "static", &[FORM])));
}

/// As far as they belong to figures.
#[test]
fn names_of_the_control_tree_are_looked_up_once() {
    const COUNTED: [&str; 2] = ["-Wl,--wrap=_rjem_mallctlnametomib", "-Wl,--wrap=_rjem_mallctl"];
    let library = &libraries().over_jemalloc;
    succeed(&mut Command::new(compile("names", library, "static", &COUNTED)));
}
