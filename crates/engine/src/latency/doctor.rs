//! LATENCY DOCTOR: what was observed, event by event, and what may help.

use std::fmt::Write;

use super::{Monitor, Series};

/// A report for people.
pub(super) fn diagnose(monitor: &Monitor, threshold_ms: u64, slowlog_us: i64) -> String {
    if threshold_ms == 0 {
        return "The latency monitor is off, so there is nothing to report. Switch it on with \"CONFIG SET \
                latency-monitor-threshold <milliseconds>\", and ask again when it has watched for a while.\n"
            .to_owned();
    }
    if monitor.all().len() == 0 {
        return format!(
            "No event has taken {threshold_ms} milliseconds or longer since the latency monitor was switched on or \
             reset.\n"
        );
    }
    let mut text = "Events that took long:\n\n".to_owned();
    for (at, (event, series)) in monitor.all().enumerate() {
        let figures = Figures::of(series);
        writeln!(
            text,
            "{}. {event}: {} spikes (average {} ms, mean deviation {} ms, period {:.2} s). \
             The worst ever took {} ms.",
            at + 1,
            series.samples().len(),
            figures.average,
            figures.deviation,
            figures.period,
            series.max(),
        )
        .expect("writing to a String does not fail");
    }
    text.push_str("\nWhat may help:\n\n");
    let threshold_us = i64::try_from(threshold_ms).unwrap_or(i64::MAX).saturating_mul(1000);
    if slowlog_us < 0 || slowlog_us > threshold_us {
        text += &format!(
            "- The slow log misses commands that the monitor sees: \"CONFIG SET slowlog-log-slower-than \
             {threshold_us}\" lets it show which they are.\n"
        );
    }
    if monitor.get(b"command").is_some() {
        text += "- SLOWLOG GET shows the slow commands. A command that works through a whole database, such as KEYS, \
                 is better replaced by one that works in steps, such as SCAN.\n\
                 - Large values take long to remove: UNLINK and the lazyfree directives leave that to a thread.\n";
    }
    if monitor.get(b"fast-command").is_some() {
        text += "- Commands that should be fast were slow: look for other programs that use the processor, and for \
                 memory that was swapped out.\n";
    }
    if monitor.get(b"expire-cycle").is_some() {
        text += "- Removing expired keys took long: let keys expire at different times.\n";
    }
    if monitor.get(b"eviction-cycle").is_some() {
        text += "- Making room took long: a higher \"maxmemory\" or a lower \"maxmemory-eviction-tenacity\" helps, and \
                 lazyfree-lazy-eviction where values are large.\n";
    }
    if monitor.get(b"active-defrag-cycle").is_some() {
        text += "- A step of active defragmentation took longer than it should: look for other programs that use the \
                 processor.\n";
    }
    text
}

struct Figures {
    average: u64,
    deviation: u64,
    /// The seconds from a spike to the next, on average.
    period: f64,
}

impl Figures {
    /// The figures of a series, which isn't empty.
    fn of(series: &Series) -> Self {
        let samples = series.samples();
        let count = samples.len() as u64;
        let average = samples.iter().map(|sample| sample.1).sum::<u64>() / count;
        let deviation = samples.iter().map(|sample| sample.1.abs_diff(average)).sum::<u64>() / count;
        let span = samples[samples.len() - 1].0 - samples[0].0;
        Self { average, deviation, period: span.max(1) as f64 / count as f64 }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_report_goes_by_what_was_seen() {
        let mut monitor = Monitor::default();
        assert!(diagnose(&monitor, 0, 0).contains("latency-monitor-threshold"));
        assert!(diagnose(&monitor, 5, 0).contains("No event has taken 5 milliseconds"));
        let series = monitor.series.entry("command".into()).or_default();
        series.add(10, 100);
        series.add(20, 300);
        let report = diagnose(&monitor, 5, 10_000);
        let line = "1. command: 2 spikes (average 200 ms, mean deviation 100 ms, period 5.00 s). \
                    The worst ever took 300 ms.";
        assert!(report.contains(line), "{report}");
        assert!(report.contains("slowlog-log-slower-than 5000") && report.contains("UNLINK"));
        assert!(!diagnose(&monitor, 5, 5_000).contains("slowlog-log-slower-than"));
        assert!(!report.contains("expire"));
    }
}
