//! A client that asks at a steady pace while something else happens, and how long it waited for the answers.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use hdrhistogram::Histogram;

use crate::resp::{Connection, write_command};

/// Sends GET for the keys that `next_key` names, one each `interval`, until `stop`. Gives the latencies, in
/// microseconds.
///
/// A request is sent when it is due, whether or not those before it have their replies, as requests of independent
/// clients are; so each that comes in a pause of the server counts. Those that this program itself is too late to send
/// are left out.
///
/// # Errors
/// When the connection fails, or a reply is an error.
pub fn get_until(
    stop: &AtomicBool,
    connection: &mut Connection,
    interval: Duration,
    mut next_key: impl FnMut() -> Vec<u8>,
) -> Result<Histogram<u64>> {
    let mut latencies = Histogram::new(3)?;
    let mut request = Vec::new();
    let mut sent = VecDeque::new();
    let mut due = Instant::now();
    loop {
        let is_over = stop.load(Ordering::Relaxed);
        if is_over && sent.is_empty() {
            return Ok(latencies);
        }
        let now = Instant::now();
        if now >= due && !is_over {
            due = (due + interval).max(now);
            request.clear();
            write_command(&mut request, &[b"GET", &next_key()]);
            sent.push_back(Instant::now());
            connection.send(&request)?;
        }
        while connection.has_input(due.saturating_duration_since(Instant::now()))? {
            connection.reply()?;
            let begun = sent.pop_front().context("a reply to nothing")?;
            latencies.record(u64::try_from(begun.elapsed().as_micros())?)?;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;
    use std::thread;

    use super::*;
    use crate::resp::Reply;
    use crate::server::Server;

    #[test]
    fn a_pause_of_the_server_weighs_as_many_requests_as_were_due() {
        let server = Server::start(Path::new("redis-server"), &["--enable-debug-command", "yes"]).unwrap();
        let stop = AtomicBool::new(false);
        let latencies = thread::scope(|scope| {
            let (stop, mut connection) = (&stop, server.connect().unwrap());
            let get = move || get_until(stop, &mut connection, Duration::from_millis(1), || b"key".to_vec());
            let client = scope.spawn(get);
            let slept = server.connect().unwrap().command(&[b"DEBUG", b"SLEEP", b"0.2"]).unwrap();
            assert_eq!(slept, Reply::Simple("OK".to_owned()));
            stop.store(true, Ordering::Relaxed);
            client.join().unwrap().unwrap()
        });
        assert!(latencies.max() >= 100_000);
    }
}
