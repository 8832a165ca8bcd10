//! The latency monitor: when which kind of event took long, and how LATENCY tells it.

mod doctor;
mod graph;
mod histogram;

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

pub(crate) use histogram::Histogram;

use crate::engine::Engine;

/// How many samples are kept of each kind of event.
const SAMPLES: usize = 160;

/// What is kept of one kind of event.
#[derive(Debug, Default)]
pub(crate) struct Series {
    /// The seconds since 1970 in which something took long, and the longest of that second in milliseconds; the
    /// latest comes last.
    samples: VecDeque<(i64, u64)>,
    /// The longest ever, in milliseconds.
    max: u64,
}

impl Series {
    pub(crate) fn samples(&self) -> &VecDeque<(i64, u64)> {
        &self.samples
    }

    /// The longest since the series began, in milliseconds.
    pub(crate) fn max(&self) -> u64 {
        self.max
    }

    fn add(&mut self, second: i64, ms: u64) {
        self.max = self.max.max(ms);
        match self.samples.back_mut() {
            Some(last) if last.0 == second => last.1 = last.1.max(ms),
            _ => {
                if self.samples.len() == SAMPLES {
                    self.samples.pop_front();
                }
                self.samples.push_back((second, ms));
            }
        }
    }

    /// The least and the greatest of the samples that are kept, in milliseconds.
    fn bounds(&self) -> (u64, u64) {
        let values = || self.samples.iter().map(|sample| sample.1);
        (values().min().unwrap_or(0), values().max().unwrap_or(0))
    }
}

/// Every kind of event that has taken long, by name.
#[derive(Debug, Default)]
pub(crate) struct Monitor {
    series: BTreeMap<Cow<'static, str>, Series>,
}

impl Monitor {
    pub(crate) fn all(&self) -> impl ExactSizeIterator<Item = (&str, &Series)> {
        self.series.iter().map(|(name, series)| (&**name, series))
    }

    pub(crate) fn get(&self, event: &[u8]) -> Option<&Series> {
        self.series.get(std::str::from_utf8(event).ok()?)
    }

    /// Forgets a kind of event; says whether there was anything to forget.
    pub(crate) fn forget(&mut self, event: &[u8]) -> bool {
        std::str::from_utf8(event).is_ok_and(|event| self.series.remove(event).is_some())
    }

    /// Forgets everything; says how many kinds of events that were.
    pub(crate) fn forget_all(&mut self) -> usize {
        std::mem::take(&mut self.series).len()
    }

    /// The curve of a kind of event, and the figures above it.
    pub(crate) fn graph(&self, event: &[u8], now_s: i64) -> Option<String> {
        let series = self.get(event)?;
        Some(graph::draw(&String::from_utf8_lossy(event), series, now_s))
    }

    /// What the figures mean, in sentences.
    pub(crate) fn diagnose(&self, threshold_ms: u64, slowlog_us: i64) -> String {
        doctor::diagnose(self, threshold_ms, slowlog_us)
    }
}

impl Engine {
    /// Notes that an event took so long, if that is as long as `latency-monitor-threshold` or longer.
    #[inline]
    pub(crate) fn note_latency(&mut self, event: &'static str, took: Duration) {
        let threshold = self.config.latency_monitor_threshold;
        if threshold != 0 && took.as_millis() as u64 >= threshold {
            let second = self.clock.now_s();
            self.latency.series.entry(event.into()).or_default().add(second, took.as_millis() as u64);
        }
    }

    /// Notes that something took so many milliseconds, if that is as long as `latency-monitor-threshold` or longer. As
    /// what modules note in Redis, it is noted even where the threshold is 0 and the monitor off.
    pub fn add_latency_sample(&mut self, event: &str, ms: u64) {
        if ms >= self.config.latency_monitor_threshold {
            let second = self.clock.now_s();
            self.latency.series.entry(event.to_owned().into()).or_default().add(second, ms);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_has_one_sample_and_a_series_only_so_many() {
        let mut series = Series::default();
        for (second, ms) in [(1, 5), (1, 9), (1, 7), (2, 3)] {
            series.add(second, ms);
        }
        assert_eq!(Vec::from(series.samples.clone()), [(1, 9), (2, 3)]);
        assert_eq!((series.max(), series.bounds()), (9, (3, 9)));
        (3..200).for_each(|second| series.add(second, 4));
        assert_eq!(series.samples.len(), SAMPLES);
        assert_eq!((series.samples[0].0, series.max(), series.bounds()), (40, 9, (4, 4)));
    }
}
