//! The examples of the package `redis-module`.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::{Duration, Instant};

use super::{METADATA, both, cargo, copied, package};
use crate::oracle::{Redis, each, same};
use crate::support::Server;

/// Where they are. The package has them without what they need to be built.
pub(super) static SOURCES: LazyLock<PathBuf> = LazyLock::new(|| {
    let package = METADATA.packages.iter().find(|package| package.name.as_str() == "redis-module");
    let manifest = &package.expect("the modules in Rust depend on it").manifest_path;
    manifest.parent().expect("a directory").join("examples").into_std_path_buf()
});

/// What they need.
pub(super) const CRATES: &str = "[dependencies]\nlazy_static = \"1\"\nlibc = \"0.2\"\nlinkme = \"0.3\"\n\
    redis-module = \"=2.0.8\"\nredis-module-macros = \"=2.0.8\"\n";

/// A package that brings this along. It is built when this is asked for first.
static BUILT: LazyLock<()> = LazyLock::new(|| {
    let mut manifest = CRATES.to_owned();
    for name in names() {
        let path = SOURCES.join(format!("{name}.rs"));
        let path = path.display();
        write!(manifest, "\n[[example]]\nname = \"{name}\"\ncrate-type = [\"cdylib\"]\npath = \"{path}\"\n")
            .expect("a String");
    }
    cargo("build", &["--manifest-path", &package("guests", &manifest), "--examples"]);
});

/// Those with commands that redis-server 7.0 answers the same, in both versions of the protocol.
pub(super) const ALIKE: &[(&str, &str)] = &[
    ("block", "block\nblock all the same"),
    ("configuration", CONFIGURATION),
    ("ctx_flags", "my_role\nmy_role x"),
    (
        "data_type",
        "alloc.set k 5
        alloc.get k
        alloc.set k 3
        alloc.get k
        alloc.set k 100000
        alloc.get k
        alloc.get none
        alloc.get
        alloc.set
        alloc.set k
        alloc.set k x
        alloc.defragstats
        type k
        copy k l
        object encoding k
        set s text
        alloc.get s
        alloc.set s 3
        alloc.set k 0
        alloc.get k
        unlink k
        exists k",
    ),
    (
        "expire",
        "set k v
        expire.cmd k 10
        ttl k
        expire.cmd k -1
        ttl k
        expire.cmd k -2
        expire.cmd k 0
        expire.cmd none 5
        expire.cmd none -1
        expire.cmd k
        expire.cmd
        expire.cmd k x",
    ),
    (
        "hello",
        "hello.mul 3 4 5
        hello.mul
        hello.mul x
        hello.mul 1 x
        hello.mul 99999999999999999999
        HELLO.MUL 2 922337203685
        hello.mul -7 9223372036",
    ),
    (
        "info",
        "infoex server redis_mode
        infoex stats keyspace_hits
        infoex memory maxmemory_policy
        infoex clients blocked_clients
        infoex cpu none
        infoex none none
        infoex server
        infoex",
    ),
    (
        "info_handler_builder",
        "info info_handler_builder\ninfo info_handler_builder_info\ninfo info_handler_builder_x",
    ),
    ("info_handler_macro", "info info_handler_macro\ninfo info_handler_macro_info\ninfo INFO_HANDLER_MACRO"),
    (
        "info_handler_multiple_sections",
        "info info_handler_multiple_sections
        info info_handler_multiple_sections_InfoSection1
        info info_handler_multiple_sections_InfoSection2
        info info_handler_multiple_sections_InfoSection2 info_handler_multiple_sections_InfoSection1
        info info_handler_multiple_sections_InfoSection3",
    ),
    (
        "info_handler_struct",
        "info info_handler_struct\ninfo info_handler_struct_info\ninfo info_handler_struct_Info",
    ),
    (
        "keys_pos",
        "keys_pos a 1 b 2
        keys_pos a
        keys_pos
        command getkeys keys_pos a 1 b 2
        command getkeysandflags keys_pos a 1",
    ),
    (
        "scan_keys",
        "scan_keys
        set k v
        scan_keys
        scan_key none
        scan_key k
        scan_key_for_each k
        scan_key_for_each none
        scan_key_for_each
        scan_key
        del k
        scan_keys x",
    ),
    (
        "string",
        "string.set k value
        string.get k
        string.set k v
        string.get k
        string.get none
        string.set k
        string.set
        string.get
        string.set k v w
        append k x
        string.get k
        incr n
        string.get n
        setrange k 5 \u{7f}
        string.get k",
    ),
];

