//! How ready a key is to go.

use keyspace::EntryRef;

use crate::access::Clock;
use crate::config::MaxmemoryPolicy;

/// What a policy ranks keys by. The key with the highest rank goes first.
///
/// Ranks that were made at different times can be compared: waiting never lowers a key's rank, using the key does.
#[derive(Clone, Copy, Debug)]
pub(super) struct Rank {
    by: By,
    is_volatile: bool,
    clock: Clock,
}

#[derive(Clone, Copy, Debug)]
enum By {
    /// The time of the last access, the earliest first.
    Access,
    /// The frequency of accesses, the lowest first.
    Frequency,
    /// The deadline, the nearest first.
    Deadline,
}

impl Rank {
    /// The policy's; `None` where it has none.
    pub(super) fn of(policy: MaxmemoryPolicy, clock: Clock) -> Option<Self> {
        let by = match policy {
            MaxmemoryPolicy::AllkeysLru | MaxmemoryPolicy::VolatileLru => By::Access,
            MaxmemoryPolicy::AllkeysLfu | MaxmemoryPolicy::VolatileLfu => By::Frequency,
            MaxmemoryPolicy::VolatileTtl => By::Deadline,
            MaxmemoryPolicy::AllkeysRandom
            | MaxmemoryPolicy::VolatileRandom
            | MaxmemoryPolicy::Noeviction => {
                return None;
            }
        };
        Some(Self { by, is_volatile: policy.is_volatile(), clock })
    }

    /// The rank of a key; `None` for one that mustn't go.
    pub(super) fn of_key(&self, entry: EntryRef<'_>) -> Option<u64> {
        if self.is_volatile && entry.expiry().is_none() {
            return None;
        }
        match self.by {
            By::Access => self.clock.last_access(entry.clock()).map(earliest_first),
            By::Frequency => self.clock.frequency(entry.clock()).map(|count| u64::from(u32::MAX - count)),
            By::Deadline => entry.expiry().map(earliest_first),
        }
    }
}

/// Turns the order of times around, and makes it one of unsigned numbers.
fn earliest_first(time: i64) -> u64 {
    !(time.cast_unsigned() ^ 1 << 63)
}

#[cfg(test)]
mod tests {
    use super::earliest_first;

    #[test]
    fn the_earliest_time_ranks_highest() {
        let times = [i64::MIN, -1, 0, 1, i64::MAX];
        assert!(times.map(earliest_first).is_sorted_by(|earlier, later| earlier > later));
    }
}
