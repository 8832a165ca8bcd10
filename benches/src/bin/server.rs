//! The server beside redis-server: CPU time per operation and bytes per key, both in one run.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Result, bail};
use benches::load::{KEY_LENGTH, Values, bytes_per_key};
use benches::redis_benchmark::{KEYS, Run};
use benches::resp::Reply;
use benches::server::Server;
use benches::summary::Summary;
use benches::table::Table;
use clap::{Parser, ValueEnum};

/// Measures two servers beside each other, in alternation.
#[derive(Parser)]
struct Arguments {
    /// The server to judge
    #[arg(long)]
    ours: PathBuf,
    /// The server to compare it with
    #[arg(long, default_value = "redis-server")]
    theirs: PathBuf,
    /// Requests of one run with 16 in flight; a run with one in flight has a tenth
    #[arg(long, default_value_t = 3_000_000)]
    requests: u64,
    /// How often everything is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Numbers of keys to measure the memory with
    #[arg(long, value_delimiter = ',', default_values_t = [300_000, 1_000_000])]
    keys: Vec<u64>,
    /// Measure this alone
    #[arg(long)]
    only: Option<Measure>,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    Cpu,
    Memory,
}

/// The commands whose CPU time is measured, as `redis-benchmark` names them.
const TESTS: [&str; 3] = ["SET", "GET", "INCR"];

/// Requests in flight on a connection, and the goal: the most that our CPU time per operation may
/// be, relative to theirs.
const PIPELINES: [(u32, f64); 2] = [(16, 0.80), (1, 1.00)];

/// Commands on strings of [`BITS_LENGTH`] bytes, measured with 16 in flight, and the goal.
const BITS: [(&str, f64); 2] = [("BITCOUNT bits:a", 0.50), ("BITOP AND bits:c bits:a bits:b", 0.50)];
const BITS_LENGTH: usize = 1 << 20;

/// For one request of theirs, so many are made of the other commands.
const BITS_SHARE: u64 = 300;

/// The values that are loaded, and the goal: the most bytes that a key may take.
const SHAPES: [(Values, f64); 4] =
    [(Values::Text(8), 48.0), (Values::Text(32), 76.0), (Values::Text(100), 144.0), (Values::Integers, 48.0)];

/// Both servers, ours first.
struct Pair {
    ours: Server,
    theirs: Server,
}

impl Pair {
    fn start(arguments: &Arguments) -> Result<Self> {
        let ours = Server::start(&arguments.ours, &[])?;
        let theirs = Server::start(&arguments.theirs, &[])?;
        Ok(Self { ours, theirs })
    }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.only != Some(Measure::Memory) {
        compare_cpu(&arguments)?;
    }
    if arguments.only != Some(Measure::Cpu) {
        compare_memory(&arguments)?;
    }
    Ok(())
}

/// One kind of run, and what each server took for it, round by round.
struct Series {
    run: Run,
    goal: f64,
    ours: Vec<Measurement>,
    theirs: Vec<Measurement>,
}

/// What one server took for one run.
#[derive(Clone, Copy)]
struct Measurement {
    /// CPU time per operation, in microseconds.
    cpu: f64,
    /// Requests per second, as the load generator saw them.
    rate: f64,
}

impl Series {
    fn new(test: &'static str, pipeline: u32, goal: f64, requests: u64) -> Self {
        let requests = if pipeline == 1 { requests / 10 } else { requests }.max(1);
        let run = Run { test, requests, pipeline };
        Self { run, goal, ours: Vec::new(), theirs: Vec::new() }
    }

    /// Measures both servers, one after the other, and prints the figures.
    fn measure(&mut self, pair: &Pair, ours_first: bool) -> Result<()> {
        if ours_first {
            self.ours.push(measure(&pair.ours, self.run)?);
        }
        self.theirs.push(measure(&pair.theirs, self.run)?);
        if !ours_first {
            self.ours.push(measure(&pair.ours, self.run)?);
        }
        let (ours, theirs) = (self.ours[self.ours.len() - 1], self.theirs[self.theirs.len() - 1]);
        println!(
            "round {}: {:<4} -P {:<2}  ours {:.3} µs, theirs {:.3} µs, ratio {:.2}",
            self.ours.len(),
            self.run.test,
            self.run.pipeline,
            ours.cpu,
            theirs.cpu,
            ours.cpu / theirs.cpu,
        );
        Ok(())
    }

