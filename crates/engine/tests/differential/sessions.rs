//! Several connections to the engine and to redis-server, whose commands meet.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::time::Duration;

use engine::config::Protection;
use engine::{ClientId, Close, Engine, Options, Rng};

use crate::dump::payload;
use crate::messages::{Sent, difference};
use crate::oracle::{Oracle, request};

/// How many connections there are, beside the one that only looks on. The last is shown what the others do by MONITOR.
pub(crate) const CONNECTIONS: usize = 6;
/// How many of them send commands.
const SENDERS: usize = CONNECTIONS - 1;
/// After how many commands everyone who waits is let go, and the two sides' clients are compared.
const AUDIT: u64 = 100;

/// What the one who only looks on sends redis-server all the time; MONITOR's lines on it are left out.
const UNSHOWN: &str = "ECHO only-looking";

/// Commands of any connection. Words are as in the other generator; `client` is the number of a connection.
const ANYWHERE: &[&str] = &[
    "SET key value",
    "SET key value",
    "SET key value XX",
    "SET key value EX 1000 GET",
    "SETNX key value",
    "GET key",
    "GET key",
    "GET key",
    "MGET key key key",
    "MSET key value key value",
    "MSETNX key value key value",
    "GETSET key value",
    "GETDEL key",
    "GETEX key EX 1000",
    "GETEX key PERSIST",
    "GETEX key PXAT 1",
    "APPEND key value",
    "APPEND new value",
    "SETRANGE key 2 value",
    "SETRANGE key 2 ''",
    "GETRANGE key 0 1",
    "STRLEN key",
    "INCR number",
    "DECRBY number 7",
    "INCRBYFLOAT number 0.5",
    "SETBIT key 3 1",
    "SETBIT new 3 0",
    "BITFIELD key SET u8 0 7 GET u4 1",
    "BITFIELD key OVERFLOW FAIL INCRBY u2 0 3",
    "BITFIELD key GET u8 0",
    "BITOP OR key key key",
    "BITOP NOT key nothing",
    "BITCOUNT key",
    "GETBIT key 3",
    "DEL key key",
    "UNLINK key",
    "EXISTS key key",
    "TOUCH key",
    "TYPE key",
    "OBJECT ENCODING key",
    "RENAME key key",
    "RENAMENX key key",
    "COPY key key",
    "COPY key key REPLACE DB db",
    "MOVE key db",
    "DUMP key",
    "RESTORE key 0 payload",
    "RESTORE key 1000000 payload REPLACE",
    "RESTORE key 1 payload ABSTTL REPLACE",
    "RESTORE new 0 payload",
    "RESTORE key 0 value REPLACE",
    "EXPIRE key 1000",
    "EXPIRE key -1",
    "PEXPIREAT key 1",
    "PERSIST key",
    "SELECT db",
    "SELECT 0",
    "SWAPDB db db",
    "FLUSHDB",
    "PUBLISH channel value",
    "PUBLISH channel value",
    "SPUBLISH channel value",
    "PUBSUB NUMSUB channel channel",
    "PUBSUB SHARDNUMSUB channel",
    "PUBSUB NUMPAT",
    "CLIENT TRACKING ON",
    "CLIENT TRACKING ON NOLOOP",
    "CLIENT TRACKING ON OPTIN",
    "CLIENT TRACKING ON OPTOUT",
    "CLIENT TRACKING ON OPTIN OPTOUT",
    "CLIENT TRACKING ON BCAST",
    "CLIENT TRACKING ON BCAST PREFIX k PREFIX n NOLOOP",
    "CLIENT TRACKING ON BCAST PREFIX k PREFIX ke",
    "CLIENT TRACKING ON PREFIX k",
    "CLIENT TRACKING ON REDIRECT client",
    "CLIENT TRACKING ON BCAST REDIRECT client",
    "CLIENT TRACKING OFF",
    "CLIENT TRACKING OFF",
    "CLIENT CACHING YES",
    "CLIENT CACHING NO",
    "CLIENT TRACKINGINFO",
    "CLIENT GETREDIR",
    "CLIENT ID",
    "CLIENT NO-EVICT ON",
    "CONFIG SET notify-keyspace-events KEA",
    "CONFIG SET notify-keyspace-events KEAnm",
    "CONFIG SET notify-keyspace-events Kg$",
    "CONFIG SET notify-keyspace-events Exnm",
    "CONFIG SET notify-keyspace-events ''",
    "CONFIG GET notify-keyspace-events",
    "PING",
    "PING value",
    "UNWATCH",
    "WAIT 1 0",
    "WAIT 0 0",
    "GET",
    "NONSENSE value",
    "ACL WHOAMI",
    "ACL SETUSER user rule",
    "ACL SETUSER user rule rule",
    "ACL SETUSER user on >secret ~* &* +@all",
    "ACL SETUSER carol revocation",
    "ACL SETUSER carol on >secret ~* &news* &sport &k?y:* +@all",
    "ACL SETUSER carol revocation on >secret ~* &news* +@all",
    "ACL SETUSER carol revocation on >secret ~* &news* +@all",
    "ACL DELUSER user",
    "ACL DELUSER user",
    "ACL DELUSER user carol",
    "AUTH carol secret",
    "AUTH carol secret",
    "AUTH carol secret",
    "AUTH user secret",
    "AUTH user secret",
    "AUTH user wrong",
    "AUTH default ''",
];

