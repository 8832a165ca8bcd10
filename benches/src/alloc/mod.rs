//! The allocator beside others: which are compared, on what, by which measure, and with what goal.
//!
//! Each allocator is in a program of its own (the package `alloc-worker`, built once for each), as a
//! process has one global allocator and the crate `zmalloc` one back end.

pub mod c;
pub mod comparison;
pub mod entrant;
pub mod instructions;
pub mod pool;
pub mod time;
pub mod workload;

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};

/// The root of the workspace.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().expect("the package lies inside the workspace")
}

/// Has every function begin on a cache line. A pair takes some nanoseconds, of which up to a fifth depends
/// on where its functions and its loop happen to lie: so they lie alike in all programs, and what differs
/// is what they do.
const ALIGNMENT: &[(&str, &str)] =
    &[("CFLAGS", "-falign-functions=64"), ("RUSTFLAGS", "-Cllvm-args=-align-all-functions=6")];

/// Likewise every loop at a multiple of 32 bytes, which is what these processors fetch at once. For the
/// program itself, where link-time optimisation compiles all of it.
const ALIGNMENT_OF_LOOPS: &[&str] = if cfg!(target_arch = "x86_64") {
    &["-Cllvm-args=-x86-experimental-pref-innermost-loop-alignment=5"]
} else {
    &[]
};

/// The profile that programs are built with, and the directory in which cargo puts them.
const PROFILE: &str = "measured";

/// Builds a program of the workspace with the profile [`PROFILE`], and keeps it under a name of its own,
/// since the next build of it, with other features, takes its place. Returns where it is.
///
/// `target` is what cargo is told: the package, and which program of it. `built` is where the program
/// then lies, in the directory of the profile.
fn build(target: &[&str], features: &str, built: &str, name: &str) -> Result<PathBuf> {
    let target_dir =
        std::env::var_os("CARGO_TARGET_DIR").map_or_else(|| root().join("target"), PathBuf::from);
    // What else is built has other flags.
    let directory = target_dir.join("aligned");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.current_dir(root()).args(["rustc", "--quiet", "--profile", PROFILE]).args(target);
    cargo.args(["--features", features]).arg("--target-dir").arg(&directory);
    cargo.arg("--").args(ALIGNMENT_OF_LOOPS);
    cargo.envs(ALIGNMENT.iter().copied());
    // These go before features.
    for variable in ["MALLOC", "MALLOC_POOL", "SANITIZER"] {
        cargo.env_remove(variable);
    }
    let built = directory.join(PROFILE).join(built);
    // So that what another build has left there can't be taken for this one's.
    if built.exists() {
        std::fs::remove_file(&built).with_context(|| format!("cannot remove {}", built.display()))?;
    }
    let status = cargo.status().context("cannot start cargo")?;
    if !status.success() {
        bail!("cargo could not build {name}");
    }
    let kept = target_dir.join("bench-alloc").join(name);
    std::fs::create_dir_all(kept.parent().expect("it has a directory"))?;
    std::fs::copy(&built, &kept).with_context(|| format!("cannot keep {name}"))?;
    Ok(kept)
}

/// Runs a command to its end and returns what it wrote: to its output, and to its error output.
fn output(command: &mut Command) -> Result<(String, String)> {
    let program = command.get_program().to_string_lossy().into_owned();
    let output = command.output().with_context(|| format!("cannot start {program}; is it installed?"))?;
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    let [out, err] = texts;
    if !output.status.success() {
        bail!("{command:?} ended with {}:\n{}", output.status, err.trim_end());
    }
    Ok((out, err))
}
