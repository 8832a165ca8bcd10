//! INFO's sections on commands: calls, errors, and how long calls took.

use super::Fields;
use crate::engine::Engine;

/// The calls of each command that was called.
pub(super) fn calls(engine: &mut Engine, fields: &mut Fields) {
    let all: Vec<_> = engine.commands.all().collect();
    for found in all {
        let row = engine.command_stats.of(found.command);
        if row.is_used() {
            let micros = row.took_ns / 1000;
            let mean = if row.calls == 0 { 0.0 } else { micros as f64 / row.calls as f64 };
            fields.field(
                &format!("cmdstat_{}", found.full_name()),
                format_args!(
                    "calls={},usec={micros},usec_per_call={mean:.2},rejected_calls={},failed_calls={}",
                    row.calls, row.rejected, row.failed
                ),
            );
        }
    }
}

/// How often each kind of error was answered, by its code.
pub(super) fn errors(engine: &mut Engine, fields: &mut Fields) {
    for (code, count) in &engine.command_stats.errors {
        fields.field(&format!("errorstat_{}", code.escape_ascii()), format_args!("count={count}"));
    }
}

/// The percentiles of `latency-tracking-info-percentiles`, in microseconds, of each command whose calls were timed.
pub(super) fn latencies(engine: &mut Engine, fields: &mut Fields) {
    let all: Vec<_> = engine.commands.all().collect();
    for found in all {
        let histogram = &engine.command_stats.of(found.command).histogram;
        if histogram.total() != 0 {
            let show = |percentile: &String| {
                let nanos = histogram.percentile(percentile.parse().unwrap_or(0.0));
                format!("p{percentile}={}.{:03}", nanos / 1000, nanos % 1000)
            };
            let shown: Vec<String> =
                engine.config.latency_tracking_info_percentiles.iter().map(show).collect();
            fields.field(&format!("latency_percentiles_usec_{}", found.full_name()), shown.join(","));
        }
    }
}