/// Those that are answered by messages, or end what MULTI began, so that they don't stand in transactions.
const OUTSIDE: &[&str] = &[
    "SUBSCRIBE channel",
    "SUBSCRIBE channel channel",
    "PSUBSCRIBE pattern",
    "PSUBSCRIBE __key*__:*",
    "SSUBSCRIBE channel",
    "UNSUBSCRIBE channel",
    "UNSUBSCRIBE",
    "PUNSUBSCRIBE",
    "PUNSUBSCRIBE pattern",
    "SUNSUBSCRIBE",
    "HELLO 3",
    "HELLO 2",
    "HELLO 3 AUTH user secret",
    "HELLO 3 AUTH carol secret",
    "HELLO 3 AUTH carol secret",
    "HELLO 2 AUTH default any",
    "CLIENT REPLY OFF",
    "CLIENT REPLY ON",
    "CLIENT REPLY ON",
    "CLIENT REPLY SKIP",
    "CLIENT UNBLOCK client",
    "CLIENT UNBLOCK client ERROR",
    "MULTI",
    "MULTI",
    "MULTI",
    "WATCH key",
    "WATCH key key",
    "EXEC",
    "DISCARD",
];

/// Rules of users; nobody is locked out for good.
const RULES: &[&str] = &[
    "on",
    "on",
    "on",
    "off",
    ">secret",
    ">secret",
    "<secret",
    "nopass",
    "resetpass",
    "~*",
    "~k*",
    "%R~n*",
    "resetkeys",
    "&*",
    "+@all",
    "+@all",
    "-@all",
    "-@write",
    "+@read",
    "-get",
    "+acl",
    "+multi",
    "-exec",
    "-client|id",
    "(~o* +@all)",
    "clearselectors",
    "nosuch",
];

/// Rules that may take away channels that somebody has subscribed to, for which connections are closed. They are for
/// a user that is never granted all channels: when those are taken away, Redis 7.0 overlooks who has subscribed.
const REVOCATIONS: &[&str] = &["resetchannels", "resetchannels", "reset"];

/// What may come between MULTI and EXEC beside commands.
const INSIDE: &[&str] =
    &["EXEC", "EXEC", "EXEC", "EXEC", "EXEC", "EXEC", "DISCARD", "WATCH key", "MULTI", "EXEC x", "SUBSCRIBE"];

