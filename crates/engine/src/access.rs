//! The access clock of an entry, 24 bits that OBJECT IDLETIME, OBJECT FREQ and eviction go by.
//!
//! Under an LRU policy it is the time of the last access, in seconds. Under an LFU policy it is a counter of 8
//! bits that grows with the logarithm of the number of accesses and falls with time, below 16 bits of the minute
//! at which it was last brought down: the scheme that Redis documents for its LFU policies.

use crate::clock;
use crate::config::Config;

/// The counter of a new key, so that it isn't the first to go.
const INITIAL_COUNTER: u32 = 5;
const MAX_COUNTER: u32 = 255;
const LRU_MASK: u32 = (1 << 24) - 1;
/// By how many seconds a clock is set back at most, as far as access times go.
const SET_BACK: u32 = 3600;
const MINUTES_MASK: u32 = (1 << 16) - 1;

/// The clock at this moment, under the policy in force.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Clock {
    now_s: i64,
    lfu: Option<Lfu>,
}

#[derive(Clone, Copy, Debug)]
struct Lfu {
    log_factor: u32,
    decay_minutes: u32,
}

impl Clock {
    #[inline]
    pub(crate) fn of(config: &Config, clock: &clock::Clock) -> Self {
        let lfu = config
            .maxmemory_policy
            .is_lfu()
            .then_some(Lfu { log_factor: config.lfu_log_factor, decay_minutes: config.lfu_decay_time });
        Self { now_s: clock.now_s(), lfu }
    }

    /// Whether [`Self::accessed`] wants a random number.
    #[inline]
    pub(crate) fn needs_chance(self) -> bool {
        self.lfu.is_some()
    }

    /// The value for a key that is being created.
    #[inline]
    pub(crate) fn created(self) -> u32 {
        match self.lfu {
            None => self.seconds(),
            Some(_) => self.minutes() << 8 | INITIAL_COUNTER,
        }
    }

    /// The value for a key that is accessed, and had `old`; `chance` is 64 random bits.
    #[inline]
    pub(crate) fn accessed(self, old: u32, chance: u64) -> u32 {
        match self.lfu {
            None => self.seconds(),
            Some(lfu) => self.minutes() << 8 | grown(self.decayed(lfu, old), lfu.log_factor, chance),
        }
    }

    /// The value for a key that was last accessed so many seconds ago, or as long ago as can be told; `None` under an
    /// LFU policy.
    pub(crate) fn idle_for(self, seconds: u64) -> Option<u32> {
        let longest = LRU_MASK - SET_BACK;
        let seconds = u32::try_from(seconds).map_or(longest, |seconds| seconds.min(longest));
        self.lfu.is_none().then(|| self.seconds().wrapping_sub(seconds) & LRU_MASK)
    }

    /// The value for a key whose access counter is `frequency`; `None` under an LRU policy.
    pub(crate) fn with_frequency(self, frequency: u8) -> Option<u32> {
        self.lfu.map(|_| self.minutes() << 8 | u32::from(frequency))
    }

    /// How many seconds ago a key with `value` was accessed; `None` under an LFU policy, which doesn't know.
    pub(crate) fn idle_seconds(self, value: u32) -> Option<u32> {
        self.lfu.is_none().then(|| self.seconds().wrapping_sub(value) & LRU_MASK)
    }

    /// When a key with `value` was last accessed, in seconds since 1970; `None` under an LFU policy.
    ///
    /// An access in the coming hour was one before the clock was set back, rather than one half a year ago: the
    /// keys that were in use just then must not be the first to be evicted.
    pub(crate) fn last_access(self, value: u32) -> Option<i64> {
        let idle = self.idle_seconds(value)?;
        let ahead = LRU_MASK + 1 - idle;
        Some(self.now_s + if ahead <= SET_BACK { i64::from(ahead) } else { -i64::from(idle) })
    }

    /// The access counter of a key with `value`, brought down to now; `None` under an LRU policy.
    pub(crate) fn frequency(self, value: u32) -> Option<u32> {
        self.lfu.map(|lfu| self.decayed(lfu, value))
    }

