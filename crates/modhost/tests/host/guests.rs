//! Modules that weren't written for this host, as they are: those in Rust that stand in this repository, and some that
//! the registry has. Each answers here as it does in redis-server.

mod allocator;
mod cell;
mod examples;
mod tair;

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use cargo_metadata::camino::{Utf8Path, Utf8PathBuf};
use cargo_metadata::{Metadata, MetadataCommand};

use crate::oracle::Redis;
use crate::support::Server;

static METADATA: LazyLock<Metadata> =
    LazyLock::new(|| MetadataCommand::new().exec().expect("the workspace's packages"));

/// Runs cargo in the workspace's target directory, one at a time.
fn cargo(command: &str, args: &[&str]) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([command, "--quiet", "--target-dir"]).arg(&METADATA.target_directory).args(args);
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "cargo {command} {}", args.join(" "));
}

/// Where such a package lies.
fn directory(name: &str) -> Utf8PathBuf {
    METADATA.target_directory.join("guests").join(name)
}

/// Writes a file in the target directory, unless it is there: what is the same as before isn't built again.
fn write_changed(path: &Utf8Path, text: &str) {
    if !fs::read_to_string(path).is_ok_and(|written| written == text) {
        fs::write(path, text).expect("the target directory is ours");
    }
}

/// Makes a package in the target directory, which has guests of the registry built, and gives its manifest. Its lock
/// file is made once.
fn package(name: &str, manifest: &str) -> String {
    let directory = directory(name);
    fs::create_dir_all(directory.join("src")).expect("the target directory is ours");
    let head =
        format!("[package]\nname = \"{name}\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n");
    write_changed(&directory.join("Cargo.toml"), &format!("{head}\n{manifest}"));
    write_changed(&directory.join("src/lib.rs"), "");
    let lock = directory.join("Cargo.lock");
    if !Path::new(&lock).exists() {
        // The same versions as here, which are there and built.
        fs::copy(METADATA.workspace_root.join("Cargo.lock"), lock).expect("the workspace has one");
    }
    directory.join("Cargo.toml").into_string()
}

/// A copy of what was built, as each file is loaded once by its path.
fn copied(server: &Server, built: &str) -> PathBuf {
    let built = METADATA.target_directory.join("debug").join(built);
    let copy = server.directory().join(built.file_name().expect("a file"));
    fs::copy(&built, &copy).expect("built");
    copy
}

/// Builds one of the modules in Rust of this repository, and gives its file.
pub(crate) fn build(server: &Server, name: &str) -> PathBuf {
    cargo("build", &["-p", name]);
    copied(server, &format!("lib{name}.so"))
}

/// Builds one of this crate's examples, and gives the program.
pub(crate) fn build_example(name: &str) -> PathBuf {
    cargo("build", &["-p", "modhost", "--example", name]);
    METADATA.target_directory.join("debug/examples").join(name).into_std_path_buf()
}

/// An engine and redis-server with the same module, loaded with these arguments.
fn both(library: &Path, args: &[&str]) -> (Server, Redis) {
    let mut server = Server::new();
    server.load_file(library, args).unwrap_or_else(|error| panic!("{}: {error:?}", library.display()));
    (server, Redis::with_args(library, args))
}