/// Both servers, with the same connections.
pub(crate) struct Sessions {
    engine: Engine,
    /// Who only looks on, at the engine.
    looker: ClientId,
    oracle: Oracle,
    /// The version that redis-server states.
    version: String,
    connections: Vec<Connection>,
    rng: Rng,
    /// Whether commands that write are being kept. Redis 7.0 dies of CLIENT UNBLOCK for one who sent such a command.
    is_paused: bool,
    /// How many commands have been compared.
    pub(crate) compared: u64,
    /// How many connections the servers have closed.
    pub(crate) closed: u64,
    /// The last commands, for a report.
    history: Vec<String>,
}

struct Connection {
    id: ClientId,
    stream: UnixStream,
    is_in_transaction: bool,
    /// Whether its commands are kept, because it waits or clients are paused.
    is_waiting: bool,
    /// Whether it has subscribed to anything.
    is_subscribed: bool,
    /// Whether EXEC may remove users.
    may_remove_user: bool,
    /// Whether redis-server has closed it.
    is_over: bool,
}

impl Connection {
    /// Connects to both.
    fn open(engine: &mut Engine, oracle: &Oracle) -> Self {
        let mut id = engine.connect().expect("there is room for a client");
        // The same numbers on both sides, so that replies can hold them.
        loop {
            let socket = oracle.folder.join("socket");
            let mut stream = UnixStream::connect(socket).expect("redis-server takes another connection");
            let number = ask_number(&mut stream);
            while id.number() < number {
                engine.disconnect(id);
                id = engine.connect().expect("there is room for a client");
            }
            if id.number() == number {
                // What redis-server has been asked, so that it is the last command on both sides.
                engine.call(id, &[b"CLIENT", b"ID"]);
                stream.set_nonblocking(true).expect("a socket can be asked not to block");
                return Self {
                    id,
                    stream,
                    is_in_transaction: false,
                    is_waiting: false,
                    is_subscribed: false,
                    may_remove_user: false,
                    is_over: false,
                };
            }
        }
    }
}

impl Sessions {
    pub(crate) fn start(seed: u64) -> Self {
        let mut options = Options::default();
        options.config.enable_debug_command = Protection::Yes;
        let mut engine = Engine::open(options);
        let mut oracle = Oracle::start();
        oracle.call(&words("DEBUG SET-ACTIVE-EXPIRE 0"));
        let looker = engine.connect().expect("there is room for a client");
        let connections = (0..CONNECTIONS).map(|_| Connection::open(&mut engine, &oracle)).collect();
        let rng = Rng::seeded(seed);
        let version = oracle.version();
        let mut sessions = Self {
            version,
            engine,
            looker,
            oracle,
            connections,
            rng,
            is_paused: false,
            compared: 0,
            closed: 0,
            history: Vec::new(),
        };
        sessions.run(SENDERS, &words("MONITOR")).expect("both show commands from now on");
        sessions
    }

    /// One command of one connection, and what it has everyone sent; now and then a look at all clients.
    pub(crate) fn step(&mut self) -> Result<(), String> {
        if self.compared % AUDIT == AUDIT - 1 {
            self.audit()?;
        }
        match self.rng.below(150) {
            0 if !self.is_paused && !self.connections.iter().any(|connection| connection.may_remove_user) => {
                self.is_paused = true;
                self.look("CLIENT PAUSE 1000000 WRITE");
            }
            1..10 if self.is_paused => {
                self.is_paused = false;
                self.look("CLIENT UNPAUSE");
                self.settle()?;
            }
            _ => {}
        }
        let at = self.rng.below(SENDERS as u64) as usize;
        let args = self.command(at);
        let is_short_lived = args.iter().any(|arg| arg == b"5");
        if args[0] == b"RESTORE" && args.last().is_some_and(|arg| arg == b"REPLACE") {
            // Who watches a key whose time had come by then isn't told by Redis that RESTORE replaces it: it doesn't
            // remove what is expired first, as every other command does.
            self.run(at, &[b"EXISTS".to_vec(), args[1].clone()])?;
        }
        self.run(at, &args)?;
        if is_short_lived {
            // Longer than the key lives, on either clock.
            std::thread::sleep(Duration::from_millis(12));
        }
        Ok(())
    }