    /// The clock that INFO shows as `lru_clock`.
    pub(crate) fn seconds(self) -> u32 {
        self.now_s as u32 & LRU_MASK
    }

    fn minutes(self) -> u32 {
        (self.now_s / 60) as u32 & MINUTES_MASK
    }

    fn decayed(self, lfu: Lfu, value: u32) -> u32 {
        let counter = value & MAX_COUNTER;
        let elapsed = self.minutes().wrapping_sub(value >> 8) & MINUTES_MASK;
        let is_ahead = MINUTES_MASK + 1 - elapsed <= SET_BACK / 60;
        let elapsed = if is_ahead { 0 } else { elapsed };
        let periods = elapsed.checked_div(lfu.decay_minutes).unwrap_or(0);
        counter.saturating_sub(periods)
    }
}

/// One more access: the higher the counter is, the less likely it is to grow.
fn grown(counter: u32, log_factor: u32, chance: u64) -> u32 {
    if counter >= MAX_COUNTER {
        return MAX_COUNTER;
    }
    let above = f64::from(counter.saturating_sub(INITIAL_COUNTER));
    let odds = 1.0 / (above * f64::from(log_factor) + 1.0);
    let draw = (chance >> 11) as f64 / (1u64 << 53) as f64;
    counter + u32::from(draw < odds)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lfu(now_s: i64, decay_minutes: u32) -> Clock {
        Clock { now_s, lfu: Some(Lfu { log_factor: 10, decay_minutes }) }
    }

    #[test]
    fn idle_time_survives_the_clock_running_over() {
        let created = Clock { now_s: (1 << 24) - 2, lfu: None }.created();
        assert_eq!(Clock { now_s: (1 << 24) + 3, lfu: None }.idle_seconds(created), Some(5));
        assert_eq!(lfu(0, 1).idle_seconds(created), None);
        assert_eq!(Clock { now_s: (1 << 24) + 3, lfu: None }.last_access(created), Some((1 << 24) - 2));
        assert_eq!(lfu(0, 1).last_access(created), None);
    }

    #[test]
    fn a_clock_that_was_set_back_makes_no_key_old() {
        let at = |now_s| Clock { now_s, lfu: None };
        let value = at(1_700_000_000).created();
        for back in [0, 1, 3600] {
            assert_eq!(at(1_700_000_000 - back).last_access(value), Some(1_700_000_000));
        }
        for later in [0, 1, 3600, (1 << 24) - 3601] {
            assert_eq!(at(1_700_000_000 + later).last_access(value), Some(1_700_000_000));
        }
        let value = lfu(1_700_000_000, 1).created();
        for back in [0, 60, 3600] {
            assert_eq!(lfu(1_700_000_000 - back, 1).frequency(value), Some(INITIAL_COUNTER));
        }
        assert_eq!(lfu(1_700_000_000 - 3660, 1).frequency(value), Some(0), "seen as a month and a half ago");
    }

    #[test]
    fn frequency_decays_by_the_minute() {
        let value = lfu(600, 1).created();
        assert_eq!(lfu(600, 1).frequency(value), Some(5));
        assert_eq!(lfu(600 + 180, 1).frequency(value), Some(2));
        assert_eq!(lfu(600 + 3600, 1).frequency(value), Some(0));
        assert_eq!(lfu(600 + 180, 0).frequency(value), Some(5));
        assert_eq!(Clock { now_s: 0, lfu: None }.frequency(value), None);
    }

    /// Redis documents about 10, 18, 142 and 255 after 100, 1,000, 100 thousand and a million hits at factor 10.
    #[test]
    fn frequency_grows_with_the_logarithm() {
        let mut rng = crate::Rng::seeded(3);
        let clock = lfu(0, 1);
        let mut value = clock.created();
        let mut after = |hits: u32| {
            for _ in 0..hits {
                value = clock.accessed(value, rng.next_u64());
            }
            clock.frequency(value).unwrap()
        };
        assert!((8..=13).contains(&after(100)));
        assert!((15..=22).contains(&after(900)));
        assert!((125..=160).contains(&after(99_000)));
        assert_eq!(after(900_000), 255);
    }
}
