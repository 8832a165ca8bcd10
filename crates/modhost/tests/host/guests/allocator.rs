//! The examples of the package `redis-module`, with nothing changed but the line that names the allocator: in
//! redis-server they answer as with the package's own.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;
use std::sync::LazyLock;

use super::examples::{ALIKE, CRATES, SOURCES};
use super::{METADATA, cargo, copied, directory, package, write_changed};
use crate::oracle::{Redis, words};
use crate::support::Server;

const THEIRS: &str = "allocator: (redis_module::alloc::RedisAlloc, redis_module::alloc::RedisAlloc),";
const OURS: &str = "allocator: (zmalloc_module::ModuleAlloc, zmalloc_module::ModuleAlloc::new()),";

const PACKAGE: &str = "reallocated";

/// More of those that redis-server 7.0 loads, and what they answer the same each time.
const MORE: &[(&str, &str)] = &[
    ("events", "events.send\nget none\nevents.num_key_miss\nset a 1"),
    ("lists", "rpush a x y z\nlpoprpush a b\nlrange b 0 -1\nlpoprpush none b\nset s text\nlpoprpush s b"),
    ("load_unload", "module unload load_unload\nmodule list"),
    ("response", "hset m a 1 b 2\nmap.mget m a b c\nmap.unique m a b\nmap.mget none a"),
    ("server_events", "flushall\nflushdb async\nnum_flushed\nconfig set maxmemory 0\nnum_max_memory_changes"),
    ("stream", "xadd s 1-1 f v\nxadd s 1-2 g w\nstream_pop s\nxlen s\nstream_pop none"),
    ("test_helper", "test_helper.name\ntest_helper.version\ninfo test_helper"),
    ("threads", "get_static_data\nset_static_data text\nget_static_data"),
    ("timer", "timer.create x y\ntimer.info x\ntimer.stop"),
];

fn all() -> impl Iterator<Item = &'static (&'static str, &'static str)> {
    ALIKE.iter().chain(MORE)
}

/// The examples with either allocator, under other names. They are built when this is asked for first.
static BUILT: LazyLock<()> = LazyLock::new(|| {
    let ours = METADATA.workspace_root.join("crates/zmalloc-module");
    let mut manifest =
        format!("{CRATES}zmalloc-module = {{ path = \"{ours}\", features = [\"redis-module\"] }}\n");
    let sources = directory(PACKAGE).join("changed");
    fs::create_dir_all(&sources).expect("the target directory is ours");
    for (name, _) in all() {
        let original = SOURCES.join(format!("{name}.rs"));
        let source = fs::read_to_string(&original).expect("an example");
        assert_eq!(source.matches(THEIRS).count(), 1, "{name}");
        let changed = sources.join(format!("{name}.rs"));
        write_changed(&changed, &source.replace(THEIRS, OURS));
        for (whose, path) in [("their", original.as_path()), ("our", changed.as_std_path())] {
            let path = path.display();
            let name = format!("name = \"{whose}_{name}\"");
            write!(manifest, "\n[[example]]\n{name}\ncrate-type = [\"cdylib\"]\npath = \"{path}\"\n")
                .expect("a String");
        }
    }
    cargo("build", &["--manifest-path", &package(PACKAGE, &manifest), "--examples"]);
});

/// An example with our allocator, and with the package's own.
fn libraries(place: &Server, name: &str) -> [PathBuf; 2] {
    LazyLock::force(&BUILT);
    ["our", "their"].map(|whose| copied(place, &format!("examples/lib{whose}_{name}.so")))
}

fn used_memory(redis: &mut Redis) -> u64 {
    let info = redis.bytes(&[b"INFO", b"memory"]);
    let info = String::from_utf8(info).expect("INFO is a text");
    let field = info.lines().find_map(|line| line.strip_prefix("used_memory:")).expect("a field");
    field.trim_end().parse().expect("a number")
}

#[test]
fn examples_answer_the_same_with_either_allocator() {
    for (name, script) in all() {
        let place = Server::new();
        let mut servers = libraries(&place, name).map(|library| Redis::with(&library));
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let replies = servers.each_mut().map(|redis| redis.bytes(&words(line)));
            let [ours, theirs] = replies.map(|reply| String::from_utf8_lossy(&reply).into_owned());
            assert_eq!(ours, theirs, "{name}: {line}");
        }
    }
}

#[test]
fn what_an_example_allocates_is_in_the_memory_that_the_server_uses() {
    const SIZE: u64 = 3_000_000;
    let place = Server::new();
    for library in libraries(&place, "data_type") {
        let mut redis = Redis::with(&library);
        let before = used_memory(&mut redis);
        let reply = redis.bytes(&[b"alloc.set", b"k", SIZE.to_string().as_bytes()]);
        assert!(reply.starts_with(b":"), "{}", String::from_utf8_lossy(&reply));
        let with = used_memory(&mut redis) - before;
        assert!((SIZE..SIZE + SIZE / 5).contains(&with), "{with} bytes: {}", library.display());
        redis.bytes(&[b"DEL", b"k"]);
        assert!(used_memory(&mut redis) < before + SIZE / 5, "{}", library.display());
    }
}
