//! Modules that weren't written for this host, as they are: those in Rust that stand in this repository, and some that
//! the registry has. Each answers here as it does in redis-server.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex, PoisonError};

use cargo_metadata::{Metadata, MetadataCommand};

use crate::oracle::{Redis, same};
use crate::support::Server;

static METADATA: LazyLock<Metadata> =
    LazyLock::new(|| MetadataCommand::new().exec().expect("the workspace's packages"));

/// Runs cargo in the workspace's target directory, one at a time.
fn cargo(command: &str, args: &[&str]) {
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let mut cargo = Command::new(env!("CARGO"));
    cargo.args([command, "--quiet", "--target-dir"]).arg(&METADATA.target_directory).args(args);
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "cargo {command} {}", args.join(" "));
}

/// A copy of what was built, as each file is loaded once by its path.
fn copied(server: &Server, built: &str) -> PathBuf {
    let built = METADATA.target_directory.join("debug").join(built);
    let copy = server.directory().join(built.file_name().expect("a file"));
    fs::copy(&built, &copy).expect("built");
    copy
}

/// Builds one of the modules in Rust of this repository, and gives its file.
pub(crate) fn build(server: &Server, name: &str) -> PathBuf {
    cargo("build", &["-p", name]);
    copied(server, &format!("lib{name}.so"))
}

/// Builds one of this crate's examples, and gives the program.
pub(crate) fn build_example(name: &str) -> PathBuf {
    cargo("build", &["-p", "modhost", "--example", name]);
    METADATA.target_directory.join("debug/examples").join(name).into_std_path_buf()
}

/// The manifest of a package that brings along examples of the crate `redis-module`, whose own package has them without
/// what they need to be built. It stands in the target directory, so that its lock file is made once.
static REGISTRY: LazyLock<String> = LazyLock::new(|| {
    let package = METADATA.packages.iter().find(|package| package.name.as_str() == "redis-module");
    let source =
        package.expect("the modules in Rust depend on it").manifest_path.parent().expect("a directory");
    let mut manifest =
        "[package]\nname = \"guests\"\nversion = \"0.0.0\"\nedition = \"2021\"\n\n[workspace]\n\n\
        [dependencies]\nlazy_static = \"1\"\nlibc = \"0.2\"\nlinkme = \"0.3\"\nredis-module = \"=2.0.8\"\n\
        redis-module-macros = \"=2.0.8\"\n"
            .to_owned();
    for (name, _) in EXAMPLES {
        let path = source.join("examples").join(format!("{name}.rs"));
        write!(manifest, "\n[[example]]\nname = \"{name}\"\ncrate-type = [\"cdylib\"]\npath = \"{path}\"\n")
            .expect("a String");
    }
    let directory = METADATA.target_directory.join("guests");
    fs::create_dir_all(directory.join("src")).expect("the target directory is ours");
    let put = |name: &str, text: &str| {
        let path = directory.join(name);
        if fs::read_to_string(&path).is_ok_and(|written| written == text) {
            return;
        }
        fs::write(path, text).expect("the target directory is ours");
    };
    put("Cargo.toml", &manifest);
    put("src/lib.rs", "");
    let lock = directory.join("Cargo.lock");
    if !Path::new(&lock).exists() {
        // The same versions as here, which are there and built.
        fs::copy(METADATA.workspace_root.join("Cargo.lock"), lock).expect("the workspace has one");
    }
    directory.join("Cargo.toml").into_string()
});

/// Examples of the crate `redis-module`, each with commands that need no collections.
const EXAMPLES: &[(&str, &str)] = &[
    ("ctx_flags", "my_role"),
    (
        "data_type",
        "alloc.set k 5
        alloc.get k
        alloc.set k 3
        alloc.get k
        alloc.get none
        alloc.get
        type k
        copy k l
        object encoding k
        set s text
        alloc.get s
        unlink k
        exists k",
    ),
    ("expire", "set k v\nexpire.cmd k 10\nttl k\nexpire.cmd k -1\nttl k\nexpire.cmd none 5\nexpire.cmd k"),
    ("hello", "hello.mul 3 4 5\nhello.mul\nhello.mul x\nHELLO.MUL 2 922337203685"),
    ("keys_pos", "keys_pos a 1 b 2\nkeys_pos a\ncommand getkeys keys_pos a 1 b 2"),
    ("scan_keys", "scan_keys\nset k v\nscan_keys\nscan_key none\nscan_key k\nscan_key_for_each k\nscan_key"),
    (
        "string",
        "string.set k value\nstring.get k\nstring.set k v\nstring.get k\nstring.get none\nstring.set k",
    ),
];

