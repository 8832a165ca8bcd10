//! Modules that are loaded and unloaded over and over, with traffic in between, and threads of a module that take turns
//! with clients.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use cargo_metadata::MetadataCommand;

use crate::resp::{Connection, Reply, write_command};
use crate::server::Server;

/// A module, and what it is asked each time that it was loaded.
#[derive(Clone, Copy, Debug)]
pub struct Guest {
    /// The name that it gives itself.
    pub name: &'static str,
    /// The name of its file, without the ending.
    file: &'static str,
    language: Language,
    /// Commands, by spaces.
    script: &'static [&'static str],
    /// Whether it has types, so that no server unloads it.
    pub stays: bool,
}

/// What a guest is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Language {
    /// A file among the test modules of the crate `modhost`.
    C,
    /// A package of this workspace.
    Rust,
    /// An example of the package `redis-module`.
    Example,
}

const fn guest(name: &'static str, language: Language, script: &'static [&'static str]) -> Guest {
    Guest { name, file: name, language, script, stays: false }
}

/// All guests. What a script stores it takes away again, but for keys, which are flushed.
pub const GUESTS: &[Guest] = &[
    guest("notes", Language::C, &["note.put a-note-that-is-kept", "note.put another", "note.get"]),
    guest(
        "basics",
        Language::C,
        &[
            "basics.echo a b",
            "basics.number 12",
            "basics.append k more",
            "basics.call set k v",
            "basics.mixed k",
            "basics.hold 100000",
            "basics.hold 0",
            "basics.keep text",
            "basics.keep",
        ],
    ),
    guest("waiters", Language::C, &["waiters.thread a b", "waiters.answer", "waiters.call get k"]),
    guest("dicts", Language::C, &["set k v", "dicts.automatic", "dicts.scan 0"]),
    guest(
        "events",
        Language::C,
        &["set k v", "events.notify ring k", "flushdb", "swapdb 1 2", "events.counts"],
    ),
    guest("configs", Language::C, &["config set configs.number 4", "configs.show", "config get configs.*"]),
    guest("hello", Language::Example, &["hello.mul 3 4 5", "hello.mul -7 9223372036"]),
    guest("keys_pos", Language::Example, &["keys_pos a 1 b 2", "command getkeys keys_pos a 1"]),
    Guest { name: "scan", ..guest("scan_keys", Language::Example, &["set k v", "scan_keys", "scan_key k"]) },
    guest("expire", Language::Example, &["set k v", "expire.cmd k 10", "ttl k"]),
    guest("string", Language::Example, &["string.set k value", "append k more", "string.get k"]),
    guest(
        "configuration",
        Language::Example,
        &[
            "config set configuration.i64 100 configuration.enum Val2 configuration.string newest",
            "configuration.num_changes",
            "config get configuration.*",
        ],
    ),
    Guest {
        name: "allocbench",
        ..guest("module_bench", Language::Rust, &["allocbench zeroed", "allocbenchbytes"])
    },
    Guest {
        stays: true,
        ..guest(
            "rows",
            Language::C,
            &["rows.push k a b c", "rows.pop k", "rows.all k", "rows.push l d", "del k"],
        )
    },
    Guest { stays: true, ..guest("boxes", Language::C, &["boxes.set k text", "boxes.get k", "copy k l"]) },
    Guest {
        name: "alloc",
        stays: true,
        ..guest(
            "data_type",
            Language::Example,
            &["alloc.set k 5", "alloc.get k", "alloc.set k 100000", "unlink k"],
        )
    },
    Guest {
        name: "exstrtype",
        stays: true,
        ..guest(
            "tairstring",
            Language::Rust,
            &["exset k v ex 100", "exget k", "exincrby n 5", "copy k l", "unlink k"],
        )
    },
    Guest {
        stays: true,
        ..guest(
            "tairhash",
            Language::Rust,
            &["exhset k f v ex 100", "exhget k f", "exhincrby k n 5", "copy k l"],
        )
    },
];

/// The package of which the examples are.
const EXAMPLES: &str = "\
[package]
name = \"examples-of-redis-module\"
version = \"0.0.0\"
edition = \"2021\"

[workspace]

[dependencies]
lazy_static = \"1\"
libc = \"0.2\"
linkme = \"0.3\"
redis-module = \"=2.0.8\"
redis-module-macros = \"=2.0.8\"
";

/// The C module whose threads want the server.
const CROWD: &str = "crowd";
/// How many they are.
pub const THREADS: u32 = 10;
/// How many requests of a client are under way at once beside them.
const BATCH: usize = 100;
/// How long threads may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where guests' files are: those in C are compiled into a directory; those in Rust are built already, but for
/// examples.
pub struct Library<'a> {
    directory: &'a Path,
    built: &'a Path,
    /// The package `redis-module`, which brings the header and the examples along.
    package: PathBuf,
}

