//! Active defragmentation of a server's data while a client asks for it.
#![forbid(unsafe_code)]

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use benches::load::key;
use benches::paced;
use benches::resp::{Connection, Reply, write_command};
use benches::server::Server;
use benches::table::Table;
use clap::Parser;
use hdrhistogram::Histogram;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};

/// Fills a server with strings of 40 to 1,040 bytes, deletes most of them at random, and defragments the rest.
#[derive(Parser)]
struct Arguments {
    /// The server to judge
    #[arg(long)]
    ours: PathBuf,
    /// How many megabytes of values to fill it with
    #[arg(long, default_value_t = 1000)]
    megabytes: u64,
    /// How many percent of the keys to delete
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u64).range(1..100))]
    deleted: u64,
    /// `active-defrag-threshold-lower`
    #[arg(long, default_value = "5")]
    threshold_lower: String,
    /// `active-defrag-cycle-min`
    #[arg(long, default_value = "1")]
    cycle_min: String,
    /// `active-defrag-cycle-max`
    #[arg(long, default_value = "25")]
    cycle_max: String,
    /// Microseconds between two requests of the client whose latency is measured
    #[arg(long, default_value_t = 100)]
    interval: u64,
    /// Seconds for which latency is measured before, for comparison
    #[arg(long, default_value_t = 15)]
    before: u64,
    /// Seconds after which fragmentation that is still there is taken to stay
    #[arg(long, default_value_t = 300)]
    limit: u64,
    /// The seed of lengths, deletions and requests
    #[arg(long, default_value_t = 1)]
    seed: u64,
}

const LENGTHS: std::ops::RangeInclusive<usize> = 40..=1040;
/// Commands in one pipeline.
const BATCH: usize = 1000;
/// How often fragmentation is looked at, which the server has to add up its figures for.
const LOOK: Duration = Duration::from_millis(500);

/// The goals.
const FRAGMENTED: f64 = 1.5;
const DEFRAGMENTED: f64 = 1.1;
const LATENCY_US: u64 = 2000;
const STEP_US: u64 = 1000;

/// What is in the server: the lengths of the values, by the numbers of their keys; 0 where a key was deleted.
struct Data(Vec<usize>);

impl Data {
    fn value(index: usize, length: usize) -> Vec<u8> {
        (0..length).map(|at| b'a' + ((index * 7 + at) % 26) as u8).collect()
    }

    /// Sends a command for each of these keys, in pipelines, and has each reply looked at.
    fn pipelined(
        connection: &mut Connection,
        keys: impl Iterator<Item = usize>,
        command: impl Fn(&mut Vec<u8>, usize),
        check: impl Fn(usize, Reply) -> Result<()>,
    ) -> Result<()> {
        let keys: Vec<usize> = keys.collect();
        let mut request = Vec::new();
        for batch in keys.chunks(BATCH) {
            request.clear();
            batch.iter().for_each(|&index| command(&mut request, index));
            connection.send(&request)?;
            for &index in batch {
                check(index, connection.reply()?)?;
            }
        }
        Ok(())
    }

    /// Sets keys until the values have so many bytes.
    fn load(connection: &mut Connection, bytes: u64, rng: &mut SmallRng) -> Result<Self> {
        let mut lengths = Vec::new();
        let mut total = 0;
        while total < bytes {
            let length = rng.random_range(LENGTHS);
            lengths.push(length);
            total += length as u64;
        }
        let set = |request: &mut Vec<u8>, index: usize| {
            write_command(request, &[b"SET", &key(index as u64), &Self::value(index, lengths[index])]);
        };
        Self::pipelined(connection, 0..lengths.len(), set, |_, reply| {
            ensure!(reply == Reply::Simple("OK".to_owned()), "SET replied {reply:?}");
            Ok(())
        })?;
        Ok(Self(lengths))
    }

    /// Deletes so many percent of the keys, each as likely as the others.
    fn thin(&mut self, connection: &mut Connection, percent: u64, rng: &mut SmallRng) -> Result<()> {
        let goes: Vec<usize> = (0..self.0.len()).filter(|_| rng.random_range(0..100) < percent).collect();
        goes.iter().for_each(|&index| self.0[index] = 0);
        let delete = |request: &mut Vec<u8>, index| write_command(request, &[b"DEL", &key(index as u64)]);
        Self::pipelined(connection, goes.into_iter(), delete, |_, reply| {
            ensure!(reply == Reply::Integer(1), "DEL replied {reply:?}");
            Ok(())
        })
    }

    fn remaining(&self) -> impl Iterator<Item = usize> {
        (0..self.0.len()).filter(|&index| self.0[index] != 0)
    }

    /// Compares every value that should be there, and their number.
    fn compare(&self, connection: &mut Connection) -> Result<usize> {
        let get = |request: &mut Vec<u8>, index| write_command(request, &[b"GET", &key(index as u64)]);
        Self::pipelined(connection, self.remaining(), get, |index, reply| {
            let expected = Reply::Bulk(Some(Self::value(index, self.0[index])));
            ensure!(reply == expected, "key {index} has another value");
            Ok(())
        })?;
        let count = self.remaining().count();
        let size = connection.command(&[b"DBSIZE"])?;
        ensure!(
            size == Reply::Integer(count as i64),
            "{count} keys should be there, DBSIZE replied {size:?}"
        );
        Ok(count)
    }
}

