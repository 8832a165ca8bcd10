//! What defragmentation costs: per block asked about, per block moved, and how that grows with the heap;
//! and how long its steps last.
#![forbid(unsafe_code)]

use std::thread;
use std::time::Duration;

use anyhow::{Result, anyhow};
use benches::table::Table;
use clap::Parser;
use rand::rngs::SmallRng;
use rand::{RngExt, SeedableRng};
use rustix::time::{ClockId, clock_gettime};
use zmalloc::defrag::{Cycle, Settings, State, Step};
use zmalloc::{AllocatorInfo, ZMalloc};

#[global_allocator]
static ALLOC: ZMalloc = ZMalloc::new();

/// Measures cycles over heaps of growing size, each filled with blocks of mixed sizes of which most have
/// been freed at random.
#[derive(Parser)]
struct Arguments {
    /// The heaps to be filled, in megabytes
    #[arg(long, value_delimiter = ',', default_values_t = [10, 40, 160, 640, 2560, 4096])]
    megabytes: Vec<usize>,
    /// How many percent of the blocks are freed
    #[arg(long, default_value_t = 60, value_parser = clap::value_parser!(u32).range(1..100))]
    freed: u32,
    /// The time that a step may take, in microseconds
    #[arg(long, default_value_t = 500)]
    budget: u64,
    /// Count steps that took longer than this many times their budget, by the thread's own clock
    #[arg(long, default_value_t = 2)]
    tolerance: u32,
    /// Leave it to the steps to give pages back to the system, too; otherwise threads of the allocator's
    /// own do, as in Redis (`jemalloc-bg-thread`)
    #[arg(long)]
    no_background: bool,
}

/// What there is to move: a table of blocks of 40 to 1040 bytes.
type Data = Vec<Box<[u8]>>;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let budget = Duration::from_micros(arguments.budget);
    // An allocator without such threads does without.
    let background = !arguments.no_background && zmalloc::set_background_thread(true).is_ok();
    println!("{}; steps of {} µs; background threads: {background}", zmalloc::BACKEND, arguments.budget);
    let mut table = Table::new(&[
        "MB filled",
        "blocks left",
        "ratio before",
        "after",
        "moved",
        "ns a block asked",
        "ns a block moved",
        "passes",
        "CPU ms",
        "ns a block left",
        "steps",
        "longest µs",
        "CPU µs",
        "past the budget",
    ]);
    for megabytes in &arguments.megabytes {
        let mut data = scattered(megabytes << 20, arguments.freed);
        let before = ratio()?;
        let cycles = defragment(&mut data, budget, arguments.tolerance)?;
        let after = ratio()?;
        // Nothing more to move: what is left is asking.
        let asking = pass(&mut data, Duration::from_secs(3600))?;
        let per_question = nanoseconds(asking.cpu, asking.asked);
        let moving =
            cycles.cpu.saturating_sub(Duration::from_nanos((per_question * cycles.asked as f64) as u64));
        table.push(vec![
            megabytes.to_string(),
            data.len().to_string(),
            format!("{before:.2}"),
            format!("{after:.2}"),
            cycles.moved.to_string(),
            format!("{per_question:.1}"),
            format!("{:.0}", nanoseconds(moving, cycles.moved)),
            cycles.passes.to_string(),
            cycles.cpu.as_millis().to_string(),
            format!("{:.0}", nanoseconds(cycles.cpu, data.len() as u64)),
            cycles.steps.to_string(),
            cycles.longest.as_micros().to_string(),
            cycles.longest_cpu.as_micros().to_string(),
            cycles.late.to_string(),
        ]);
        drop(data);
        zmalloc::purge()?;
    }
    println!("{table}");
    println!(
        "\"longest\" is by the wall clock, which other programs stop too, \"CPU\" by the thread's own; \"past the \
         budget\" counts steps whose CPU time was more than {} times the budget",
        arguments.tolerance
    );
    Ok(())
}

/// Fills a heap and frees most of it again.
fn scattered(bytes: usize, freed: u32) -> Data {
    let mut random = SmallRng::seed_from_u64(1);
    let mut data = Data::new();
    let mut filled = 0;
    while filled < bytes {
        let size = random.random_range(40..1040);
        data.push(vec![size as u8; size].into_boxed_slice());
        filled += size;
    }
    data.retain(|_| random.random_range(0..100) >= freed);
    data
}

/// How many times larger the pages in use are than the blocks in them.
fn ratio() -> Result<f64> {
    zmalloc::flush_thread_cache()?;
    Ok(AllocatorInfo::read().map_or(f64::NAN, |info| info.fragmentation_ratio()))
}

/// What came of some steps.
#[derive(Default)]
struct Outcome {
    asked: u64,
    moved: u64,
    passes: u64,
    steps: u64,
    cpu: Duration,
    longest: Duration,
    longest_cpu: Duration,
    late: u64,
}

/// A cycle that finds any fragmentation worth its while.
fn cycle(budget: Duration, threshold_lower: u32) -> Result<Cycle> {
    let settings = Settings { ignore_bytes: 0, threshold_lower, budget, ..Settings::default() };
    Cycle::new(settings).map_err(|unavailable| anyhow!("{unavailable}"))
}

/// Passes until there is at most one percent to gain, or until they gain nothing.
fn defragment(data: &mut Data, budget: Duration, tolerance: u32) -> Result<Outcome> {
    let mut cycle = cycle(budget, 1)?;
    let mut outcome = Outcome::default();
    let mut moved_before = 0;
    loop {
        let (step, cpu) = step(&mut cycle, data);
        outcome.cpu += cpu;
        outcome.longest = outcome.longest.max(step.took);
        outcome.longest_cpu = outcome.longest_cpu.max(cpu);
        outcome.late += u64::from(cpu > budget * tolerance);
        let totals = cycle.totals();
        let is_done = match step.state {
            State::Idle => true,
            State::Finished => totals.hits == moved_before || totals.passes == 20,
            _ => false,
        };
        if step.state == State::Finished {
            moved_before = totals.hits;
        }
        if is_done {
            outcome.asked = totals.hits + totals.misses;
            outcome.moved = totals.hits;
            outcome.passes = totals.passes;
            outcome.steps = totals.steps;
            return Ok(outcome);
        }
    }
}

/// A step, and the CPU time it took; waits while pages are given back to the system in between.
fn step(cycle: &mut Cycle, data: &mut Data) -> (Step, Duration) {
    loop {
        let steps = cycle.totals().steps;
        let began = thread_clock();
        let step = cycle.step(data);
        let cpu = thread_clock() - began;
        if cycle.totals().steps != steps || step.state == State::Idle {
            return (step, cpu);
        }
        thread::sleep(step.pause);
    }
}

/// One pass, in one step if the budget allows.
fn pass(data: &mut Data, budget: Duration) -> Result<Outcome> {
    let mut cycle = cycle(budget, 0)?;
    let mut cpu = Duration::ZERO;
    loop {
        let (step, took) = step(&mut cycle, data);
        cpu += took;
        if step.state != State::Unfinished {
            break;
        }
    }
    let totals = cycle.totals();
    Ok(Outcome { asked: totals.hits + totals.misses, moved: totals.hits, cpu, ..Outcome::default() })
}

fn nanoseconds(time: Duration, number: u64) -> f64 {
    if number == 0 { 0.0 } else { time.as_nanos() as f64 / number as f64 }
}

/// The CPU time of this thread.
fn thread_clock() -> Duration {
    let time = clock_gettime(ClockId::ThreadCPUTime);
    Duration::new(time.tv_sec.unsigned_abs(), time.tv_nsec.unsigned_abs() as u32)
}
