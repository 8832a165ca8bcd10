//! The table of directives: Redis 7.0's, each with the syntax of its value and where the
//! value lives.

use super::directive::{Directive, Place, Requirement};
use super::types::{LogLevel, MaxmemoryPolicy, Protection, PubsubDefault, SanitizeDumpPayload, Setting as _};
use super::value::Kind::{Choice, MemoryOrPercent, Octal, Text, Words, YesNo};
use super::value::{Kind, Value};
use super::{check, events};
use crate::defrag;

const I32: i64 = i32::MAX as i64;
const U32: i64 = u32::MAX as i64;
const MIB: i64 = 1 << 20;

// What is absent, as the end of "has no effect: …" and of "CONFIG SET failed (…) - …".
const AFFINITY: &str = "binding to processors is not supported";
const AOF: &str = "append-only files are not supported";
const BACKGROUND: &str = "running in the background is not supported, let a supervisor do it";
const CLUSTER: &str = "cluster mode is not supported";
const COLLECTIONS: &str = "hashes, lists, sets, sorted sets and streams are not supported";
const DYNAMIC_HZ: &str = "the frequency of rounds doesn't depend on the number of clients";
const HLL: &str = "HyperLogLog is not supported";
const HUGE_PAGES: &str = "transparent huge pages stay as the system has set them";
const MEMCHECK: &str = "testing memory after a crash is not supported";
const OOM_SCORE: &str = "adjusting the kernel's OOM score is not supported";
const RDB: &str = "RDB files are not supported";
const PROPAGATION_ERRORS: &[&str] = &["ignore", "panic", "panic-on-replicas"];
const REHASHING: &str = "the dictionary grows and shrinks with each command, never in the background";
const REPLICATION: &str = "replication is not supported";
const SOCKET_MARK: &str = "marking sockets is not supported";
const SUPERVISION: &str = "telling a supervisor about readiness is not supported";
const SYSLOG_FACILITIES: &[&str] =
    &["user", "local0", "local1", "local2", "local3", "local4", "local5", "local6", "local7"];
const SYSLOG: &str = "the system log is not supported";
const THREADS: &str = "I/O threads are not supported";
const TITLE: &str = "changing the title of the process is not supported";
const TLS: &str = "TLS is not supported";
const WARNINGS: &str = "there are no warnings to ignore";

/// A setting in force, kept in the field of `Config` named here.
macro_rules! field {
    ($field:ident) => {
        Place::Field { get: |config| config.$field.value(), set: |config, value| config.$field.assign(value) }
    };
}

/// `hz` is brought within 1 to 500, as Redis does, instead of being refused.
const HZ: Place = Place::Field {
    get: |config| config.hz.value(),
    set: |config, value| {
        if let Value::Integer(hz) = value {
            config.hz.assign(Value::Integer(hz.clamp(1, 500)));
        }
    },
};

const ANY: Kind = Text(check::any);
const PORT: Kind = integer(0, 65_535);
const COUNT: Kind = integer(0, I32);
const LONG: Kind = integer(0, i64::MAX);
const BYTES: Kind = memory(0, i64::MAX);

