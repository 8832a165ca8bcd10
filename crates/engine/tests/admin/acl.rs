//! Users: what is theirs to do, where they come from, and what becomes of their clients.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::path::Path;
use std::rc::Rc;

use super::*;

/// Files in memory, shared with the test.
#[derive(Clone, Debug, Default)]
struct Files(Rc<RefCell<HashMap<Vec<u8>, Vec<u8>>>>);

impl Files {
    fn get(&self, path: &str) -> String {
        String::from_utf8(self.0.borrow()[path.as_bytes()].clone()).expect("UTF-8")
    }

    fn put(&self, path: &str, text: &str) {
        self.0.borrow_mut().insert(path.into(), text.into());
    }
}

impl Host for Files {
    fn config_file(&self) -> Option<&Path> {
        Some(Path::new("redis.conf"))
    }

    fn read_config(&self) -> io::Result<Vec<u8>> {
        self.read_file(b"redis.conf")
    }

    fn write_config(&mut self, text: &[u8]) -> io::Result<()> {
        self.write_file(b"redis.conf", text)
    }

    fn read_file(&self, path: &[u8]) -> io::Result<Vec<u8>> {
        self.0.borrow().get(path).cloned().ok_or(io::ErrorKind::NotFound.into())
    }

    fn write_file(&mut self, path: &[u8], bytes: &[u8]) -> io::Result<()> {
        self.0.borrow_mut().insert(path.to_vec(), bytes.to_vec());
        Ok(())
    }
}

/// With an `aclfile` of this text.
fn with_file(text: &str) -> (Session, Files) {
    let files = Files::default();
    files.put("users.acl", text);
    files.put("redis.conf", "");
    let mut config = Config::default();
    config.aclfile = b"users.acl".to_vec();
    (Session::with(config, Box::new(files.clone())), files)
}

fn configured_with(text: &str) -> Result<Config, String> {
    let mut config = Config::default();
    let origin = engine::config::load::Origin::File;
    let source = engine::config::Source { origin, text: text.into() };
    config.load(&source, &mut |_| Ok(Vec::new())).map_err(|error| error.reason)?;
    Ok(config)
}

const NO_GET: &str = "-NOPERM this user has no permissions to run the 'get' command";
const NO_KEY: &str = "-NOPERM this user has no permissions to access one of the keys used as arguments";
const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.";
const DEFAULT: &str = "user default on nopass ~* &* +@all";

#[test]
fn a_user_has_its_passwords_and_permissions() {
    let mut session = Session::new();
    session.check(&[
        ("ACL SETUSER ann on >one >two ~a* %R~r* +set +get", "+OK"),
        ("AUTH ann three", WRONG),
        ("ACL WHOAMI", "$default"),
        ("AUTH ann two", "+OK"),
        ("SET a1 x", "+OK"),
        ("SET r1 x", NO_KEY),
        ("GET r1", "nil"),
        ("SET a1 y GET", "$x"),
        ("PING", "-NOPERM this user has no permissions to run the 'ping' command"),
    ]);
}

#[test]
fn rules_change_for_clients_that_are_connected() {
    let mut session = Session::new();
    let other = session.accept("10.0.0.1:5");
    session.check(&[("ACL SETUSER ann on nopass ~* +get", "+OK")]);
    assert_eq!(show(&session.call_as(other, "AUTH ann any")), "+OK");
    assert_eq!(show(&session.call_as(other, "GET k")), "nil");
    session.check(&[("ACL SETUSER ann -get", "+OK")]);
    assert_eq!(show(&session.call_as(other, "GET k")), NO_GET);
    assert!(session.text("CLIENT LIST").contains(" user=ann "));
}

#[test]
fn rules_are_applied_all_or_none() {
    let mut session = Session::new();
    let before = session.ask("ACL SETUSER ann on >pw ~a +get (+set ~b)") + &session.ask("ACL GETUSER ann");
    for rules in [
        "off resetpass +nosuch",
        "allkeys ~x",
        "(~x) (on)",
        "reset (+get",
        "resetpass <nosuch",
        "+@all +get|",
    ] {
        assert!(session.call(&format!("ACL SETUSER ann {rules}")).is_error(), "{rules}");
        assert!(session.call(&format!("ACL SETUSER new {rules}")).is_error(), "{rules}");
    }
    assert_eq!("+OK".to_owned() + &session.ask("ACL GETUSER ann"), before);
    session.check(&[("ACL GETUSER new", "nil"), ("ACL USERS", "[$ann $default]")]);
}

