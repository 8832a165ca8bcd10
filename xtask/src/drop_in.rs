//! `cargo xtask drop-in`: Redis and Valkey on our allocator, by the recipe of
//! `crates/zmalloc-capi/README.md`.
//!
//! Debian's source packages are fetched into the target directory. Each is built twice, in place of
//! `zmalloc.c` and jemalloc with our library: once with its own header, once with ours. All servers then
//! run tests of their own. Nothing of theirs becomes part of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Which servers to build; all of them, if none is named.
#[derive(clap::Args)]
pub(crate) struct Arguments {
    /// redis-7.0, redis-8.0 or valkey-8.1
    servers: Vec<String>,
}

/// A server, and what the recipe says of it.
struct Server {
    name: &'static str,
    /// Debian's package of it, and the release of Debian.
    package: &'static str,
    /// The Makefile's variable for flags.
    flags_variable: &'static str,
    flags: &'static str,
    /// What our header is told.
    version: &'static str,
    libraries: &'static str,
    /// What the linker is told where the server keeps its own header.
    forms: &'static [&'static str],
}

const SERVERS: &[Server] = &[
    Server {
        name: "redis-7.0",
        package: "redis/bookworm",
        flags_variable: "REDIS_CFLAGS",
        flags: "",
        version: "ZMALLOC_API_REDIS=70000",
        libraries: "",
        forms: &[],
    },
    Server {
        name: "redis-8.0",
        package: "redis/trixie",
        flags_variable: "REDIS_CFLAGS",
        flags: "",
        version: "ZMALLOC_API_REDIS=80000",
        libraries: "-lstdc++",
        forms: &["zmalloc_get_allocator_info=zmalloc_get_allocator_info_7"],
    },
    Server {
        name: "valkey-8.1",
        package: "valkey/trixie",
        flags_variable: "SERVER_CFLAGS",
        flags: "-DVALKEY_VENDORED_JEMALLOC",
        version: "ZMALLOC_API_VALKEY=80100",
        libraries: "",
        forms: &[
            "zmalloc_get_allocator_info=zmalloc_get_allocator_info_5",
            "zmadvise_dontneed=zmadvise_dontneed_2",
        ],
    },
];

/// Where apt is to look, without a change to the system.
const SOURCES: &str = "\
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: bookworm trixie
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";

/// Those of the servers' tests that are most about memory; the last one is about defragmentation.
const UNITS: &[&str] = &[
    "unit/type/string",
    "unit/type/hash",
    "unit/lazyfree",
    "unit/expire",
    "unit/other",
    "unit/memefficiency",
];

/// Builds the servers and tests them.
///
/// # Errors
/// When a name is not known or a step fails, the download included.
pub(crate) fn run(arguments: &Arguments) -> Result<ExitCode> {
    let named = |server: &&Server| arguments.servers.iter().any(|name| name == server.name);
    let servers: Vec<_> =
        SERVERS.iter().filter(|server| arguments.servers.is_empty() || named(server)).collect();
    if servers.len() < arguments.servers.len() {
        bail!("known are {}", SERVERS.iter().map(|server| server.name).collect::<Vec<_>>().join(", "));
    }
    let directory = shell::root().join("target/drop-in");
    fs::create_dir_all(&directory)?;
    update(&directory)?;
    shell::run(shell::cargo().args(["build", "--release", "--package", "zmalloc-capi"]))?;
    for server in servers {
        let archive = fetch(&directory, server)?;
        for with_our_header in [false, true] {
            let which = if with_our_header { "our header" } else { "its own header" };
            let sources = directory.join(server.name).join(if with_our_header { "ours" } else { "own" });
            unpack(&archive, &sources)?;
            build(server, &sources, with_our_header)
                .and_then(|()| check(&sources))
                .with_context(|| format!("{} with {which}", server.name))?;
            println!("== ok: {} with {which}", server.name);
        }
    }
    Ok(ExitCode::SUCCESS)
}

/// apt, with its lists below `directory`.
fn apt(directory: &Path) -> std::process::Command {
    let mut command = shell::command("apt-get");
    command.arg("--quiet");
    command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", directory.join("debian.sources").display()));
    command.args(["-o", "Dir::Etc::sourceparts=-"]);
    command.arg("-o").arg(format!("Dir::State::lists={}", directory.join("lists").display()));
    command
}

/// Has apt learn what there is.
fn update(directory: &Path) -> Result<()> {
    fs::write(directory.join("debian.sources"), SOURCES)?;
    fs::create_dir_all(directory.join("lists/partial"))?;
    shell::run(apt(directory).arg("update"))
}

/// Downloads a source package. Returns the path of the server's own archive in it.
fn fetch(directory: &Path, server: &Server) -> Result<PathBuf> {
    let package = directory.join(server.name);
    fs::create_dir_all(&package)?;
    let mut source = apt(directory);
    source.current_dir(&package).args(["source", "--download-only", server.package]);
    shell::run(&mut source)?;
    let mut paths = fs::read_dir(&package)?.filter_map(|entry| Some(entry.ok()?.path()));
    let archive = paths.find(|path| path.to_string_lossy().contains(".orig.tar."));
    archive.with_context(|| format!("the package {} holds no archive", server.package))
}

fn unpack(archive: &Path, sources: &Path) -> Result<()> {
    if sources.exists() {
        fs::remove_dir_all(sources)?;
    }
    fs::create_dir_all(sources)?;
    let mut tar = shell::command("tar");
    shell::run(tar.args(["--strip-components=1", "-xf"]).arg(archive).arg("-C").arg(sources))
}

/// Follows the recipe.
fn build(server: &Server, sources: &Path, with_our_header: bool) -> Result<()> {
    let include = shell::root().join("crates/zmalloc-capi/include");
    let mut flags = format!("-DUSE_JEMALLOC -I{} {}", include.display(), server.flags);
    let library = shell::root().join("target/release/libzmalloc.a");
    let mut libraries = format!("{} -lm -ldl -pthread -lrt {}", library.display(), server.libraries);
    fs::write(sources.join("src/zmalloc.c"), "")?;
    if with_our_header {
        fs::copy(include.join("zmalloc.h"), sources.join("src/zmalloc.h"))?;
        flags += &format!(" -D{}", server.version);
    } else {
        libraries.extend(server.forms.iter().map(|form| format!(" -Wl,--defsym={form}")));
    }
    let mut make = shell::command("make");
    make.current_dir(sources).args(["-j2", "MALLOC=libc"]);
    make.arg(format!("{}={flags}", server.flags_variable)).arg(format!("FINAL_LIBS={libraries}"));
    shell::run(&mut make)
}

/// Sees that the server is the one that was meant, and runs tests of its own on it.
fn check(sources: &Path) -> Result<()> {
    let program = ["redis-server", "valkey-server"].map(|name| sources.join("src").join(name));
    let program = program.iter().find(|path| path.is_file()).context("there is no server")?;
    let output = shell::command(program).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{}", version.trim_end());
    if !version.contains("malloc=jemalloc-5.3") {
        bail!("this server has another allocator");
    }
    let mut tests = shell::command("./runtest");
    // What a test may take at most depends on the machine, and on what else it is doing.
    tests.current_dir(sources).args(["--clients", "2", "--baseport", "28111", "--no-latency"]);
    tests.args(UNITS.iter().flat_map(|unit| ["--single", unit]));
    shell::run(&mut tests)
}
