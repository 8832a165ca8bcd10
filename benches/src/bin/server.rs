//! The server beside redis-server: CPU time per operation and bytes per key, both in one run.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::{Result, bail};
use benches::audience::Audience;
use benches::comparison::{Measurement, Pair, Series, verdict};
use benches::load::{KEY_LENGTH, Values, bytes_per_key};
use benches::redis_benchmark::{CLIENTS, KEYS, Run};
use benches::resp::Reply;
use benches::server::Server;
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

    fn operations(&self, requests: u64) -> u64 {
        (requests / self.share).max(1)
    }

    fn series(&self) -> Series {
        Series::new(format!("{} -P {}", self.name, self.pipeline), self.goal)
    }

    /// The server's CPU time over one run, divided by its operations.
    fn measure(&self, server: &Server, count: u64) -> Result<Measurement> {
        let (port, pipeline) = (server.port(), self.pipeline);
        match self.load {
            Load::Benchmark(test) => {
                Measurement::of(server, count, || Run { test, requests: count, pipeline }.against(port))
            }
            Load::Publish => {
                let audience = Audience::gather(port, CHANNEL, AUDIENCE)?;
                Measurement::of(server, count, || {
                    let rate = Run { test: PUBLISH, requests: count, pipeline }.against(port)?;
                    audience.expect(count * Audience::message_length(CHANNEL, MESSAGE))?;
                    Ok(rate)
                })
            }
            Load::Transactions => {
                let load = Transactions { count, pipeline, keys: KEYS, clients: CLIENTS };
                Measurement::of(server, load.operations(), || load.against(port))
            }
        }
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

fn compare_cpu(arguments: &Arguments, plans: &[&'static Plan]) -> Result<()> {
    let pair = Pair::start(&arguments.ours, &arguments.theirs, &[])?;
    println!("CPU time of the server per operation; {KEYS} different keys, {CLIENTS} connections");
    fill(&pair, arguments.requests)?;
    let mut series: Vec<_> = plans.iter().map(|plan| plan.series()).collect();
    for round in 0..arguments.rounds {
        for (plan, series) in plans.iter().zip(&mut series) {
            let count = plan.operations(arguments.requests);
            series.measure(&pair, round % 2 == 0, |server| plan.measure(server, count))?;
        }
    }
    let mut table = Series::table();
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
    let pair = Pair::start(&arguments.ours, &arguments.theirs, &[])?;
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
