//! What expiry has done so far, for EXHEXPIREINFO.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::sync::Mutex;

use crate::settings::Settings;

/// Who removed a field.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum By {
    /// The timer.
    Timer,
    /// A command.
    Command,
}

/// Figures since the module was loaded.
#[derive(Default)]
pub(crate) struct Statistics {
    /// Fields removed in each database, by the timer and by commands.
    removed: BTreeMap<i32, (u64, u64)>,
    turns: u64,
    last: u64,
    longest: u64,
    total: u64,
}

static STATISTICS: Mutex<Statistics> =
    Mutex::new(Statistics { removed: BTreeMap::new(), turns: 0, last: 0, longest: 0, total: 0 });

fn with<R>(work: impl FnOnce(&mut Statistics) -> R) -> R {
    work(&mut STATISTICS.lock().unwrap_or_else(std::sync::PoisonError::into_inner))
}

/// Fields were removed.
pub(crate) fn removed(database: i32, fields: usize, by: By) {
    with(|statistics| statistics.remove(database, fields, by));
}

/// The timer had a turn, which took so many milliseconds.
pub(crate) fn turn(milliseconds: u64) {
    with(|statistics| statistics.turn(milliseconds));
}

/// Two databases have changed places, and their figures with them.
pub(crate) fn swap(one: i32, other: i32) {
    with(|statistics| {
        let (first, second) = (statistics.removed.remove(&one), statistics.removed.remove(&other));
        statistics.removed.extend(first.map(|fields| (other, fields)));
        statistics.removed.extend(second.map(|fields| (one, fields)));
    });
}

/// The report, as text.
pub(crate) fn report(settings: Settings) -> String {
    with(|statistics| statistics.report(settings))
}

impl Statistics {
    fn remove(&mut self, database: i32, fields: usize, by: By) {
        let (timer, command) = self.removed.entry(database).or_default();
        match by {
            By::Timer => *timer += fields as u64,
            By::Command => *command += fields as u64,
        }
    }

    fn turn(&mut self, milliseconds: u64) {
        self.turns += 1;
        self.last = milliseconds;
        self.longest = self.longest.max(milliseconds);
        self.total += milliseconds;
    }

    fn report(&self, settings: Settings) -> String {
        let mut text = String::from("\r\n# Active expire statistics\r\n");
        let _ = write!(text, "enable_active_expire:{}\r\n", u8::from(settings.is_active));
        for (name, number) in [
            ("active_expire_period", settings.period.as_millis() as u64),
            ("active_expire_keys_per_loop", settings.per_database as u64),
            ("active_expire_dbs_per_loop", settings.databases as u64),
            ("active_expire_last_time_msec", self.last),
            ("active_expire_max_time_msec", self.longest),
            ("active_expire_avg_time_msec", self.total.checked_div(self.turns).unwrap_or(0)),
            ("passive_expire_keys_per_loop", settings.per_write as u64),
        ] {
            // Writing to a string can't fail.
            let _ = write!(text, "tair_hash_{name}:{number}\r\n");
        }
        text.push_str("\r\n# DB detail statistics\r\n");
        for (database, (timer, command)) in &self.removed {
            let _ = write!(
                text,
                "db: {database}, active_expired_fields: {timer}, passive_expired_fields: {command}\r\n"
            );
        }
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_has_every_figure() {
        let mut statistics = Statistics::default();
        let settings = Settings { per_database: 7, per_write: 3, ..Settings::current() };
        assert!(statistics.report(settings).contains("avg_time_msec:0\r\n"));
        statistics.turn(9);
        statistics.turn(2);
        statistics.remove(8, 5, By::Timer);
        statistics.remove(8, 2, By::Command);
        let text = statistics.report(settings);
        for line in [
            "enable_active_expire:1",
            "tair_hash_active_expire_keys_per_loop:7",
            "tair_hash_active_expire_last_time_msec:2",
            "tair_hash_active_expire_max_time_msec:9",
            "tair_hash_active_expire_avg_time_msec:5",
            "tair_hash_passive_expire_keys_per_loop:3",
            "db: 8, active_expired_fields: 5, passive_expired_fields: 2",
        ] {
            assert!(text.contains(&format!("\n{line}\r\n")), "{line} in {text}");
        }
    }
}
