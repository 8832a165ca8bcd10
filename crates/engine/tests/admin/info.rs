//! INFO.

use std::time::Duration;

use engine::Reply;

use crate::{NOW, Session, field, number};

/// The titles of an INFO, in order.
fn titles(text: &str) -> Vec<&str> {
    text.lines().filter_map(|line| line.strip_prefix("# ")).collect()
}

/// The sections that nobody needs to name.
const DEFAULT: &[&str] = &[
    "Server",
    "Clients",
    "Memory",
    "Persistence",
    "Stats",
    "Replication",
    "CPU",
    "Modules",
    "Errorstats",
    "Cluster",
    "Keyspace",
];

const ALL: &[&str] = &[
    "Server",
    "Clients",
    "Memory",
    "Persistence",
    "Stats",
    "Replication",
    "CPU",
    "Modules",
    "Commandstats",
    "Errorstats",
    "Latencystats",
    "Cluster",
    "Keyspace",
];

#[test]
fn sections_are_chosen_by_name() {
    let mut session = Session::new();
    for line in ["INFO all", "INFO EVERYTHING", "INFO cpu all"] {
        assert_eq!(titles(&session.text(line)), ALL, "{line}");
    }
    for line in ["INFO", "INFO Default", "INFO default cpu"] {
        assert_eq!(titles(&session.text(line)), DEFAULT, "{line}");
    }
    assert_eq!(titles(&session.text("INFO cpu Server nosuch CPU")), ["Server", "CPU"]);
    assert_eq!(session.text("INFO nosuch"), "");
    assert_eq!(session.text("INFO \"\""), "");
    assert_eq!(session.text("INFO cluster keyspace"), "# Cluster\r\ncluster_enabled:0\r\n\r\n# Keyspace\r\n");
    assert_eq!(session.engine.info_text(&["keyspace"]), "# Keyspace\r\n");
    session.call("HELLO 3");
    assert_eq!(session.call("INFO modules"), Reply::Verbatim("txt".into(), b"# Modules\r\n".to_vec()));
}

#[test]
fn every_line_is_a_field_a_title_or_empty() {
    let mut session = Session::new();
    let text = session.text("INFO");
    for line in text.strip_suffix("\r\n").expect("the last line ends").split("\r\n") {
        let is_field =
            line.split_once(':').is_some_and(|(name, _)| name.bytes().all(|byte| byte.is_ascii_graphic()));
        assert!(line.is_empty() || line.starts_with("# ") || is_field, "{line}");
        assert!(!line.contains(['\r', '\n']));
    }
}

#[test]
fn the_server_says_what_it_is() {
    let mut session = Session::new();
    session.call("CONFIG SET hz 50 port 7000");
    let text = session.text("INFO server");
    for (name, value) in [
        ("redis_version", "7.4.0"),
        ("zmalloc_version", env!("CARGO_PKG_VERSION")),
        ("redis_mode", "standalone"),
        ("process_id", &std::process::id().to_string()),
        ("tcp_port", "7000"),
        ("server_time_usec", &(NOW * 1000).to_string()),
        ("hz", "50"),
        ("configured_hz", "50"),
        ("config_file", ""),
    ] {
        assert_eq!(field(&text, name), value, "{name}");
    }
    assert_eq!(field(&text, "run_id").len(), 40);
    assert_eq!(
        field(&text, "executable"),
        std::env::current_exe().expect("there is one").to_str().expect("UTF-8")
    );
    assert!(field(&text, "os").starts_with(if cfg!(target_os = "linux") { "Linux " } else { "" }));
}

#[test]
fn what_happens_is_counted() {
    let mut session = Session::new();
    let other = session.accept("a:1");
    session.engine.receive(other, b"PING\r\nNONSENSE\r\nECHO half");
    session.engine.sent(other, 7);
    session.call("SELECT 99");
    let text = session.text("INFO");
    for (name, value) in [
        ("connected_clients", 2.0),
        ("blocked_clients", 0.0),
        ("maxclients", 10_000.0),
        ("total_connections_received", 2.0),
        ("total_commands_processed", 2.0),
        ("total_error_replies", 2.0),
        ("total_net_input_bytes", 25.0),
        ("total_net_output_bytes", 7.0),
        ("rejected_connections", 0.0),
    ] {
        assert_eq!(number(&text, name), value, "{name}");
    }
    assert!(number(&text, "client_recent_max_input_buffer") >= 9.0);
    session.call("CONFIG SET maxclients 2");
    assert!(session.engine.connect().is_err());
    assert_eq!(field(&session.text("INFO stats"), "rejected_connections"), "1");
    session.engine.disconnect(other);
    assert_eq!(field(&session.text("INFO clients"), "connected_clients"), "1");
}

