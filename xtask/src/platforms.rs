//! The allocator on systems that can't be run here: its library is checked by the compiler for each
//! of them whose standard library is installed.

use anyhow::{Result, bail};

use crate::shell;

/// One target for each file that is chosen by the operating system.
const TARGETS: &[&str] = &["x86_64-apple-darwin", "x86_64-unknown-freebsd", "x86_64-unknown-netbsd"];

/// Checks the package `zmalloc` for each target that is installed, and says which are not.
///
/// # Errors
/// When it doesn't compile for one of them, or warns.
pub(crate) fn check() -> Result<()> {
    let Ok(output) = shell::command("rustup").args(["target", "list", "--installed"]).output() else {
        println!("without rustup no target but this one is checked");
        return Ok(());
    };
    let installed = String::from_utf8_lossy(&output.stdout);
    let mut failed = Vec::new();
    for target in TARGETS {
        if !installed.lines().any(|line| line == *target) {
            println!("{target} is not checked: `rustup target add {target}` lets it be");
            continue;
        }
        let mut clippy = shell::cargo();
        clippy.args(["clippy", "--quiet", "--package", "zmalloc", "--lib", "--target", target]);
        clippy.args(["--", "-D", "warnings"]);
        if let Err(error) = shell::run(&mut clippy) {
            println!("error: {target}: {error:#}");
            failed.push(*target);
        }
    }
    if failed.is_empty() { Ok(()) } else { bail!("it doesn't compile for {}", failed.join(", ")) }
}