/// Every directive, in alphabetical order of the names.
#[rustfmt::skip]
pub static TABLE: &[Directive] = &[
    row("acl-pubsub-default", Choice(PubsubDefault::WORDS), field!(acl_pubsub_default)),
    row("aclfile", ANY, field!(aclfile)).immutable(),
    row("acllog-max-len", LONG, field!(acllog_max_len)),
    row("active-defrag-cycle-max", integer(1, 99), field!(active_defrag_cycle_max)),
    row("active-defrag-cycle-min", integer(1, 99), field!(active_defrag_cycle_min)),
    row("active-defrag-ignore-bytes", memory(1, i64::MAX), field!(active_defrag_ignore_bytes)),
    row("active-defrag-max-scan-fields", integer(1, i64::MAX), waiting("1000", COLLECTIONS)),
    row("active-defrag-threshold-lower", integer(0, 1000), field!(active_defrag_threshold_lower)),
    row("active-defrag-threshold-upper", integer(0, 1000), field!(active_defrag_threshold_upper)),
    row("active-expire-effort", integer(1, 10), field!(active_expire_effort)),
    row("activedefrag", YesNo, field!(activedefrag)).requires(defrag::requirement),
    row("activerehashing", YesNo, waiting("yes", REHASHING)),
    row("always-show-logo", YesNo, field!(always_show_logo)).immutable(),
    row("aof-disable-auto-gc", YesNo, waiting("no", AOF)),
    row("aof-load-truncated", YesNo, waiting("yes", AOF)),
    row("aof-rewrite-incremental-fsync", YesNo, waiting("yes", AOF)),
    row("aof-timestamp-enabled", YesNo, waiting("no", AOF)),
    row("aof-use-rdb-preamble", YesNo, waiting("yes", AOF)),
    row("aof_rewrite_cpulist", ANY, waiting("", AFFINITY)).immutable(),
    row("appenddirname", Text(check::directory_name), waiting("appendonlydir", AOF)).immutable(),
    row("appendfilename", Text(check::append_file_name), waiting("appendonly.aof", AOF)).immutable(),
    row("appendfsync", Choice(&["everysec", "always", "no"]), waiting("everysec", AOF)),
    row("appendonly", YesNo, only("no", AOF)),
    row("auto-aof-rewrite-min-size", BYTES, waiting("67108864", AOF)),
    row("auto-aof-rewrite-percentage", COUNT, waiting("100", AOF)),
    row("bgsave_cpulist", ANY, waiting("", AFFINITY)).immutable(),
    row("bind", Words(check::addresses), field!(bind)),
    row("bind-source-addr", ANY, waiting("", REPLICATION)),
    row("bio_cpulist", ANY, waiting("", AFFINITY)).immutable(),
    row("busy-reply-threshold", LONG, field!(busy_reply_threshold)).alias("lua-time-limit"),
    row("client-output-buffer-limit", Words(check::output_limits), field!(client_output_buffer_limit)),
    row("client-query-buffer-limit", memory(MIB, i64::MAX), field!(client_query_buffer_limit)),
    row("cluster-allow-pubsubshard-when-down", YesNo, waiting("yes", CLUSTER)),
    row("cluster-allow-reads-when-down", YesNo, waiting("no", CLUSTER)),
    row("cluster-allow-replica-migration", YesNo, waiting("yes", CLUSTER)),
    row("cluster-announce-bus-port", PORT, waiting("0", CLUSTER)),
    row("cluster-announce-hostname", Text(check::host_name), waiting("", CLUSTER)),
    row("cluster-announce-ip", ANY, waiting("", CLUSTER)),
    row("cluster-announce-port", PORT, waiting("0", CLUSTER)),
    row("cluster-announce-tls-port", PORT, waiting("0", CLUSTER)),
    row("cluster-config-file", ANY, waiting("nodes.conf", CLUSTER)).immutable(),
    row("cluster-enabled", YesNo, only("no", CLUSTER)).immutable(),
    row("cluster-link-sendbuf-limit", BYTES, waiting("0", CLUSTER)),
    row("cluster-migration-barrier", COUNT, waiting("1", CLUSTER)),
    row("cluster-node-timeout", LONG, waiting("15000", CLUSTER)),
    row("cluster-port", PORT, waiting("0", CLUSTER)).immutable(),
    row("cluster-preferred-endpoint-type", Choice(&["ip", "hostname", "unknown-endpoint"]), waiting("ip", CLUSTER)),
    row("cluster-replica-no-failover", YesNo, waiting("no", CLUSTER)).alias("cluster-slave-no-failover"),
    row("cluster-replica-validity-factor", COUNT, waiting("10", CLUSTER)).alias("cluster-slave-validity-factor"),
    row("cluster-require-full-coverage", YesNo, waiting("yes", CLUSTER)),
    row("crash-log-enabled", YesNo, field!(crash_log_enabled)),
    row("crash-memcheck-enabled", YesNo, waiting("yes", MEMCHECK)),
    row("daemonize", YesNo, only("no", BACKGROUND)).immutable(),
    row("databases", integer(1, I32), field!(databases)).immutable(),
    row("dbfilename", Text(check::dump_file_name), waiting("dump.rdb", RDB)).protected(),
    row("dir", ANY, field!(dir)).protected(),
    row("disable-thp", YesNo, waiting("yes", HUGE_PAGES)).immutable(),
    row("dynamic-hz", YesNo, waiting("yes", DYNAMIC_HZ)),
    row("enable-debug-command", Choice(Protection::WORDS), field!(enable_debug_command)).immutable(),
    row("enable-module-command", Choice(Protection::WORDS), field!(enable_module_command)).immutable(),
    row("enable-protected-configs", Choice(Protection::WORDS), field!(enable_protected_configs)).immutable(),
    row("hash-max-listpack-entries", LONG, waiting("512", COLLECTIONS)).alias("hash-max-ziplist-entries"),
    row("hash-max-listpack-value", BYTES, waiting("64", COLLECTIONS)).alias("hash-max-ziplist-value"),
    row("hll-sparse-max-bytes", BYTES, waiting("3000", HLL)),
    row("hz", COUNT, HZ),
    row("ignore-warnings", ANY, waiting("", WARNINGS)),
    row("io-threads", integer(1, 128), waiting("1", THREADS)).immutable(),
    row("io-threads-do-reads", YesNo, waiting("no", THREADS)).immutable(),
    row("jemalloc-bg-thread", YesNo, field!(jemalloc_bg_thread)),
    row("latency-monitor-threshold", LONG, field!(latency_monitor_threshold)),
    row("latency-tracking", YesNo, field!(latency_tracking)),
    row("latency-tracking-info-percentiles", Words(check::percentiles), field!(latency_tracking_info_percentiles)),
    row("lazyfree-lazy-eviction", YesNo, field!(lazyfree_lazy_eviction)),
    row("lazyfree-lazy-expire", YesNo, field!(lazyfree_lazy_expire)),
    row("lazyfree-lazy-server-del", YesNo, field!(lazyfree_lazy_server_del)),
    row("lazyfree-lazy-user-del", YesNo, field!(lazyfree_lazy_user_del)),
    row("lazyfree-lazy-user-flush", YesNo, field!(lazyfree_lazy_user_flush)),
    row("lfu-decay-time", COUNT, field!(lfu_decay_time)),
    row("lfu-log-factor", COUNT, field!(lfu_log_factor)),
    row("list-compress-depth", COUNT, waiting("0", COLLECTIONS)),
    row("list-max-listpack-size", integer(-I32 - 1, I32), waiting("-2", COLLECTIONS)).alias("list-max-ziplist-size"),
    row("logfile", ANY, field!(logfile)).immutable(),
    row("loglevel", Choice(LogLevel::WORDS), field!(loglevel)),
    row("masterauth", ANY, waiting("", REPLICATION)),
    row("masteruser", ANY, waiting("", REPLICATION)),
    row("maxclients", integer(1, U32), field!(maxclients)),
    row("maxmemory", BYTES, field!(maxmemory)),
    row("maxmemory-clients", MemoryOrPercent, field!(maxmemory_clients)),
    row("maxmemory-eviction-tenacity", integer(0, 100), field!(maxmemory_eviction_tenacity)),
    row("maxmemory-policy", Choice(MaxmemoryPolicy::WORDS), field!(maxmemory_policy)),
    row("maxmemory-samples", integer(1, I32), field!(maxmemory_samples)),
    row("min-replicas-max-lag", COUNT, waiting("10", REPLICATION)).alias("min-slaves-max-lag"),
    row("min-replicas-to-write", COUNT, only("0", REPLICATION)).alias("min-slaves-to-write"),
    row("no-appendfsync-on-rewrite", YesNo, waiting("no", AOF)),
    row("notify-keyspace-events", Text(events::check), field!(notify_keyspace_events)),
    row("oom-score-adj", Choice(&["no", "yes", "relative", "absolute"]), only("no", OOM_SCORE)),
    row("oom-score-adj-values", Words(check::oom_scores), waiting("0 200 800", OOM_SCORE)),
    row("pidfile", ANY, field!(pidfile)).immutable(),
    row("port", PORT, field!(port)),
    row("proc-title-template", Text(check::title_template), waiting("{title} {listen-addr} {server-mode}", TITLE)),
    row("propagation-error-behavior", Choice(PROPAGATION_ERRORS), waiting("ignore", REPLICATION)),
    row("protected-mode", YesNo, field!(protected_mode)),
    row("proto-max-bulk-len", memory(MIB, i64::MAX), field!(proto_max_bulk_len)),
    row("rdb-del-sync-files", YesNo, waiting("no", RDB)),
    row("rdb-save-incremental-fsync", YesNo, waiting("yes", RDB)),
    row("rdbchecksum", YesNo, waiting("yes", RDB)).immutable(),
    row("rdbcompression", YesNo, field!(rdbcompression)),
    row("repl-backlog-size", memory(1, i64::MAX), waiting("1048576", REPLICATION)),
    row("repl-backlog-ttl", LONG, waiting("3600", REPLICATION)),
    row("repl-disable-tcp-nodelay", YesNo, waiting("no", REPLICATION)),
    row("repl-diskless-load", Choice(&["disabled", "on-empty-db", "swapdb"]), waiting("disabled", REPLICATION)),
    row("repl-diskless-sync", YesNo, waiting("yes", REPLICATION)),
    row("repl-diskless-sync-delay", COUNT, waiting("5", REPLICATION)),
    row("repl-diskless-sync-max-replicas", COUNT, waiting("0", REPLICATION)),
    row("repl-ping-replica-period", integer(1, I32), waiting("10", REPLICATION)).alias("repl-ping-slave-period"),
    row("repl-timeout", integer(1, I32), waiting("60", REPLICATION)),
    row("replica-announce-ip", ANY, waiting("", REPLICATION)).alias("slave-announce-ip"),
    row("replica-announce-port", PORT, waiting("0", REPLICATION)).alias("slave-announce-port"),
    row("replica-announced", YesNo, waiting("yes", REPLICATION)),
    row("replica-ignore-disk-write-errors", YesNo, waiting("no", REPLICATION)),
    row("replica-ignore-maxmemory", YesNo, waiting("yes", REPLICATION)).alias("slave-ignore-maxmemory"),
    row("replica-lazy-flush", YesNo, waiting("no", REPLICATION)).alias("slave-lazy-flush"),
    row("replica-priority", COUNT, waiting("100", REPLICATION)).alias("slave-priority"),
    row("replica-read-only", YesNo, waiting("yes", REPLICATION)).alias("slave-read-only"),
    row("replica-serve-stale-data", YesNo, waiting("yes", REPLICATION)).alias("slave-serve-stale-data"),
    row("replicaof", Words(check::master), only("", REPLICATION)).alias("slaveof").immutable(),
    row("requirepass", ANY, field!(requirepass)),
    row("sanitize-dump-payload", Choice(SanitizeDumpPayload::WORDS), field!(sanitize_dump_payload)),
    row("save", Words(check::save_points), only("", RDB)),
    row("server_cpulist", ANY, waiting("", AFFINITY)).immutable(),
    row("set-max-intset-entries", LONG, waiting("512", COLLECTIONS)),
    row("set-proc-title", YesNo, waiting("yes", TITLE)).immutable(),
    row("shutdown-on-sigint", Words(check::shutdown_flags), waiting("default", RDB)),
    row("shutdown-on-sigterm", Words(check::shutdown_flags), waiting("default", RDB)),
    row("shutdown-timeout", COUNT, waiting("10", REPLICATION)),
    row("slowlog-log-slower-than", integer(-1, i64::MAX), field!(slowlog_log_slower_than)),
    row("slowlog-max-len", LONG, field!(slowlog_max_len)),
    row("socket-mark-id", integer(0, U32), only("0", SOCKET_MARK)).immutable(),
    row("stop-writes-on-bgsave-error", YesNo, waiting("yes", RDB)),
    row("stream-node-max-bytes", BYTES, waiting("4096", COLLECTIONS)),
    row("stream-node-max-entries", LONG, waiting("100", COLLECTIONS)),
    row("supervised", Choice(&["upstart", "systemd", "auto", "no"]), only("no", SUPERVISION)).immutable(),
    row("syslog-enabled", YesNo, only("no", SYSLOG)).immutable(),
    row("syslog-facility", Choice(SYSLOG_FACILITIES), waiting("local0", SYSLOG)).immutable(),
    row("syslog-ident", ANY, waiting("redis", SYSLOG)).immutable(),
    row("tcp-backlog", COUNT, field!(tcp_backlog)).immutable(),
    row("tcp-keepalive", COUNT, field!(tcp_keepalive)),
    row("timeout", COUNT, field!(timeout)),
    row("tls-auth-clients", Choice(&["no", "yes", "optional"]), waiting("yes", TLS)),
    row("tls-ca-cert-dir", ANY, waiting("", TLS)),
    row("tls-ca-cert-file", ANY, waiting("", TLS)),
    row("tls-cert-file", ANY, waiting("", TLS)),
    row("tls-ciphers", ANY, waiting("", TLS)),
    row("tls-ciphersuites", ANY, waiting("", TLS)),
    row("tls-client-cert-file", ANY, waiting("", TLS)),
    row("tls-client-key-file", ANY, waiting("", TLS)),
    row("tls-client-key-file-pass", ANY, waiting("", TLS)),
    row("tls-cluster", YesNo, only("no", TLS)),
    row("tls-dh-params-file", ANY, waiting("", TLS)),
    row("tls-key-file", ANY, waiting("", TLS)),
    row("tls-key-file-pass", ANY, waiting("", TLS)),
    row("tls-port", PORT, only("0", TLS)),
    row("tls-prefer-server-ciphers", YesNo, waiting("no", TLS)),
    row("tls-protocols", ANY, waiting("", TLS)),
    row("tls-replication", YesNo, only("no", TLS)),
    row("tls-session-cache-size", COUNT, waiting("20480", TLS)),
    row("tls-session-cache-timeout", COUNT, waiting("300", TLS)),
    row("tls-session-caching", YesNo, waiting("yes", TLS)),
    row("tracking-table-max-keys", LONG, field!(tracking_table_max_keys)),
    row("unixsocket", ANY, field!(unixsocket)).immutable(),
    row("unixsocketperm", Octal { max: 0o777 }, field!(unixsocketperm)).immutable(),
    row("zset-max-listpack-entries", LONG, waiting("128", COLLECTIONS)).alias("zset-max-ziplist-entries"),
    row("zset-max-listpack-value", BYTES, waiting("64", COLLECTIONS)).alias("zset-max-ziplist-value"),
];

