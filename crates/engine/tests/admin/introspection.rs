//! What the engine tells about the commands that it has run.

use super::*;

/// What another client is owed, as text; it is taken.
fn output(session: &mut Session, id: ClientId) -> String {
    let bytes = session.engine.output(id).to_vec();
    session.engine.sent(id, bytes.len());
    String::from_utf8(bytes).expect("UTF-8")
}

#[test]
fn slow_commands_are_logged_latest_first() {
    let mut session = Session::configured(|config| config.slowlog_max_len = 3);
    session.check(&[
        ("SLOWLOG LEN", ":0"),
        ("CONFIG SET slowlog-log-slower-than 0", "+OK"),
        ("CLIENT SETNAME me", "+OK"),
    ]);
    let long = "v".repeat(130);
    session.call(&format!("SET k {long}"));
    session.call(&format!("MGET {}", ["k"; 40].join(" ")));
    session.check(&[("CONFIG SET slowlog-log-slower-than -1", "+OK"), ("SLOWLOG LEN", ":3")]);
    let Reply::Array(entries) = session.call("SLOWLOG GET") else { panic!("no list") };
    let numbers: Vec<String> = entries
        .iter()
        .map(|entry| match entry {
            Reply::Array(fields) => format!("{} {} {}", show(&fields[0]), show(&fields[1]), show(&fields[5])),
            other => panic!("{other:?}"),
        })
        .collect();
    // The CONFIG SET that switched the log off wasn't slow any more when it ended.
    assert_eq!(numbers, [":3 :1700000000 $me", ":2 :1700000000 $me", ":1 :1700000000 $me"]);
    let shown = show(&entries[0]);
    assert!(shown.contains(&format!("[$MGET {} $... (10 more arguments)]", ["$k"; 30].join(" "))), "{shown}");
    let shown = show(&entries[1]);
    assert!(shown.contains(&format!("[$SET $k ${}... (2 more bytes)]", &long[..128])), "{shown}");
    assert_eq!(session.ask("SLOWLOG GET 0"), "[]");
    assert!(matches!(session.call("SLOWLOG GET -1"), Reply::Array(all) if all.len() == 3));
    session.check(&[("SLOWLOG RESET", "+OK"), ("SLOWLOG LEN", ":0")]);
}

#[test]
fn secrets_are_shown_nowhere() {
    let mut session = Session::configured(|config| config.slowlog_log_slower_than = 0);
    let monitor = session.accept("10.0.0.1:5");
    session.call_as(monitor, "MONITOR");
    for line in [
        "AUTH s3cret",
        "AUTH ann s3cret",
        "HELLO 2 AUTH ann s3cret",
        "ACL SETUSER ann >s3cret ~s3cret*",
        "CONFIG SET timeout 7 requirepass s3cret",
        "CONFIG SET REQUIREPASS s3cret",
        "CONFIG SET masterauth s3cret",
        "AUTH default s3cret",
        "ACL GETUSER s3cret",
        "ACL DELUSER s3cret",
    ] {
        session.call(line);
    }
    let log = session.ask("SLOWLOG GET 100");
    assert!(log.contains("[$CONFIG $SET $timeout $7 $requirepass $(redacted)]"), "{log}");
    assert!(log.contains("[$ACL $SETUSER $(redacted) $(redacted) $(redacted)]"));
    assert!(log.contains("[$HELLO $2 $AUTH $(redacted) $(redacted)]"));
    assert!(!log.contains("s3cret"));
    let shown = output(&mut session, monitor);
    assert!(
        shown.contains("\"AUTH\" \"(redacted)\" \"(redacted)\"\r\n") && !shown.contains("s3cret"),
        "{shown}"
    );
}

#[test]
fn whoever_monitors_is_shown_what_others_run() {
    let mut session = Session::new();
    let (monitor, other) = (session.accept("10.0.0.1:5"), session.accept("10.0.0.2:6"));
    assert_eq!(show(&session.call_as(monitor, "MONITOR")), "+OK");
    session.call_as(other, "SET \"a\\r\\n\" \"\\xff\"");
    session.call_as(other, "SELECT 3");
    session.call_as(other, "CONFIG GET timeout");
    session.call_as(other, "GET");
    session.call_as(other, "NOSUCH");
    for line in ["MULTI", "GET k", "EXEC"] {
        session.call_as(other, line);
    }
    let expected = "+1700000000.123000 [0 10.0.0.2:6] \"SET\" \"a\\r\\n\" \"\\xff\"\r\n\
                    +1700000000.123000 [3 10.0.0.2:6] \"SELECT\" \"3\"\r\n\
                    +1700000000.123000 [3 10.0.0.2:6] \"MULTI\"\r\n\
                    +1700000000.123000 [3 10.0.0.2:6] \"GET\" \"k\"\r\n\
                    +1700000000.123000 [3 10.0.0.2:6] \"EXEC\"\r\n";
    assert_eq!(output(&mut session, monitor), expected);
    assert!(session.text("CLIENT LIST").contains("flags=O "));
    assert_eq!(output(&mut session, monitor), "");
    assert_eq!(show(&session.call_as(monitor, "RESET")), "+RESET");
    session.call_as(other, "GET k");
    assert_eq!(output(&mut session, monitor), "");
    session.call_as(monitor, "MONITOR");
    session.engine.disconnect(monitor);
    session.call_as(other, "GET k");
}

