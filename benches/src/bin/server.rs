//! The server beside redis-server: CPU time per operation and bytes per key, both in one run.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Result, bail};
use benches::audience::Audience;
use benches::load::{KEY_LENGTH, Values, bytes_per_key};
use benches::redis_benchmark::{CLIENTS, KEYS, Run};
use benches::resp::Reply;
use benches::server::Server;
use benches::summary::Summary;
use benches::table::Table;
use benches::transactions::Transactions;
use clap::{Parser, ValueEnum};

/// Measures two servers beside each other, in alternation.
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
    /// Requests of one run of SET, GET or INCR with 16 in flight; other runs have a fixed share of it
    #[arg(long, default_value_t = 3_000_000)]
    requests: u64,
    /// How often everything is repeated
    #[arg(long, default_value_t = 5, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Numbers of keys to measure the memory with
    #[arg(long, value_delimiter = ',', default_values_t = [300_000, 1_000_000])]
    keys: Vec<u64>,
}

/// What can be measured alone.
#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Row {
    /// CPU time of SET
    Set,
    /// CPU time of GET
    Get,
    /// CPU time of INCR
    Incr,
    /// CPU time of PUBLISH, to five subscribers that read
    Publish,
    /// CPU time of MULTI, ten commands and EXEC together
    Multi,
    /// CPU time of BITCOUNT of a megabyte
    Bitcount,
    /// CPU time of BITOP of two megabytes
    Bitop,
    /// Bytes per key
    Memory,
}

/// One kind of run whose CPU time is measured.
struct Plan {
    row: Row,
    name: &'static str,
    load: Load,
    /// Operations in flight on a connection.
    pipeline: u32,
    /// One run has so many times fewer operations than `--requests` says.
    share: u64,
    /// The goal: the most that our CPU time per operation may be, relative to theirs.
    goal: f64,
}

/// Who makes the requests.
#[derive(Clone, Copy)]
enum Load {
    /// `redis-benchmark`, with a test's name or a command.
    Benchmark(&'static str),
    /// `redis-benchmark`, with messages to an audience.
    Publish,
    /// [`Transactions`].
    Transactions,
}

const PLANS: [Plan; 11] = [
    Plan::of(Row::Set, "SET", Load::Benchmark("SET"), 16, 1, 0.80),
    Plan::of(Row::Get, "GET", Load::Benchmark("GET"), 16, 1, 0.80),
    Plan::of(Row::Incr, "INCR", Load::Benchmark("INCR"), 16, 1, 0.80),
    Plan::of(Row::Set, "SET", Load::Benchmark("SET"), 1, 10, 1.00),
    Plan::of(Row::Get, "GET", Load::Benchmark("GET"), 1, 10, 1.00),
    Plan::of(Row::Incr, "INCR", Load::Benchmark("INCR"), 1, 10, 1.00),
    Plan::of(Row::Publish, "PUBLISH", Load::Publish, 16, 3, 0.90),
    Plan::of(Row::Multi, "MULTI of ten", Load::Transactions, 16, 15, 0.90),
    Plan::of(Row::Multi, "MULTI of ten", Load::Transactions, 1, 15, 0.90),
    Plan::of(Row::Bitcount, "BITCOUNT 1 MB", Load::Benchmark("BITCOUNT bits:a"), 16, 300, 0.50),
    Plan::of(
        Row::Bitop,
        "BITOP AND 2 × 1 MB",
        Load::Benchmark("BITOP AND bits:c bits:a bits:b"),
        16,
        300,
        0.50,
    ),
];

impl Plan {
    const fn of(row: Row, name: &'static str, load: Load, pipeline: u32, share: u64, goal: f64) -> Self {
        Self { row, name, load, pipeline, share, goal }
    }
}

/// The length of the strings that the bit commands work on.
const BITS_LENGTH: usize = 1 << 20;

/// Where and what is published, and to how many.
const PUBLISH: &str = "PUBLISH news a-message-of-thirty-characters";
const CHANNEL: &str = "news";
const MESSAGE: &str = "a-message-of-thirty-characters";
const AUDIENCE: usize = 5;

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
    let is_wanted = |row| arguments.rows.is_empty() || arguments.rows.contains(&row);
    let plans: Vec<_> = PLANS.iter().filter(|plan| is_wanted(plan.row)).collect();
    if !plans.is_empty() {
        compare_cpu(&arguments, &plans)?;
    }
    if is_wanted(Row::Memory) {
        compare_memory(&arguments)?;
    }
    Ok(())
}

