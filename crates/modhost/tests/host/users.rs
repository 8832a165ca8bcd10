//! Users of modules, as redis-server has them.

use engine::ClientId;

use crate::oracle::{Connection, Redis, same};
use crate::support::{Server, compile};
use crate::values::both;

/// Two clients with the same story, one here and one of redis-server's.
struct Twins {
    ours: ClientId,
    theirs: Connection,
}

impl Twins {
    fn new(ours: &mut Server, theirs: &Redis) -> Self {
        Self { ours: ours.engine.connect().expect("a client"), theirs: theirs.connect() }
    }

    /// What a command replies to both.
    #[track_caller]
    fn same(&mut self, ours: &mut Server, line: &str) -> String {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        ours.engine.execute(self.ours, &args);
        let reply = ours.engine.output(self.ours).to_vec();
        ours.engine.sent(self.ours, reply.len());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace("\r\n", "|");
        assert_eq!(text(&reply), text(&self.theirs.bytes(&args)), "{line}");
        text(&reply)
    }

    /// The numbers of the clients.
    fn numbers(&mut self) -> (String, String) {
        let theirs = String::from_utf8(self.theirs.bytes(&[b"CLIENT", b"ID"])).expect("a number");
        (self.ours.number().to_string(), theirs[1..].trim_end().to_owned())
    }

    #[track_caller]
    fn are_closed(&mut self, ours: &mut Server) {
        assert!(self.theirs.is_closed(), "redis-server closes it");
        assert!(ours.engine.closing(self.ours).is_some(), "it is closed here too");
        ours.engine.disconnect(self.ours);
    }
}

/// Has both servers run a command that names a client, which has another number in each.
#[track_caller]
fn same_about(ours: &mut Server, theirs: &mut Redis, command: &str, twins: (&str, &str)) {
    let (our_line, their_line) = (format!("{command} {}", twins.0), format!("{command} {}", twins.1));
    let words: Vec<&[u8]> = their_line.split(' ').map(str::as_bytes).collect();
    let expected = String::from_utf8_lossy(&theirs.bytes(&words)).replace("\r\n", "|");
    assert_eq!(ours.raw(&our_line), expected, "{command}");
}

#[test]
fn rules_are_applied() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(
        &mut ours,
        &mut theirs,
        "users.make ada
        users.show 0
        users.rule 0 nonsense
        users.rule 0 +nosuch
        users.rule 0 ~with\tblank
        users.rule 0 on
        users.rule 0 on\toff
        users.show 0
        users.rules 0 +get ~a* (%R~b*
        users.rules 0 +get ~a* +nosuch
        users.rules 0 +get ~a* nonsense
        users.show 0
        users.rules 0 +get ~a* (%R~b* +get)
        users.rules 0
        users.rules 0 \"off
        users.show 0
        users.rule 0 reset
        users.show 0
        users.rules 0 >secret ~x &y +@read -@all +acl|whoami
        users.show 0
        acl list
        acl getuser ada
        users.find ada
        acl setuser bob off
        users.find bob
        users.rule 1 +get
        users.rules 1 ~k on
        users.show 1
        acl list
        users.free 1
        acl list",
    );
}

#[test]
fn permissions_are_asked_for() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nusers.rules 0 +get +set ~a* &ch* (%R~b* +get)");
    for call in
        ["get a", "get b", "get c", "set a 1", "set b 1", "get", "del a", "nosuch", "acl whoami", "publish"]
    {
        same(&mut ours, &mut theirs, &format!("users.can 0 {call}"));
    }
    for key in ["a1", "b1", "c1"] {
        for flags in [0, 1, 2, 16, 32, 48, 64, 128, 240, 256, 512, -1] {
            same(&mut ours, &mut theirs, &format!("users.key 0 {key} {flags}"));
        }
    }
    for channel in ["ch1", "ch*", "zz"] {
        for flags in [0, 1, 2, 3, 4, 5, 8, 10, 15, 16, -1] {
            same(&mut ours, &mut theirs, &format!("users.channel 0 {channel} {flags}"));
        }
    }
    same(&mut ours, &mut theirs, "users.rules 0 allkeys allchannels allcommands\nusers.key 0 zz 240");
    same(&mut ours, &mut theirs, "users.can 0 del zz\nusers.channel 0 zz* 1\nusers.can 0 nosuch");
}

