//! The engine beside redis-server, with one connection each: the same commands to both.

use engine::config::Protection;
use engine::{ClientId, Engine, Options, quoting};

use crate::oracle::Oracle;

/// Both, and who asks the engine.
pub(crate) struct Pair {
    engine: Engine,
    client: ClientId,
    oracle: Oracle,
}

impl Pair {
    /// Starts a redis-server of Debian's, and an engine as it is configured without a file.
    pub(crate) fn start() -> Self {
        let mut options = Options::default();
        options.config.enable_debug_command = Protection::Yes;
        let mut engine = Engine::open(options);
        let client = engine.connect().expect("there is room for a client");
        let mut oracle = Oracle::start();
        let version = oracle.version();
        assert!(version.starts_with("7.0."), "the oracle is Redis 7.0, not {version}");
        Self { engine, client, oracle }
    }

    /// Sends a command to both; their replies, as bytes. Work that the command has left for later is done.
    pub(crate) fn send(&mut self, line: &str) -> (Vec<u8>, Vec<u8>) {
        let words = quoting::split(line.as_bytes()).expect("quotes are closed");
        self.oracle.send(&words);
        self.oracle.flush();
        let args: Vec<&[u8]> = words.iter().map(Vec::as_slice).collect();
        self.engine.execute(self.client, &args);
        let ours = self.engine.output(self.client).to_vec();
        self.engine.sent(self.client, ours.len());
        while self.engine.work().is_some() {}
        (ours, self.oracle.read())
    }

    /// The same replies to each line.
    #[track_caller]
    pub(crate) fn same(&mut self, script: &str) {
        for line in script.lines().map(str::trim).filter(|line| !line.is_empty()) {
            let (ours, theirs) = self.send(line);
            let [ours, theirs] = [ours, theirs].map(|reply| reply.escape_ascii().to_string());
            assert_eq!(ours, theirs, "{line}");
        }
    }
}