/// A plan, and what each server took for it, round by round.
struct Series {
    plan: &'static Plan,
    /// Operations of one run.
    operations: u64,
    ours: Vec<Measurement>,
    theirs: Vec<Measurement>,
}

/// What one server took for one run.
#[derive(Clone, Copy)]
struct Measurement {
    /// CPU time per operation, in microseconds.
    cpu: f64,
    /// Operations per second, as the load generator saw them.
    rate: f64,
}

impl Series {
    fn new(plan: &'static Plan, requests: u64) -> Self {
        Self { plan, operations: (requests / plan.share).max(1), ours: Vec::new(), theirs: Vec::new() }
    }

    /// Measures both servers, one after the other, and prints the figures.
    fn measure(&mut self, pair: &Pair, ours_first: bool) -> Result<()> {
        if ours_first {
            self.ours.push(self.measure_one(&pair.ours)?);
        }
        self.theirs.push(self.measure_one(&pair.theirs)?);
        if !ours_first {
            self.ours.push(self.measure_one(&pair.ours)?);
        }
        let (ours, theirs) = (self.ours[self.ours.len() - 1], self.theirs[self.theirs.len() - 1]);
        println!(
            "round {}: {:<12} -P {:<2}  ours {:.3} µs, theirs {:.3} µs, ratio {:.2}",
            self.ours.len(),
            self.plan.name,
            self.plan.pipeline,
            ours.cpu,
            theirs.cpu,
            ours.cpu / theirs.cpu,
        );
        Ok(())
    }

    /// The server's CPU time over one run, divided by its operations.
    fn measure_one(&self, server: &Server) -> Result<Measurement> {
        let (port, pipeline, count) = (server.port(), self.plan.pipeline, self.operations);
        match self.plan.load {
            Load::Benchmark(test) => {
                measured(server, count, || Run { test, requests: count, pipeline }.against(port))
            }
            Load::Publish => {
                let audience = Audience::gather(port, CHANNEL, AUDIENCE)?;
                measured(server, count, || {
                    let rate = Run { test: PUBLISH, requests: count, pipeline }.against(port)?;
                    audience.expect(count * Audience::message_length(CHANNEL, MESSAGE))?;
                    Ok(rate)
                })
            }
            Load::Transactions => {
                let load = Transactions { count, pipeline, keys: KEYS, clients: CLIENTS };
                measured(server, load.operations(), || load.against(port))
            }
        }
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
        let name = format!("{} -P {}", self.plan.name, self.plan.pipeline);
        for (who, measurements, figures) in [("ours", &self.ours, &ours), ("theirs", &self.theirs, &theirs)] {
            let rate = Summary::of(&of(measurements, |measurement| measurement.rate)).median;
            let mut row = vec![format!("{name}, {who}, µs")];
            row.extend(cells(Summary::of(figures), 3));
            row.extend([format!("{rate:.0}"), String::new(), String::new()]);
            table.push(row);
        }
        let mut row = vec![format!("{name}, ratio")];
        row.extend(cells(ratio, 2));
        row.extend([String::new(), format!("{:.2}", self.plan.goal)]);
        row.push(verdict(ratio.median, self.plan.goal));
        table.push(row);
    }
}

/// What a server takes for a run that makes so many operations, and says how many a second it saw.
fn measured(server: &Server, operations: u64, run: impl FnOnce() -> Result<f64>) -> Result<Measurement> {
    let before = server.cpu_time()?;
    let rate = run()?;
    let used = server.cpu_time()?.saturating_sub(before);
    Ok(Measurement { cpu: used.as_secs_f64() * 1e6 / operations as f64, rate })
}

fn compare_cpu(arguments: &Arguments, plans: &[&'static Plan]) -> Result<()> {
    let pair = Pair::start(arguments)?;
    println!("CPU time of the server per operation; {KEYS} different keys, {CLIENTS} connections");
    fill(&pair, arguments.requests)?;
    let mut series: Vec<_> = plans.iter().map(|plan| Series::new(plan, arguments.requests)).collect();
    for round in 0..arguments.rounds {
        for one in &mut series {
            one.measure(&pair, round % 2 == 0)?;
        }
    }
    let mut table = Table::new(&["", "min", "1/4", "median", "3/4", "max", "operations/s", "goal", "met"]);
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