#[test]
fn commands_are_called_as_users() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(
        &mut ours,
        &mut theirs,
        "users.make ada
        users.rules 0 +get +acl|whoami ~a*
        set a1 value
        users.as 0 v get a1
        users.as 0 Cv get a1
        users.as 0 Cv get b1
        users.as 0 Cv del a1
        users.as 0 v del b1
        users.as 0 Cv nosuch
        users.as 0 Cv acl whoami
        users.as 9 Cv acl whoami
        users.as 9 Cv del b1",
    );
    // Redis 7.0 has another sentence for these.
    assert_eq!(
        ours.raw("users.as 0 CEv del a1"),
        "-NOPERM this user has no permissions to run the 'del' command|"
    );
    let log = ours.raw("acl log 1");
    assert!(log.contains("$6|module|") && log.contains("$3|del|") && log.contains("$3|ada|"), "{log}");
    ours.call("users.free 0");
    assert_eq!(ours.raw("users.as 0 Cv acl whoami"), "$7|default|", "it is as if none were set");
}

/// The entries of ACL LOG, without what is each server's own.
fn log_of(reply: &str) -> String {
    let mut words = reply.split('|');
    let mut kept = Vec::new();
    while let Some(word) = words.next() {
        match word {
            "age-seconds" | "client-info" => _ = words.nth(1),
            word => kept.push(word),
        }
    }
    kept.join("|")
}

#[test]
fn what_modules_deny_is_logged() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nusers.find default");
    for reason in [0, 1, 2, 3, 3, 4, -1] {
        same(&mut ours, &mut theirs, &format!("users.log 0 thing {reason}"));
    }
    same(&mut ours, &mut theirs, "users.log 1 other 2");
    let their_log = String::from_utf8_lossy(&theirs.bytes(&[b"ACL", b"LOG"])).replace("\r\n", "|");
    let our_log = ours.raw("acl log");
    assert_eq!(log_of(&our_log), log_of(&their_log));
    assert!(our_log.contains("cmd=users.log user=default"), "{our_log}");
    assert_eq!(ours.raw("users.log 9 thing 1"), "+OK|");
    assert_eq!(ours.raw("acl log"), our_log, "nobody was denied anything");
}

#[test]
fn clients_act_for_users_of_modules() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nacl setuser bob on nopass +@all ~b*\nacl setuser gone on");
    let mut client = Twins::new(&mut ours, &theirs);
    for line in ["users.login 0", "users.login.acl nobody", "acl whoami"] {
        client.same(&mut ours, line);
    }
    same(&mut ours, &mut theirs, "users.rules 0 on ~a* +@all -del");
    for line in [
        "users.login 0",
        "acl whoami",
        "users.current",
        "get a",
        "get b",
        "del a",
        "users.login.acl bob",
        "acl whoami",
        "get a",
        "get b",
        "users.login.quietly 0",
        "acl whoami",
        "users.login.acl bob",
        "reset",
        "acl whoami",
        "users.login 0",
    ] {
        client.same(&mut ours, line);
    }
    let (number, other) = client.numbers();
    let twins = (number.as_str(), other.as_str());
    same_about(&mut ours, &mut theirs, "users.changes", twins);
    // What the user may do changes for those who act for it.
    same(&mut ours, &mut theirs, "users.rule 0 -get");
    client.same(&mut ours, "get a");
    // A user of ACL LIST that has the same name is another.
    same(&mut ours, &mut theirs, "acl setuser ada on nopass\nacl deluser ada\nacl list");
    client.same(&mut ours, "acl whoami");
    client.same(&mut ours, "auth bob any");
    same_about(&mut ours, &mut theirs, "users.changes", twins);
    client.same(&mut ours, "users.login 0");
    same_about(&mut ours, &mut theirs, "client kill id", twins);
    client.are_closed(&mut ours);
    same_about(&mut ours, &mut theirs, "users.changes", twins);
}

