//! One allocator under one workload. Prints the allocator's name, the operations that were done and
//! the CPU time that they took, in nanoseconds.
//!
//! The allocator is the program's global one, with link-time optimisation: that is how a program
//! meets it, with whatever of it can be inlined where a layout is known. Calling the trait on a value
//! instead would leave out the compiler's own shims, and would measure each allocator where nobody
//! uses it.

#![deny(unsafe_code)]

mod clock;
mod subject;
mod workload;

use anyhow::{Result, bail};
use clap::Parser;
use workload::Workload;

/// Runs a workload on this program's allocator.
#[derive(Parser)]
struct Arguments {
    /// What to do
    workload: Workload,
    /// How often; a workload with several threads shares them out
    operations: u64,
    /// Set a limit first, one that is never reached
    #[arg(long)]
    limit: bool,
}

/// Far more than a workload uses, far less than there are addresses.
const LIMIT: usize = 1 << 40;

fn main() -> Result<()> {
    let arguments = Arguments::parse();
    if arguments.limit && !subject::set_limit(LIMIT) {
        bail!("{} knows no limit", subject::name());
    }
    let taken = arguments.workload.run(arguments.operations);
    println!("{} {} {}", subject::name(), arguments.operations, taken.as_nanos());
    Ok(())
}