const CONFIGURATION: &str = "
    config get configuration.i64
    config get configuration.atomic_i64
    config get configuration.redis_string
    config get configuration.string
    config get configuration.mutex_string
    config get configuration.atomic_bool
    config get configuration.bool
    config get configuration.enum
    config get configuration.enum_mutex
    config get configuration.none
    configuration.num_changes
    config set configuration.i64 100
    config set configuration.i64 100
    config set configuration.i64 1000
    config set configuration.i64 1001
    config set configuration.i64 -1
    config set configuration.i64 x
    config set configuration.atomic_i64 0
    config set configuration.redis_string new configuration.string newer
    config set configuration.mutex_string
    config set configuration.mutex_string newest
    config set configuration.atomic_bool no
    config set configuration.bool maybe
    config set configuration.bool yes
    config set configuration.enum Val2
    config set configuration.enum val1
    config set configuration.enum Val3
    config set configuration.enum_mutex Val2 configuration.enum x
    config set configuration.enum_mutex Val2 configuration.i64 7
    configuration.num_changes
    config get configuration.i64
    config get configuration.atomic_i64
    config get configuration.redis_string
    config get configuration.string
    config get configuration.mutex_string
    config get configuration.atomic_bool
    config get configuration.bool
    config get configuration.enum
    config get configuration.enum_mutex
    config resetstat
    configuration.num_changes";

/// Those that redis-server 7.0 doesn't load, or that answer otherwise, or with the time or numbers of their own: each
/// has a test.
const APART: &[&str] = &[
    "acl",
    "events",
    "load_unload",
    "open_key_with_flags",
    "proc_macro_commands",
    "server_events",
    "test_helper",
    "threads",
    "timer",
];

/// Those that aren't tried, and why.
const LEFT_OUT: &[(&str, &str)] = &[
    ("call", "it is built for Redis 7.2 and later, and calls commands for hashes and lists"),
    ("lists", "it is about lists"),
    ("response", "it reads hashes"),
    ("stream", "it is about streams"),
];

fn names() -> impl Iterator<Item = &'static str> {
    ALIKE.iter().map(|(name, _)| *name).chain(APART.iter().copied())
}

/// A copy of an example's library, in the directory of `server`.
fn library(server: &Server, name: &str) -> PathBuf {
    LazyLock::force(&BUILT);
    copied(server, &format!("examples/lib{name}.so"))
}

/// Runs an example here and in redis-server.
fn example(name: &str) -> (Server, Redis) {
    let directory = Server::new();
    both(&library(&directory, name), &[])
}

/// Runs an example here.
fn here(name: &str) -> Server {
    let mut server = Server::new();
    let library = library(&server, name);
    server.load_file(&library, &[]).expect("loaded");
    server
}

#[test]
fn every_example_is_tried_or_left_out() {
    let files = fs::read_dir(&*SOURCES).expect("the package has examples");
    let all: BTreeSet<String> = files
        .map(|file| file.expect("a file").path().file_stem().expect("a name").to_string_lossy().into_owned())
        .collect();
    let mut listed: Vec<&str> = names().chain(LEFT_OUT.iter().map(|(name, _)| *name)).collect();
    listed.sort_unstable();
    assert_eq!(listed, all.iter().collect::<Vec<_>>());
}

#[test]
fn examples_answer_as_in_redis() {
    for (name, script) in ALIKE {
        let (mut ours, mut theirs) = example(name);
        same(&mut ours, &mut theirs, script);
        each(&mut ours, &mut theirs, &[b"FLUSHALL"]);
        for reply in each(&mut ours, &mut theirs, &[b"HELLO", b"3"]) {
            assert!(reply.starts_with(b"%7\r\n"), "both speak RESP3");
        }
        same(&mut ours, &mut theirs, script);
    }
}

/// Asks for SetCommandACLCategories, which Redis has since 7.2. The answers are those that the package's own tests
/// expect.
#[test]
fn commands_are_described_by_macros() {
    let mut server = here("proc_macro_commands");
    for (line, keys) in [
        ("classic_keys x foo y bar", "*2|$1|x|$1|y|"),
        ("keyword_keys foo x 1 y 2", "*2|$1|x|$1|y|"),
        ("num_keys 3 x y z foo bar", "*3|$1|x|$1|y|$1|z|"),
        ("num_keys 0 foo bar", "*0|"),
        ("num_keys 9 x", "*0|"),
    ] {
        assert_eq!(server.raw(&format!("command getkeys {line}")), keys, "{line}");
    }
    for line in ["classic_keys k", "keyword_keys foo a", "num_keys 1 k"] {
        assert_eq!(server.raw(line), "+OK|");
    }
    assert!(server.raw("classic_keys").starts_with("-ERR wrong number of arguments"));
    assert_eq!(server.raw("redis_value_derive x"), "$2|OK|");
    assert!(server.raw("redis_value_derive").starts_with("*22|"), "eleven pairs");
    server.call("hello 3");
    let reply = server.raw("redis_value_derive");
    assert!(reply.starts_with("%11|") && reply.contains("|,1.1|"), "{reply}");
    let info = server.raw("command info redis_value_derive");
    assert!(info.contains("test redis value derive macro") && info.contains("$7|keystep|:0|"), "{info}");
    server.call("acl setuser u on nopass ~a* +@all");
    server.call("auth u any");
    assert_eq!(server.raw("redis_value_derive x"), "$2|OK|", "it has no key that could be denied");
    assert!(server.raw("classic_keys k").starts_with("-NOPERM"));
}

