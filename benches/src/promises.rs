//! Promises about figures, and whether they were kept.

use std::fmt;

use crate::table::Table;

/// Figures, each with the most that it may be, where there is such a limit.
#[derive(Clone, Debug)]
pub struct Promises {
    table: Table,
    broken: usize,
}

impl Default for Promises {
    fn default() -> Self {
        Self { table: Table::new(&["", "figure", "at most", "kept"]), broken: 0 }
    }
}

impl Promises {
    /// Adds a figure that only informs.
    pub fn note(&mut self, what: &str, figure: u64) {
        self.table.push(vec![what.to_owned(), figure.to_string(), String::new(), String::new()]);
    }

    /// Adds a figure that must not exceed a limit.
    pub fn at_most(&mut self, what: &str, figure: u64, limit: u64) {
        let kept = figure <= limit;
        self.broken += usize::from(!kept);
        let verdict = if kept { "yes" } else { "NO" };
        self.table.push(vec![what.to_owned(), figure.to_string(), limit.to_string(), verdict.to_owned()]);
    }

    /// How many promises were broken.
    pub fn broken(&self) -> usize {
        self.broken
    }
}

impl fmt::Display for Promises {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.table.fmt(formatter)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_figure_above_its_limit_breaks_a_promise() {
        let mut promises = Promises::default();
        promises.note("a", 9);
        promises.at_most("b", 9, 9);
        assert_eq!(promises.broken(), 0);
        promises.at_most("c", 10, 9);
        assert_eq!(promises.broken(), 1);
        assert!(promises.to_string().ends_with("c      10        9    NO\n"), "{promises}");
    }
}