    fn command(&mut self, at: usize) -> Vec<Vec<u8>> {
        let is_in_transaction = self.connections[at].is_in_transaction;
        let choice = self.rng.below(100);
        let template = match (choice, is_in_transaction) {
            (0, false) if !self.is_paused && !self.connections[at].is_waiting => "SET key value PX 5",
            (1, _) if self.rng.below(4) == 0 => "FLUSHALL",
            (2, false) => "RESET",
            (3..25, true) => self.pick(INSIDE),
            (3..35, false) => self.pick(OUTSIDE),
            _ => self.pick(ANYWHERE),
        };
        // Of what is kept for later nobody knows yet what it does to the commands behind it.
        let Connection { is_waiting, is_subscribed, may_remove_user, .. } = self.connections[at];
        // Redis 7.0 dies when a client takes away channels that itself has subscribed to. It also runs what has been
        // kept of a client whose user has just been removed, with the rights of the default user; and where it breaks
        // off the reply to EXEC it may still append the length of a list that is counted while it is written.
        let removes_user = template.contains("DELUSER");
        let is_excluded = self.is_paused && template.contains("UNBLOCK")
            || is_waiting && template == "MULTI"
            || (is_waiting || is_subscribed) && template.starts_with("ACL SETUSER carol")
            || (is_waiting || self.is_paused) && removes_user
            || may_remove_user && template == "CLIENT TRACKINGINFO";
        let template = if is_excluded { "PING" } else { template };
        self.connections[at].may_remove_user |= is_in_transaction && removes_user;
        template.split(' ').map(|word| self.word(word)).collect()
    }