/// Puts its commands into categories of its own, which Redis has let modules do since 7.2.
#[test]
fn permissions_are_checked_for_users() {
    let mut server = here("acl");
    assert_eq!(server.raw("get_current_user"), "$7|default|");
    assert_eq!(server.raw("verify_key_access_for_user default x"), "+OK|");
    server.call("acl setuser alice on >pass ~cached:* +get");
    assert_eq!(server.raw("verify_key_access_for_user alice cached:1"), "+OK|");
    assert!(server.raw("verify_key_access_for_user alice not_allowed").starts_with("-Err"));
    assert!(server.raw("verify_key_access_for_user nobody x").starts_with("-Err"));
    assert!(server.raw("verify_key_access_for_user").starts_with("-ERR wrong number of arguments"));
    assert!(server.raw("acl cat").contains("acl"));
}

#[test]
fn arguments_of_the_example_configuration_are_its_defaults() {
    let directory = Server::new();
    let file = library(&directory, "configuration");
    let args = ["i64", "20", "enum", "Val2", "string", "given", "bool", "no"];
    let (mut ours, mut theirs) = both(&file, &args);
    same(&mut ours, &mut theirs, CONFIGURATION);
    let wrong = directory.directory().join("wrong.so");
    fs::copy(&file, &wrong).expect("a copy");
    let script = format!(
        "module load {0} i64 x
        module load {0}
        module unload configuration
        config get configuration.i64
        module loadex {0} config configuration.i64 30 config configuration.enum Val2
        config get configuration.i64
        config get configuration.enum
        module unload configuration
        module loadex {0} config configuration.i64 3000
        module loadex {0} config configuration.none 1
        module load {0} enum Val3
        module load {0} bool yes i64 7
        config get configuration.i64",
        wrong.display()
    );
    same(&mut ours, &mut theirs, &script);
}

#[test]
fn load_unload_comes_and_goes() {
    let directory = Server::new();
    let file = library(&directory, "load_unload");
    let (mut ours, mut theirs) = both(&file, &["first", "args"]);
    let script = format!(
        "module load {0}
        module unload load_unload
        module unload load_unload
        module load {0} other args
        module unload load_unload
        module load {0}
        ping",
        file.display()
    );
    same(&mut ours, &mut theirs, &script);
    assert_eq!(ours.report("load_unload").args, [b""; 0]);
    same(&mut ours, &mut theirs, "module unload load_unload\nmodule list");
}

/// Until 7.2 Redis had no post-notification jobs, in which this example counts.
#[test]
fn events_are_told() {
    let (mut ours, mut theirs) = example("events");
    same(
        &mut ours,
        &mut theirs,
        "events.send
        events.send x
        events.num_key_miss
        get none
        events.num_key_miss
        mget none none
        exists none
        events.num_key_miss
        events.num_keys",
    );
    let mut server = here("events");
    for (line, keys, sets) in [
        ("set a 1", 2, "1"),
        ("set a 2", 2, "2"),
        ("append b x", 3, "3"),
        ("incr n", 4, "4"),
        ("del a", 4, "4"),
    ] {
        server.call(line);
        assert_eq!(server.raw("events.num_keys"), format!(":{keys}|"), "{line}");
        assert_eq!(server.raw("get num_sets"), format!("$1|{sets}|"), "{line}");
    }
}

