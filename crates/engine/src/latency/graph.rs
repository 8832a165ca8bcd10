//! LATENCY GRAPH: a kind of event as a curve of characters, one column a sample.

use super::Series;

const WIDTH: usize = 80;
const HEIGHT: usize = 4;
/// The top of a column, from low to high within its row.
const TOPS: [char; 3] = ['_', 'o', '#'];

/// The figures of a series, and the curve of its latest samples with the time since each below it.
pub(super) fn draw(event: &str, series: &Series, now_s: i64) -> String {
    let (low, high) = series.bounds();
    let rule = "-".repeat(WIDTH);
    let mut text =
        format!("{event} - high {high} ms, low {low} ms (all time high {} ms)\n{rule}\n", series.max());
    let latest = series.samples().len().saturating_sub(WIDTH);
    let samples: Vec<_> = series.samples().iter().skip(latest).collect();
    for row in (0..HEIGHT).rev() {
        let line: String = samples.iter().map(|sample| cell(level(sample.1, low, high), row)).collect();
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text.push('\n');
    let labels: Vec<String> = samples.iter().map(|sample| elapsed(now_s - sample.0)).collect();
    let tallest = labels.iter().map(String::len).max().unwrap_or(0);
    for row in 0..tallest {
        let letter = |label: &String| label.chars().nth(row).unwrap_or(' ');
        text.push_str(labels.iter().map(letter).collect::<String>().trim_end());
        text.push('\n');
    }
    text
}

/// The height of a sample, in steps of which each row has as many as there are tops.
fn level(ms: u64, low: u64, high: u64) -> usize {
    let steps = (HEIGHT * TOPS.len() - 1) as u64;
    ((ms - low) * steps).checked_div(high - low).unwrap_or(0) as usize
}

/// What a column shows in a row, of which 0 is the lowest.
fn cell(level: usize, row: usize) -> char {
    match level.checked_sub(row * TOPS.len()) {
        None => ' ',
        Some(above) => TOPS.get(above).copied().unwrap_or('|'),
    }
}

/// A time in the largest unit that it fills.
fn elapsed(seconds: i64) -> String {
    match seconds {
        86_400.. => format!("{}d", seconds / 86_400),
        3_600.. => format!("{}h", seconds / 3_600),
        60.. => format!("{}m", seconds / 60),
        _ => format!("{seconds}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_curve_rises_with_its_samples() {
        let mut series = Series::default();
        for (second, ms) in [(10, 100), (70, 200), (100, 300), (115, 400)] {
            series.add(second, ms);
        }
        let expected = format!(
            "command - high 400 ms, low 100 ms (all time high 400 ms)\n{}\n   #\n  o|\n _||\n_|||\n\n1525\nm005\n ss\n",
            "-".repeat(80)
        );
        let drawn = draw("command", &series, 120);
        assert_eq!(drawn.lines().take(6).collect::<Vec<_>>(), expected.lines().take(6).collect::<Vec<_>>());
        assert_eq!(drawn.lines().skip(7).collect::<Vec<_>>(), ["1525", "m00s", " ss"]);
    }

    #[test]
    fn one_sample_is_a_line() {
        let mut series = Series::default();
        series.add(7, 10);
        assert!(draw("x", &series, 7).ends_with("\n\n\n\n_\n\n0\ns\n"));
    }
}
