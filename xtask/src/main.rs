//! Developer commands: `cargo xtask COMMAND`.
//!
//! One file per command. [`shell`] starts child processes, [`install`] knows the system packages
//! that the tests use, and everything below [`tidy`] is a rule of the house written as a check.
#![forbid(unsafe_code)]

mod backends;
mod bench;
mod drop_in;
mod install;
mod platforms;
mod sanitize;
mod shell;
mod soak;
mod test;
mod tidy;

use std::process::ExitCode;

use clap::{Parser, Subcommand};

/// Developer commands of this workspace.
#[derive(Parser)]
#[command(name = "cargo xtask", disable_help_subcommand = true)]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Install what is missing, then run every check: fmt, clippy, docs, tidy and all tests
    Test,
    /// Check the rules of the house: the ladder, unsafe code, links, manifests and the rest
    Tidy,
    /// Run the tests of the allocator, the walk and the module host under AddressSanitizer, by a nightly compiler
    Sanitize,
    /// The extended check: fuzzing and long soaks
    Soak(soak::Arguments),
    /// Run one benchmark of the package `benches`
    Bench(bench::Arguments),
    /// Build Redis and Valkey on the C library in place of their zmalloc.c and jemalloc, and test them
    DropIn(drop_in::Arguments),
}

fn main() -> ExitCode {
    let outcome = match Arguments::parse().command {
        Command::Test => test::run(),
        Command::Tidy => tidy::run(),
        Command::Sanitize => sanitize::run().map(|()| ExitCode::SUCCESS),
        Command::Soak(arguments) => soak::run(&arguments),
        Command::Bench(arguments) => bench::run(&arguments),
        Command::DropIn(arguments) => drop_in::run(&arguments),
    };
    match outcome {
        Ok(code) => code,
        Err(error) => {
            eprintln!("error: {error:#}");
            ExitCode::FAILURE
        }
    }
}
