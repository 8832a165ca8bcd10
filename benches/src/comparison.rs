//! Two servers beside each other: what each takes for the same operations, round by round.

use std::path::Path;

use anyhow::Result;

use crate::server::Server;
use crate::summary::Summary;
use crate::table::Table;

/// Both servers, ours first.
pub struct Pair {
    /// The server to judge.
    pub ours: Server,
    /// The server to compare it with.
    pub theirs: Server,
}

impl Pair {
    /// Starts both with the same arguments.
    ///
    /// # Errors
    /// When either can't be started.
    pub fn start(ours: &Path, theirs: &Path, more: &[&str]) -> Result<Self> {
        Ok(Self { ours: Server::start(ours, more)?, theirs: Server::start(theirs, more)? })
    }
}

/// What one server took for one run.
#[derive(Clone, Copy, Debug)]
pub struct Measurement {
    /// CPU time per operation, in microseconds.
    cpu: f64,
    /// Operations per second, as the load generator saw them.
    rate: f64,
}

impl Measurement {
    /// What a server takes for a run that makes so many operations, and says how many a second it saw.
    ///
    /// # Errors
    /// When the run fails, or the server has ended.
    pub fn of(server: &Server, operations: u64, run: impl FnOnce() -> Result<f64>) -> Result<Self> {
        let before = server.cpu_time()?;
        let rate = run()?;
        let used = server.cpu_time()?.saturating_sub(before);
        Ok(Self { cpu: used.as_secs_f64() * 1e6 / operations as f64, rate })
    }
}

/// What each server took for one kind of run, round by round.
pub struct Series {
    name: String,
    goal: f64,
    ours: Vec<Measurement>,
    theirs: Vec<Measurement>,
}

impl Series {
    /// A series without rounds. `goal` is the most that our CPU time per operation may be, relative to theirs.
    pub fn new(name: String, goal: f64) -> Self {
        Self { name, goal, ours: Vec::new(), theirs: Vec::new() }
    }

    /// Measures both servers, one after the other, and prints the figures.
    ///
    /// # Errors
    /// When `measure` fails.
    pub fn measure(
        &mut self,
        pair: &Pair,
        ours_first: bool,
        measure: impl Fn(&Server) -> Result<Measurement>,
    ) -> Result<()> {
        if ours_first {
            self.ours.push(measure(&pair.ours)?);
        }
        let theirs = measure(&pair.theirs)?;
        self.theirs.push(theirs);
        if !ours_first {
            self.ours.push(measure(&pair.ours)?);
        }
        let ours = self.ours[self.ours.len() - 1];
        println!(
            "round {}: {:<24}  ours {:.3} µs, theirs {:.3} µs, ratio {:.2}",
            self.ours.len(),
            self.name,
            ours.cpu,
            theirs.cpu,
            ours.cpu / theirs.cpu,
        );
        Ok(())
    }

    /// A table for [`Self::report`].
    pub fn table() -> Table {
        Table::new(&["", "min", "1/4", "median", "3/4", "max", "operations/s", "goal", "met"])
    }

    /// The distributions of both servers and of the ratio of the two within a round.
    ///
    /// # Panics
    /// When nothing was measured.
    pub fn report(&self, table: &mut Table) {
        let of = |figures: &[Measurement], figure: fn(&Measurement) -> f64| -> Vec<f64> {
            figures.iter().map(figure).collect()
        };
        let ours = of(&self.ours, |measurement| measurement.cpu);
        let theirs = of(&self.theirs, |measurement| measurement.cpu);
        let ratios: Vec<_> = ours.iter().zip(&theirs).map(|(ours, theirs)| ours / theirs).collect();
        let ratio = Summary::of(&ratios);
        let name = &self.name;
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

/// The five figures of a summary as cells.
fn cells(summary: Summary, decimals: usize) -> [String; 5] {
    [summary.min, summary.lower, summary.median, summary.upper, summary.max]
        .map(|figure| format!("{figure:.decimals$}"))
}

/// Whether a figure is as small as its goal asks.
pub fn verdict(figure: f64, goal: f64) -> String {
    if figure <= goal { "yes" } else { "no" }.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_compares_round_by_round() {
        let of = |cpu: f64| Measurement { cpu, rate: 1e6 / cpu };
        let mut series = Series::new("X".to_owned(), 0.5);
        series.ours = [1.0, 4.0, 1.0].map(of).to_vec();
        series.theirs = [2.0, 5.0, 4.0].map(of).to_vec();
        let mut table = Series::table();
        series.report(&mut table);
        let text = table.to_string();
        let rows: Vec<Vec<&str>> = text.lines().map(|line| line.split_whitespace().collect()).collect();
        assert_eq!(rows[1], ["X,", "ours,", "µs", "1.000", "1.000", "1.000", "2.500", "4.000", "1000000"]);
        assert_eq!(rows[2][3..], ["2.000", "3.000", "4.000", "4.500", "5.000", "250000"]);
        assert_eq!(rows[3], ["X,", "ratio", "0.25", "0.38", "0.50", "0.65", "0.80", "0.50", "yes"]);
    }

    #[test]
    fn both_servers_are_measured_in_every_round() {
        let pair = Pair::start(Path::new("redis-server"), Path::new("redis-server"), &[]).unwrap();
        let mut series = Series::new("PING".to_owned(), 1.0);
        for ours_first in [true, false] {
            let measure = |server: &Server| {
                Measurement::of(server, 1, || {
                    server.connect()?.command(&[b"PING"])?;
                    Ok(1.0)
                })
            };
            series.measure(&pair, ours_first, measure).unwrap();
        }
        assert_eq!((series.ours.len(), series.theirs.len()), (2, 2));
        assert!(pair.theirs.cpu_time().is_ok());
    }
}