/// How many times larger the allocator's pages in use are than the blocks in them.
fn fragmentation(observer: &mut Connection) -> Result<f64> {
    let active = observer.info_field("memory", "allocator_active")?;
    let allocated = observer.info_field("memory", "allocator_allocated")?;
    Ok(active as f64 / allocated as f64)
}

/// Measures the latency of requests for remaining keys while `work` goes on.
fn measured<R>(
    server: &Server,
    data: &Data,
    arguments: &Arguments,
    work: impl FnOnce() -> Result<R>,
) -> Result<(Histogram<u64>, R)> {
    let mut connection = server.connect()?;
    let keys: Vec<usize> = data.remaining().collect();
    let mut rng = SmallRng::seed_from_u64(arguments.seed + 1);
    let stop = AtomicBool::new(false);
    thread::scope(|scope| {
        let client = scope.spawn(|| {
            let next_key = || key(keys[rng.random_range(0..keys.len())] as u64);
            paced::get_until(&stop, &mut connection, Duration::from_micros(arguments.interval), next_key)
        });
        let result = work();
        stop.store(true, Ordering::Relaxed);
        let latencies = client.join().expect("the client ends without a panic")?;
        Ok((latencies, result?))
    })
}

/// Waits until fragmentation is below the goal; gives the time that took and the last fragmentation.
fn defragment(observer: &mut Connection, arguments: &Arguments) -> Result<(Duration, f64)> {
    let settings: [&[u8]; 10] = [
        b"CONFIG",
        b"SET",
        b"active-defrag-threshold-lower",
        arguments.threshold_lower.as_bytes(),
        b"active-defrag-cycle-min",
        arguments.cycle_min.as_bytes(),
        b"active-defrag-cycle-max",
        arguments.cycle_max.as_bytes(),
        b"activedefrag",
        b"yes",
    ];
    let began = Instant::now();
    let reply = observer.command(&settings)?;
    ensure!(reply == Reply::Simple("OK".to_owned()), "CONFIG SET replied {reply:?}");
    loop {
        thread::sleep(LOOK);
        let ratio = fragmentation(observer)?;
        let took = began.elapsed();
        println!("after {:5.1} s: {ratio:.3}", took.as_secs_f64());
        if ratio < DEFRAGMENTED || took > Duration::from_secs(arguments.limit) {
            return Ok((took, ratio));
        }
    }
}

fn latency_row(what: &str, latencies: &Histogram<u64>, goal: Option<u64>) -> [String; 4] {
    let figure = latencies.value_at_quantile(0.9999);
    let half = latencies.value_at_quantile(0.5);
    let text = format!("{figure} us (median {half}, most {}, {} requests)", latencies.max(), latencies.len());
    let goal_text = goal.map_or(String::new(), |goal| format!("below {goal} us"));
    let verdict = goal.map_or("", |goal| verdict(figure < goal));
    [what.to_owned(), text, goal_text, verdict.to_owned()]
}

fn verdict(is_met: bool) -> &'static str {
    if is_met { "yes" } else { "NO" }
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let server = Server::start(&arguments.ours, &[])?;
    let mut observer = server.connect()?;
    let mut rng = SmallRng::seed_from_u64(arguments.seed);
    let mut data = Data::load(&mut observer, arguments.megabytes * 1_000_000, &mut rng)?;
    println!("{} keys were set", data.0.len());
    data.thin(&mut observer, arguments.deleted, &mut rng)?;
    let before = fragmentation(&mut observer)?;
    println!("{} are left, fragmentation is {before:.3}", data.remaining().count());

    let quiet = || {
        thread::sleep(Duration::from_secs(arguments.before));
        Ok(())
    };
    let (idle, ()) = measured(&server, &data, &arguments, quiet)?;
    let (busy, (took, after)) =
        measured(&server, &data, &arguments, || defragment(&mut observer, &arguments))?;
    let mut stat = |name: &str| observer.info_field("stats", name).with_context(|| name.to_owned());
    let step = stat("active_defrag_longest_step_usec")?;
    let (hits, misses) = (stat("active_defrag_hits")?, stat("active_defrag_misses")?);
    let compared = data.compare(&mut observer)?;

    let mut table = Table::new(&["", "figure", "goal", "met"]);
    let mut row = |cells: [String; 4]| table.push(cells.to_vec());
    let text = str::to_owned;
    let above = format!("above {FRAGMENTED}");
    row([text("fragmentation before"), format!("{before:.3}"), above, text(verdict(before > FRAGMENTED))]);
    let below = format!("below {DEFRAGMENTED}");
    row([text("fragmentation after"), format!("{after:.3}"), below, text(verdict(after < DEFRAGMENTED))]);
    row([text("time taken"), format!("{:.1} s", took.as_secs_f64()), String::new(), String::new()]);
    row(latency_row("GET, 99.99% meanwhile", &busy, Some(LATENCY_US)));
    row(latency_row("GET, 99.99% before", &idle, None));
    let most = format!("at most {STEP_US} us");
    row([text("longest step"), format!("{step} us"), most, text(verdict(step <= STEP_US))]);
    row([text("blocks moved"), hits.to_string(), String::new(), String::new()]);
    row([text("blocks left"), misses.to_string(), String::new(), String::new()]);
    row([text("values compared"), compared.to_string(), text("all"), text("yes")]);
    println!("\n{table}");
    if hits == 0 {
        bail!("nothing was moved");
    }
    Ok(())
}
