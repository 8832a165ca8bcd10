//! Compiles the programs in C and runs them.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use crate::libraries::{Library, scratch};

/// The directory of this package.
pub(crate) fn package() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// Where the headers are.
pub(crate) fn include() -> PathBuf {
    package().join("include")
}

/// gcc, with the headers and every warning.
pub(crate) fn gcc() -> Command {
    compiler("gcc", "gnu11")
}

fn compiler(program: &str, standard: &str) -> Command {
    let mut command = Command::new(program);
    command.arg(format!("-std={standard}")).args(["-Wall", "-Wextra", "-Werror", "-I"]).arg(include());
    command
}

/// Compiles `tests/c/NAME.c` and links it with a library. `kind` tells this program from others of
/// the same source.
pub(crate) fn compile(name: &str, library: &Library, kind: &str, options: &[&str]) -> PathBuf {
    let mut command = gcc();
    // Requests that are too large on purpose are what some of the programs are about.
    command.arg("-Wno-alloc-size-larger-than").args(options);
    command.arg(package().join("tests/c").join(format!("{name}.c")));
    link(command, &scratch(kind).join(name.replace('/', "-")), library)
}

/// The same of `tests/cpp/NAME.cpp`, by a standard of C++.
pub(crate) fn compile_cpp(name: &str, library: &Library, standard: &str) -> PathBuf {
    let mut command = compiler("g++", standard);
    command.arg("-pedantic").arg(package().join("tests/cpp").join(format!("{name}.cpp")));
    link(command, &scratch(standard).join(name), library)
}

/// Ends a command that compiles one source. Returns the program.
fn link(mut command: Command, program: &Path, library: &Library) -> PathBuf {
    command.args(["-O1", "-g"]).args(library.defines.iter().map(|name| format!("-D{name}")));
    command.arg(&library.path).args(["-lpthread", "-ldl", "-lm"]);
    let directory = library.path.parent().expect("a file in a directory");
    command.arg(format!("-Wl,-rpath,{}", directory.display()));
    command.arg("-o").arg(program);
    succeed(&mut command);
    program.to_owned()
}

/// Runs a command, which has to succeed. Returns what it wrote to its standard output.
pub(crate) fn succeed(command: &mut Command) -> String {
    let output = run(command);
    assert!(
        output.status.success(),
        "{command:?} ended with {}\n{}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    String::from_utf8(output.stdout).expect("text")
}

/// Runs a command to its end.
pub(crate) fn run(command: &mut Command) -> Output {
    command.output().unwrap_or_else(|error| panic!("{command:?} can't be started: {error}"))
}