    /// The distributions of both servers and of the ratio of the two within a round.
    fn report(&self, table: &mut Table) {
        let of = |figures: &[Measurement], figure: fn(&Measurement) -> f64| -> Vec<f64> {
            figures.iter().map(figure).collect()
        };
        let ours = of(&self.ours, |measurement| measurement.cpu);
        let theirs = of(&self.theirs, |measurement| measurement.cpu);
        let ratios: Vec<_> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let ratio = Summary::of(&ratios);
        let name = format!("{} -P {}", self.run.test, self.run.pipeline);
        for (who, measurements, figures) in [("ours", &self.ours, &ours), ("theirs", &self.theirs, &theirs)] {
            let rate = Summary::of(&of(measurements, |measurement| measurement.rate)).median;
            let mut row = vec![format!("{name}, {who}, µs")];
            row.extend(cells(Summary::of(figures), 3));
            row.extend([format!("{rate:.0}"), String::new(), String::new()]);
            table.push(row);
        }
        let mut row = vec![format!("{name}, ratio")];
        row.extend(cells(ratio, 2));
        row.extend([String::new(), format!("{:.2}", self.goal)]);
        row.push(verdict(ratio.median, self.goal));
        table.push(row);
    }
}

/// The server's CPU time over one run, divided by its requests.
fn measure(server: &Server, run: Run) -> Result<Measurement> {
    let before = server.cpu_time()?;
    let rate = run.against(server.port())?;
    let used = server.cpu_time()?.saturating_sub(before);
    Ok(Measurement { cpu: used.as_secs_f64() * 1e6 / run.requests as f64, rate })
}

fn compare_cpu(arguments: &Arguments) -> Result<()> {
    let pair = Pair::start(arguments)?;
    println!("CPU time of the server per operation; {KEYS} different keys, 50 connections");
    fill(&pair, arguments.requests)?;
    let mut series = Vec::new();
    for (pipeline, goal) in PIPELINES {
        series.extend(TESTS.map(|test| Series::new(test, pipeline, goal, arguments.requests)));
    }
    let requests = arguments.requests / BITS_SHARE;
    series.extend(BITS.map(|(command, goal)| Series::new(command, 16, goal, requests)));
    for round in 0..arguments.rounds {
        for one in &mut series {
            one.measure(&pair, round % 2 == 0)?;
        }
    }
    let mut table = Table::new(&["", "min", "1/4", "median", "3/4", "max", "requests/s", "goal", "met"]);
    series.iter().for_each(|one| one.report(&mut table));
    println!("\n{table}");
    Ok(())
}

/// Fills both servers, so that GET finds keys and every round sees the same dictionary.
///
/// `redis-benchmark` takes an error for a reply like any other, and a server that refuses a command
/// is quick about it: so it is checked here that the keys are there and that they can be read.
fn fill(pair: &Pair, requests: u64) -> Result<()> {
    for server in [&pair.ours, &pair.theirs] {
        for test in ["SET", "INCR"] {
            Run { test, requests, pipeline: 16 }.against(server.port())?;
        }
        let mut connection = server.connect()?;
        for (at, key) in [b"bits:a", b"bits:b"].into_iter().enumerate() {
            let value: Vec<u8> = (0..BITS_LENGTH).map(|byte| (byte * (7 + at) / 5) as u8).collect();
            connection.command(&[b"SET", key, &value])?;
        }
        let Reply::Bulk(Some(key)) = connection.command(&[b"RANDOMKEY"])? else {
            bail!("a server holds no key after it was filled");
        };
        if connection.command(&[b"GET", &key])? == Reply::Bulk(None) {
            bail!("a server doesn't find its own key");
        }
        let expected = expected_keys(requests);
        match connection.command(&[b"DBSIZE"])? {
            Reply::Integer(size) if (size as f64 / expected - 1.0).abs() < 0.05 => {}
            other => bail!("a server should hold about {expected:.0} keys; DBSIZE: {other:?}"),
        }
    }
    Ok(())
}

/// How many keys to expect after this many random ones of [`KEYS`] were set, and as many counters.
fn expected_keys(requests: u64) -> f64 {
    let keys = KEYS as f64;
    2.0 * keys * (1.0 - (-(requests as f64) / keys).exp())
}

fn compare_memory(arguments: &Arguments) -> Result<()> {
    let pair = Pair::start(arguments)?;
    println!("used_memory per key; keys of {KEY_LENGTH} bytes");
    let mut table = Table::new(&["values", "keys", "ours", "theirs", "ratio", "goal", "met"]);
    for (values, goal) in SHAPES {
        for &keys in &arguments.keys {
            let ours = bytes_per_key(&pair.ours, keys, values)?;
            let theirs = bytes_per_key(&pair.theirs, keys, values)?;
            table.push(vec![
                values.name(),
                keys.to_string(),
                format!("{ours:.1}"),
                format!("{theirs:.1}"),
                format!("{:.2}", ours / theirs),
                format!("{goal:.0}"),
                verdict(ours, goal),
            ]);
        }
    }
    println!("\n{table}");
    Ok(())
}

/// The five figures of a summary as cells.
fn cells(summary: Summary, decimals: usize) -> [String; 5] {
    [summary.min, summary.lower, summary.median, summary.upper, summary.max]
        .map(|figure| format!("{figure:.decimals$}"))
}

fn verdict(figure: f64, goal: f64) -> String {
    if figure <= goal { "yes" } else { "no" }.to_owned()
}
