//! Modules that are loaded and unloaded over and over, with traffic in between, and threads of a module that take turns
//! with clients.

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
    Guest {
        file: "module_bench",
        ..guest("allocbench", Language::Rust, &["allocbench small-growing", "allocbenchbytes"])
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
        file: "tairstring",
        stays: true,
        ..guest(
            "exstrtype",
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

/// The C module whose threads want the server.
const CROWD: &str = "crowd";
/// How many they are.
pub const THREADS: u32 = 10;
/// How many requests of a client are under way at once beside them.
const BATCH: usize = 100;
/// How long threads may take to end.
const PATIENCE: Duration = Duration::from_secs(60);

/// Where guests' files are: those in C are compiled into a directory, those in Rust are built already.
pub struct Library<'a> {
    directory: &'a Path,
    built: &'a Path,
    header: PathBuf,
}

impl<'a> Library<'a> {
    /// Compiles to `directory`, and finds modules in Rust in `built`.
    ///
    /// # Errors
    /// When the package that brings the header along isn't there.
    pub fn new(directory: &'a Path, built: &'a Path) -> Result<Self> {
        let metadata = MetadataCommand::new().exec().context("cannot list the workspace's packages")?;
        let package = metadata.packages.iter().find(|package| package.name.as_str() == "redis-module");
        let manifest = &package.context("the modules in Rust depend on redis-module")?.manifest_path;
        let header = manifest.parent().context("a manifest stands in a directory")?.join("src/include");
        Ok(Self { directory, built, header: header.into_std_path_buf() })
    }

    /// The file of a guest.
    ///
    /// # Errors
    /// When it doesn't compile, or isn't built.
    fn file(&self, guest: &Guest) -> Result<String> {
        match guest.language {
            Language::C => self.compile(guest.file),
            Language::Rust => {
                let path = self.built.join(format!("lib{}.so", guest.file));
                let path = path.canonicalize().with_context(|| format!("there is no {}", path.display()))?;
                Ok(path.display().to_string())
            }
        }
    }

    fn compile(&self, name: &str) -> Result<String> {
        let sources = Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/../crates/modhost/tests/modules"));
        let library = self.directory.join(format!("{name}.so"));
        let mut gcc = Command::new("gcc");
        gcc.args(["-std=gnu11", "-O1", "-fPIC", "-shared", "-I"]).arg(&self.header);
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

/// How many times the log tells of memory that a module has left behind.
///
/// # Errors
/// When it can't be read.
pub fn leaks(log: &Path) -> Result<u64> {
    let text = fs::read_to_string(log).with_context(|| format!("cannot read {}", log.display()))?;
    Ok(text.matches("behind: they are lost").count() as u64)
}

#[cfg(test)]
mod tests {
    use super::*;

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