#[test]
fn memory_adds_up() {
    let mut session = Session::new();
    let text = session.text("INFO memory");
    let number = |name| number(&text, name);
    let (used, startup) = (number("used_memory"), number("used_memory_startup"));
    assert!(used > 0.0 && startup > 0.0);
    assert!(number("used_memory_peak") >= used);
    assert_eq!(number("used_memory_dataset"), (used - number("used_memory_overhead")).max(0.0));
    assert!(number("used_memory_overhead") >= startup + number("mem_clients_normal"));
    assert!(number("allocator_active") >= number("allocator_allocated") * 0.9);
    assert!(number("allocator_resident") >= number("allocator_active"));
    assert!(number("used_memory_rss") > 0.0);
    let difference = number("used_memory_rss") - used;
    assert_eq!(number("mem_fragmentation_bytes"), difference);
    let ratio = number("used_memory_rss") / used;
    assert!((number("mem_fragmentation_ratio") - ratio).abs() <= 0.006);
    assert_eq!(number("rss_overhead_bytes"), number("used_memory_rss") - number("allocator_resident"));
    assert_eq!(number("maxmemory"), 0.0);
    assert_eq!(number("mem_not_counted_for_evict"), 0.0);
    assert_eq!(field(&text, "maxmemory_policy"), "noeviction");
    assert_eq!(field(&text, "mem_allocator"), zmalloc::BACKEND);
    assert_eq!(number("lazyfree_pending_objects"), 0.0);
}

#[test]
fn what_clients_hold_is_in_the_figures() {
    let mut session = Session::new();
    let clients = |session: &mut Session| number(&session.text("INFO memory"), "mem_clients_normal");
    let before = clients(&mut session);
    let other = session.accept("a:1");
    let mut request = b"*2\r\n$4\r\nECHO\r\n$1000000\r\n".to_vec();
    request.resize(request.len() + 900_000, b'x');
    session.engine.receive(other, &request);
    assert!(clients(&mut session) - before > 900_000.0);
    session.engine.disconnect(other);
    assert!(clients(&mut session) - before < 10_000.0);
}

#[test]
fn databases_tell_keys_and_how_long_they_live() {
    let mut session = Session::new();
    session.call("SET forever 1");
    session.call("SET short 1 PX 1000");
    session.call("SET long 1 PX 3000");
    session.call("SELECT 9");
    session.call("SET other 1");
    let expected = "# Keyspace\r\ndb0:keys=3,expires=2,avg_ttl=2000\r\ndb9:keys=1,expires=0,avg_ttl=0\r\n";
    assert_eq!(session.text("INFO keyspace"), expected);
    session.engine.clock_mut().advance(Duration::from_millis(500));
    assert!(session.text("INFO keyspace").contains("db0:keys=3,expires=2,avg_ttl=1500\r\n"));
}

#[test]
fn processor_time_is_the_kernels() {
    let mut session = Session::new();
    let text = session.text("INFO cpu");
    let names = ["used_cpu_sys", "used_cpu_user", "used_cpu_sys_children", "used_cpu_user_children"];
    for name in names {
        assert_eq!(field(&text, name).split_once('.').map(|(_, micros)| micros.len()), Some(6), "{name}");
    }
    let mut sum = 0_u64;
    let spent = |session: &mut Session| number(&session.text("INFO cpu"), "used_cpu_user");
    let before = spent(&mut session);
    while spent(&mut session) == before {
        sum = (0..100_000).fold(sum, |sum, number| sum.wrapping_mul(31) ^ number);
    }
    assert!(std::hint::black_box(sum) != 1);
}