#[test]
fn clients_of_a_removed_user_are_closed() {
    let mut session = Session::new();
    let other = session.accept("10.0.0.1:5");
    session.check(&[("ACL SETUSER ann on nopass +@all", "+OK"), ("AUTH ann x", "+OK")]);
    assert_eq!(show(&session.call_as(other, "AUTH ann x")), "+OK");
    session.check(&[
        ("ACL DELUSER default", "-ERR The 'default' user cannot be removed"),
        ("ACL DELUSER ann bob", ":1"),
    ]);
    assert_eq!(session.closing(), Some(Close::AfterReply));
    assert_eq!(session.engine.closing(other), Some(Close::Now));
    assert_eq!(session.engine.take_doomed(), [other]);
}

/// What is granted before and after, whether the user's client is closed that has subscribed to `news` and `n*`, and
/// whether it is reached while the command that changes the user goes on.
#[test]
fn clients_are_closed_that_have_subscribed_to_what_is_taken_away() {
    for (granted, change, is_closed) in [
        ("&news &n*", "resetchannels", true),
        ("&news &n*", "reset", true),
        ("&news &n*", "resetchannels &news", true),
        ("&news &n*", "resetchannels &n*", false),
        ("&news &n*", "on", false),
        ("&news &n*", "(&sport)", false),
        ("&*", "resetchannels", true),
        ("&*", "resetchannels &n*", false),
        ("(&news &n*)", "clearselectors", true),
        ("&other", "on", true),
        ("", "on", false),
        ("", "&other", false),
    ] {
        let mut session = Session::new();
        let other = session.accept("10.0.0.1:5");
        session.check(&[("ACL SETUSER ann on nopass +@all", "+OK")]);
        session.call(&format!("ACL SETUSER ann {granted}"));
        for line in ["HELLO 3", "SUBSCRIBE news", "PSUBSCRIBE n*", "AUTH ann x"] {
            assert!(!session.call_as(other, line).is_error(), "{line}");
        }
        for line in ["MULTI", "PUBLISH news 1", &format!("ACL SETUSER ann {change}"), "PUBLISH news 2"] {
            session.call(line);
        }
        let reached = if is_closed { 0 } else { 2 };
        assert_eq!(session.ask("EXEC"), format!("[:2 +OK :{reached}]"), "{granted}, then {change}");
        assert_eq!(
            session.engine.closing(other),
            is_closed.then_some(Close::Now),
            "{granted}, then {change}"
        );
        assert_eq!(session.engine.take_doomed().len(), usize::from(is_closed));
    }
}

/// Redis 7.0 dies of this one.
#[test]
fn a_client_that_takes_its_own_channels_away_is_answered_and_closed() {
    let mut session = Session::new();
    session.check(&[("ACL SETUSER ann on nopass +@all &news", "+OK"), ("AUTH ann x", "+OK")]);
    session.call("HELLO 3");
    session.call("SUBSCRIBE news");
    session.check(&[("ACL SETUSER ann resetchannels", "+OK")]);
    assert_eq!(session.closing(), Some(Close::AfterReply));
}

#[test]
fn a_denied_command_in_a_transaction_is_not_answered_to_who_wants_no_replies() {
    let mut session = Session::new();
    let other = session.accept("10.0.0.1:5");
    session.check(&[("ACL SETUSER ann on nopass +@all ~*", "+OK")]);
    for line in ["AUTH ann x", "CLIENT REPLY OFF", "MULTI", "GET key"] {
        session.call_as(other, line);
    }
    session.check(&[("ACL SETUSER ann -get", "+OK")]);
    session.engine.execute(other, &[b"EXEC"]);
    assert_eq!(session.engine.output(other), b"");
    assert_eq!(session.text("INFO errorstats").trim_end(), "# Errorstats\r\nerrorstat_NOPERM:count=1");
}