    fn pick(&mut self, from: &[&'static str]) -> &'static str {
        from[self.rng.below(from.len() as u64) as usize]
    }

    fn word(&mut self, word: &str) -> Vec<u8> {
        let client = self.rng.below(SENDERS as u64) as usize;
        match word {
            "key" => self.pick(&["key:1", "key:2", "key:3", "k", "other", ""]).into(),
            "new" => format!("new:{}", self.rng.below(1_000_000)).into_bytes(),
            "payload" => payload(self.pick(&["a", "bb", "7"]).as_bytes(), true),
            "number" => self.pick(&["n1", "n2"]).into(),
            "value" => self.pick(&["a", "bb", "7", "ccc"]).into(),
            "db" => self.pick(&["0", "1", "2"]).into(),
            "channel" => self.pick(&["news", "sport", "key:1"]).into(),
            "pattern" => self.pick(&["news*", "*", "k?y:*"]).into(),
            "user" => self.pick(&["alice", "bob"]).into(),
            "rule" => self.pick(RULES).into(),
            "revocation" => self.pick(REVOCATIONS).into(),
            "client" => self.connections[client].id.number().to_string().into_bytes(),
            "''" => Vec::new(),
            word => word.into(),
        }
    }

    /// Sends a command to both, and compares what every connection is sent.
    fn run(&mut self, at: usize, args: &[Vec<u8>]) -> Result<(), String> {
        let shown: Vec<_> = args.iter().map(|arg| arg.escape_ascii().to_string()).collect();
        self.history.push(format!("{at}: {}", shown.join(" ")));
        let bytes = request(args);
        self.connections[at].stream.write_all(&bytes).expect("redis-server takes a command");
        self.engine.receive(self.connections[at].id, &bytes);
        self.compared += 1;
        self.settle()
    }

    /// Waits until both have done what they were asked for, and compares what every connection has been sent.
    fn settle(&mut self) -> Result<(), String> {
        self.synchronise();
        for index in 0..CONNECTIONS {
            let closing = self.engine.closing(self.connections[index].id);
            let (ours, theirs) = (self.ours(index), self.theirs(index));
            let (our_parts, their_parts) = (Sent::parse(&ours), Sent::parse(&theirs));
            // Redis 7.0 breaks off the reply to EXEC behind the command that removes the client's user.
            let is_equal = match closing {
                Some(Close::AfterReply) => our_parts.begins_with(&their_parts),
                Some(Close::Now) | None => our_parts == their_parts,
            };
            if !is_equal {
                return Err(format!("of connection {index} {}", self.report(&ours, &theirs)));
            }
        }
        self.reopen()?;
        let listed = self.list_ours();
        for (connection, line) in self.connections.iter_mut().zip(listed) {
            let field = |name: &str| line.split(' ').find_map(|field| field.strip_prefix(name));
            connection.is_in_transaction = field("multi=") != Some("-1");
            connection.may_remove_user &= connection.is_in_transaction;
            connection.is_waiting = field("flags=").is_some_and(|flags| flags.contains('b'));
            connection.is_subscribed = ["sub=", "psub=", "ssub="].iter().any(|name| field(name) != Some("0"));
        }
        Ok(())
    }

    /// Replaces the connections that were closed, which both sides must have done: of users who are gone, and of those
    /// who may no longer listen to what they have subscribed to.
    fn reopen(&mut self) -> Result<(), String> {
        self.engine.take_doomed();
        let before = self.closed;
        for index in 0..CONNECTIONS {
            let id = self.connections[index].id;
            let ours = self.engine.closing(id);
            if ours == Some(Close::AfterReply) && !self.connections[index].is_over {
                self.end_lingering(index);
            }
            let theirs = self.connections[index].is_over;
            if ours.is_some() != theirs {
                let start = self.history.len().saturating_sub(60);
                let history = self.history[start..].join("\n  ");
                return Err(format!(
                    "connection {index} is closed: {ours:?} and {theirs}, after\n  {history}"
                ));
            }
            if theirs {
                self.engine.disconnect(id);
                self.connections[index] = Connection::open(&mut self.engine, &self.oracle);
                self.closed += 1;
            }
        }
        if self.closed > before {
            // What the new ones have asked is shown, and redis-server may have been asked more often.
            self.synchronise();
            self.ours(SENDERS);
            self.theirs(SENDERS);
        }
        Ok(())
    }

    /// Ends a connection that redis-server means to close when it has been sent its reply, which never happens to one
    /// that wants no replies.
    fn end_lingering(&mut self, index: usize) {
        let number = self.connections[index].id.number();
        let reply = self.oracle.call(&words(&format!("CLIENT LIST ID {number}")));
        let listed = lines(reply.as_bytes().expect("CLIENT LIST answers with a text"));
        let flags =
            listed.first().and_then(|line| line.split(' ').find_map(|word| word.strip_prefix("flags=")));
        if flags.is_some_and(|flags| flags.contains('c')) {
            self.oracle.call(&words(&format!("CLIENT KILL ID {number}")));
            self.synchronise();
            self.theirs(index);
        }
    }

    /// What a person needs to see what is different.
    fn report(&self, ours: &[u8], theirs: &[u8]) -> String {
        let start = self.history.len().saturating_sub(60);
        let difference = difference(&Sent::parse(ours), &Sent::parse(theirs));
        format!("{difference}\nafter\n  {}", self.history[start..].join("\n  "))
    }

    /// Waits until redis-server has written what the last command has it write: the first answer says that it has
    /// read the command, the second that it has come around once more.
    fn synchronise(&mut self) {
        for _ in 0..2 {
            self.oracle.call(&words(UNSHOWN));
        }
    }

    fn ours(&mut self, index: usize) -> Vec<u8> {
        let id = self.connections[index].id;
        if self.engine.closing(id) == Some(Close::Now) {
            // Whoever writes to it closes it instead.
            return Vec::new();
        }
        let output = self.engine.output(id).to_vec();
        self.engine.sent(id, output.len());
        output
    }

    fn theirs(&mut self, index: usize) -> Vec<u8> {
        let (mut bytes, mut part) = (Vec::new(), [0; 1 << 16]);
        loop {
            match self.connections[index].stream.read(&mut part) {
                Ok(0) => {
                    self.connections[index].is_over = true;
                    break;
                }
                Ok(count) => bytes.extend_from_slice(&part[..count]),
                Err(error) if error.kind() == ErrorKind::WouldBlock => break,
                Err(error) => panic!("{error}"),
            }
        }
        // The one difference that is wanted: what HELLO says.
        let [theirs, ours] = [&self.version, engine::REDIS_VERSION]
            .map(|version| format!("${}\r\n{version}\r\n", version.len()));
        replaced(&bytes, theirs.as_bytes(), ours.as_bytes())
    }

    /// The line of CLIENT LIST for each connection, from the engine.
    fn list_ours(&mut self) -> Vec<String> {
        let args: Vec<Vec<u8>> = self.list_args();
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        let reply = self.engine.call(self.looker, &args);
        lines(reply.as_bytes().expect("CLIENT LIST answers with a text"))
    }

    fn list_args(&self) -> Vec<Vec<u8>> {
        let numbers =
            self.connections.iter().map(|connection| connection.id.number().to_string().into_bytes());
        words("CLIENT LIST ID").into_iter().chain(numbers).collect()
    }

    /// Has those who only look on do something, on both sides.
    fn look(&mut self, line: &str) {
        self.history.push(line.to_owned());
        let args = words(line);
        self.oracle.call(&args);
        let args: Vec<&[u8]> = args.iter().map(Vec::as_slice).collect();
        self.engine.call(self.looker, &args);
    }

    /// Lets everyone go who waits, and compares what both sides know of their clients.
    fn audit(&mut self) -> Result<(), String> {
        let numbers: Vec<u64> = self.connections.iter().map(|connection| connection.id.number()).collect();
        self.is_paused = false;
        self.look("CLIENT UNPAUSE");
        numbers.iter().for_each(|number| self.look(&format!("CLIENT UNBLOCK {number}")));
        self.settle()?;
        let args = self.list_args();
        let reply = self.oracle.call(&args);
        let theirs = lines(reply.as_bytes().expect("CLIENT LIST answers with a text"));
        for (our_line, their_line) in self.list_ours().iter().zip(&theirs) {
            for name in ["flags", "db", "sub", "psub", "ssub", "multi", "cmd", "redir", "resp"] {
                let value = |line: &str| {
                    let start = format!("{name}=");
                    line.split(' ').find_map(|field| field.strip_prefix(&start)).map(str::to_owned)
                };
                let (ours, mut theirs) = (value(our_line), value(their_line));
                // One comes through a unix socket, the other is part of this program.
                if name == "flags" {
                    let letters = theirs.unwrap_or_default().replace('U', "");
                    theirs = Some(if letters.is_empty() { "N".to_owned() } else { letters });
                }
                if ours != theirs {
                    let start = self.history.len().saturating_sub(60);
                    return Err(format!(
                        "{name} is {ours:?} and {theirs:?} of\n{our_line}\n{their_line}\nafter\n  {}",
                        self.history[start..].join("\n  ")
                    ));
                }
            }
        }
        Ok(())
    }
}

/// The bytes with each `from` made a `to`.
fn replaced(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut result = Vec::new();
    let mut rest = bytes;
    while let Some(at) = rest.windows(from.len()).position(|window| window == from) {
        result.extend_from_slice(&rest[..at]);
        result.extend_from_slice(to);
        rest = &rest[at + from.len()..];
    }
    result.extend_from_slice(rest);
    result
}

fn lines(text: &[u8]) -> Vec<String> {
    String::from_utf8_lossy(text).lines().map(str::to_owned).collect()
}

fn words(line: &str) -> Vec<Vec<u8>> {
    line.split(' ').map(|word| word.as_bytes().to_vec()).collect()
}

/// The number of a connection to redis-server.
fn ask_number(stream: &mut UnixStream) -> u64 {
    stream.write_all(b"CLIENT ID\r\n").expect("redis-server takes a command");
    let mut reply = Vec::new();
    let mut byte = [0];
    while !reply.ends_with(b"\r\n") {
        stream.read_exact(&mut byte).expect("redis-server answers");
        reply.push(byte[0]);
    }
    std::str::from_utf8(&reply[1..reply.len() - 2]).unwrap().parse().expect("a number")
}
