//! Modules in C, compiled for a test.

use std::path::{Path, PathBuf};
use std::process::Command;

/// Compiles a module that stands beside the tests and needs no header.
pub(crate) fn compile_bare(directory: &Path, name: &str) -> PathBuf {
    compile_file(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/server/{name}.c")),
        directory,
        &[],
    )
}

/// Compiles one of the host's test modules against the header that the crate `redis-module` ships.
pub(crate) fn compile(directory: &Path, name: &str) -> PathBuf {
    let metadata = cargo_metadata::MetadataCommand::new().exec().expect("the workspace's packages");
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "redis-module");
    let manifest = package.expect("the modules in Rust depend on it").manifest_path.as_std_path();
    let header = manifest.parent().expect("a directory").join("src/include");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../modhost/tests/modules/{name}.c"));
    compile_file(&source, directory, &["-I", header.to_str().expect("a path in UTF-8")])
}

fn compile_file(source: &Path, directory: &Path, options: &[&str]) -> PathBuf {
    let library = directory.join(source.file_name().expect("a file")).with_extension("so");
    let mut gcc = Command::new("gcc");
    gcc.args(["-std=gnu11", "-Wall", "-Werror", "-O1", "-fPIC", "-shared"]).args(options);
    let status = gcc.arg("-o").args([&library, source]).status().expect("gcc runs");
    assert!(status.success(), "{} compiles", source.display());
    library
}
