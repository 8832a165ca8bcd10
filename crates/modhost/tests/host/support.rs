//! A server with modules that are compiled for the test.

use std::ops::{Deref, DerefMut};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::{LazyLock, Mutex};

use engine::ClientId;
use engine::{ModuleReport, Reply};
use modhost::{TestError, TestServer};
use tempfile::TempDir;

/// Where the header is that modules are compiled against: it comes with the crate `redis-module`.
static HEADER: LazyLock<PathBuf> = LazyLock::new(|| {
    let metadata = cargo_metadata::MetadataCommand::new().exec().expect("the workspace's packages");
    let package = metadata.packages.iter().find(|package| package.name.as_str() == "redis-module");
    let manifest = package.expect("the modules in Rust depend on it").manifest_path.as_std_path();
    manifest.parent().expect("a directory").join("src/include")
});

/// Compiles the module of that name, with more options for the compiler, to a file of its own.
pub(crate) fn compile(directory: &Path, name: &str, options: &[&str]) -> PathBuf {
    let library = directory.join(format!("{name}.so"));
    compile_to(&library, &format!("{name}.c"), options);
    library
}

/// Compiles a source of the test modules, in C or C++, to a library.
pub(crate) fn compile_to(library: &Path, source: &str, options: &[&str]) {
    // One at a time: the tests' own threads would otherwise start as many compilers as there are tests.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    let (compiler, standard) =
        if source.ends_with(".cpp") { ("g++", "-std=gnu++17") } else { ("gcc", "-std=gnu11") };
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/modules").join(source);
    let status = Command::new(compiler)
        .args([standard, "-Wall", "-Werror", "-O1", "-fPIC", "-shared"])
        .args(options)
        .arg("-I")
        .arg(&*HEADER)
        .arg(&source)
        .arg("-o")
        .arg(library)
        .status()
        .expect("the compiler runs");
    assert!(status.success(), "{} compiles", source.display());
}

/// A server, and the modules that were compiled for it.
pub(crate) struct Server {
    server: TestServer,
    directory: TempDir,
}

impl Deref for Server {
    type Target = TestServer;

    fn deref(&self) -> &TestServer {
        &self.server
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut TestServer {
        &mut self.server
    }
}

impl Server {
    /// A server without modules, whose clock stands still.
    pub(crate) fn new() -> Self {
        Self::configured("")
    }

    /// The same, with these lines of a configuration.
    pub(crate) fn configured(lines: &str) -> Self {
        let server = TestServer::with_configuration(lines).expect("directives that there are");
        Self { server, directory: TempDir::new().expect("a directory") }
    }

    /// A server with this module.
    pub(crate) fn with(name: &str) -> Self {
        let mut server = Self::new();
        server.load(name, &[]).expect("loaded");
        server
    }

    /// Compiles a module and loads it.
    pub(crate) fn load(&mut self, name: &str, args: &[&str]) -> Result<String, TestError> {
        let library = compile(self.directory.path(), name, &[]);
        self.load_file(&library, args)
    }

    /// Loads a module from a file.
    pub(crate) fn load_file(&mut self, library: &Path, args: &[&str]) -> Result<String, TestError> {
        self.server.load_with(library, args, &[])
    }

    /// Where compiled modules are.
    pub(crate) fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// Calls a command, whose words are separated by spaces.
    pub(crate) fn call(&mut self, line: &str) -> Reply {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let client = self.client;
        self.engine.call(client, &args)
    }

    /// What a command replies, whose words are separated by spaces, with a bar for each end of a line.
    pub(crate) fn raw(&mut self, line: &str) -> String {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        String::from_utf8_lossy(&self.bytes(&args)).replace("\r\n", "|")
    }

    /// The bytes that a command replies.
    pub(crate) fn bytes(&mut self, args: &[&[u8]]) -> Vec<u8> {
        let client = self.client;
        self.engine.execute(client, args);
        let bytes = self.engine.output(client).to_vec();
        self.engine.sent(client, bytes.len());
        bytes
    }

    /// The same of a command that may wait: threads of modules work meanwhile.
    pub(crate) fn patient(&mut self, args: &[&[u8]]) -> Vec<u8> {
        let reply = self.bytes(args);
        if reply.is_empty() { self.await_reply(self.client) } else { reply }
    }

    /// Lets threads work until the client has a reply.
    pub(crate) fn await_reply(&mut self, client: ClientId) -> Vec<u8> {
        loop {
            self.turn();
            let bytes = self.engine.output(client).to_vec();
            if !bytes.is_empty() {
                self.engine.sent(client, bytes.len());
                return bytes;
            }
        }
    }

    /// What is told of a module.
    pub(crate) fn report(&self, name: &str) -> ModuleReport {
        self.server.report(name).expect("loaded")
    }
}
