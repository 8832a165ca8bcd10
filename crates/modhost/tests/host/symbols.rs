//! Modules that show all of their symbols: what each of them calls is its own, whoever else has the name.

use std::collections::BTreeSet;
use std::env;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::process::Command;

use engine::LoadRequest;

use crate::oracle::{Redis, same};
use crate::support::{Server, compile_to};

/// The names that a file shows the dynamic linker.
fn shown(file: &Path) -> BTreeSet<String> {
    let output = Command::new("nm").args(["-D", "--defined-only"]).arg(file).output().expect("nm runs");
    assert!(output.status.success(), "nm reads {}", file.display());
    let text = String::from_utf8(output.stdout).expect("text");
    text.lines().filter_map(|line| line.split_whitespace().last()).map(str::to_owned).collect()
}

fn variant(server: &Server, source: &str, name: &str, options: &[&str]) -> PathBuf {
    let library = server.directory().join(format!("{name}.so"));
    let name = format!("-DNAME=\"{name}\"");
    compile_to(&library, source, &[&[&*name], options].concat());
    library
}

/// Loads a module from where it is, not from a copy: a library in C++ often stays mapped once it was, and the system's
/// own would go on with the operators of the first copy.
fn load(server: &mut Server, library: &Path) {
    let request = LoadRequest { path: library.as_os_str().as_bytes(), args: &[], configs: &[] };
    server.engine.load_module(&request).unwrap_or_else(|error| panic!("{}: {error:?}", library.display()));
}

#[test]
fn a_program_that_hosts_modules_shows_none_of_their_names() {
    let server = Server::new();
    let modules = [variant(&server, "twins.c", "one", &[]), variant(&server, "words.cpp", "words", &[])];
    let theirs: BTreeSet<String> = modules.iter().flat_map(|module| shown(module)).collect();
    for name in ["RedisModule_Alloc", "zmalloc", "server", "_Znwm", "RedisModule_OnLoad"] {
        assert!(theirs.contains(name), "{name} is shown by a module");
    }
    let ours = shown(&env::current_exe().expect("this program"));
    assert_eq!(ours.intersection(&theirs).collect::<Vec<_>>(), [""; 0]);
}

#[test]
fn modules_with_the_same_names_keep_to_their_own() {
    let mut server = Server::new();
    let libraries = ["one", "two"].map(|name| variant(&server, "twins.c", name, &[]));
    libraries.iter().for_each(|library| load(&mut server, library));
    for turn in 1..=2 {
        for name in ["one", "two"] {
            let owner = format!("shared by {name}");
            assert_eq!(
                server.raw(&format!("{name}.who")),
                format!("*3|${}|{owner}|$3|{name}|:{turn}|", owner.len())
            );
        }
    }
    for (name, size, calls) in [("one", 1000, 9), ("two", 50_000, 9), ("one", 3, 19), ("one", 70_000, 29)] {
        let reply = server.raw(&format!("{name}.take {size}"));
        let memory = server.report(name).memory;
        assert_eq!(reply, format!("*2|:{}|:{calls}|", memory.live), "{name} calls its own functions");
        assert!(memory.live >= size && memory.blocks == 1);
    }
    assert_eq!(server.raw("module unload one"), "+OK|");
    assert!(server.raw("two.who").ends_with(":3|"));
    load(&mut server, &libraries[0]);
    assert!(server.raw("two.take 9").ends_with(":19|"));
}

/// redis-server shows its own functions and data: there `zmalloc` and `server` would be the server's, and the module
/// its end. So what redis-server gets is linked to keep to its own names; what is loaded here isn't.
#[test]
fn modules_with_the_same_names_answer_as_in_redis() {
    for name in ["one", "two"] {
        let (mut server, directory) = (Server::new(), Server::new());
        let shown = variant(&server, "twins.c", name, &[]);
        load(&mut server, &shown);
        let bound = variant(&directory, "twins.c", name, &["-Wl,-Bsymbolic"]);
        let script = format!(
            "{name}.who\n{name}.who x\n{name}.take\n{name}.take x\n{name}.take 100\nmodule unload {name}\nping"
        );
        same(&mut server, &mut Redis::with(&bound), &script);
    }
}

