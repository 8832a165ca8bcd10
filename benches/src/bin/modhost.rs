//! Modules in the server beside the same modules in redis-server: CPU time per operation, both in one run.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Context, Result, bail};
use benches::comparison::{Measurement, Pair, Series};
use benches::redis_benchmark::{CLIENTS, KEYS, Run};
use benches::redis_cli;
use benches::resp::write_command;
use benches::server::Server;
use clap::{Parser, ValueEnum};

/// Measures two servers that have loaded the same modules, in alternation.
#[derive(Parser)]
struct Arguments {
    /// What to measure; everything, unless something is named
    rows: Vec<Row>,
    /// The server to judge
    #[arg(long)]
    ours: PathBuf,
    /// The server to compare it with
    #[arg(long, default_value = "redis-server")]
    theirs: PathBuf,
    /// The directory with the modules, `libcalls.so` and `libtairstring.so`
    #[arg(long)]
    modules: PathBuf,
    /// Commands of one run; runs of commands that take longer have a fixed share of it
    #[arg(long, default_value_t = 1_000_000)]
    requests: u64,
    /// How often everything is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
}

/// What can be measured alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// A command of a module in C that does nothing
    Nothing,
    /// SET, called by a module in C
    Call,
    /// A type of a module in C: setting and getting
    Type,
    /// A type of a module in Rust: EXSET and EXGET
    Tairstring,
    /// Pairs of Alloc and Free
    Alloc,
    /// Blocking a client and unblocking it at once
    Block,
    /// Unblocking a client by a timer of a millisecond
    Timer,
}

/// One kind of run whose CPU time is measured.
struct Plan {
    row: Row,
    name: &'static str,
    /// The command; see `benches/modules/calls.c`.
    command: &'static str,
    /// One run has so many times fewer commands than `--requests` says.
    share: u64,
    /// Operations that each command makes.
    operations: u64,
}

const PLANS: [Plan; 9] = [
    Plan::of(Row::Nothing, "nothing", "CALLS.NOTHING", 1, 1),
    Plan::of(Row::Call, "RM_Call of SET", "CALLS.SET key:__rand_int__ a-value-of-24-characters", 1, 1),
    Plan::of(Row::Type, "set, type in C", "CALLS.PUT text:__rand_int__ a-value-of-24-characters", 1, 1),
    Plan::of(Row::Type, "get, type in C", "CALLS.TAKE text:__rand_int__", 1, 1),
    Plan::of(Row::Tairstring, "EXSET, in Rust", "EXSET tair:__rand_int__ a-value-of-24-characters", 1, 1),
    Plan::of(Row::Tairstring, "EXGET, in Rust", "EXGET tair:__rand_int__", 1, 1),
    Plan::of(Row::Alloc, "Alloc and Free", "CALLS.ALLOC 1000", 20, 1000),
    Plan::of(Row::Block, "block, unblock", "CALLS.WAIT", 2, 1),
    Plan::of(Row::Timer, "block, timer", "CALLS.TIMER", 10, 1),
];

impl Plan {
    const fn of(row: Row, name: &'static str, command: &'static str, share: u64, operations: u64) -> Self {
        Self { row, name, command, share, operations }
    }

    fn measure(&self, server: &Server, requests: u64) -> Result<Measurement> {
        let requests = (requests / self.share).max(1);
        let run = Run { test: self.command, requests, pipeline: PIPELINE };
        let operations = self.operations as f64;
        Measurement::of(server, requests * self.operations, || Ok(run.against(server.port())? * operations))
    }
}

/// The most that our CPU time per operation may be, relative to theirs, whatever the row.
const GOAL: f64 = 0.90;

/// Requests in flight on a connection.
const PIPELINE: u32 = 16;

/// How many commands are sent before their replies are read, when the servers are filled; so many times there are
/// [`KEYS`] without a rest.
const BATCH: usize = 1000;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let is_wanted = |row| arguments.rows.is_empty() || arguments.rows.contains(&row);
    let plans: Vec<_> = PLANS.iter().filter(|plan| is_wanted(plan.row)).collect();
    let (calls, tairstring) = (library(&arguments, "calls")?, library(&arguments, "tairstring")?);
    let modules = ["--loadmodule", &calls, "--loadmodule", &tairstring];
    let pair = Pair::start(&arguments.ours, &arguments.theirs, &modules)?;
    println!("CPU time of the server per operation; {KEYS} different keys, {CLIENTS} connections");
    for server in [&pair.ours, &pair.theirs] {
        check(server.port())?;
        plans.iter().try_for_each(|plan| fill(server, plan))?;
    }
    let mut series: Vec<_> = plans.iter().map(|plan| Series::new(plan.name.to_owned(), GOAL)).collect();
    for round in 0..arguments.rounds {
        for (plan, series) in plans.iter().zip(&mut series) {
            series.measure(&pair, round % 2 == 0, |server| plan.measure(server, arguments.requests))?;
        }
    }
    let mut table = Series::table();
    series.iter().for_each(|one| one.report(&mut table));
    println!("\n{table}");
    Ok(())
}

fn library(arguments: &Arguments, module: &str) -> Result<String> {
    let path = arguments.modules.join(format!("lib{module}.so"));
    let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
    Ok(path.display().to_string())
}

/// Checks that the commands do what they are measured for: `redis-benchmark` takes an error for a reply like any other,
/// and a server that refuses a command is quick about it.
fn check(port: u16) -> Result<()> {
    let expected = [
        ("CALLS.NOTHING", "OK"),
        ("CALLS.SET checked:a b", "OK"),
        ("GET checked:a", "b"),
        ("CALLS.PUT checked:c d", "OK"),
        ("CALLS.TAKE checked:c", "d"),
        ("EXSET checked:e f", "OK"),
        ("EXGET checked:e", "f\n1"),
        ("CALLS.ALLOC 1000", "1000"),
        ("CALLS.WAIT", "OK"),
        ("CALLS.TIMER", "OK"),
    ];
    let port = port.to_string();
    for (line, expected) in expected {
        let words: Vec<&str> = ["-p", &port].into_iter().chain(line.split(' ')).collect();
        let reply = redis_cli::run(&words)?;
        if reply.trim_end() != expected {
            bail!("{line} should reply {expected:?}, not {reply:?}");
        }
    }
    Ok(())
}

/// Runs each command that sets values once for every key, so that those that get values find them, and every round sees
/// the same dictionary.
fn fill(server: &Server, plan: &Plan) -> Result<()> {
    if plan.command.split(' ').count() < 3 {
        return Ok(());
    }
    let mut connection = server.connect()?;
    let mut request = Vec::new();
    for first in (0..KEYS).step_by(BATCH) {
        request.clear();
        for key in first..first + BATCH as u64 {
            let command = plan.command.replace("__rand_int__", &format!("{key:012}"));
            let words: Vec<&[u8]> = command.split(' ').map(str::as_bytes).collect();
            write_command(&mut request, &words);
        }
        connection.send(&request)?;
        for _ in 0..BATCH {
            connection.reply()?;
        }
    }
    Ok(())
}
