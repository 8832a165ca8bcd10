//! Eviction beside redis-server: how often a cache under a Zipf load has what is asked for, by policy.
#![forbid(unsafe_code)]

use std::path::PathBuf;

use anyhow::Result;
use benches::cache::{Cache, Lookup};
use benches::table::Table;
use clap::Parser;
use rand::rngs::SmallRng;
use rand::{RngExt as _, SeedableRng as _};
use rand_distr::{Distribution as _, Zipf};

/// Compares the hit ratios of two servers, which are asked for the same keys by turns.
#[derive(Parser)]
struct Arguments {
    /// The server to judge
    #[arg(long)]
    ours: PathBuf,
    /// The server to compare it with
    #[arg(long, default_value = "redis-server")]
    theirs: PathBuf,
    /// How many keys fit
    #[arg(long, default_value_t = 200_000, value_parser = clap::value_parser!(u64).range(1000..))]
    keys: u64,
    /// How many different keys are asked for
    #[arg(long, default_value_t = 1_000_000, value_parser = clap::value_parser!(u64).range(1000..))]
    universe: u64,
    /// The exponent of the Zipf distribution
    #[arg(long, default_value_t = 0.9)]
    exponent: f64,
    /// Look-ups that are counted; as many go before them
    #[arg(long, default_value_t = 800_000, value_parser = clap::value_parser!(u64).range(1000..))]
    lookups: u64,
    /// The seed of the look-ups
    #[arg(long, default_value_t = 1)]
    seed: u64,
    /// Only these policies
    #[arg(long, value_delimiter = ',')]
    policies: Vec<String>,
}

const POLICIES: [&str; 8] = [
    "noeviction",
    "allkeys-lru",
    "volatile-lru",
    "allkeys-lfu",
    "volatile-lfu",
    "allkeys-random",
    "volatile-random",
    "volatile-ttl",
];

/// Look-ups in one pipeline.
const BATCH: u64 = 100;
/// How often the limits are corrected, while the number of keys settles.
const CORRECTIONS: u64 = 10;
/// The goal at the same number of keys: at most so many points of the hit ratio less than theirs.
const TOLERANCE: f64 = 0.5;

/// Both servers, ours first, and the look-ups that both get.
struct Run {
    caches: [Cache; 2],
    distribution: Zipf<f64>,
    rng: SmallRng,
    has_ttl: bool,
}

impl Run {
    fn start(arguments: &Arguments, policy: &str) -> Result<Self> {
        let has_ttl = policy.starts_with("volatile");
        // Those that are loaded first expire in the midst of the others.
        let ttl = has_ttl.then_some((TTL.start + TTL.end) / 2);
        let start = |program| Cache::start(program, policy, arguments.keys, ttl);
        Ok(Self {
            caches: [start(&arguments.ours)?, start(&arguments.theirs)?],
            distribution: Zipf::new(arguments.universe as f64, arguments.exponent)?,
            rng: SmallRng::seed_from_u64(arguments.seed),
            has_ttl,
        })
    }

    /// The same look-ups for both, a batch at a time by turns, so that both see them at the same pace.
    fn look_up(&mut self, count: u64) -> Result<()> {
        for _ in 0..count.div_ceil(BATCH) {
            let lookups: Vec<_> = (0..BATCH).map(|_| self.draw()).collect();
            for cache in &mut self.caches {
                cache.look_up(&lookups)?;
            }
        }
        Ok(())
    }

    fn draw(&mut self) -> Lookup {
        let key = self.distribution.sample(&mut self.rng) as u64 - 1;
        let ttl = self.rng.random_range(TTL);
        Lookup { key, ttl: self.has_ttl.then_some(ttl) }
    }

    /// Counts so many look-ups.
    fn measure(&mut self, policy: &str, count: u64) -> Result<Outcome> {
        self.caches.iter_mut().for_each(|cache| _ = cache.take_hit_ratio());
        self.look_up(count)?;
        let [ours, theirs] = &mut self.caches;
        Ok(Outcome {
            policy: policy.to_owned(),
            limits: [ours.limit(), theirs.limit()],
            keys: [ours.size()?, theirs.size()?],
            ratios: [ours.take_hit_ratio(), theirs.take_hit_ratio()],
        })
    }
}

/// Seconds for which keys are stored under a volatile policy: long enough that none expires meanwhile.
const TTL: std::ops::Range<u64> = 10_000..100_000;

/// What one policy came to; ours first.
struct Outcome {
    policy: String,
    limits: [u64; 2],
    keys: [u64; 2],
    ratios: [f64; 2],
}

impl Outcome {
    fn difference(&self) -> f64 {
        self.ratios[0] - self.ratios[1]
    }

    fn report(&self, table: &mut Table, goal: f64) {
        let mut row = vec![self.policy.clone()];
        row.extend(self.limits.map(|limit| format!("{:.1}", limit as f64 / f64::from(1 << 20))));
        row.extend(self.keys.map(|keys| keys.to_string()));
        row.extend(self.ratios.map(|ratio| format!("{ratio:.2}")));
        row.push(format!("{:+.2}", self.difference()));
        row.push(if self.difference() > goal { "yes" } else { "NO" }.to_owned());
        table.push(row);
    }
}

fn heading(goal: &str) -> Table {
    let columns =
        ["", "MiB, ours", "theirs", "keys, ours", "theirs", "hits %, ours", "theirs", "difference", goal];
    Table::new(&columns)
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let all: Vec<String> = POLICIES.map(str::to_owned).to_vec();
    let policies = if arguments.policies.is_empty() { &all } else { &arguments.policies };
    println!(
        "{} different keys, Zipf exponent {}, {} look-ups for each figure after as many unmeasured ones",
        arguments.universe, arguments.exponent, arguments.lookups
    );
    let mut at_same_keys = heading(&format!("above -{TOLERANCE}"));
    let mut at_same_memory = heading("above 0");
    for policy in policies {
        let mut run = Run::start(&arguments, policy)?;
        for _ in 0..CORRECTIONS {
            run.look_up(arguments.lookups / CORRECTIONS)?;
            run.caches.iter_mut().try_for_each(|cache| cache.aim_at(arguments.keys))?;
        }
        let outcome = run.measure(policy, arguments.lookups)?;
        println!("{policy}: {:+.2} points at the same number of keys", outcome.difference());
        outcome.report(&mut at_same_keys, -TOLERANCE);

        let limit = run.caches[1].limit();
        run.caches[0].set_limit(limit)?;
        run.look_up(arguments.lookups)?;
        let outcome = run.measure(policy, arguments.lookups)?;
        println!("{policy}: {:+.2} points at the same maxmemory", outcome.difference());
        outcome.report(&mut at_same_memory, 0.0);
    }
    println!("\nat the same number of keys\n\n{at_same_keys}\nat the same maxmemory\n\n{at_same_memory}");
    Ok(())
}
