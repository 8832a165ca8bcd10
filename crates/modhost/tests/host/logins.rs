//! Modules that decide who may log in, and ACL categories that they add: what Redis 7.2 and 7.4 document.

use engine::ClientId;

use crate::support::{Server, compile};

const WRONG: &str = "-WRONGPASS invalid username-password pair or user is disabled.|";

/// A server with the module, and users with the password `pass`.
fn server() -> Server {
    let mut server = Server::with("auth");
    for user in ["1one", "2two"] {
        server.call(&format!("acl setuser {user} on >pass +@all"));
    }
    server
}

/// A client that has sent a command.
fn client(server: &mut Server, line: &str) -> ClientId {
    let client = server.engine.connect().expect("a client");
    let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    server.engine.execute(client, &args);
    client
}

/// What a client of its own is told, who it is then, and who was asked.
fn told(server: &mut Server, line: &str) -> (String, String, String) {
    let client = client(server, line);
    let reply = server.output(client);
    server.engine.execute(client, &[b"ACL", b"WHOAMI"]);
    let user = server.output(client);
    let trace = trace(server);
    server.engine.disconnect(client);
    server.raw("auth.trace");
    (reply, user.split('|').nth(1).unwrap_or_default().to_owned(), trace)
}

fn trace(server: &mut Server) -> String {
    server.raw("auth.trace").split('|').nth(1).unwrap_or_default().to_owned()
}

#[test]
fn the_latest_callback_is_asked_first() {
    let mut server = server();
    let expect = |server: &mut Server, line: &str, reply: &str, user: &str, asked: &str| {
        let (told, who, trace) = told(server, line);
        assert_eq!((&*told, &*who, &*trace), (reply, user, asked), "{line}");
    };
    expect(&mut server, "auth 1one accept", "+OK|", "1one", "21");
    expect(&mut server, "auth 2two accept", "+OK|", "2two", "2");
    expect(&mut server, "auth 1one own", "+OK|", "owned", "21");
    expect(&mut server, "auth 1one deny", WRONG, "default", "21");
    expect(&mut server, "auth 2two deny", WRONG, "default", "2");
    expect(&mut server, "auth 1one reason", "-ERR told  so|", "default", "21");
    expect(&mut server, "auth 1one auto", "-ERR told  so|", "default", "21");
    expect(&mut server, "auth 1one code", "-CUSTOM told so|", "default", "21");
    expect(&mut server, "auth 1one reply", "+the module's|", "default", "21");
    // Who isn't there can't be become.
    expect(&mut server, "auth 3nobody accept", WRONG, "default", "21");
    // Where nobody decides the password does.
    expect(&mut server, "auth 1one pass", "+OK|", "1one", "21");
    expect(&mut server, "auth 2two pass", "+OK|", "2two", "21");
    expect(&mut server, "auth 1one wrong", WRONG, "default", "21");
    let without = "-ERR AUTH <password> called without any password configured for the default user. \
                   Are you sure your configuration is correct?|";
    expect(&mut server, "auth accept", without, "default", "");
    server.call("config set requirepass secret");
    assert_eq!(server.raw("auth secret"), "+OK|");
    assert_eq!(trace(&mut server), "21");
    let unnamed = client(&mut server, "auth accept");
    assert_eq!(server.output(unnamed), "+OK|", "the user is the default one");
}

#[test]
fn hello_asks_as_well() {
    let mut server = server();
    let (reply, user, asked) = told(&mut server, "hello 3 auth 1one accept setname me");
    assert!(reply.starts_with("%7|$6|server|"), "{reply}");
    assert_eq!((&*user, &*asked), ("1one", "21"));
    let (reply, user, _) = told(&mut server, "hello 3 auth 1one code");
    assert_eq!((&*reply, &*user), ("-CUSTOM told so|", "default"));
    let (reply, user, _) = told(&mut server, "hello 3 auth 1one reply");
    assert_eq!((&*reply, &*user), ("+the module's|", "default"));
}

