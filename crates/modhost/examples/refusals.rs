//! What becomes of a module that is refused memory: `refusals MODULE NTH` loads it, has the NTH of its allocations that
//! may fail do so, and runs the commands that stand on standard input, one a line, words by spaces.
//!
//! After a rehearsal without that, it prints each reply, and in the end whether the refusal has come. A module that
//! doesn't survive it ends the program on the way; one that does must have given everything back when the keys are
//! gone.
#![forbid(unsafe_code)]

use std::error::Error;
use std::io::{BufRead, Write};

use modhost::TestServer;

#[global_allocator]
static ALLOC: zmalloc::ZMalloc = zmalloc::ZMalloc::new();

fn main() -> Result<(), Box<dyn Error>> {
    let mut args = std::env::args().skip(1);
    let (Some(path), Some(nth), None) = (args.next(), args.next(), args.next()) else {
        return Err("the arguments are a module's file and a number".into());
    };
    let mut server = TestServer::new();
    let name = server.load(path)?;
    let script: Vec<String> = std::io::stdin().lock().lines().collect::<Result<_, _>>()?;
    // What the module makes once, and keeps, it makes in a rehearsal.
    for line in &script {
        server.try_call(server.client, &line.split(' ').collect::<Vec<_>>())?;
    }
    server.leaks()?;
    server.fail_allocation(&name, nth.parse()?)?;
    let mut output = std::io::stdout().lock();
    for line in &script {
        let words: Vec<&str> = line.split(' ').collect();
        let reply = server.try_call(server.client, &words)?;
        writeln!(output, "{line}: {reply:?}")?;
        output.flush()?;
    }
    let has_come = nth != "0" && server.take_failure(&name)?;
    server.assert_no_leaks();
    writeln!(output, "{}", if has_come { "refused" } else { "spared" })?;
    Ok(())
}
