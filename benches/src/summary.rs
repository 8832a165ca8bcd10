//! The distribution of a handful of measurements.

/// Five figures that say how measurements are spread.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Summary {
    /// The smallest measurement.
    pub min: f64,
    /// A quarter of the way from the smallest to the largest.
    pub lower: f64,
    /// The one in the middle.
    pub median: f64,
    /// Three quarters of the way.
    pub upper: f64,
    /// The largest measurement.
    pub max: f64,
}

impl Summary {
    /// Summarises measurements; between two of them a quartile is interpolated.
    ///
    /// # Panics
    /// When there are none, or one isn't a number.
    pub fn of(measurements: &[f64]) -> Self {
        assert!(measurements.iter().all(|measurement| !measurement.is_nan()), "not a number");
        let mut sorted = measurements.to_vec();
        sorted.sort_by(f64::total_cmp);
        Self {
            min: quantile(&sorted, 0.0),
            lower: quantile(&sorted, 0.25),
            median: quantile(&sorted, 0.5),
            upper: quantile(&sorted, 0.75),
            max: quantile(&sorted, 1.0),
        }
    }
}

/// The value below which this part of the sorted values lies.
fn quantile(sorted: &[f64], part: f64) -> f64 {
    let last = sorted.len().checked_sub(1).expect("there are measurements");
    let position = part * last as f64;
    let below = position.floor() as usize;
    let above = (below + 1).min(last);
    sorted[below] + (sorted[above] - sorted[below]) * position.fract()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn order_does_not_matter() {
        let summary = Summary::of(&[5.0, 1.0, 4.0, 2.0, 3.0]);
        let expected = Summary { min: 1.0, lower: 2.0, median: 3.0, upper: 4.0, max: 5.0 };
        assert_eq!(summary, expected);
    }

    #[test]
    fn quartiles_are_interpolated() {
        let summary = Summary::of(&[1.0, 2.0]);
        assert_eq!((summary.lower, summary.median, summary.upper), (1.25, 1.5, 1.75));
        let one = Summary::of(&[7.0]);
        assert_eq!((one.min, one.median, one.max), (7.0, 7.0, 7.0));
    }

    #[test]
    #[should_panic(expected = "there are measurements")]
    fn nothing_has_no_summary() {
        Summary::of(&[]);
    }
}
