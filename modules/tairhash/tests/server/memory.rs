//! Nothing is read, written or forgotten that shouldn't be.

use anyhow::Result;
use module_harness::checks;
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::replication::command;

#[test]
fn a_memory_checker_finds_nothing() -> Result<()> {
    let mut random = StdRng::seed_from_u64(7);
    checks::a_memory_checker_finds_nothing("tairhash", 1500, || command(&mut random))
}
