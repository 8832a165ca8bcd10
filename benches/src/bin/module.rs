//! A module's allocator: ours beside the one of the crate redis-module, in the same redis-server.
#![forbid(unsafe_code)]

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, bail};
use benches::resp::{Connection, Reply, write_command};
use benches::server::Server;
use benches::summary::Summary;
use benches::table::Table;
use clap::Parser;

/// Measures modules built with either allocator, in alternation.
#[derive(Parser)]
struct Arguments {
    /// The directory with the modules built with our allocator
    #[arg(long)]
    ours: PathBuf,
    /// The directory with the modules built with the crate redis-module's
    #[arg(long)]
    theirs: PathBuf,
    /// How often everything is repeated
    #[arg(long, default_value_t = 11, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Commands of one run of EXSET and EXHSET
    #[arg(long, default_value_t = 200_000)]
    commands: u64,
}

/// The shapes of `ALLOCBENCH`, and the goal: the most that our time may be, relative to theirs.
const SHAPES: [(&str, f64); 5] =
    [("zeroed", 1.05), ("growing", 0.80), ("small-growing", 1.05), ("hashmap", 1.05), ("btreemap", 1.05)];

/// The most that a zeroed vector may take, relative to the server's Calloc.
const CALLOC_GOAL: f64 = 1.10;

/// The most that CPU time per command may be, relative to theirs.
const COMMAND_GOAL: f64 = 1.05;

/// Requests in flight.
const PIPELINE: u64 = 16;

/// Different keys, or fields of one key.
const KEYS: u64 = 50_000;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let mut table = Table::new(&["", "ours", "theirs", "ratio: min", "median", "max", "goal", "met"]);
    compare_shapes(&arguments, &mut table)?;
    for (module, command) in [("tairstring", "EXSET"), ("tairhash", "EXHSET")] {
        compare_commands(&arguments, module, command, &mut table)?;
    }
    println!("\n{table}");
    Ok(())
}

fn library(directory: &Path, module: &str) -> Result<String> {
    let path = directory.join(format!("lib{module}.so"));
    let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
    Ok(path.display().to_string())
}

/// One server: the module is loaded, run and unloaded, with either allocator in turn.
fn compare_shapes(arguments: &Arguments, table: &mut Table) -> Result<()> {
    let server = Server::start(Path::new("redis-server"), &["--enable-module-command", "local"])?;
    let mut connection = server.connect()?;
    let libraries = [library(&arguments.ours, "module_bench")?, library(&arguments.theirs, "module_bench")?];
    let names: Vec<&str> = SHAPES.iter().map(|(name, _)| *name).chain(["calloc"]).collect();
    // By shape, then ours and theirs.
    let mut times = vec![[Vec::new(), Vec::new()]; names.len()];
    for round in 0..arguments.rounds as usize {
        for side in [round % 2, 1 - round % 2] {
            connection.command(&[b"MODULE", b"LOAD", libraries[side].as_bytes()])?;
            for (name, times) in names.iter().zip(&mut times) {
                let Reply::Integer(time) = connection.command(&[b"ALLOCBENCH", name.as_bytes()])? else {
                    bail!("ALLOCBENCH replies a time");
                };
                times[side].push(time as f64 / 1e6);
            }
            connection.command(&[b"MODULE", b"UNLOAD", b"allocbench"])?;
        }
    }
    for ((name, goal), [ours, theirs]) in SHAPES.iter().zip(&times) {
        table.push(row(&format!("{name}, ms"), ours, theirs, *goal));
    }
    let (zeroed, calloc) = (&times[0][0], &times[names.len() - 1][0]);
    table.push(row("zeroed, ms, beside the server's Calloc", zeroed, calloc, CALLOC_GOAL));
    Ok(())
}

/// Two servers, because a module with a type can't be unloaded; measured in alternation.
fn compare_commands(arguments: &Arguments, module: &str, command: &str, table: &mut Table) -> Result<()> {
    let start = |directory: &Path| {
        Server::start(Path::new("redis-server"), &["--loadmodule", &library(directory, module)?])
    };
    let servers = [start(&arguments.ours)?, start(&arguments.theirs)?];
    let mut times = [Vec::new(), Vec::new()];
    for server in &servers {
        measure(server, command, arguments.commands)?;
    }
    for round in 0..arguments.rounds as usize {
        for side in [round % 2, 1 - round % 2] {
            times[side].push(measure(&servers[side], command, arguments.commands)?);
        }
    }
    table.push(row(&format!("{command}, µs of CPU"), &times[0], &times[1], COMMAND_GOAL));
    Ok(())
}

/// The server's CPU time per command, in microseconds.
fn measure(server: &Server, command: &str, commands: u64) -> Result<f64> {
    let mut connection = server.connect()?;
    let before = server.cpu_time()?;
    let mut sent = 0;
    while sent < commands {
        let batch = PIPELINE.min(commands - sent);
        send_batch(&mut connection, command, sent..sent + batch)?;
        sent += batch;
    }
    let used = server.cpu_time()?.saturating_sub(before);
    Ok(used.as_secs_f64() * 1e6 / commands as f64)
}

fn send_batch(connection: &mut Connection, command: &str, numbers: std::ops::Range<u64>) -> Result<()> {
    let mut requests = Vec::new();
    for number in numbers.clone() {
        let name = format!("name:{:012}", number.wrapping_mul(2_654_435_761) % KEYS);
        let value = "x".repeat((number % 200) as usize);
        match command {
            "EXSET" => write_command(&mut requests, &[b"EXSET", name.as_bytes(), value.as_bytes()]),
            _ => write_command(&mut requests, &[b"EXHSET", b"hash", name.as_bytes(), value.as_bytes()]),
        }
    }
    connection.send(&requests)?;
    for _ in numbers {
        connection.reply()?;
    }
    Ok(())
}

/// Medians of both, and the distribution of the ratio within a round.
fn row(name: &str, ours: &[f64], theirs: &[f64], goal: f64) -> Vec<String> {
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let ratio = Summary::of(&ratios);
    let mut row = vec![name.to_owned()];
    row.extend([ours, theirs].map(|times| format!("{:.3}", Summary::of(times).median)));
    row.extend([ratio.min, ratio.median, ratio.max, goal].map(|figure| format!("{figure:.2}")));
    row.push(if ratio.median <= goal { "yes" } else { "no" }.to_owned());
    row
}