const fn integer(min: i64, max: i64) -> Kind {
    Kind::Integer { min, max }
}

const fn memory(min: i64, max: i64) -> Kind {
    Kind::Memory { min, max }
}

const fn waiting(default: &'static str, absent: &'static str) -> Place {
    Place::Waiting { default, absent }
}

const fn only(value: &'static str, absent: &'static str) -> Place {
    Place::Only { value, absent }
}

const fn row(name: &'static str, kind: Kind, place: Place) -> Directive {
    Directive { name, alias: None, kind, place, is_immutable: false, is_protected: false, requirement: None }
}

impl Directive {
    const fn alias(mut self, alias: &'static str) -> Self {
        self.alias = Some(alias);
        self
    }

    const fn immutable(mut self) -> Self {
        self.is_immutable = true;
        self
    }

    const fn protected(mut self) -> Self {
        self.is_protected = true;
        self
    }

    const fn requires(mut self, requirement: Requirement) -> Self {
        self.requirement = Some(requirement);
        self
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::super::Config;
    use super::*;

    #[test]
    fn names_and_aliases_are_unique_and_lower_case() {
        let mut seen = HashSet::new();
        for directive in TABLE {
            for name in [Some(directive.name), directive.alias].into_iter().flatten() {
                assert!(seen.insert(name), "{name} is there twice");
                assert_eq!(name, name.to_ascii_lowercase());
                let found = Directive::find(name.to_ascii_uppercase().as_bytes());
                assert_eq!(found.expect(name).name, directive.name);
            }
        }
    }

    #[test]
    fn names_are_in_order() {
        assert!(TABLE.is_sorted_by_key(|directive| directive.name));
    }

    #[test]
    fn what_is_shown_can_be_set_and_changes_nothing() {
        for directive in TABLE {
            // No host and no port is how CONFIG GET shows what is written as `no one`.
            if directive.name == "replicaof" {
                continue;
            }
            let mut config = Config::default();
            let shown = directive.get(&config);
            let set = directive.set(&mut config, &shown);
            assert_eq!(set, Ok(()), "{}", directive.name);
            assert_eq!(config, Config::default(), "{}", directive.name);
        }
    }

    /// A field and its kind fit: both ends of the bounds, every word and every flag arrive in
    /// the field and come back.
    #[test]
    fn every_extreme_value_comes_back() {
        for directive in TABLE {
            let is_field = matches!(directive.place, Place::Field { .. });
            let is_bound = matches!(directive.place, Place::Only { .. }) || directive.requirement.is_some();
            if is_bound || directive.name == "hz" {
                continue;
            }
            for text in extremes(directive.kind) {
                let mut config = Config::default();
                let set = directive.set(&mut config, text.as_bytes());
                assert_eq!(set, Ok(()), "{} {text}", directive.name);
                let shown = String::from_utf8(directive.get(&config)).expect("ASCII");
                assert_eq!(shown, text, "{}", directive.name);
                assert!(config.waiting.is_empty() || !is_field, "{}", directive.name);
            }
        }
    }

    fn extremes(kind: Kind) -> Vec<String> {
        match kind {
            Kind::YesNo => vec!["yes".to_owned(), "no".to_owned()],
            Kind::Integer { min, max } | Kind::Memory { min, max } => {
                vec![min.to_string(), max.to_string()]
            }
            Kind::Octal { max } => vec!["0".to_owned(), format!("{max:o}")],
            Kind::MemoryOrPercent => vec!["100%".to_owned(), i64::MAX.to_string()],
            Kind::Choice(words) => words.iter().map(|word| (*word).to_owned()).collect(),
            Kind::Text(_) | Kind::Words(_) => Vec::new(),
        }
    }

    #[test]
    fn hz_is_brought_within_its_range() {
        let mut config = Config::default();
        for (text, hz) in [("0", 1), ("1", 1), ("500", 500), ("501", 500), ("100000", 500)] {
            let directive = Directive::find(b"hz").expect("a directive");
            assert_eq!(directive.set(&mut config, text.as_bytes()), Ok(()));
            assert_eq!(config.hz, hz);
        }
    }

    #[test]
    fn a_feature_that_is_not_here_cannot_be_asked_for() {
        let asks: [(&str, &[u8]); 6] = [
            ("appendonly", b"yes"),
            ("save", b"60 1"),
            ("cluster-enabled", b"yes"),
            ("replicaof", b"localhost 6379"),
            ("daemonize", b"yes"),
            ("tls-port", b"6380"),
        ];
        for (name, value) in asks {
            let mut config = Config::default();
            let directive = Directive::find(name.as_bytes()).expect(name);
            let reason = directive.set(&mut config, value).expect_err(name);
            assert!(reason.contains("not supported"), "{name}: {reason}");
            assert_eq!(config, Config::default());
        }
    }
}