#[test]
fn a_monitor_that_does_not_read_is_closed() {
    let mut session = Session::new();
    session.check(&[("CONFIG SET client-output-buffer-limit \"normal 1000 0 0\"", "+OK")]);
    let monitor = session.accept("10.0.0.1:5");
    session.call_as(monitor, "MONITOR");
    for _ in 0..30 {
        session.call("GET some:key:with:a:name");
    }
    assert_eq!(session.engine.closing(monitor), Some(Close::Now));
    assert!(session.engine.output(monitor).len() < 1200);
}

#[test]
fn calls_errors_and_durations_are_counted() {
    let mut session = Session::new();
    for line in [
        "SET k text",
        "INCR k",
        "INCR",
        "GET k",
        "GET k",
        "CONFIG GET x",
        "CONFIG NOSUCH",
        "NOSUCH",
        "AUTH a b",
    ] {
        session.call(line);
    }
    let stats = session.text("INFO commandstats");
    let row = |name: &str| {
        let row = field(&stats, &format!("cmdstat_{name}"));
        let parts: Vec<&str> = row.split(',').collect();
        (parts[0].to_owned(), parts[3].to_owned(), parts[4].to_owned())
    };
    let expected = |calls: &str, rejected: &str, failed: &str| {
        (format!("calls={calls}"), format!("rejected_calls={rejected}"), format!("failed_calls={failed}"))
    };
    assert_eq!(row("incr"), expected("1", "1", "1"));
    assert_eq!(row("get"), expected("2", "0", "0"));
    assert_eq!(row("config|get"), expected("1", "0", "0"));
    assert!(!stats.contains("cmdstat_del:") && !stats.contains("cmdstat_config:"));
    let errors = session.text("INFO errorstats");
    assert_eq!(errors, "# Errorstats\r\nerrorstat_ERR:count=4\r\nerrorstat_WRONGPASS:count=1\r\n");
    let latencies = session.text("INFO latencystats");
    let row = field(&latencies, "latency_percentiles_usec_get");
    assert!(row.starts_with("p50=") && row.contains(",p99=") && row.contains(",p99.9="), "{row}");
    let histogram = session.ask("LATENCY HISTOGRAM get config nosuch");
    assert!(
        histogram.starts_with("[$get [$calls :2 $histogram_usec [") && histogram.contains("$config|get [")
    );
    session.check(&[("CONFIG SET latency-tracking-info-percentiles \"0 100\"", "+OK")]);
    assert!(field(&session.text("INFO latencystats"), "latency_percentiles_usec_get").contains(",p100="));
    session.check(&[
        ("CONFIG RESETSTAT", "+OK"),
        ("CONFIG SET latency-tracking no", "+OK"),
        ("GET k", "$text"),
    ]);
    assert_eq!(session.text("INFO errorstats"), "# Errorstats\r\n");
    assert!(!session.text("INFO latencystats").contains("usec_get:"));
    assert!(field(&session.text("INFO commandstats"), "cmdstat_get").starts_with("calls=1,"));
}

#[test]
fn what_takes_long_is_noted() {
    let mut session =
        Session::configured(|config| config.enable_debug_command = engine::config::Protection::Yes);
    session.check(&[
        ("DEBUG SLEEP 0.02", "+OK"),
        ("LATENCY LATEST", "[]"),
        ("CONFIG SET latency-monitor-threshold 10", "+OK"),
        ("DEBUG SLEEP 0.02", "+OK"),
    ]);
    let Reply::Array(latest) = session.call("LATENCY LATEST") else { panic!("no list") };
    let Reply::Array(command) = &latest[0] else { panic!("no entry") };
    assert_eq!((show(&command[0]), show(&command[1])), ("$command".into(), ":1700000000".into()));
    assert!(
        matches!((&command[2], &command[3]), (Reply::Integer(last @ 20..), Reply::Integer(max)) if last == max)
    );
    assert!(session.ask("LATENCY HISTORY command").starts_with("[[:1700000000 :"));
    assert!(session.text("LATENCY GRAPH command").starts_with("command - high "));
    assert!(session.text("LATENCY DOCTOR").contains("1. command: 1 spikes"));
    session.check(&[
        ("LATENCY RESET nosuch command", ":1"),
        ("LATENCY HISTORY command", "[]"),
        ("LATENCY RESET", ":0"),
    ]);
}

#[test]
fn pictures_differ() {
    let mut session = Session::new();
    let pictures = [session.text("LOLWUT"), session.text("LOLWUT VERSION 5")];
    assert!(pictures.iter().all(|picture| picture.ends_with(" Redis ver. 7.4.0\n")));
    assert_ne!(pictures[0], pictures[1]);
    session.check(&[("LOLWUT VERSION x", NOT_AN_INTEGER)]);
}
