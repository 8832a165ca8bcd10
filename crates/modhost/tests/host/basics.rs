//! Strings, numbers, replies, keys, memory and calls.

use engine::Reply;

use crate::support::Server;

#[test]
fn words_come_and_go() {
    let mut server = Server::with("basics");
    assert_eq!(server.raw("basics.echo a b"), "*2|$1|a|$6|b-tail|");
    assert_eq!(server.raw("BASICS.ECHO"), "-ERR wrong number of arguments for 'basics.echo' command|");
    assert_eq!(server.raw("basics.box get x"), "$3|get|");
    assert_eq!(server.raw("basics.box put x"), "-ERR unknown subcommand 'put'. Try BASICS.BOX HELP.|");
}

#[test]
fn numbers_are_read_as_redis_reads_them() {
    let mut server = Server::with("basics");
    for (text, expected) in [
        ("12", "*4|:12|$2|12|$2|12|$2|12|"),
        ("-1", "*4|:-1|$-1|$2|-1|$2|-1|"),
        ("0.1", "*4|$-1|$-1|$19|0.10000000000000001|$3|0.1|"),
        (
            "18446744073709551615",
            "*4|$-1|$20|18446744073709551615|$22|1.8446744073709552e+19|$20|18446744073709551615|",
        ),
        ("x", "*4|$-1|$-1|$-1|$-1|"),
        ("nan", "*4|$-1|$-1|$-1|$-1|"),
        ("1e9999", "*4|$-1|$-1|$-1|$-1|"),
    ] {
        let reply = server.raw(&format!("basics.number {text}"));
        if text == "1e9999" {
            assert!(reply.starts_with("*4|$-1|$-1|$-1|$"), "only a long double holds it: {reply}");
        } else {
            assert_eq!(reply, expected, "{text}");
        }
    }
}

#[test]
fn every_kind_of_reply_in_both_versions() {
    let mut server = Server::with("basics");
    let common = "+status|-ERR wrong|-ERR format 7|$4|text|$0||";
    assert_eq!(
        server.raw("basics.replies"),
        format!("*14|{common}$-1|*-1|*0|:1|$3|1.5|$3|123|$2|hi|$2|hi|*2|$1|k|*1|:-1|")
    );
    server.call("hello 3");
    assert_eq!(
        server.raw("basics.replies"),
        format!("*14|{common}_|_|*0|#t|,1.5|(123|=6|txt:hi|=6|mkd:hi|%1|$1|k|~1|:-1|")
    );
}

#[test]
fn strings_of_keys_are_changed_in_place() {
    let mut server = Server::with("basics");
    assert_eq!(server.call("basics.append k ab"), Reply::Integer(2));
    assert_eq!(server.call("basics.append k cd"), Reply::Integer(4));
    server.call("set n 12");
    assert_eq!(server.call("basics.append n 3"), Reply::Integer(3));
    assert_eq!(server.raw("mget k n"), "*2|$4|abcd|$3|123|");
    let long = "x".repeat(2000);
    assert_eq!(server.call(&format!("basics.append k {long}")), Reply::Integer(2004));
    assert_eq!(server.call("strlen k"), Reply::Integer(2004));
}

#[test]
fn expiry_and_deletion() {
    let mut server = Server::with("basics");
    assert_eq!(server.raw("basics.expire none 5"), "*3|:1|:-1|:-1|");
    server.call("set k v");
    assert_eq!(server.raw("basics.expire k 5000"), "*3|:0|:5000|:1700000005000|");
    assert_eq!(server.raw("pttl k"), ":5000|");
    assert_eq!(server.raw("basics.expire k -1"), "*3|:0|:-1|:-1|");
    assert_eq!(server.raw("basics.expire k -2"), "*3|:1|:-1|:-1|");
    assert_eq!(server.raw("basics.delete k"), "*3|:1|:0|:0|", "a key that is only read can't be deleted");
    assert_eq!(server.raw("basics.delete k"), "*3|:-1|:0|:0|");
}

#[test]
fn watchers_are_told_when_a_key_that_could_be_written_is_closed() {
    let mut server = Server::with("basics");
    let other = server.engine.connect().expect("a client");
    for (line, expected) in [("basics.append k x", Reply::Null), ("basics.echo k", Reply::Array(vec![]))] {
        server.call("watch k");
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        server.engine.call(other, &args);
        server.call("multi");
        assert_eq!(server.call("exec"), expected, "{line}");
    }
}

#[test]
fn commands_are_called() {
    let mut server = Server::with("basics");
    assert_eq!(server.raw("basics.mixed k"), "*5|$2|OK|:0|:5|$5|value|:4|");
    assert_eq!(server.raw("pttl k"), ":5000|");
    assert_eq!(server.raw("basics.call get k"), "$5|value|");
    assert_eq!(server.raw("basics.call mget k none"), "*2|$5|value|$-1|");
    assert_eq!(server.raw("basics.call incr k"), "-ERR value is not an integer or out of range|");
    assert_eq!(
        server.raw("basics.call nope x"),
        "-ERR unknown command 'nope', with args beginning with: 'x' |"
    );
    assert_eq!(server.raw("basics.call get"), "-ERR wrong number of arguments for 'get' command|");
    assert_eq!(server.raw("basics.call basics.call basics.echo deep"), "*1|$9|deep-tail|");
    assert_eq!(server.raw("basics.call client id").get(..3), Some(":46"), "a client that nobody sees");
    assert_eq!(server.raw("info clients").matches("connected_clients:1|").count(), 1);
    server.call("multi");
    assert_eq!(server.raw("basics.call set k w"), "+QUEUED|");
    assert_eq!(server.raw("exec"), "*1|+OK|");
    assert_eq!(server.raw("get k"), "$1|w|");
}

#[test]
fn commands_are_told_of() {
    let mut server = Server::with("basics");
    let info = server.raw("command info basics.append");
    assert!(info.starts_with("*1|*10|$13|basics.append|:-1|*3|+write|+denyoom|+module|:1|:1|:1|"), "{info}");
    assert_eq!(server.raw("command getkeys basics.append k v"), "*1|$1|k|");
    assert!(server.raw("command list filterby module basics").contains("basics.box|get"));
    server.call("acl setuser u on nopass ~* +basics.echo");
    server.call("auth u any");
    assert_eq!(server.raw("basics.echo x"), "*1|$6|x-tail|");
    assert_eq!(
        server.raw("basics.append k v"),
        "-NOPERM this user has no permissions to run the 'basics.append' command|"
    );
}
