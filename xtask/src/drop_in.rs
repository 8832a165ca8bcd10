//! `cargo xtask drop-in`: Redis on our allocator, by the recipe of `crates/zmalloc-capi/README.md`.
//!
//! Debian's source package of Redis is fetched into the target directory and built twice, in place
//! of `zmalloc.c` and jemalloc with our library: once with Redis's own header, once with ours. Both
//! servers then run tests of Redis's own. Nothing of Redis's becomes part of the repository.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use anyhow::{Context, Result, bail};

use crate::shell;

/// Where apt is to look, without a change to the system: the sources of this release of Debian.
const SOURCES: &str = "\
Types: deb-src
URIs: http://deb.debian.org/debian
Suites: CODENAME
Components: main
Signed-By: /usr/share/keyrings/debian-archive-keyring.gpg
";

/// Those of Redis's tests that are most about memory.
const UNITS: &[&str] = &["unit/type/string", "unit/type/hash", "unit/lazyfree", "unit/expire", "unit/other"];

/// Builds both servers and tests them.
///
/// # Errors
/// When a step fails, the download included.
pub(crate) fn run() -> Result<ExitCode> {
    let directory = shell::root().join("target/drop-in");
    fs::create_dir_all(&directory)?;
    let archive = fetch(&directory)?;
    shell::run(shell::cargo().args(["build", "--release", "--package", "zmalloc-capi"]))?;
    for header in ["own", "ours"] {
        let redis = directory.join(header);
        unpack(&archive, &redis)?;
        build(&redis, header == "ours").with_context(|| format!("Redis with the header {header}"))?;
        check(&redis)?;
        println!("== ok: Redis with the header {header}");
    }
    Ok(ExitCode::SUCCESS)
}

/// Downloads the source package. Returns the path of Redis's own archive in it.
fn fetch(directory: &Path) -> Result<PathBuf> {
    let release = fs::read_to_string("/etc/os-release").context("this is not Debian")?;
    let codename = release.lines().find_map(|line| line.strip_prefix("VERSION_CODENAME="));
    let codename = codename.context("/etc/os-release has no VERSION_CODENAME")?;
    let sources = directory.join("debian.sources");
    fs::write(&sources, SOURCES.replace("CODENAME", codename))?;
    let lists = directory.join("lists");
    fs::create_dir_all(lists.join("partial"))?;
    let apt = || {
        let mut command = shell::command("apt-get");
        command.current_dir(directory).arg("--quiet");
        command.arg("-o").arg(format!("Dir::Etc::sourcelist={}", sources.display()));
        command.args(["-o", "Dir::Etc::sourceparts=-"]);
        command.arg("-o").arg(format!("Dir::State::lists={}", lists.display()));
        command
    };
    shell::run(apt().arg("update"))?;
    shell::run(apt().args(["source", "--download-only", "redis"]))?;
    let entries = fs::read_dir(directory)?.filter_map(|entry| Some(entry.ok()?.path()));
    let mut archives = entries.filter(|path| path.to_string_lossy().ends_with(".orig.tar.gz"));
    archives.next().context("the source package holds no archive of Redis")
}

fn unpack(archive: &Path, redis: &Path) -> Result<()> {
    if redis.exists() {
        fs::remove_dir_all(redis)?;
    }
    fs::create_dir_all(redis)?;
    shell::run(shell::command("tar").args(["--strip-components=1", "-xzf"]).arg(archive).arg("-C").arg(redis))
}

/// Follows the recipe.
fn build(redis: &Path, with_our_header: bool) -> Result<()> {
    let package = shell::root().join("crates/zmalloc-capi");
    fs::write(redis.join("src/zmalloc.c"), "")?;
    if with_our_header {
        fs::copy(package.join("include/zmalloc.h"), redis.join("src/zmalloc.h"))?;
    }
    let library = shell::root().join("target/release/libzmalloc.a");
    let mut make = shell::command("make");
    make.current_dir(redis).args(["-j2", "MALLOC=libc"]);
    make.arg(format!("REDIS_CFLAGS=-DUSE_JEMALLOC -I{}", package.join("include").display()));
    make.arg(format!("FINAL_LIBS={} -lm -ldl -pthread -lrt", library.display()));
    shell::run(&mut make)
}

/// Sees that the server is the one that was meant, and runs tests of Redis's own on it.
fn check(redis: &Path) -> Result<()> {
    let output = shell::command(redis.join("src/redis-server")).arg("--version").output()?;
    let version = String::from_utf8_lossy(&output.stdout).into_owned();
    println!("{}", version.trim_end());
    if !version.contains("malloc=jemalloc-5.3") {
        bail!("this server has another allocator");
    }
    let mut tests = shell::command("./runtest");
    tests.current_dir(redis).args(["--clients", "2", "--baseport", "28111"]);
    tests.args(UNITS.iter().flat_map(|unit| ["--single", unit]));
    shell::run(&mut tests)
}
