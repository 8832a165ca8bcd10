//! Nothing is read, written or forgotten that shouldn't be.

use anyhow::Result;
use module_harness::{library, valgrind};
use rand::SeedableRng;
use rand::rngs::StdRng;

use super::replication::command;

#[test]
fn a_memory_checker_finds_nothing() -> Result<()> {
    let findings = valgrind::findings(&[&library("tairhash")?], |client| {
        let mut random = StdRng::seed_from_u64(7);
        for _ in 0..1500 {
            client.run(&command(&mut random))?;
        }
        for words in [
            "DEBUG RELOAD",
            "COPY k1 copy",
            "RENAME k2 renamed",
            "DEBUG DIGEST-VALUE copy",
            "MEMORY USAGE copy",
            "INFO everything",
            "UNLINK copy",
            "FLUSHALL",
        ] {
            client.run(words)?;
        }
        Ok(())
    })?;
    assert_eq!(findings, "");
    Ok(())
}
