//! Commands that check for themselves what they call.

use crate::support::Server;

#[test]
fn each_area_checks_itself() {
    let mut server = Server::with("corners");
    let before = server.report("corners").memory;
    for area in ["strings", "memory", "attributes", "databases key", "keys key", "calls other", "info"] {
        assert_eq!(server.raw(&format!("corners.{area}")), "+OK|", "{area}");
    }
    let after = server.report("corners").memory;
    assert_eq!((after.live, after.blocks), (before.live, before.blocks), "nothing is left");
    assert_eq!(server.report("corners").options, ["handle-io-errors"]);
}

#[test]
fn sections_of_info_are_added() {
    let mut server = Server::with("corners");
    let figures =
        "# corners_Figures|corners_signed:-1|corners_un_signed:18446744073709551615|corners_real:0.5|";
    let texts = "# corners_texts|corners_string:a text|corners_cstring:another|corners_dict:a=1,b=2|";
    let everything = server.raw("info everything");
    assert!(everything.contains(figures) && everything.contains(texts), "{everything}");
    assert!(server.raw("info modules").contains(figures));
    assert!(!server.raw("info").contains("corners_signed"));
    let one = server.raw("info corners_texts");
    assert!(one.contains(texts) && !one.contains("corners_signed"), "{one}");
    assert!(server.raw("info corners").contains(figures));
}

#[test]
fn a_command_s_description_is_told() {
    let mut server = Server::with("corners");
    let docs = server.raw("command docs corners.keys");
    for part in [
        "$7|summary|$12|Checks keys.|",
        "$5|since|$5|1.2.3|",
        "$5|group|$6|module|",
        "$10|complexity|$4|O(1)|",
        "$7|history|*1|*2|$5|1.2.4|$12|Checks more.|",
        "$4|name|$3|key|$4|type|$3|key|$14|key_spec_index|:0|",
        "$4|type|$5|oneof|$5|flags|*1|+optional|$9|arguments|*2|",
        "$5|token|$4|FAST|",
    ] {
        assert!(docs.contains(part), "{part} in {docs}");
    }
    let info = server.raw("command info corners.keys");
    assert!(info.starts_with("*1|*10|$12|corners.keys|:-2|*2|+write|+module|:1|:1|:1|"), "{info}");
    for part in ["+@keyspace|", "+@dangerous|", "$23|nondeterministic_output|", "+RW|+update|"] {
        assert!(info.contains(part), "{part} in {info}");
    }
    assert_eq!(
        server.raw("corners.keys"),
        "-ERR wrong number of arguments for 'corners.keys' command|",
        "the arity counts"
    );
}

/// An assertion that fails ends the process; so this test runs itself in another.
#[test]
fn a_failed_assertion_ends_the_server() {
    const CHILD: &str = "MODHOST_TEST_ASSERT";
    if std::env::var_os(CHILD).is_some() {
        Server::with("corners").call("corners.assert");
        return;
    }
    let itself = std::env::current_exe().expect("the test's program");
    let status = std::process::Command::new(itself)
        .args(["--exact", "corners::a_failed_assertion_ends_the_server", "--nocapture"])
        .env(CHILD, "1")
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .status()
        .expect("it runs");
    assert_eq!(std::os::unix::process::ExitStatusExt::signal(&status), Some(6), "SIGABRT: {status}");
}

#[test]
fn a_module_finds_the_keys_of_its_command() {
    let mut server = Server::with("corners");
    assert_eq!(server.raw("corners.find 2 a b c"), "$12|corners.find|");
    assert_eq!(server.raw("command getkeys corners.find 2 a b c"), "*2|$1|a|$1|b|");
    assert_eq!(
        server.raw("command getkeysandflags corners.find 2 a b c"),
        "*2|*2|$1|a|*3|+RW|+access|+update|*2|$1|b|*2|+RO|+access|"
    );
    assert_eq!(
        server.raw("command getkeys corners.find 9 a b c"),
        "-ERR Invalid arguments specified for command|"
    );
    server.call("acl setuser u on nopass ~a* +@all");
    server.call("auth u any");
    assert_eq!(server.raw("corners.find 1 a b"), "$12|corners.find|");
    assert_eq!(
        server.raw("corners.find 2 a b"),
        "-NOPERM this user has no permissions to access one of the keys used as arguments|"
    );
}

#[test]
fn timers_fire_when_the_clock_says_so() {
    let mut server = Server::with("corners");
    server.call("select 4");
    assert_eq!(server.raw("corners.timers"), "+OK|");
    let ms = std::time::Duration::from_millis;
    assert_eq!(server.engine.attend(), Some(ms(50)), "one that was stopped may still wake the server");
    server.engine.clock_mut().advance(ms(99));
    assert_eq!(server.engine.attend(), Some(ms(1)));
    assert_eq!(server.raw("corners.timers ?"), "$0||");
    server.engine.clock_mut().advance(ms(1));
    assert_eq!(server.engine.attend(), Some(ms(100)));
    assert_eq!(server.raw("corners.timers ?"), "$7|4early |");
    assert_eq!(
        server.raw("module unload corners"),
        "-ERR Error unloading module: the module holds timer that is not fired. Please stop the timer or wait until it \
         fires.|"
    );
    server.engine.clock_mut().advance(ms(1000));
    assert_eq!(server.engine.attend(), None);
    assert_eq!(server.raw("corners.timers ?"), "$13|4early 4late |");
    assert_eq!(server.raw("module unload corners"), "+OK|");
}
