//! The allocator beside its back ends and its peers: instructions and CPU time of each workload, all
//! in one run, as ratios, with the goals beside them.
#![forbid(unsafe_code)]

use std::collections::HashMap;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use anyhow::Result;
use benches::alloc::comparison::{COMPARISONS, Comparison, Goal, SCALING};
use benches::alloc::entrant::{Allocator, Entrant};
use benches::alloc::workload::{WORKLOADS, Workload};
use benches::alloc::{c, instructions, pool, time};
use benches::summary::Summary;
use benches::table::Table;
use clap::{Parser, ValueEnum};

/// Measures the allocators in turn, and prints how they compare.
#[derive(Parser)]
struct Arguments {
    /// How often the time of everything is taken
    #[arg(long, default_value_t = 15, value_parser = clap::value_parser!(u32).range(1..))]
    rounds: u32,
    /// Measure this alone
    #[arg(long)]
    only: Option<Measure>,
    /// Only comparisons of allocators whose names contain this
    #[arg(long, default_value = "")]
    allocator: String,
    /// Only workloads whose names contain this
    #[arg(long, default_value = "")]
    workload: String,
}

#[derive(Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Measure {
    Instructions,
    Time,
    C,
    Pool,
}

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    let wants = |measure| arguments.only.is_none_or(|only| only == measure);
    if wants(Measure::Instructions) || wants(Measure::Time) {
        let bench = Bench::build(&arguments)?;
        let counted = if wants(Measure::Instructions) { bench.count()? } else { HashMap::new() };
        let timed = if wants(Measure::Time) { bench.time(arguments.rounds)? } else { HashMap::new() };
        bench.report(&counted, &timed);
    }
    if wants(Measure::C) {
        println!("{}", c::compare()?);
    }
    if wants(Measure::Pool) {
        println!("{}", pool::compare(arguments.rounds)?);
    }
    Ok(())
}

/// What is measured.
struct Bench {
    comparisons: Vec<Comparison>,
    workloads: Vec<Workload>,
    entrants: Vec<Entrant>,
}

/// An allocator on a workload, by their labels.
type Place = (String, &'static str);

/// Measurements, one a round.
type Figures = HashMap<Place, Vec<f64>>;

fn place(allocator: Allocator, workload: &Workload) -> Place {
    (allocator.label(), workload.name)
}

impl Bench {
    /// Chooses what was asked for and builds the programs.
    fn build(arguments: &Arguments) -> Result<Self> {
        let asked = |comparison: &&Comparison| {
            comparison.ours.label().contains(&arguments.allocator)
                || comparison.theirs.name.contains(&arguments.allocator)
        };
        let comparisons: Vec<_> = COMPARISONS.iter().filter(asked).copied().collect();
        let workloads = WORKLOADS
            .iter()
            .filter(|workload| workload.name.contains(&arguments.workload))
            .copied()
            .collect();
        let mut entrants: Vec<Entrant> = Vec::new();
        for allocator in comparisons.iter().flat_map(|comparison| [comparison.ours, comparison.theirs]) {
            if entrants.iter().all(|entrant| entrant.allocator != allocator) {
                entrants.push(Entrant::build(allocator)?);
            }
        }
        Ok(Self { comparisons, workloads, entrants })
    }

    /// Counts the instructions of every allocator on every workload, on as many processors as there
    /// are: what else runs makes no difference to them.
    fn count(&self) -> Result<Figures> {
        let jobs: Vec<_> = self
            .workloads
            .iter()
            .flat_map(|workload| self.entrants.iter().map(move |one| (one, workload)))
            .collect();
        let next = AtomicUsize::new(0);
        let results = Mutex::new(Vec::new());
        let processors = thread::available_parallelism().map_or(1, usize::from);
        thread::scope(|scope| {
            for _ in 0..processors {
                scope.spawn(|| {
                    while let Some((entrant, workload)) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let result = instructions::measure(entrant, workload);
                        let result = result.map(|figure| (place(entrant.allocator, workload), vec![figure]));
                        results.lock().expect("no measurement panics").push(result);
                    }
                });
            }
        });
        results.into_inner().expect("no measurement panics").into_iter().collect()
    }

    /// Takes the time, one allocator after the other and then again, each round from another one on.
    fn time(&self, rounds: u32) -> Result<Figures> {
        let mut figures = Figures::new();
        for workload in &self.workloads {
            for round in 0..rounds as usize {
                for turn in 0..self.entrants.len() {
                    let entrant = &self.entrants[(round + turn) % self.entrants.len()];
                    let figure = time::measure(entrant, workload)?;
                    figures.entry(place(entrant.allocator, workload)).or_default().push(figure);
                }
            }
        }
        Ok(figures)
    }

    fn report(&self, counted: &Figures, timed: &Figures) {
        let mut tally = Tally::default();
        for comparison in &self.comparisons {
            let heading = format!("{} / {}", comparison.ours.label(), comparison.theirs.name);
            let mut table =
                Table::new(&[&heading, "instructions", "ratio", "goal", "", "ns", "ratio", "goal", ""]);
            for workload in &self.workloads {
                let mut row = vec![workload.label.to_owned()];
                for (figures, goal, digits) in
                    [(counted, comparison.instructions, 1), (timed, comparison.time, 2)]
                {
                    row.extend(cells(
                        figures.get(&place(comparison.ours, workload)),
                        figures.get(&place(comparison.theirs, workload)),
                        goal,
                        digits,
                        &mut tally,
                    ));
                }
                table.push(row);
            }
            println!("{table}");
        }
        if let Some(table) = self.scaling(timed, &mut tally) {
            println!("{table}");
        }
        println!("{} of {} goals met", tally.met, tally.met + tally.missed);
    }

    /// The CPU time of a pair on eight threads beside that on one, for each allocator.
    fn scaling(&self, timed: &Figures, tally: &mut Tally) -> Option<Table> {
        let mut table = Table::new(&["8 threads / 1 thread", "ns", "ratio", "goal", ""]);
        for entrant in &self.entrants {
            let on = |name| timed.get(&(entrant.allocator.label(), name));
            let (eight, one) = (on("threads8")?, on("threads1")?);
            let ours = entrant.allocator.name.starts_with("zmalloc");
            let goal = if ours { SCALING } else { Goal::Open };
            let mut row = vec![entrant.allocator.label()];
            row.extend(cells(Some(eight), Some(one), goal, 2, tally));
            table.push(row);
        }
        Some(table)
    }
}

/// How many goals were met.
#[derive(Default)]
struct Tally {
    met: u32,
    missed: u32,
}

/// Both figures, their ratio, the goal, and whether it is met. The ratio is that of each round, and of
/// those the median.
fn cells(
    ours: Option<&Vec<f64>>,
    theirs: Option<&Vec<f64>>,
    goal: Goal,
    digits: usize,
    tally: &mut Tally,
) -> [String; 4] {
    let (Some(ours), Some(theirs)) = (ours, theirs) else {
        return Default::default();
    };
    let ratios: Vec<_> = ours.iter().zip(theirs).map(|(ours, theirs)| ours / theirs).collect();
    let ratio = Summary::of(&ratios).median;
    let median = |figures: &[f64]| Summary::of(figures).median;
    let verdict = match goal.is_met(ratio) {
        Some(true) => {
            tally.met += 1;
            "met"
        }
        Some(false) => {
            tally.missed += 1;
            "MISSED"
        }
        None => "",
    };
    [
        format!("{:.digits$} / {:.digits$}", median(ours), median(theirs)),
        format!("{ratio:.3}"),
        goal.label(),
        verdict.to_owned(),
    ]
}