impl<'a> Library<'a> {
    /// Compiles to `directory`, and finds modules in Rust in `built`, where cargo has put them.
    ///
    /// # Errors
    /// When the package isn't there that brings the header along.
    pub fn new(directory: &'a Path, built: &'a Path) -> Result<Self> {
        let metadata = MetadataCommand::new().exec().context("cannot list the workspace's packages")?;
        let package = metadata.packages.iter().find(|package| package.name.as_str() == "redis-module");
        let manifest = &package.context("the modules in Rust depend on redis-module")?.manifest_path;
        let package = manifest.parent().context("a manifest stands in a directory")?;
        Ok(Self { directory, built, package: package.as_std_path().to_owned() })
    }

    /// Builds the examples among the guests, which their package has without what they need to be built.
    ///
    /// # Errors
    /// When that fails.
    pub fn build_examples(&self) -> Result<()> {
        let target = self.built.parent().context("cargo's directory for a profile is in one for all")?;
        let directory = target.join("examples-of-redis-module");
        fs::create_dir_all(directory.join("src"))?;
        let mut manifest = EXAMPLES.to_owned();
        for guest in GUESTS.iter().filter(|guest| guest.language == Language::Example) {
            let (name, source) = (guest.file, self.package.join(format!("examples/{}.rs", guest.file)));
            let source = source.display();
            write!(
                manifest,
                "\n[[example]]\nname = \"{name}\"\ncrate-type = [\"cdylib\"]\npath = \"{source}\"\n"
            )?;
        }
        fs::write(directory.join("Cargo.toml"), manifest)?;
        fs::write(directory.join("src/lib.rs"), "")?;
        // The same versions as here.
        fs::copy(concat!(env!("CARGO_MANIFEST_DIR"), "/../Cargo.lock"), directory.join("Cargo.lock"))?;
        let mut cargo = Command::new("cargo");
        cargo.args(["build", "--quiet", "--release", "--examples", "--manifest-path"]);
        cargo.arg(directory.join("Cargo.toml")).arg("--target-dir").arg(target);
        ensure!(cargo.status().context("cannot start cargo")?.success(), "the examples don't build");
        Ok(())
    }

    /// The file of a guest.
    ///
    /// # Errors
    /// When it doesn't compile, or isn't built.
    fn file(&self, guest: &Guest) -> Result<String> {
        match guest.language {
            Language::C => self.compile(guest.file),
            Language::Rust | Language::Example => {
                let is_example = guest.language == Language::Example;
                let directory = if is_example { self.built.join("examples") } else { self.built.to_owned() };
                let path = directory.join(format!("lib{}.so", guest.file));
                let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
                Ok(path.display().to_string())
            }
        }
    }

    fn compile(&self, name: &str) -> Result<String> {
        let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/modhost/tests/modules"));
        let library = self.directory.join(format!("{name}.so"));
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=gnu11", "-O1", "-fPIC", "-shared", "-I"]);
        gcc.arg(self.package.join("src/include"));
        let status = gcc.arg("-o").args([&library, &sources.join(format!("{name}.c"))]).status();
        ensure!(status.context("cannot start gcc")?.success(), "{name} doesn't compile");
        Ok(library.display().to_string())
    }
}

/// Calls commands, by spaces; each replies something else than an error.
fn run(connection: &mut Connection, commands: &[&str]) -> Result<()> {
    for line in commands {
        let words: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let mut request = Vec::new();
        write_command(&mut request, &words);
        connection.send(&request)?;
        connection.message().with_context(|| format!("{line} was refused"))?;
    }
    Ok(())
}

