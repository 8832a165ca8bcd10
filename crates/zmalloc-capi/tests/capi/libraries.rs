//! Builds the libraries, once for all tests of this program.
//!
//! Cargo doesn't build a library for C before its package's tests, as no Rust links to it. It is
//! asked to here, in the common target directory and in the development profile: everything below
//! the library is there already, and overflows and broken preconditions in it end a test.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::OnceLock;
use std::{env, fs};

/// The libraries, and what of the header belongs to them.
#[derive(Debug)]
pub(crate) struct Library {
    pub(crate) path: PathBuf,
    /// What a program that is linked with it defines.
    pub(crate) defines: &'static [&'static str],
}

#[derive(Debug)]
pub(crate) struct Libraries {
    pub(crate) over_jemalloc: Library,
    pub(crate) shared_over_jemalloc: Library,
    pub(crate) over_libc: Library,
}

/// The libraries, built by whichever test asks first.
pub(crate) fn libraries() -> &'static Libraries {
    static LIBRARIES: OnceLock<Libraries> = OnceLock::new();
    LIBRARIES.get_or_init(build)
}

/// A directory for what a test makes.
pub(crate) fn scratch(name: &str) -> PathBuf {
    let directory = Path::new(env!("CARGO_TARGET_TMPDIR")).join("capi").join(name);
    fs::create_dir_all(&directory).expect("the target directory can be written");
    directory
}

fn build() -> Libraries {
    // That of the C library first, so that what lies in the target directory in the end is what
    // `cargo build` puts there. The feature gives it a build of its own beside the other; the
    // variables are those of the other tests over this allocator, which share that build.
    let mut command = cargo("rustc");
    command.args(["--lib", "--crate-type", "staticlib", "--features", "libc"]);
    command.env("MALLOC", "libc").env("MALLOC_POOL", "0");
    let over_libc = built(&mut command, "libzmalloc.a", "libc");

    let mut command = cargo("build");
    command.env_remove("MALLOC").env_remove("MALLOC_POOL");
    let over_jemalloc = built(&mut command, "libzmalloc.a", "jemalloc");
    let shared_over_jemalloc = built(&mut command, "libzmalloc.so", "jemalloc-shared");

    Libraries {
        over_jemalloc: Library { path: over_jemalloc, defines: &["USE_JEMALLOC"] },
        shared_over_jemalloc: Library { path: shared_over_jemalloc, defines: &["USE_JEMALLOC"] },
        over_libc: Library { path: over_libc, defines: &[] },
    }
}

/// The directory that cargo builds into.
fn target_directory() -> &'static Path {
    Path::new(env!("CARGO_TARGET_TMPDIR")).parent().expect("a directory of cargo's")
}

fn cargo(subcommand: &str) -> Command {
    let mut command = Command::new(env!("CARGO"));
    command.current_dir(env!("CARGO_MANIFEST_DIR")).env_remove("SANITIZER");
    command.args([subcommand, "--quiet", "--package", "zmalloc-capi", "--target-dir"]);
    command.arg(target_directory());
    command
}

/// Runs a build, and puts one of its files where the next build doesn't overwrite it.
fn built(command: &mut Command, file: &str, name: &str) -> PathBuf {
    let output = command.output().expect("cargo can be started");
    assert!(output.status.success(), "{command:?}\n{}", String::from_utf8_lossy(&output.stderr));
    let copy = scratch(name).join(file);
    fs::copy(target_directory().join("debug").join(file), &copy).expect("cargo has made the file");
    copy
}