#[test]
fn clients_of_users_that_go_are_closed() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nusers.rules 0 on ~* +@all &*\nacl setuser bob on +@all");
    let mut of_module = Twins::new(&mut ours, &theirs);
    let mut of_list = Twins::new(&mut ours, &theirs);
    let mut bystander = Twins::new(&mut ours, &theirs);
    of_module.same(&mut ours, "users.login 0");
    of_list.same(&mut ours, "users.login.acl bob");
    same(&mut ours, &mut theirs, "acl deluser bob");
    of_list.are_closed(&mut ours);
    of_module.same(&mut ours, "acl whoami");
    // Who frees its own user has its reply first.
    of_module.same(&mut ours, "users.free 0");
    of_module.are_closed(&mut ours);
    bystander.same(&mut ours, "acl whoami");
    assert_eq!(ours.raw("users.rule 0 on"), "+failed|", "a freed user is none");
    assert_eq!(ours.raw("users.show 0"), "$-1|");
    assert_eq!(ours.raw("users.can 0 get a"), "-ERR Invalid argument|");
    for (line, reply) in
        [("users.free 0", "+OK|"), ("users.login 0", "+failed|"), ("acl whoami", "$7|default|")]
    {
        assert_eq!(ours.raw(line), reply, "{line}");
    }
    assert_eq!(ours.raw("users.channel 0 ch 0"), "+no such flags|");
}

#[test]
fn clients_are_cut_off() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nusers.rules 0 on ~* +@all &*\nusers.close 12345");
    let mut client = Twins::new(&mut ours, &theirs);
    client.same(&mut ours, "users.login 0");
    let (number, other) = client.numbers();
    same_about(&mut ours, &mut theirs, "users.close", (&number, &other));
    client.are_closed(&mut ours);
    same_about(&mut ours, &mut theirs, "users.changes", (&number, &other));
    let mut oneself = Twins::new(&mut ours, &theirs);
    let (number, other) = oneself.numbers();
    let line = format!("users.close {other}");
    let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
    assert_eq!(oneself.theirs.bytes(&words), b"+OK\r\n");
    ours.engine.execute(oneself.ours, &[b"users.close", number.as_bytes()]);
    assert_eq!(ours.engine.output(oneself.ours), b"+OK\r\n", "the reply comes first");
    oneself.are_closed(&mut ours);
}

#[test]
fn subscribers_lose_what_rules_take() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "users.make ada\nusers.rules 0 on ~* +@all &a*");
    let mut spared = Twins::new(&mut ours, &theirs);
    let mut denied = Twins::new(&mut ours, &theirs);
    for (client, channel) in [(&mut spared, "a1"), (&mut denied, "a2")] {
        client.same(&mut ours, "users.login 0");
        client.same(&mut ours, &format!("subscribe {channel}"));
    }
    same(&mut ours, &mut theirs, "users.rules 0 resetchannels &a1");
    denied.are_closed(&mut ours);
    assert!(ours.engine.closing(spared.ours).is_none());
}

#[test]
fn modules_that_go_leave_no_user_behind() {
    let mut server = Server::new();
    let library = compile(server.directory(), "users", &[]);
    server.load_file(&library, &["leave"]).expect("loaded");
    server.call("users.rules 0 on ~* +@all");
    let [watched, quiet, other] = [(); 3].map(|()| server.engine.connect().expect("a client"));
    for (client, command) in [(watched, "users.login"), (quiet, "users.login.quietly")] {
        server.engine.execute(client, &[command.as_bytes(), b"0"]);
        assert_eq!(server.engine.output(client), b"+OK\r\n");
    }
    assert_eq!(server.raw("module unload users"), "+OK|");
    for client in [watched, quiet] {
        assert!(server.engine.closing(client).is_some());
        server.engine.disconnect(client);
    }
    assert!(server.engine.closing(other).is_none());
    server.load_file(&library, &[]).expect("loaded again");
    assert_eq!(server.raw("users.make ada"), ":0|");
}