fn with(library: &Path) -> (Server, Redis) {
    let mut server = Server::new();
    server.load_file(library, &[]).unwrap_or_else(|error| panic!("{}: {error:?}", library.display()));
    (server, Redis::with(library))
}

#[test]
fn examples_of_the_crate_redis_module_answer_as_in_redis() {
    let mut args = vec!["--manifest-path", &*REGISTRY];
    EXAMPLES.iter().for_each(|(name, _)| args.extend(["--example", name]));
    cargo("build", &args);
    for (name, script) in EXAMPLES {
        let directory = Server::new();
        let (mut ours, mut theirs) = with(&copied(&directory, &format!("examples/lib{name}.so")));
        same(&mut ours, &mut theirs, script);
    }
}

fn hosting(name: &str) -> Server {
    let mut server = Server::new();
    let library = build(&server, name);
    server.load_file(&library, &[]).expect("loaded");
    server
}

#[test]
fn tairstring_as_it_is() {
    let mut server = hosting("tairstring");
    assert_eq!(server.raw("exset k v"), "+OK|");
    assert_eq!(server.raw("exget k"), "*2|$1|v|:1|");
    assert_eq!(server.raw("exset k w VER 7"), "-ERR update version is stale|");
    assert_eq!(server.raw("type k"), "+exstrtype|");
    assert_eq!(server.raw("exincrby n 5"), ":5|");
    assert_eq!(server.raw("exincrby n 5 MAX 7"), "-ERR increment or decrement would overflow|");
    assert_eq!(server.raw("copy k l"), ":1|");
    assert_eq!(server.raw("exget l"), "*2|$1|v|:1|");
    assert_eq!(server.raw("exset"), "-ERR wrong number of arguments for 'exset' command|");
    server.call("del k l n");
    assert!(server.report("exstrtype").memory.blocks >= 0);
}

#[test]
fn tairhash_as_it_is() {
    let mut server = hosting("tairhash");
    assert_eq!(server.raw("exhset k f v EX 10"), ":1|");
    assert_eq!(server.raw("exhget k f"), "$1|v|");
    assert_eq!(server.raw("exhttl k f"), ":10|");
    assert_eq!(server.raw("exhlen k"), ":1|");
    server.engine.clock_mut().advance(std::time::Duration::from_secs(11));
    assert_eq!(server.raw("exhget k f"), "$-1|");
}

#[test]
fn the_modules_in_rust_answer_as_in_redis() {
    let scripts = [
        (
            "tairstring",
            "exset k v\nexset k w NX\nexset k w XX VER 1\nexget k\nexset k x ABS 9\nexget k WITHFLAGS\nexincrby n 5\n\
             exincrby n -7 MIN 0\nexget n\nexincrbyfloat f 0.5\nexcas k y 9\nexcas k z 1\nexcad k 10\nexget k\n\
             set s text\nexget s\nexset k\nexset k v EX 0\nobject encoding n\ntype n",
        ),
        (
            "tairhash",
            "exhset k f v\nexhset k f w VER 1\nexhget k f\nexhmset k a 1 b 2\nexhlen k\nexhver k f\nexhincrby k n 5\n\
             exhincrby k n 5 MAX 7\nexhdel k a none\nexhexists k a\nexhexists k b\nexhgetwithver k b\nexhttl k b\n\
             exhstrlen k f\nset s text\nexhget s f\nexhset k\ntype k\ndel k\nexhlen k",
        ),
    ];
    for (name, script) in scripts {
        let directory = Server::new();
        let (mut ours, mut theirs) = with(&build(&directory, name));
        same(&mut ours, &mut theirs, script);
    }
}