#[test]
fn requirepass_is_the_default_users_password() {
    let mut session = Session::configured(|config| config.requirepass = b"pw".to_vec());
    let replies: Vec<String> = [
        "GET k",
        "AUTH x",
        "AUTH pw",
        "CONFIG SET requirepass other",
        "AUTH pw",
        "AUTH default other",
        "ACL SETUSER default nopass",
        "RESET",
        "GET k",
        "ACL SETUSER default off",
        "GET k",
        "RESET",
        "GET k",
        "AUTH default x",
    ]
    .iter()
    .map(|line| session.ask(line))
    .collect();
    let no_auth = "-NOAUTH Authentication required.";
    let expected = [
        no_auth, WRONG, "+OK", "+OK", WRONG, "+OK", "+OK", "+RESET", "nil", "+OK", "nil", "+RESET", no_auth,
        WRONG,
    ];
    assert_eq!(replies, expected);
}

#[test]
fn the_file_is_loaded_and_saved() {
    let (mut session, files) = with_file("user ann on nopass ~* +get\n\n  user bob off (+set ~x)  \n");
    session.engine.load_users().expect("the file is right");
    session.check(&[
        ("ACL USERS", "[$ann $bob $default]"),
        ("ACL SETUSER bob on", "+OK"),
        ("ACL SAVE", "+OK"),
    ]);
    let saved = format!(
        "user ann on nopass ~* resetchannels -@all +get\n\
         user bob on resetchannels -@all (~x resetchannels -@all +set)\n{DEFAULT}\n"
    );
    assert_eq!(files.get("users.acl"), saved);
    let other = session.accept("10.0.0.1:5");
    assert_eq!(show(&session.call_as(other, "AUTH ann x")), "+OK");
    files.put("users.acl", "user ann on nopass ~* +set\n");
    session.check(&[("ACL LOAD", "+OK"), ("ACL USERS", "[$ann $default]")]);
    assert_eq!(session.engine.closing(other), Some(Close::Now));
    assert_eq!(session.ask("CONFIG REWRITE"), "+OK");
    assert!(!files.get("redis.conf").contains("user "));
}

#[test]
fn a_file_with_an_error_changes_nothing() {
    let unchanged =
        "WARNING: ACL errors detected, no change to the previously active ACL rules was performed";
    for (text, error) in [
        (
            "user a +nosuch",
            "users.acl:1: Error in applying operation '+nosuch': Unknown command or category name in ACL. ",
        ),
        (
            "user a +x foo +y bar",
            "users.acl:1: Error in applying operation '+x': Unknown command or category name in ACL. \
             users.acl:1: Syntax error. \
             users.acl:1: Error in applying operation '+y': Unknown command or category name in ACL. ",
        ),
        ("\nuser a >pw ~x y", "users.acl:2: Syntax error. "),
        ("user a\nuser a", "WARNING: Duplicate user 'a' found on line 2. "),
        ("users a", "users.acl:1 should start with user keyword followed by the username. "),
        ("user a (+get", "users.acl:1: Unmatched parenthesis in selector definition."),
    ] {
        let (mut session, _) = with_file(text);
        assert_eq!(session.engine.load_users(), Err(format!("{error}{unchanged}")));
        assert_eq!(session.ask("ACL LOAD"), format!("-ERR {error}{unchanged}"));
        session.check(&[("ACL LIST", &format!("[${DEFAULT}]"))]);
    }
    let mut session = Session::new();
    assert!(
        session.ask("ACL SAVE").starts_with("-ERR This Redis instance is not configured to use an ACL file.")
    );
}