/// Asks for SetCommandACLCategories too; and until 7.2 Redis knew no flags of OpenKey that leave a key as it is.
#[test]
fn keys_are_opened_without_effects() {
    let mut server = here("open_key_with_flags");
    for command in ["open_key_with_flags.read", "open_key_with_flags.write"] {
        assert_eq!(server.raw(&format!("{command} none")), "+OK|");
        let wrong = format!("-ERR wrong number of arguments for '{command}' command|");
        assert_eq!(server.raw(command), wrong);
        assert_eq!(server.raw(&format!("{command} x y")), wrong);
    }
    assert_eq!(server.raw("dbsize"), ":0|");
    for command in ["read", "write"] {
        server.call("set x 1 px 10");
        server.engine.clock_mut().advance(Duration::from_millis(11));
        assert_eq!(server.raw(&format!("open_key_with_flags.{command} x")), "+OK|");
        assert!(server.raw("info stats").contains("|expired_keys:0|"), "{command}");
        assert_eq!(server.raw("dbsize"), ":1|", "{command}");
        server.call("del x");
        server.call("config resetstat");
    }
}

#[test]
fn events_of_the_server_are_counted() {
    let (mut ours, mut theirs) = example("server_events");
    same(
        &mut ours,
        &mut theirs,
        "num_flushed
        flushall
        num_flushed
        flushdb async
        flushall sync
        num_flushed
        num_max_memory_changes
        config set maxmemory 1
        num_max_memory_changes
        config set maxmemory 0 timeout 0
        config set timeout 3
        config set maxmemory x
        num_max_memory_changes",
    );
    let mut server = here("server_events");
    assert_eq!(server.raw("num_crons"), ":0|");
    for _ in 0..3 {
        server.engine.tick();
    }
    assert_eq!(server.raw("num_crons"), ":3|");
}

#[test]
fn the_helper_for_tests_helps() {
    let (mut ours, mut theirs) = example("test_helper");
    same(
        &mut ours,
        &mut theirs,
        "test_helper.name
        test_helper.name x
        info test_helper
        info test_helper_test_helper",
    );
    // It replies an error, and then that it has nothing to reply.
    for text in ["text", "\0\0", "no crash\0", "a\r\nb", "-ERR"] {
        let args: [&[u8]; 2] = [b"test_helper.err", text.as_bytes()];
        let theirs = [theirs.bytes(&args), theirs.next_reply()].concat();
        assert_eq!(String::from_utf8(ours.bytes(&args)), String::from_utf8(theirs), "{text:?}");
    }
    let numbers = engine::REDIS_VERSION.split('.').map(|part| format!(":{part}|")).collect::<String>();
    for command in ["version", "_version_rm_call"] {
        assert_eq!(ours.raw(&format!("test_helper.{command}")), format!("*3|{numbers}"));
    }
}

#[test]
fn threads_share_data_and_the_server() {
    let (mut ours, mut theirs) = example("threads");
    same(
        &mut ours,
        &mut theirs,
        "get_static_data
        set_static_data foo
        get_static_data
        set_static_data
        set_static_data bar x
        get_static_data
        threads",
    );
    // In redis-server this may end the server: the thread still holds the context that it replies from.
    let args: [&[u8]; 1] = [b"get_static_data_on_thread"];
    for _ in 0..20 {
        assert_eq!(ours.patient(&args), b"$3\r\nbar\r\n");
    }
    // The thread counts once a second, for as long as the server is there.
    let began = Instant::now();
    while ours.raw("get threads") != "$1|2|" {
        ours.turn();
        assert!(began.elapsed() < Duration::from_secs(60), "the thread counts");
    }
}

/// Only what is refused can be compared: redis-server's timers have numbers that the example can't read.
#[test]
fn timers_are_made_and_stopped() {
    let (mut ours, mut theirs) = example("timer");
    let refused =
        "timer.create\ntimer.create 5\ntimer.create x y\ntimer.info\ntimer.info x\ntimer.stop\ntimer.stop x";
    same(&mut ours, &mut theirs, refused);
    let reply = ours.raw("timer.create 100000 data");
    let timer = reply.split('|').nth(1).expect("a timer").to_owned();
    assert!(ours.raw(&format!("timer.info {timer}")).ends_with("|Remaining: 100s, data: \"data\"|"));
    assert!(ours.raw(&format!("timer.stop {timer}")).ends_with("|Data: \"data\"|"));
    for command in ["stop", "info"] {
        assert!(ours.raw(&format!("timer.{command} {timer}")).starts_with('-'), "it is gone");
    }
}

#[test]
fn a_timer_runs_out() {
    let mut server = here("timer");
    let reply = server.raw("timer.create 1000 text");
    let timer = reply.split('|').nth(1).expect("a timer").to_owned();
    server.engine.clock_mut().advance(Duration::from_millis(400));
    assert!(server.raw(&format!("timer.info {timer}")).contains("Remaining: 600ms, data: \"text\""));
    server.engine.clock_mut().advance(Duration::from_millis(600));
    server.engine.attend();
    let reply = server.raw(&format!("timer.info {timer}"));
    assert!(reply.starts_with('-'), "{reply}");
}
