//! The system packages and toolchain components that the tests use, installed when missing.
//!
//! The server itself needs nothing of this: these are the peers that the tests compare it with.

use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, bail};

use crate::shell;

/// How to see that a package is there.
enum Probe {
    /// A program on the path.
    Program(&'static str),
    /// A module of the system's Python.
    PythonModule(&'static str),
    /// A file at this path.
    File(&'static str),
    /// A shared library whose file name, in one of the linker's directories, begins so.
    Library(&'static str),
}

/// What the packages are for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// `cargo xtask test`
    Test,
    /// `cargo xtask soak`
    Soak,
    /// `cargo xtask bench`
    Bench,
}

/// When a package is needed.
enum Needed {
    Always,
    /// For this alone.
    For(Purpose),
    /// When the workspace's lock file holds this crate.
    ByCrate(&'static str),
}

/// One Debian package.
struct Package {
    name: &'static str,
    probe: Probe,
    needed: Needed,
}

const PACKAGES: &[Package] = &[
    Package { name: "redis-server", probe: Probe::Program("redis-server"), needed: Needed::Always },
    Package { name: "redis-tools", probe: Probe::Program("redis-cli"), needed: Needed::Always },
    Package { name: "python3", probe: Probe::Program("/usr/bin/python3"), needed: Needed::Always },
    Package { name: "python3-redis", probe: Probe::PythonModule("redis"), needed: Needed::Always },
    // The library that its linker looks for comes with the headers.
    Package {
        name: "libgoogle-perftools-dev",
        probe: Probe::File("/usr/include/gperftools/tcmalloc.h"),
        needed: Needed::Always,
    },
    // The headers of the C library are tested in C++, too; libFuzzer is written in it.
    Package { name: "g++", probe: Probe::Program("c++"), needed: Needed::Always },
    // The benchmark of allocators counts system calls with it.
    Package { name: "strace", probe: Probe::Program("strace"), needed: Needed::For(Purpose::Bench) },
    // Word lists, of which the soak makes keys.
    Package {
        name: "wamerican-insane",
        probe: Probe::File("/usr/share/dict/american-english-insane"),
        needed: Needed::For(Purpose::Soak),
    },
    Package {
        name: "wdutch",
        probe: Probe::File("/usr/share/dict/dutch"),
        needed: Needed::For(Purpose::Soak),
    },
    Package {
        name: "wfrench",
        probe: Probe::File("/usr/share/dict/french"),
        needed: Needed::For(Purpose::Soak),
    },
    Package {
        name: "wngerman",
        probe: Probe::File("/usr/share/dict/ngerman"),
        needed: Needed::For(Purpose::Soak),
    },
    // The tests of the C library run its programs under it.
    Package { name: "valgrind", probe: Probe::Program("valgrind"), needed: Needed::Always },
    Package { name: "libclang1", probe: Probe::Library("libclang"), needed: Needed::ByCrate("clang-sys") },
];

/// The interpreter that Debian's Python packages belong to, whatever else is first on the path.
const SYSTEM_PYTHON: &str = "/usr/bin/python3";

/// Installs packages as root. A `policy-rc.d` that forbids every start stands while it runs, so
/// that no redis-server is left listening on port 6379; one that was there already is left alone.
const APT_SCRIPT: &str = "
set -e
policy=/usr/sbin/policy-rc.d
if [ ! -e $policy ]; then
    trap 'rm -f $policy' EXIT
    trap 'exit 1' HUP INT TERM
    printf '#!/bin/sh\\nexit 101\\n' > $policy
    chmod 755 $policy
fi
export DEBIAN_FRONTEND=noninteractive
apt-get update
apt-get install --yes --no-install-recommends \"$@\"
";

/// Installs what the purpose needs and the machine lacks; does nothing when all is there.
///
/// # Errors
/// When something is missing that can't be installed from here; the message says by which command.
pub(crate) fn run(purpose: Purpose) -> Result<()> {
    install_components()?;
    let lock = std::fs::read_to_string(shell::root().join("Cargo.lock")).context("cannot read Cargo.lock")?;
    let missing: Vec<_> = PACKAGES
        .iter()
        .filter(|package| package.needed.holds(purpose, &lock) && !package.probe.finds())
        .collect();
    if missing.is_empty() {
        println!("everything is there");
        return Ok(());
    }
    let names: Vec<_> = missing.iter().map(|package| package.name).collect();
    println!("installing {}", names.join(" "));
    apt_install(&names)?;
    match missing.iter().find(|package| !package.probe.finds()) {
        Some(package) => bail!("{} is installed, and still can't be found", package.name),
        None => Ok(()),
    }
}

/// Adds rustfmt and clippy to a minimal toolchain.
fn install_components() -> Result<()> {
    for (subcommand, component) in [("fmt", "rustfmt"), ("clippy", "clippy")] {
        if !shell::succeeds(shell::cargo().args([subcommand, "--version"])) {
            println!("installing {component}");
            shell::run(shell::command("rustup").args(["component", "add", component]))
                .with_context(|| format!("`cargo {subcommand}` is missing: install {component}"))?;
        }
    }
    Ok(())
}

fn apt_install(names: &[&str]) -> Result<()> {
    let advice = format!("install by hand: apt-get install {}", names.join(" "));
    if !on_path("apt-get") {
        bail!("this machine has no apt-get; {advice} (or what your system calls them)");
    }
    let mut command = if is_root() {
        shell::command("sh")
    } else if shell::succeeds(Command::new("sudo").args(["-n", "true"])) {
        let mut sudo = shell::command("sudo");
        sudo.args(["-n", "sh"]);
        sudo
    } else {
        bail!("packages are missing and this user may not install them; as root, {advice}");
    };
    command.args(["-c", APT_SCRIPT, "install"]).args(names);
    let output = command.output().context("cannot start apt-get")?;
    if !output.status.success() {
        print!("{}", String::from_utf8_lossy(&output.stdout));
        eprint!("{}", String::from_utf8_lossy(&output.stderr));
        bail!("apt-get failed with {}; {advice}", output.status);
    }
    Ok(())
}

fn is_root() -> bool {
    let output = Command::new("id").arg("-u").output();
    output.is_ok_and(|output| output.stdout.trim_ascii() == b"0")
}

/// Whether a program is found; a name with a slash is taken as the path of its file.
fn on_path(program: &str) -> bool {
    if program.contains('/') {
        return Path::new(program).is_file();
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path).any(|directory| directory.join(program).is_file())
}

impl Probe {
    fn finds(&self) -> bool {
        match self {
            Self::Program(name) => on_path(name),
            Self::File(path) => Path::new(path).is_file(),
            Self::PythonModule(module) => {
                let import = format!("import {module}");
                shell::succeeds(Command::new(SYSTEM_PYTHON).args(["-c", &import]))
            }
            Self::Library(prefix) => library_directories().iter().any(|directory| {
                let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
                entries.into_iter().any(|entry| is_library(&entry.file_name(), prefix))
            }),
        }
    }
}

/// Where Debian puts shared libraries: the plain directory and one per architecture.
fn library_directories() -> Vec<String> {
    let multiarch = format!("/usr/lib/{}-linux-gnu", std::env::consts::ARCH);
    vec!["/usr/lib".to_owned(), "/usr/local/lib".to_owned(), multiarch]
}

fn is_library(file: &std::ffi::OsStr, prefix: &str) -> bool {
    let file = file.to_string_lossy();
    let Some(rest) = file.strip_prefix(prefix) else {
        return false;
    };
    rest.contains(".so") && rest.starts_with(['.', '-'])
}

impl Needed {
    fn holds(&self, purpose: Purpose, lock: &str) -> bool {
        match self {
            Self::Always => true,
            Self::For(only) => purpose == *only,
            Self::ByCrate(name) => lock.lines().any(|line| line == format!("name = \"{name}\"")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_program_is_found_by_name_or_by_path() {
        assert!(on_path("sh"));
        assert!(on_path("/bin/sh"));
        assert!(!on_path("a-program-that-is-not-there"));
        assert!(!on_path("/bin/a-program-that-is-not-there"));
    }

    #[test]
    fn a_package_may_hang_on_a_locked_crate() {
        let lock = "[[package]]\nname = \"clang-sys\"\nversion = \"1.0.0\"\n";
        assert!(Needed::ByCrate("clang-sys").holds(Purpose::Test, lock));
        assert!(!Needed::ByCrate("clang").holds(Purpose::Test, lock));
        assert!(Needed::Always.holds(Purpose::Test, ""));
    }

    #[test]
    fn a_package_may_hang_on_the_purpose() {
        assert!(Needed::For(Purpose::Soak).holds(Purpose::Soak, ""));
        assert!(!Needed::For(Purpose::Soak).holds(Purpose::Test, ""));
    }

    #[test]
    fn a_library_is_told_from_its_neighbours() {
        let is = |file: &str| is_library(file.as_ref(), "libclang");
        assert!(is("libclang-14.so.1") && is("libclang.so"));
        assert!(!is("libclang-cpp.a") && !is("libclangfoo.so") && !is("libc.so"));
    }
}