/// What the modules in C++ are asked: the first has its library of C++ within, the second has the system's.
const WORDS: [(&str, &[&str]); 2] =
    [("inner", &["-static-libstdc++", "-static-libgcc"]), ("outer", &["-shared-libgcc"])];

/// Commands of a module, whose name stands for `NAME`, and that leave something behind.
const SCRIPT: &str = "NAME.banner
    NAME.forms
    NAME.add k a b c
    NAME.join k
    NAME.add k a-word-that-is-too-long-to-stand-within-the-string
    NAME.join k
    NAME.add other x
    NAME.join none
    NAME.refuse word
    NAME.refuse a-word-that-is-too-long-to-stand-within-the-string
    NAME.toomuch
    NAME.forms
    NAME.drop other
    NAME.drop other
    NAME.add
    NAME.join
    NAME.drop
    NAME.refuse";

/// That the host has counted, in all of its figures, what the module has.
#[track_caller]
fn agree(server: &mut Server, name: &str) -> (i64, i64) {
    let memory = server.report(name).memory;
    let held = server.raw(&format!("{name}.held"));
    assert_eq!(held, format!("*2|:{}|:{}|", memory.live, memory.blocks), "{name}");
    assert_eq!(memory.foreign_frees, 0, "{name}");
    let shown = server.raw("memory modules");
    assert!(shown.contains(&format!("${}|{name}|*26|$4|live|:{}|", name.len(), memory.live)), "{shown}");
    let info = server.raw("info modules");
    assert!(info.contains(&format!("module_memory_{name}:live={},peak=", memory.live)), "{info}");
    (memory.live, memory.blocks)
}

/// All in one test, as a process has one of the system's library: its strings are made by the operators of the module
/// that it came with.
#[test]
fn modules_in_cpp_are_counted_apart() {
    let mut server = Server::new();
    let libraries = WORDS.map(|(name, options)| variant(&server, "words.cpp", name, options));
    // Which of them comes first, and which goes first.
    for [comes, goes] in [[0, 0], [0, 1], [1, 0], [1, 1]] {
        for at in [comes, 1 - comes] {
            load(&mut server, &libraries[at]);
        }
        let before = WORDS.map(|(name, _)| agree(&mut server, name));
        assert_eq!(server.raw("inner.toomuch"), ":4|");
        assert_eq!(server.raw("outer.toomuch"), ":4|");
        for turn in 0..50 {
            let (name, _) = WORDS[turn % 2];
            let word = "x".repeat(turn * 7);
            assert!(server.raw(&format!("{name}.add key{} {word}", turn % 5)).starts_with(':'));
            assert_eq!(server.raw(&format!("{name}.forms")), ":1|");
            assert!(server.raw(&format!("{name}.refuse {word}")).starts_with("*2|"));
            WORDS.iter().for_each(|(name, _)| {
                agree(&mut server, name);
            });
        }
        for (at, (name, _)) in WORDS.iter().enumerate() {
            assert!(agree(&mut server, name).0 > before[at].0 + 2000, "{name} holds what it was given");
            (0..5).for_each(|key| assert_eq!(server.raw(&format!("{name}.drop key{key}")), ":1|"));
            assert_eq!(agree(&mut server, name), before[at], "{name} has given it back");
            server.raw(&format!("{name}.add kept {}", "y".repeat(3000)));
        }
        for at in [goes, 1 - goes] {
            assert_eq!(server.raw(&format!("module unload {}", WORDS[at].0)), "+OK|");
            if at == goes {
                let (left, _) = WORDS[1 - at];
                agree(&mut server, left);
                assert_eq!(server.raw(&format!("{left}.forms")), ":1|", "the other is unharmed");
                assert!(server.raw(&format!("{left}.refuse x")).starts_with("*2|"));
            }
        }
    }
}

#[test]
fn modules_in_cpp_answer_as_in_redis() {
    let (name, options) = WORDS[0];
    let mut server = Server::new();
    let library = variant(&server, "words.cpp", name, options);
    load(&mut server, &library);
    let mut redis = Redis::with(&library);
    same(&mut server, &mut redis, &SCRIPT.replace("NAME", name));
}
