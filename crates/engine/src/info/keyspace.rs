//! INFO's section on the databases: a line for each that holds keys.

use keyspace::Db;

use super::Fields;
use crate::engine::Engine;

/// How many keys are enough for a mean.
const SAMPLE: usize = 1000;

pub(super) fn write(engine: &mut Engine, fields: &mut Fields) {
    let now = engine.clock.now_ms();
    for (index, db) in engine.keyspace.iter().enumerate().filter(|(_, db)| !db.is_empty()) {
        let (keys, expires) = (db.len(), db.expires_len());
        let ttl = mean_ttl(db, now);
        fields.field(&format!("db{index}"), format_args!("keys={keys},expires={expires},avg_ttl={ttl}"));
    }
}

/// The milliseconds that keys with an expiry have left on average.
///
/// It is exact up to [`SAMPLE`] such keys. Of more, the first in the order of their hashes are taken, which is a
/// fair sample, as the hash is keyed at random.
fn mean_ttl(db: &Db, now: i64) -> i64 {
    let (mut sum, mut count, mut cursor) = (0_i128, 0, 0);
    loop {
        cursor = db.scan_expires(cursor, |entry| {
            if let Some(left) = entry.expiry().map(|at| i128::from(at) - i128::from(now))
                && left > 0
            {
                sum += left;
                count += 1;
            }
        });
        if cursor == 0 || count >= SAMPLE {
            break;
        }
    }
    sum.checked_div(count as i128).and_then(|mean| i64::try_from(mean).ok()).unwrap_or(0)
}
