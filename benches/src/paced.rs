//! A client that asks at a steady pace while something else happens, and how long it waited for the answers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::Result;
use hdrhistogram::Histogram;

use crate::resp::{Connection, write_command};

/// Sends GET for the keys that `next_key` names, one each `interval`, until `stop`. Gives the latencies, in
/// microseconds.
///
/// A request that had to wait because the reply before it was late counts from when it was due, so that a pause of
/// the server weighs as much as it would for independent clients. One that this program itself is late with counts
/// from when it was sent.
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
    let mut due = Instant::now();
    let mut replied = due;
    while !stop.load(Ordering::Relaxed) {
        let now = Instant::now();
        if now < due {
            thread::sleep(due - now);
        }
        let begun = if replied > due { due } else { Instant::now() };
        request.clear();
        write_command(&mut request, &[b"GET", &next_key()]);
        connection.send(&request)?;
        connection.reply()?;
        replied = Instant::now();
        latencies.record(u64::try_from((replied - begun).as_micros())?)?;
        // So it falls behind only if the server does.
        due = begun + interval;
    }
    Ok(latencies)
}

#[cfg(test)]
mod tests {
    use std::path::Path;

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
