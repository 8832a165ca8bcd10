//! A cluster of three masters with both modules and with slots on the move: what was acknowledged is found afterwards.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use anyhow::Result;
use module_harness::cluster::{Cluster, ClusterClient};
use module_harness::{Reply, library};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

#[test]
fn nothing_is_lost_while_slots_move() -> Result<()> {
    let cluster = Cluster::start(&[&library("tairstring")?, &library("tairhash")?])?;
    let nodes = cluster.identifiers()?;
    let port = cluster.port();
    let done = &AtomicBool::new(false);
    let acknowledged = thread::scope(|scope| -> Result<_> {
        let writer = scope.spawn(move || write(port, done));
        for (from, to) in [(0, 1), (1, 2), (2, 0)] {
            Cluster::reshard(port, &nodes[from], &nodes[to], 500)?;
        }
        done.store(true, Ordering::SeqCst);
        writer.join().expect("the writer doesn't panic")
    })?;
    assert!(acknowledged.len() > 100);
    let mut client = ClusterClient::new(port);
    for (key, (value, version)) in acknowledged {
        let reply = match key.starts_with("hash") {
            true => client.command(&["EXHGETWITHVER", &key, "n"])?,
            false => client.command(&["EXGET", &key])?,
        };
        assert_eq!(reply.text(), format!("[{value} {version}]"), "{key}");
    }
    Ok(())
}

/// Adds to random counters until it is told to stop, and returns what each must hold then.
fn write(port: u16, done: &AtomicBool) -> Result<HashMap<String, (i64, i64)>> {
    let mut client = ClusterClient::new(port);
    let mut random = StdRng::seed_from_u64(1);
    let mut acknowledged: HashMap<String, (i64, i64)> = HashMap::new();
    while !done.load(Ordering::SeqCst) || acknowledged.len() < 1000 {
        let is_hash = random.random::<bool>();
        let key = format!("{}{}", if is_hash { "hash" } else { "string" }, random.random_range(0..3000));
        let increment = random.random_range(1..100);
        let entry = acknowledged.entry(key.clone()).or_insert((0, 0));
        let increment_text = increment.to_string();
        let reply = match is_hash {
            true => client.command(&["EXHINCRBY", &key, "n", &increment_text])?,
            false => client.command(&["EXINCRBY", &key, &increment_text])?,
        };
        entry.0 += increment;
        entry.1 += 1;
        assert_eq!(reply, Reply::Integer(entry.0), "{key}");
    }
    Ok(acknowledged)
}