/// Loads a guest, sends it its traffic and unloads it, as often as that; one that stays is loaded once, and has the
/// traffic each time.
///
/// # Errors
/// When something is refused that shouldn't be, or isn't that should.
pub fn come_and_go(server: &Server, library: &Library<'_>, guest: &Guest, rounds: u32) -> Result<()> {
    let load = format!("module load {}", library.file(guest)?);
    let mut connection = server.connect()?;
    if guest.stays {
        run(&mut connection, &[&load])?;
        return go_on(server, guest, rounds);
    }
    let unload = format!("module unload {}", guest.name);
    for _ in 0..rounds {
        run(&mut connection, &[&load])?;
        run(&mut connection, guest.script)?;
        run(&mut connection, &["flushall", &unload])?;
    }
    Ok(())
}

/// Sends a guest that stays its traffic, as often as that. It is asked to go each time, and doesn't.
///
/// # Errors
/// As for [`come_and_go`].
pub fn go_on(server: &Server, guest: &Guest, rounds: u32) -> Result<()> {
    let mut connection = server.connect()?;
    for _ in 0..rounds {
        run(&mut connection, guest.script)?;
        run(&mut connection, &["flushall"])?;
        match connection.command(&[b"MODULE", b"UNLOAD", guest.name.as_bytes()]) {
            Ok(_) => bail!("{} has types, and was unloaded", guest.name),
            Err(error) => ensure!(error.to_string().contains("data types"), "{error:#}"),
        }
    }
    Ok(())
}

/// Has threads of a module use the server while clients do, for that long; gives how many turns the threads have had.
///
/// # Errors
/// When a turn is lost, a client is refused, or the threads don't end.
pub fn take_turns(server: &Server, library: &Library<'_>, time: Duration) -> Result<u64> {
    let mut connection = server.connect()?;
    let file = library.compile(CROWD)?;
    run(&mut connection, &[&format!("module load {file}"), &format!("crowd.start {THREADS}")])?;
    let began = Instant::now();
    let mut own = 0;
    while began.elapsed() < time {
        let mut request = Vec::new();
        (0..BATCH).for_each(|_| write_command(&mut request, &[b"INCR", b"own"]));
        connection.send(&request)?;
        for _ in 0..BATCH {
            own += 1;
            let reply = connection.reply()?;
            ensure!(reply == Reply::Integer(own), "INCR replied {reply:?} instead of {own}");
        }
    }
    while connection.command(&[b"crowd.stop"])? != Reply::Integer(0) {
        ensure!(began.elapsed() < time + PATIENCE, "threads don't end");
        thread::sleep(Duration::from_millis(1));
    }
    let Reply::Integer(turns) = connection.command(&[b"crowd.turns"])? else {
        bail!("crowd.turns is no number")
    };
    let counted = connection.command(&[b"GET", b"turns"])?;
    ensure!(counted == Reply::Bulk(Some(turns.to_string().into_bytes())), "{counted:?} turns of {turns}");
    run(&mut connection, &["flushall", "module unload crowd"])?;
    Ok(turns.unsigned_abs())
}

/// How many bytes the log says that modules have left, which nobody will free.
///
/// # Errors
/// When it can't be read, or understood.
pub fn lost(log: &Path) -> Result<u64> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    lost_in(&text)
}

fn lost_in(log: &str) -> Result<u64> {
    let told = log.split("leaves behind what nobody will free: ").skip(1);
    let bytes = told.map(|leak| {
        let number = leak.split(' ').next().unwrap_or_default();
        number.parse::<u64>().with_context(|| format!("{number:?} is no number of bytes"))
    });
    bytes.sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_lost_is_in_the_log() {
        let log = "# Module a leaves behind what nobody will free: 448 bytes in 1 block: 1 block of 448 bytes\n\
                   * Module a unloaded\n\
                   # Module b leaves behind what nobody will free: 8 bytes in 1 block: 1 block of 8 bytes\n";
        assert_eq!(lost_in(log).unwrap(), 456);
        assert_eq!(lost_in("").unwrap(), 0);
        assert!(lost_in("Module a leaves behind what nobody will free: much").is_err());
    }

    #[test]
    fn a_guest_comes_and_goes() {
        let directory = tempfile::tempdir().unwrap();
        let library = Library::new(directory.path(), directory.path()).unwrap();
        let server = Server::start(Path::new("redis-server"), &["--enable-module-command", "yes"]).unwrap();
        // The others call functions that Redis 7.0 hasn't got.
        let notes = GUESTS.iter().find(|guest| guest.name == "notes").unwrap();
        come_and_go(&server, &library, notes, 3).unwrap();
        assert!(take_turns(&server, &library, Duration::from_millis(200)).unwrap() > 0);
    }
}