#[test]
fn the_configuration_declares_users() {
    let config =
        configured_with("user ann on nopass ~* +get\nUSER default on >pw ~* &* +@all\n").expect("right");
    let files = Files::default();
    let old = "port 1\nuser ann on nopass ~* +get\nuser default on >pw ~* &* +@all\n";
    files.put("redis.conf", old);
    let mut session = Session::with(config, Box::new(files.clone()));
    session.engine.load_users().expect("the lines are right");
    let id = session.engine.connect().expect("there is room");
    assert_eq!(show(&session.call_as(id, "PING")), "-NOAUTH Authentication required.");
    assert_eq!(show(&session.call_as(id, "AUTH pw")), "+OK");
    assert_eq!(show(&session.call_as(id, "CONFIG REWRITE")), "+OK");
    let hash = "30c952fab122c3f9759f02a6d95c3758b246b4fee239957b2d4fee46e26170c4";
    let expected =
        format!("user ann on nopass ~* resetchannels -@all +get\nuser default on #{hash} ~* &* +@all\n");
    assert!(files.get("redis.conf").contains(&expected), "{}", files.get("redis.conf"));
    for (text, reason) in [
        (
            "user a\nuser a",
            "Error in user declaration 'a': Duplicate user found. \
             A user can only be defined once in config files",
        ),
        ("user a (x", "Unmatched parenthesis in acl selector starting at '(x'."),
        ("user 'a b'", "User names can't contain spaces or null characters"),
    ] {
        assert_eq!(configured_with(text).unwrap_err(), reason);
    }
    // A module that is loaded later may bring the command.
    let unknown = configured_with("user a +nosuch").expect("read");
    assert!(Session::with(unknown, Box::new(files.clone())).engine.load_users().is_err());
    let mut both = configured_with("user ann on\naclfile users.acl\n").expect("each is right");
    both.port = 0;
    assert!(Session::with(both, Box::new(files)).engine.load_users().is_err());
}

#[test]
fn the_log_says_what_was_denied_to_whom() {
    let mut session = Session::configured(|config| config.acllog_max_len = 3);
    session.check(&[("ACL SETUSER ann on nopass ~a +get +auth", "+OK"), ("AUTH ann x", "+OK")]);
    for line in ["GET b", "GET b", "SET a 1", "AUTH bob y", "HELLO 2 AUTH eve y"] {
        assert!(session.call(line).is_error(), "{line}");
    }
    session.check(&[("AUTH default x", "+OK")]);
    session.engine.clock_mut().advance(std::time::Duration::from_millis(1500));
    let Reply::Array(entries) = session.call("ACL LOG") else { panic!("no list") };
    let shown: Vec<String> = entries.iter().map(show).collect();
    assert_eq!(shown.len(), 3);
    let begins = [
        "[$count :1 $reason $auth $context $toplevel $object $HELLO $username $eve $age-seconds $1.5 \
         $client-info $id=1 ",
        "[$count :1 $reason $auth $context $toplevel $object $AUTH $username $bob $age-seconds $1.5 ",
        "[$count :1 $reason $command $context $toplevel $object $set $username $ann $age-seconds $1.5 ",
    ];
    for (entry, begin) in shown.iter().zip(begins) {
        assert!(entry.starts_with(begin), "{entry}");
    }
    session.check(&[("ACL LOG RESET", "+OK"), ("ACL LOG", "[]")]);
}

#[test]
fn new_users_get_the_channels_that_the_configuration_grants() {
    let mut session = Session::new();
    session.check(&[
        ("ACL SETUSER a", "+OK"),
        ("CONFIG SET acl-pubsub-default allchannels", "+OK"),
        ("ACL SETUSER b", "+OK"),
        ("ACL LIST", &format!("[$user a off resetchannels -@all $user b off &* -@all ${DEFAULT}]")),
    ]);
}

#[test]
fn generated_passwords_are_as_long_as_asked_and_repeat_with_the_seed() {
    let mut passwords = [Session::new(), Session::new()].map(|mut session| session.text("ACL GENPASS 13"));
    assert_eq!(passwords[0].len(), 4);
    assert_eq!(passwords[0], passwords[1]);
    passwords[1] = Session::new().text("ACL GENPASS");
    assert_eq!(passwords[1].len(), 64);
    let mut unseeded = Engine::open(Options::default());
    let id = unseeded.connect().expect("there is room");
    let drawn = [(); 2].map(|()| unseeded.call(id, &[b"ACL", b"GENPASS"]));
    assert_ne!(drawn[0], drawn[1]);
}
