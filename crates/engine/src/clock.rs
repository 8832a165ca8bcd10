//! The two clocks: one that data ages by, which the caller may set, and one that bounds work, which is real.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The data clock: what TTLs, expiry, the access clock and `TIME` go by.
///
/// It is read from the system once per batch of commands, so that the commands of one batch see one time, as in
/// Redis; or it stands still until its owner moves it.
#[derive(Clone, Debug)]
pub struct Clock {
    now_us: i64,
    manual: bool,
}

impl Clock {
    /// A clock that follows the system's.
    pub fn system() -> Self {
        Self { now_us: system_us(), manual: false }
    }

    /// A clock that stands at `unix_ms` milliseconds since 1970 until it is set or advanced.
    pub fn manual(unix_ms: i64) -> Self {
        Self { now_us: unix_ms.saturating_mul(1000), manual: true }
    }

    /// Milliseconds since 1970.
    pub fn now_ms(&self) -> i64 {
        self.now_us.div_euclid(1000)
    }

    /// Microseconds since 1970.
    pub fn now_us(&self) -> i64 {
        self.now_us
    }

    /// Seconds since 1970.
    pub fn now_s(&self) -> i64 {
        self.now_us.div_euclid(1_000_000)
    }

    /// Reads the system's clock, unless the owner has taken charge.
    pub fn refresh(&mut self) {
        if !self.manual {
            self.now_us = system_us();
        }
    }

    /// Takes charge: the clock shows `unix_ms` and stands still.
    pub fn set(&mut self, unix_ms: i64) {
        *self = Self::manual(unix_ms);
    }

    /// Takes charge, and moves the clock forward from where it stands.
    pub fn advance(&mut self, by: Duration) {
        self.manual = true;
        self.now_us = self.now_us.saturating_add(i64::try_from(by.as_micros()).unwrap_or(i64::MAX));
    }
}

fn system_us() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_micros()).unwrap_or(i64::MAX)
}

/// The budget clock: how long a slice of work may still go on, in real time.
#[derive(Clone, Copy, Debug)]
pub struct Budget {
    end: Instant,
}

impl Budget {
    /// A budget that is spent after `limit`.
    pub fn new(limit: Duration) -> Self {
        Self { end: Instant::now() + limit }
    }

    /// Whether nothing is left.
    pub fn is_spent(&self) -> bool {
        Instant::now() >= self.end
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_manual_clock_moves_only_by_hand() {
        let mut clock = Clock::manual(1_500);
        clock.refresh();
        assert_eq!((clock.now_s(), clock.now_ms(), clock.now_us()), (1, 1_500, 1_500_000));
        clock.advance(Duration::from_micros(2_600));
        assert_eq!(clock.now_ms(), 1_502);
        clock.set(-1);
        assert_eq!((clock.now_ms(), clock.now_s()), (-1, -1));
    }

    #[test]
    fn the_system_clock_is_left_when_it_is_advanced() {
        let mut clock = Clock::system();
        let before = clock.now_ms();
        clock.advance(Duration::from_secs(3600));
        clock.refresh();
        assert_eq!(clock.now_ms(), before + 3_600_000);
    }
}
