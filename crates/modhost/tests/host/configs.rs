//! Directives of modules, which read and answer as on redis-server 7.0.

use crate::support::{Server, compile};

fn failed(name: &str, reason: &str) -> String {
    format!("-ERR CONFIG SET failed (possibly related to argument '{name}') - {reason}|")
}

#[test]
fn defaults_are_given() {
    let mut server = Server::with("configs");
    assert_eq!(server.raw("configs.show"), "*7|:5|:1024|:1|:2|:5|$6|a text|:0|");
    assert_eq!(server.raw("configs.late"), "+OK|");
    assert_eq!(
        server.raw("config get configs.b*"),
        "*4|$13|configs.bytes|$4|1024|$12|configs.bits|$8|red blue|"
    );
    assert!(!server.raw("config get *").contains("configs.hidden"));
    assert_eq!(server.raw("config get configs.hidden"), "*2|$14|configs.hidden|$2|no|");
    assert_eq!(server.raw("module unload configs"), "+OK|");
    assert_eq!(server.raw("config get configs.*"), "*0|");
}

#[test]
fn values_are_set_and_refused() {
    let mut server = Server::with("configs");
    assert_eq!(server.raw("config set configs.number 6"), "+OK|");
    assert_eq!(server.raw("config set configs.number 6 configs.flag no"), "+OK|");
    let number = |reason| failed("configs.number", reason);
    for (value, reason) in [
        ("101", "argument must be between -10 and 100 inclusive"),
        ("x", "argument couldn't be parsed into an integer"),
        ("13", "number is unlucky"),
    ] {
        assert_eq!(server.raw(&format!("config set configs.number {value}")), number(reason));
    }
    assert_eq!(
        server.raw("config set configs.number 14"),
        "-ERR CONFIG SET failed (possibly related to argument 'configs.number')|"
    );
    assert_eq!(server.raw("config set configs.number 99"), failed("number", "it does not apply"));
    assert_eq!(server.raw("configs.show"), "*7|:6|:1024|:0|:2|:5|$6|a text|:3|", "all is as it was");
    assert_eq!(server.raw("config set timeout 3 configs.number 13"), number("number is unlucky"));
    assert_eq!(server.raw("config get timeout"), "*2|$7|timeout|$1|0|");
    assert_eq!(server.raw("config set timeout 3 configs.number 7"), "+OK|");
    assert_eq!(server.raw("config get timeout"), "*2|$7|timeout|$1|3|");
    assert!(server.raw("config set timeout x configs.number 8").contains("'timeout'"));
    assert_eq!(server.raw("config get configs.number"), "*2|$14|configs.number|$1|7|");
}

#[test]
fn every_kind_has_its_syntax() {
    let mut server = Server::with("configs");
    let words = "argument(s) must be one of the following: red, green, blue";
    for (pair, name, reason) in [
        ("configs.flag maybe", "configs.flag", "argument must be 'yes' or 'no'"),
        ("configs.color pink", "configs.color", words),
        ("configs.bytes x", "configs.bytes", "argument must be a memory value"),
        ("configs.immutable yes", "configs.immutable", "can't set immutable config"),
        ("configs.protected yes", "configs.protected", "can't set protected config"),
        ("configs.flag no configs.flag no", "configs.flag", "duplicate parameter"),
    ] {
        assert_eq!(server.raw(&format!("config set {pair}")), failed(name, reason));
    }
    let unknown = "-ERR Unknown option or number of arguments for CONFIG SET - 'configs.none'|";
    assert_eq!(server.raw("config set configs.none no"), unknown);
    let client = server.client;
    server
        .engine
        .call(client, &[b"CONFIG", b"SET", b"Configs.Color", b"BLUE", b"configs.bits", b"red green"]);
    server
        .engine
        .call(client, &[b"CONFIG", b"SET", b"configs.bytes", b"2kb", b"configs.text", b"other text"]);
    assert_eq!(server.raw("configs.show"), "*7|:5|:2048|:1|:4|:3|$10|other text|:0|");
    assert_eq!(server.raw("config get configs.bits"), "*2|$12|configs.bits|$9|red green|");
}

#[test]
fn a_name_needs_no_prefix() {
    let mut server = Server::with("configs");
    assert_eq!(server.raw("config get plain-number"), "*2|$12|plain-number|$1|1|");
    assert_eq!(server.raw("config get configs.plain-number"), "*0|");
    assert_eq!(server.raw("config set Plain-Number 7 timeout 2"), "+OK|");
    assert_eq!(server.raw("config get plain-n*"), "*2|$12|plain-number|$1|7|");
    let reason = "argument must be between 0 and 100 inclusive";
    assert_eq!(server.raw("config set plain-number 101"), failed("plain-number", reason));
    assert_eq!(server.raw("module unload configs"), "+OK|");
    assert_eq!(server.raw("config get plain-number"), "*0|");
}

#[test]
fn secrets_are_shown_nowhere() {
    let mut server = Server::with("configs");
    server.call("config set slowlog-log-slower-than 0");
    server.call("config set configs.secret yes");
    assert!(server.raw("slowlog get 1").contains("$14|configs.secret|$10|(redacted)|"));
}

#[test]
fn loadex_gives_values() {
    let mut server = Server::new();
    let library = compile(server.directory(), "configs", &[]);
    let path = library.to_str().expect("UTF-8").to_owned();
    let refused = "-ERR Error loading the extension. Please check the server logs.|";
    for wrong in ["configs.nobody 1", "configs.number 1000", "configs.flag no ARGS x"] {
        assert_eq!(server.raw(&format!("module loadex {path} CONFIG {wrong}")), refused, "{wrong}");
        assert_eq!(server.raw("config get configs.*"), "*0|");
    }
    let given = "CONFIG configs.number 3 CONFIG configs.immutable yes CONFIG configs.number 4";
    assert_eq!(server.raw(&format!("module loadex {path} {given}")), "+OK|");
    assert_eq!(server.raw("config get configs.number"), "*2|$14|configs.number|$1|4|");
    assert_eq!(server.raw("config get configs.immutable"), "*2|$17|configs.immutable|$3|yes|");
}

#[test]
fn the_configuration_gives_values() {
    let mut server = Server::configured("configs.number 3\nCONFIGS.text 'a b' c\nconfigs.number 4\n");
    assert_eq!(server.engine.config().module_directives.len(), 2);
    server.load("configs", &[]).expect("loaded");
    assert_eq!(server.raw("configs.show"), "*7|:4|:1024|:1|:2|:5|$5|a b c|:0|");
    assert!(server.engine.config().module_directives.is_empty());
}
