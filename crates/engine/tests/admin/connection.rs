//! PING ECHO HELLO AUTH RESET QUIT SELECT.

use engine::{Close, Reply};

use crate::{NOT_AN_INTEGER, SYNTAX, Session, arity};

const HELLO_2: &str =
    "[$server $redis $version $7.4.0 $proto :2 $id :1 $mode $standalone $role $master $modules []]";
const HELLO_3: &str =
    "{$server=$redis $version=$7.4.0 $proto=:3 $id=:1 $mode=$standalone $role=$master $modules=[]}";
const WRONG_PASSWORD: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
const NO_AUTH: &str = "-NOAUTH Authentication required.";
const BAD_NAME: &str = "-ERR Client names cannot contain spaces, newlines or special characters.";

fn protected() -> Session {
    Session::configured(|config| config.requirepass = b"secret".to_vec())
}

#[test]
fn ping_and_echo() {
    Session::new().check(&[
        ("PING", "+PONG"),
        ("ping \"a\\r\\nb\"", "$a\\r\\nb"),
        ("PING a b", &arity("ping")),
        ("ECHO \"\"", "$"),
        ("ECHO", &arity("echo")),
        ("ECHO a b", &arity("echo")),
    ]);
}

#[test]
fn hello_chooses_the_protocol() {
    Session::new().check(&[
        ("HELLO", HELLO_2),
        ("HELLO 3", HELLO_3),
        ("HELLO", HELLO_3),
        ("HELLO 1", "-NOPROTO unsupported protocol version"),
        ("HELLO 4", "-NOPROTO unsupported protocol version"),
        ("HELLO three", "-ERR Protocol version is not an integer or out of range"),
        ("HELLO 9223372036854775808", "-ERR Protocol version is not an integer or out of range"),
        ("CLIENT GETNAME", "nil"),
        ("HELLO 2", HELLO_2),
    ]);
}

#[test]
fn hello_takes_its_options_one_by_one() {
    Session::new().check(&[
        ("HELLO 2 setname one auth default any", HELLO_2),
        ("CLIENT GETNAME", "$one"),
        ("HELLO 2 AUTH", "-ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 2 AUTH default", "-ERR Syntax error in HELLO option 'AUTH'"),
        ("HELLO 2 SETNAME", "-ERR Syntax error in HELLO option 'SETNAME'"),
        ("HELLO 2 SETNAME \"a b\"", BAD_NAME),
        ("HELLO 3 SETNAME two nonsense", "-ERR Syntax error in HELLO option 'nonsense'"),
        ("CLIENT GETNAME", "$two"),
        ("HELLO 3 SETNAME three AUTH nobody any", WRONG_PASSWORD),
        ("CLIENT GETNAME", "$three"),
        ("HELLO 2 SETNAME \"\"", HELLO_2),
        ("CLIENT GETNAME", "nil"),
    ]);
}

#[test]
fn a_password_is_asked_for() {
    let mut session = protected();
    let refused = "-NOAUTH HELLO must be called with the client already authenticated, otherwise the HELLO AUTH \
                   <user> <pass> option can be used to authenticate the client and select the RESP protocol version \
                   at the same time";
    session.check(&[
        ("PING", NO_AUTH),
        ("SELECT 1", NO_AUTH),
        ("HELLO", refused),
        ("HELLO 3", refused),
        ("HELLO 5", "-NOPROTO unsupported protocol version"),
        ("HELLO 3 AUTH default wrong", WRONG_PASSWORD),
        ("PING", NO_AUTH),
        ("AUTH secre", WRONG_PASSWORD),
        ("AUTH secrets", WRONG_PASSWORD),
        ("AUTH \"\"", WRONG_PASSWORD),
        ("AUTH Default secret", WRONG_PASSWORD),
        ("AUTH", &arity("auth")),
        ("AUTH a b c", SYNTAX),
        ("HELLO 3 AUTH default secret", HELLO_3),
        ("PING", "+PONG"),
        ("AUTH wrong", WRONG_PASSWORD),
        ("PING", "+PONG"),
        ("RESET", "+RESET"),
        ("PING", NO_AUTH),
        ("AUTH secret", "+OK"),
        ("RESET", "+RESET"),
        ("AUTH default secret", "+OK"),
        ("PING", "+PONG"),
    ]);
    let other = session.accept("127.0.0.1:1");
    session.check(&[("CONFIG SET requirepass \"\"", "+OK")]);
    assert_eq!(session.call_as(other, "PING"), Reply::Simple("PONG".into()));
}

#[test]
fn without_a_password_none_is_wrong() {
    Session::new().check(&[
        (
            "AUTH any",
            "-ERR AUTH <password> called without any password configured for the default user. Are you sure your \
             configuration is correct?",
        ),
        ("AUTH default any", "+OK"),
        ("AUTH nobody any", WRONG_PASSWORD),
        ("AUTH a b c", SYNTAX),
    ]);
}

#[test]
fn reset_undoes_what_a_client_chose() {
    let mut session = Session::new();
    session.check(&[
        ("HELLO 3 SETNAME one", HELLO_3),
        ("SELECT 5", "+OK"),
        ("CLIENT NO-EVICT on", "+OK"),
        ("CLIENT SETINFO lib-name lib", "+OK"),
        ("RESET now", &arity("reset")),
        ("RESET", "+RESET"),
        ("CLIENT GETNAME", "nil"),
    ]);
    let line = session.text("CLIENT INFO");
    for part in [" name= ", " flags=e ", " db=0 ", " resp=2 ", " lib-name=lib "] {
        assert!(line.contains(part), "{part} in {line}");
    }
}

#[test]
fn quit_closes_behind_its_reply() {
    let mut session = Session::new();
    let id = session.id;
    session.engine.receive(id, b"PING\r\nQUIT with arguments\r\nPING\r\n");
    assert_eq!(session.engine.output(id), b"+PONG\r\n+OK\r\n");
    assert_eq!(session.closing(), Some(Close::AfterReply));
}

#[test]
fn quit_needs_no_password() {
    let mut session = protected();
    session.check(&[("QUIT", "+OK")]);
    assert_eq!(session.closing(), Some(Close::AfterReply));
}

#[test]
fn select_knows_its_databases() {
    let out_of_range = "-ERR DB index is out of range";
    let no_int = "-ERR value is out of range, value must between -2147483648 and 2147483647";
    let mut session = Session::configured(|config| config.databases = 3);
    session.check(&[
        ("SELECT 2", "+OK"),
        ("SELECT 3", out_of_range),
        ("SELECT -1", out_of_range),
        ("SELECT -2147483648", out_of_range),
        ("SELECT 2147483648", no_int),
        ("SELECT -2147483649", no_int),
        ("SELECT 01", NOT_AN_INTEGER),
        ("SELECT one", NOT_AN_INTEGER),
        ("SELECT 9223372036854775808", NOT_AN_INTEGER),
        ("SELECT", &arity("select")),
    ]);
    assert!(session.text("CLIENT INFO").contains(" db=2 "));
}
