//! The memory checker finds what is there to be found.

use std::path::Path;
use std::process::Command;

use anyhow::{Result, ensure};
use module_harness::valgrind;

#[test]
fn a_planted_bug_is_found() -> Result<()> {
    let directory = tempfile::tempdir()?;
    let module = directory.path().join("planted.so");
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/planted.c");
    let status = Command::new("cc").args(["-shared", "-fPIC", "-o"]).arg(&module).arg(source).status()?;
    ensure!(status.success(), "the module doesn't compile");
    let findings = valgrind::findings(&[&module], |client| client.run("PING").map(drop))?;
    ensure!(findings.contains("Invalid read of size 1"), "{findings}");
    ensure!(findings.contains("8 bytes inside a block of size 40 free'd"), "{findings}");
    let findings = valgrind::findings(&[], |client| client.run("PING").map(drop))?;
    ensure!(findings.is_empty(), "{findings}");
    Ok(())
}