#[test]
fn clients_wait_for_the_verdict() {
    for (verdict, reply, user) in [
        ("accept", "+OK|", "1one"),
        ("own", "+OK|", "owned"),
        ("deny", WRONG, "default"),
        ("reason", "-ERR told  so|", "default"),
        ("reply", "+the module's|", "default"),
        ("skip", WRONG, "default"),
        ("abort", WRONG, "default"),
    ] {
        let mut server = server();
        let waiting = server.waiting("auth 1one wait");
        server.engine.execute(waiting, &[b"ACL", b"WHOAMI"]);
        assert_eq!(server.output(waiting), "", "requests behind it wait");
        let unblock = format!("client unblock {}", waiting.number());
        assert_eq!(server.raw(&unblock), ":0|");
        assert!(server.raw("module unload auth").contains("blocked clients"));
        assert_eq!(server.raw(&format!("auth.release {verdict}")), "+OK|");
        let told = server.output(waiting);
        let who = format!("${}|{user}|", user.len());
        assert_eq!(told, format!("{reply}{who}"), "{verdict}");
        let trace = trace(&mut server);
        let expected = if verdict == "abort" { "21" } else { "21(released)(freed)" };
        assert_eq!(trace, expected, "{verdict}");
    }
}

#[test]
fn who_was_skipped_asks_the_next() {
    let mut server = server();
    let waiting = server.waiting("auth 1one waitboth");
    server.call("auth.release skip");
    assert_eq!(server.output(waiting), "", "the next has it wait, too");
    assert_eq!(server.raw("auth.release accept"), "+OK|");
    assert_eq!(server.output(waiting), "+OK|");
    assert_eq!(trace(&mut server), "2(released)1(freed)(released)(freed)");
    server.engine.execute(waiting, &[b"PING"]);
    assert_eq!(server.output(waiting), "+PONG|", "it waits no longer");
}

#[test]
fn hello_goes_on_after_a_wait() {
    let mut server = server();
    let waiting = server.waiting("hello 3 auth 1one wait setname me");
    server.call("auth.release accept");
    let reply = server.output(waiting);
    assert!(reply.starts_with("%7|$6|server|") && reply.contains("|$5|proto|:3|"), "{reply}");
    server.engine.execute(waiting, &[b"CLIENT", b"GETNAME"]);
    assert_eq!(server.output(waiting), "$2|me|");
}

#[test]
fn a_thread_decides() {
    let mut server = server();
    for (password, reply) in
        [("threadaccept", "+OK|"), ("threaddeny", WRONG), ("threadcode", "-CUSTOM told so|")]
    {
        for _ in 0..10 {
            let waiting = server.waiting(&format!("auth 1one {password}"));
            assert_eq!(server.awaited(waiting), reply, "{password}");
            server.engine.disconnect(waiting);
        }
    }
    server.raw("auth.trace");
    let memory = server.report("auth").memory;
    assert_eq!(memory.blocks, 0, "every verdict was freed");
}

#[test]
fn who_goes_while_it_waits_is_forgotten() {
    let mut server = server();
    let waiting = server.waiting("auth 1one wait");
    server.engine.disconnect(waiting);
    assert_eq!(server.raw("auth.release accept"), "+OK|");
    server.engine.attend();
    assert_eq!(trace(&mut server), "21(freed)");
    assert_eq!(server.raw("module unload auth"), "+OK|");
}

#[test]
fn nobody_waits_in_a_transaction() {
    let mut server = server();
    let client = client(&mut server, "multi");
    server.engine.execute(client, &[b"AUTH", b"1one", b"wait"]);
    server.engine.execute(client, &[b"EXEC"]);
    let reply = server.output(client);
    assert_eq!(reply, "+OK|+QUEUED|*1|-ERR Blocking module command called from transaction|");
    server.call("auth.release accept");
    server.engine.attend();
    server.engine.execute(client, &[b"ACL", b"WHOAMI"]);
    assert_eq!(server.output(client), "$7|default|");
    assert_eq!(
        server.raw("auth.misuse"),
        "-ERR Module blocking client on auth when not currently undergoing module authentication|"
    );
}