#[test]
fn redacted_arguments_are_shown_nowhere() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "config set slowlog-log-slower-than 0");
    let (monitor, mut their_monitor) = (ours.engine.connect().expect("a client"), theirs.connect());
    ours.engine.execute(monitor, &[b"MONITOR"]);
    assert_eq!(their_monitor.bytes(&[b"MONITOR"]), b"+OK\r\n");
    ours.engine.sent(monitor, 5);
    // What follows the address in a line of MONITOR, and the arguments in an entry of SLOWLOG.
    let shown = |line: &[u8]| {
        let line = String::from_utf8_lossy(line).into_owned();
        line.split_once("] ").map(|(_, rest)| rest.to_owned()).expect("a line of MONITOR")
    };
    let logged = |reply: &[u8]| {
        let reply = String::from_utf8_lossy(reply).replace("\r\n", "|");
        let from = reply.match_indices("|*").nth(1).expect("arguments").0;
        reply[from..].split('|').take(9).collect::<Vec<_>>().join("|")
    };
    for line in ["users.redact 1 3 3 secret", "users.redact 1 2 3 secret", "users.redact 0 -1 9 4"] {
        same(&mut ours, &mut theirs, line);
        let output = ours.engine.output(monitor).to_vec();
        ours.engine.sent(monitor, output.len());
        assert_eq!(shown(&output), shown(&their_monitor.read_reply()), "{line}");
        let ask: [&[u8]; 3] = [b"SLOWLOG", b"GET", b"1"];
        let (entry, expected) = (logged(&ours.bytes(&ask)), logged(&theirs.bytes(&ask)));
        assert_eq!(entry, expected, "{line}");
        assert!(entry.contains("(redacted)") || line.ends_with('4'), "{entry}");
    }
    same(&mut ours, &mut theirs, "multi\nusers.redact 1 2\nusers.redact 2 1\nexec");
    let told = String::from_utf8_lossy(ours.engine.output(monitor)).into_owned();
    let told: Vec<String> = told.lines().map(|line| shown(line.as_bytes())).collect();
    let expected: Vec<String> =
        told.iter().map(|_| shown(&their_monitor.read_reply()).trim_end().to_owned()).collect();
    assert_eq!(told, expected);
}

#[test]
fn channels_are_told_by_the_module() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(&mut ours, &mut theirs, "acl setuser eve on nopass ~* +@all resetchannels &ok* &p*");
    for (kind, channel) in [
        ("p", "zz"),
        ("p", "ok"),
        ("s", "no"),
        ("u", "zz"),
        ("s*", "ok*"),
        ("s*", "ok"),
        ("p", "ok no"),
        ("", "zz"),
    ] {
        same(&mut ours, &mut theirs, &format!("acl dryrun eve users.channels {kind} {channel}"));
    }
    same(&mut ours, &mut theirs, "acl dryrun eve users.channels p\nusers.channels p zz");
    same(&mut ours, &mut theirs, "auth eve any\nusers.channels p zz\nusers.channels s ok1");
}

#[test]
fn commands_of_modules_are_in_no_category_by_themselves() {
    let (mut ours, mut theirs) = both("users", &[]);
    same(
        &mut ours,
        &mut theirs,
        "acl setuser eve on nopass ~* -@all +@read +@slow +@fast
        acl dryrun eve users.read
        acl setuser eve +users.read
        acl dryrun eve users.read
        acl setuser eve +@all -@read -@write -@slow
        acl dryrun eve users.read
        command info users.read",
    );
}