#[test]
fn what_modules_call_logs_nobody_in() {
    let mut server = server();
    assert_eq!(server.raw("auth.call 1one accept"), WRONG, "a client that nobody sees has no user to change");
    assert_eq!(server.raw("auth.call 1one pass"), "+OK|");
    assert_eq!(server.raw("acl whoami"), "$7|default|");
}

#[test]
fn a_module_that_goes_decides_no_more() {
    let mut server = server();
    let watched = client(&mut server, "auth 1one accept");
    let by_password = client(&mut server, "auth 1one pass");
    assert_eq!(server.raw("module unload auth"), "+OK|");
    assert!(server.engine.closing(watched).is_some(), "the module has made it what it is");
    assert!(server.engine.closing(by_password).is_none());
    let client = client(&mut server, "auth 1one accept");
    assert_eq!(server.output(client), WRONG);
}

#[test]
fn denials_are_logged_by_the_module() {
    let mut server = server();
    told(&mut server, "auth 1one reason");
    let log = server.raw("acl log");
    assert!(log.contains("|$4|auth|") && log.contains("|$6|module|") && log.contains("|$4|1one|"), "{log}");
    server.call("acl log reset");
    told(&mut server, "auth 1one deny");
    assert_eq!(server.raw("acl log"), "*0|", "the module has said nothing");
    told(&mut server, "auth 1one wrong");
    assert!(server.raw("acl log").contains("|$8|toplevel|"));
}

#[test]
fn categories_are_added() {
    let mut server = Server::with("auth");
    assert!(server.raw("acl cat").ends_with("|$9|scripting|$6|auth_0|"));
    assert_eq!(server.raw("acl cat AUTH_0"), "*1|$10|auth.trace|");
    assert!(server.raw("acl cat read").contains("|$10|auth.trace|"));
    assert_eq!(server.raw("command list filterby aclcat auth_0"), "*1|$10|auth.trace|");
    assert!(server.raw("command info auth.trace").contains("|*2|+@read|+@auth_0|"));
    server.call("acl setuser eve on nopass -@all +@auth_0");
    assert_eq!(server.raw("acl dryrun eve auth.trace"), "+OK|");
    assert!(server.raw("acl dryrun eve auth.misuse").contains("no permissions"));
    assert!(server.raw("acl list").contains("-@all +@auth_0|"), "told as it was said");
    assert_eq!(server.raw("module unload auth"), "+OK|");
    assert_eq!(server.raw("acl cat auth_0"), "*0|", "it stays, and is empty");
}

#[test]
fn categories_of_a_module_that_fails_to_load_are_taken_back() {
    let mut server = Server::new();
    let library = compile(server.directory(), "auth", &[]);
    let own = server.raw("acl cat");
    let count: usize = own[1..].split('|').next().and_then(|count| count.parse().ok()).expect("a count");
    let room = 64 - count;
    for args in [&[&*room.to_string(), "fail"][..], &[&(room + 1).to_string()], &["2", "fail"]] {
        assert!(server.load_file(&library, args).is_err(), "{args:?}");
        assert_eq!(server.raw("acl cat"), own, "{args:?}");
    }
    server.load_file(&library, &[&room.to_string()]).expect("there is just room for them");
    assert!(server.raw("acl cat").starts_with("*64|"));
    assert!(server.raw("acl cat auth_42").starts_with('*'));
}

#[test]
fn users_of_the_configuration_may_name_what_modules_bring() {
    let mut server = Server::configured("user eve on nopass +auth.trace +@auth_0");
    assert!(server.engine.load_users().is_err(), "they haven't come");
    server.load("auth", &[]).expect("loaded");
    server.engine.load_users().expect("they are there");
    assert_eq!(server.raw("acl dryrun eve auth.trace"), "+OK|");
}
