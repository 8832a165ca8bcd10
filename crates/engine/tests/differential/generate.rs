//! Random commands: right ones, wrong ones and nearly right ones, over few enough keys that they meet.

use engine::Rng;

use crate::dump::{payload, seal};

/// How the replies to a step are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Match {
    /// Byte by byte.
    Exact,
    /// The same elements, in whatever order.
    Unordered,
    /// Integers that differ by no more than this: times to live, which begin at another moment on either side, and
    /// all last longer than this.
    Within(u64),
    /// The same but for the rules about commands: of those there is more than one way to tell the same, and which one
    /// is taken depends on all commands that a server has.
    ButCommands,
    /// Payloads of the same value: how a text is compressed is the compressor's to choose.
    Payload,
    /// Replies of the same type: figures that only the server itself can know.
    Shape,
}

/// One command, and how its replies are compared.
#[derive(Clone, Debug)]
pub(crate) struct Step {
    pub(crate) args: Vec<Vec<u8>>,
    pub(crate) compare: Match,
}

impl Step {
    fn exact(args: Vec<Vec<u8>>) -> Self {
        Self { args, compare: Match::Exact }
    }

    /// Whether the command begins with these words, in any case.
    pub(crate) fn is(&self, words: &str) -> bool {
        let mut args = self.args.iter();
        words.split(' ').all(|word| args.next().is_some_and(|arg| arg.eq_ignore_ascii_case(word.as_bytes())))
    }

    /// The command as a person would type it.
    pub(crate) fn show(&self) -> String {
        let show = |arg: &Vec<u8>| match arg.len() {
            0 => "''".to_owned(),
            len if len > 80 => format!("<{len} bytes>"),
            _ => arg.escape_ascii().to_string(),
        };
        self.args.iter().map(show).collect::<Vec<_>>().join(" ")
    }
}

/// The commands as templates. A word in capitals stands for itself; the others are drawn anew each time:
/// `key`, `value`, `payload` (of DUMP), `integer`, `float`, `index` (into a string), `seconds`, `millis`,
/// `restore-ttl`, `at` and `at-millis` (times to live and points in time that are either past or far off), `db`,
/// `pattern`, `bit` (a number of one), `field` (a type of BITFIELD's), `user`, `rule` (one of ACL SETUSER's).
/// `[a|b|c]` is one of them or nothing, `(a|b)` one of them, and a word with `*` after it is repeated one to four
/// times.
const TEMPLATES: &[&str] = &[
    "SET key value",
    "SET key value [NX|XX] [GET] [EX seconds|PX millis|EXAT at|PXAT at-millis|KEEPTTL]",
    "SET key value [GET] [EX seconds|PX millis|EXAT at|PXAT at-millis|KEEPTTL] [NX|XX] [KEEPTTL|GET]",
    "SET key integer",
    "GET key",
    "GETEX key [EX seconds|PX millis|EXAT at|PXAT at-millis|PERSIST] [PERSIST]",
    "GETDEL key",
    "GETSET key value",
    "MGET key*",
    "MSET key value key value key value",
    "MSETNX key value key value",
    "SETNX key value",
    "SETEX key seconds value",
    "PSETEX key millis value",
    "STRLEN key",
    "APPEND key value",
    "GETRANGE key index index",
    "SUBSTR key index index",
    "SETRANGE key index value",
    "INCR key",
    "DECR key",
    "INCRBY key integer",
    "DECRBY key integer",
    "INCRBYFLOAT key float",
    "INCRBYFLOAT key integer",
    "SETBIT key bit (0|1)",
    "SETBIT key bit (0|1)",
    "SETBIT key bit integer",
    "GETBIT key bit",
    "BITCOUNT key",
    "BITCOUNT key index index [BIT|BYTE|x]",
    "BITCOUNT key bit bit BIT",
    "BITPOS key (0|1) [0|1|-3|9]",
    "BITPOS key (0|1|2|x) index index [BIT|BYTE|x]",
    "BITPOS key (0|1) bit bit BIT",
    "BITOP (AND|OR|XOR|NOT|nosuch) key key [key|nokey]",
    "BITOP (AND|OR|XOR) key key*",
    "BITOP NOT key key",
    "BITFIELD key GET field bit",
    "BITFIELD key [OVERFLOW~] SET field bit integer GET field bit",
    "BITFIELD key OVERFLOW (WRAP|SAT|FAIL|x) INCRBY field bit integer SET field bit integer",
    "BITFIELD key OVERFLOW (SAT|FAIL) SET (i8|u8|i64|u63|i5) bit integer INCRBY (i64|i3|u2) bit integer",
    "BITFIELD_RO key GET field bit GET field bit",
    "BITFIELD_RO key [GET|SET] field bit",
    "LCS key key",
    "LCS key key [IDX|LEN] [MINMATCHLEN] [0|2|-1|x] [WITHMATCHLEN|LEN]",
    "LCS key key IDX MINMATCHLEN integer WITHMATCHLEN",
    "COMMAND GETKEYSANDFLAGS BITFIELD key [GET|SET] field bit [OVERFLOW|SET|GET] [SAT|u8] 1",
    "COMMAND GETKEYSANDFLAGS LCS key key",
    "SLOWLOG (LEN x|GET -2|GET x|GET 1 2|RESET|value)",
    "LATENCY (LATEST|HISTORY value|HISTORY command|RESET value|RESET|GRAPH value|HISTOGRAM value|value)",
    "CONFIG SET (slowlog-max-len|slowlog-log-slower-than|acllog-max-len|latency-tracking) (integer|yes)",
    "CONFIG SET latency-tracking-info-percentiles (50|x|101|0~99.9)",
    "CONFIG GET (slowlog-max-len|acllog-max-len|latency-tracking*)",
    "DEBUG ERROR (ERR~some|CODE~text|bare)",
    "DEBUG (JMAP|value value)",
    "ACL SETUSER user rule",
    "ACL SETUSER user rule rule rule",
    "ACL SETUSER user reset rule rule rule",
    "ACL GETUSER user",
    "ACL LIST",
    "ACL USERS",
    "ACL WHOAMI",
    "ACL DELUSER user [user|nosuch]",
    "ACL DRYRUN user GET key",
    "ACL DRYRUN user SET key value [GET]",
    "ACL DRYRUN user MSET key value key value",
    "ACL DRYRUN user (COPY|RENAME) key key",
    "ACL DRYRUN user (select|config|PING|config get|nosuch) [1|get|set|TWO] [x]",
    "ACL DRYRUN user BITFIELD key [GET|SET] field bit",
    "ACL (SAVE|LOAD|CAT x|GENPASS 0|GENPASS x|LOG x|LOG -1|CAT x y|value)",
    "DEL key*",
    "UNLINK key*",
    "EXISTS key*",
    "TOUCH key*",
    "TYPE key",
    "KEYS pattern",
    "RENAME key key",
    "RENAMENX key key",
    "COPY key key [DB db] [REPLACE]",
    "MOVE key db",
    "DUMP key",
    "RESTORE key restore-ttl payload [REPLACE]",
    "RESTORE key restore-ttl payload [REPLACE] [ABSTTL] [IDLETIME integer|FREQ integer] [REPLACE]",
    "RESTORE key (0|x|-1) payload REPLACE [IDLETIME|FREQ|x|REPLACE] [7|x|256] [FREQ|IDLETIME] [7|-1]",
    "RESTORE key 0 value [REPLACE]",
    "EXPIRE key seconds [NX|XX] [NX|XX]",
    "PEXPIRE key millis [NX|XX]",
    "EXPIRE key (0|-1|x) [GT|LT] [GT|LT|NX]",
    "EXPIREAT key at [NX|XX|GT|LT] [NX|XX]",
    "PEXPIREAT key at-millis [NX|XX|GT|LT]",
    "TTL key",
    "PTTL key",
    "EXPIRETIME key",
    "PEXPIRETIME key",
    "PERSIST key",
    "OBJECT ENCODING key",
    "OBJECT REFCOUNT key",
    "OBJECT IDLETIME key",
    "OBJECT FREQ key",
    "RANDOMKEY",
    "SELECT db",
    "SWAPDB db db",
    "PING [value]",
    "ECHO value",
    "HELLO [2|3]",
    "CLIENT SETNAME (name|na~me|value)",
    "CLIENT GETNAME",
    "CLIENT ID",
    "CLIENT NO-EVICT (ON|OFF|value)",
    "CLIENT KILL (ID integer|value|ADDR value|TYPE value)",
    "CLIENT TRACKINGINFO",
    "CLIENT GETREDIR",
    "CLIENT CACHING (YES|NO|value)",
    "CLIENT TRACKING (OFF|value)",
    "CLIENT UNBLOCK integer [TIMEOUT|ERROR|value] [value]",
    "CLIENT REPLY (value|ON)",
    "CLIENT NO-EVICT value",
    "CONFIG SET notify-keyspace-events (KEA|g$lshzxetd|nmKE|value)",
    "CONFIG GET notify-keyspace-events",
    "CONFIG SET tracking-table-max-keys integer",
    "CONFIG SET maxmemory-clients (0|5%|101%|x)",
    "WATCH key*",
    "UNWATCH [value]",
    "EXEC",
    "DISCARD",
    "PUBLISH value value",
    "SPUBLISH value value",
    "PUBSUB (CHANNELS|SHARDCHANNELS|NUMSUB|SHARDNUMSUB|NUMPAT|value) [value] [value]",
    "COMMAND GETKEYS WATCH key key",
    "COMMAND GETKEYS SPUBLISH value value",
    "COMMAND INFO (multi|watch|publish|ssubscribe|wait)",
    "CONFIG GET (maxclients|hz|proto-max-*|[a-d]*-policy|value)",
    "CONFIG SET (hz integer|timeout integer|proto-max-bulk-len integer|value value|hz 10 hz 10)",
    "COMMAND COUNT value",
    "COMMAND INFO (get|append|ping|nosuch) [ttl|incr|expire]",
    "COMMAND GETKEYS SET key value",
    "COMMAND GETKEYS MSET key value key value",
    "COMMAND GETKEYS COPY key key",
    "COMMAND GETKEYS PING",
    "COMMAND LIST FILTERBY (PATTERN mset*|ACLCAT nosuch|MODULE nosuch|value)",
    "MEMORY USAGE key [SAMPLES integer]",
    "MEMORY value",
    "TIME",
    "AUTH value",
    "AUTH value value",
    "SCAN integer value",
    "SCAN value",
    "OBJECT value key",
    "CLIENT value",
    "CONFIG value",
    "DEBUG SLEEP 0",
    "value value",
];

/// Draws steps; the same seed draws the same.
pub(crate) struct Generator {
    rng: Rng,
    /// Made names, for filling a database.
    serial: u64,
}

impl Generator {
    pub(crate) fn new(seed: u64) -> Self {
        Self { rng: Rng::seeded(seed), serial: 0 }
    }

    /// Any command of the templates; one in eight is damaged.
    pub(crate) fn step(&mut self) -> Step {
        if self.one_in(2_000) {
            let flush: &[&str] = &["FLUSHALL", "FLUSHDB", "FLUSHALL ASYNC", "FLUSHDB SYNC", "FLUSHALL x"];
            return Step::exact(words(self.pick(flush)));
        }
        let template = self.pick(TEMPLATES);
        let mut args = self.fill(template);
        // A damaged DEBUG SLEEP would sleep for long.
        if self.one_in(8) && template != "DEBUG SLEEP 0" {
            self.damage(&mut args);
        }
        calm(&mut args);
        if self.one_in(4) {
            args[0].make_ascii_lowercase();
        }
        Step { compare: comparison(&args), args }
    }

    /// Commands after which the two servers are known to hold the same.
    pub(crate) fn audit(&mut self) -> Vec<Step> {
        let mut steps = vec![Step { args: words("KEYS *"), compare: Match::Unordered }];
        for key in self.keys() {
            for command in ["TYPE", "GET", "PTTL", "OBJECT ENCODING"] {
                let args = [words(command), vec![key.clone()]].concat();
                steps.push(Step { compare: comparison(&args), args });
            }
        }
        steps
    }

    /// A command that makes a database grow, and now and then shrink.
    pub(crate) fn filling_step(&mut self) -> Step {
        self.serial += 1;
        if self.one_in(50) {
            return Step::exact(words("DBSIZE"));
        }
        let name = |serial: u64| format!("key:{}:{serial}", serial % 7).into_bytes();
        if self.one_in(5) {
            let gone = self.rng.below(self.serial);
            return Step::exact(vec![b"DEL".to_vec(), name(gone)]);
        }
        Step::exact(vec![b"SET".to_vec(), name(self.serial), b"v".to_vec()])
    }

    /// Sets of options for SCAN.
    pub(crate) fn scan_options(&mut self) -> Vec<Vec<Vec<u8>>> {
        [
            "",
            "COUNT 1",
            "COUNT 1000",
            "MATCH key:3:*",
            "MATCH *[05] COUNT 7",
            "TYPE string",
            "TYPE list",
            "TYPE nosuch",
        ]
        .map(words)
        .to_vec()
    }

    /// Sets keys that are gone within 40 milliseconds, among others that stay.
    pub(crate) fn short_lived(&mut self, count: usize) -> Vec<Step> {
        (0..count)
            .map(|_| {
                let key = self.key();
                let args = match self.rng.below(4) {
                    0 => vec![b"SET".to_vec(), key, b"stays".to_vec()],
                    1 => vec![
                        b"PSETEX".to_vec(),
                        key,
                        self.rng.below(40).max(1).to_string().into(),
                        b"goes".to_vec(),
                    ],
                    2 => vec![b"SET".to_vec(), key, b"goes".to_vec(), b"PX".to_vec(), b"30".to_vec()],
                    _ => vec![b"SET".to_vec(), key, b"0".to_vec()],
                };
                Step::exact(args)
            })
            .collect()
    }

    fn keys(&self) -> Vec<Vec<u8>> {
        let mut keys: Vec<Vec<u8>> = (0..14).map(|number| format!("key:{number}").into_bytes()).collect();
        keys.extend([
            b"".to_vec(),
            b"k\0\r\n\xff".to_vec(),
            b"k[a]*?\\".to_vec(),
            vec![b'l'; 300],
            b"{t}k".to_vec(),
        ]);
        keys
    }

    fn key(&mut self) -> Vec<u8> {
        let keys = self.keys();
        keys[self.rng.below(keys.len() as u64) as usize].clone()
    }

    /// Expands a template, white space, choices, repetitions and all.
    fn fill(&mut self, template: &str) -> Vec<Vec<u8>> {
        let mut args = Vec::new();
        let mut rest = template;
        while !rest.is_empty() {
            rest = rest.trim_start();
            let close = match rest.as_bytes().first() {
                Some(b'[') => Some(("]", true)),
                Some(b'(') => Some((")", false)),
                _ => None,
            };
            // A pattern such as `[a-d]*` is a word and no choice: choices are followed by a space or the end.
            if let Some((close, optional)) = close {
                let depth_end = matching(rest, close);
                let choices: Vec<&str> = rest[1..depth_end].split('|').collect();
                if !(optional && self.one_in(2)) {
                    let choice = self.pick(&choices);
                    args.extend(choice.split(' ').flat_map(|word| self.word(word)));
                }
                rest = &rest[depth_end + 1..];
            } else {
                let end = rest.find(' ').unwrap_or(rest.len());
                args.extend(self.word(&rest[..end]));
                rest = &rest[end..];
            }
        }
        args
    }

    fn word(&mut self, word: &str) -> Vec<Vec<u8>> {
        if let Some(word) = word.strip_suffix('*').filter(|word| *word == "key") {
            return (0..=self.rng.below(4)).flat_map(|_| self.word(word)).collect();
        }
        vec![match word {
            "key" => self.key(),
            "value" => self.value(),
            "integer" => self.integer(),
            "float" => self.float(),
            "index" => self.index(),
            "seconds" => {
                self.any(&["-1", "0", "1000", "100000", "9223372036854775807", "9223372036854775", "1e3", ""])
            }
            "millis" => self.any(&["-5", "0", "1000000", "99999999", "9223372036854775807", "1.5", "x"]),
            "at" => self.any(&[
                "1",
                "0",
                "-1",
                "4000000000",
                "33177117420",
                "9223372036854775807",
                "9223372036854775",
            ]),
            "at-millis" => {
                self.any(&["1", "0", "-1", "4000000000000", "33177117420000", "9223372036854775807", "z"])
            }
            "payload" => self.payload(),
            "restore-ttl" => {
                self.any(&["0", "0", "1000000", "4000000000000", "9223372036854775807", "-1", "1.5", ""])
            }
            "db" => self.any(&["0", "0", "1", "2", "15", "16", "-1", "x", "99999999999"]),
            "bit" => match self.rng.below(6) {
                0 => self.any(&["#0", "#3", "#-1", "#", "4294967296", "34359738367", "-1", "x", "", "01"]),
                1 => format!("#{}", self.rng.below(40)).into(),
                _ => (self.rng.below(600) as i64).to_string().into(),
            },
            "user" => self.any(&["ann", "bob", "a\\b", "Ann"]),
            "rule" => {
                let rules: &[&str] = &[
                    "on",
                    "OFF",
                    "nopass",
                    "resetpass",
                    ">pw",
                    ">other",
                    "<pw",
                    "",
                    "reset",
                    "clearselectors",
                    "#2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
                    "#12",
                    "!12",
                    "!2bb80d537b1da3e38bd30361aa855686bde0eacd7162fef6a25fe97bf527a25b",
                    "~*",
                    "~key:*",
                    "%R~key:1*",
                    "%W~k*",
                    "%rw~key:?",
                    "%~x",
                    "%R",
                    "~key:[1-5]",
                    "allkeys",
                    "resetkeys",
                    "&*",
                    "&c*",
                    "allchannels",
                    "resetchannels",
                    "+@all",
                    "-@all",
                    "allcommands",
                    "nocommands",
                    "+get",
                    "-get",
                    "+set",
                    "+config|get",
                    "-config|set",
                    "+config",
                    "+@string",
                    "-@write",
                    "+@read",
                    "-@slow",
                    "+@nosuch",
                    "+nosuch",
                    "+select|1",
                    "+select|two",
                    "-select|1",
                    "+config|get|x",
                    "+get|",
                    "+",
                    "-",
                    "foo",
                    "(+get ~key:*)",
                    "(+@all %R~key:*)",
                    "(+set allkeys",
                    "~x)",
                    "()",
                    "(on)",
                    "sanitize-payload",
                    "skip-sanitize-payload",
                    "~a b",
                    ">",
                ];
                self.any(rules)
            }
            "field" => match self.rng.below(6) {
                0 => self.any(&["u64", "i65", "u0", "i", "", "x8", "u08", "I8", "i-3"]),
                1 => self.any(&["i64", "u63", "i1", "u1"]),
                _ => format!("{}{}", self.pick(&["i", "u"]), 1 + self.rng.below(63)).into(),
            },
            "pattern" => self.any(&[
                "*",
                "key:*",
                "k*",
                "key:[1-3]",
                "key:[^1]",
                "k\\[a*",
                "*\\",
                "key:1?",
                "[",
                "",
                "*k",
            ]),
            word => word.replace('~', " ").into_bytes(),
        }]
    }

    fn value(&mut self) -> Vec<u8> {
        match self.rng.below(10) {
            0 | 1 => self.integer(),
            2 => self.float(),
            3 => vec![b'v'; self.rng.below(100) as usize],
            4 => vec![b'w'; 43 + self.rng.below(3) as usize],
            5 => vec![b'x'; self.rng.below(3_000) as usize],
            6 => (0..self.rng.below(20)).map(|_| self.rng.next_u64() as u8).collect(),
            _ => self.any(&["", "v", "some value", "EX", "NX", "0", "012", "-0", "1e5", " 1", "nan"]),
        }
    }

    /// What DUMP may have answered, or nearly.
    fn payload(&mut self) -> Vec<u8> {
        let value = self.value();
        let mut payload = payload(&value, self.one_in(2));
        match self.rng.below(8) {
            0 => {
                let at = self.rng.below(payload.len() as u64) as usize;
                payload[at] ^= 1 << self.rng.below(8);
            }
            1 => payload.truncate(self.rng.below(payload.len() as u64) as usize),
            // Of a type that neither knows.
            2 => payload = seal(&[&[200], &value[..]].concat(), persist::dump::RDB_VERSION),
            3 => payload = seal(b"\0\x01v", self.rng.below(13) as u16),
            _ => {}
        }
        payload
    }

    fn integer(&mut self) -> Vec<u8> {
        match self.rng.below(6) {
            0 => self.any(&[
                "9223372036854775807",
                "-9223372036854775808",
                "9223372036854775808",
                "-9223372036854775807",
            ]),
            1 => self.any(&["+1", "01", "1.0", "", "ten", "-", "0x10"]),
            2 => (self.rng.next_u64() as i64 >> self.rng.below(63)).to_string().into(),
            _ => (self.rng.below(200) as i64 - 100).to_string().into(),
        }
    }

    fn float(&mut self) -> Vec<u8> {
        match self.rng.below(4) {
            0 => self.any(&[
                "inf", "-inf", "nan", "1e400", "1e5000", "-1e-5", "0x1p3", ".5", "5.", "1e", "", " 1",
            ]),
            1 => format!("{}e{}", self.rng.below(1000), self.rng.below(12)).into(),
            _ => format!("{}.{}", self.rng.below(100) as i64 - 50, self.rng.below(100_000)).into(),
        }
    }

    fn index(&mut self) -> Vec<u8> {
        match self.rng.below(8) {
            0 => self.any(&[
                "536870912",
                "536870913",
                "-536870912",
                "9223372036854775807",
                "-9223372036854775808",
            ]),
            1 => self.any(&["x", "", "1.5"]),
            _ => (self.rng.below(60) as i64 - 20).to_string().into(),
        }
    }

    /// Makes a right command nearly right.
    fn damage(&mut self, args: &mut Vec<Vec<u8>>) {
        let at = self.rng.below(args.len() as u64) as usize;
        match self.rng.below(4) {
            0 if args.len() > 1 => drop(args.remove(at.max(1))),
            1 => args.push(self.value()),
            2 if at > 0 => args[at] = self.value(),
            _ => args.insert(at + 1, self.value()),
        }
    }

    fn any(&mut self, texts: &[&str]) -> Vec<u8> {
        self.pick(texts).as_bytes().to_vec()
    }

    fn pick<'a>(&mut self, from: &[&'a str]) -> &'a str {
        from[self.rng.below(from.len() as u64) as usize]
    }

    fn one_in(&mut self, many: u64) -> bool {
        self.rng.below(many) == 0
    }
}

/// Takes back what chance should not have asked for: times to live, and of idle clients, that end while replies are
/// compared, and strings of hundreds of megabytes.
fn calm(args: &mut [Vec<u8>]) {
    let is =
        |arg: &Vec<u8>, words: &[&str]| words.iter().any(|word| arg.eq_ignore_ascii_case(word.as_bytes()));
    // Any other limit would close the connection sooner or later.
    if args.iter().any(|arg| is(arg, &["maxmemory-clients"])) {
        let harmless = ["0", "5%", "101%", "CONFIG", "SET", "GET", "maxmemory-clients"];
        args.iter_mut().filter(|arg| !is(arg, &harmless)).for_each(|arg| *arg = b"x".to_vec());
        return;
    }
    let (dangerous, replacement) = if is(&args[0], &["SETRANGE"]) {
        (1_000_000..=512 << 20, "77")
    } else if is(&args[0], &["WAIT"]) {
        (1..=i64::MAX, "0")
    } else if is(&args[0], &["SETBIT", "BITFIELD"]) {
        (1_000_000..=512 << 23, "77")
    } else if args.iter().any(|arg| is(arg, &["PX", "PEXPIRE", "PSETEX", "RESTORE"])) {
        (1..=60_000, "1000000")
    } else if args.iter().any(|arg| is(arg, &["EX", "EXPIRE", "SETEX"])) {
        (1..=60, "1000")
    } else if args.iter().any(|arg| is(arg, &["proto-max-bulk-len"])) {
        ((512 << 20) + 1..=i64::MAX, "536870912")
    } else if args.iter().any(|arg| is(arg, &["timeout"])) {
        (1..=3_600, "3601")
    } else {
        return;
    };
    for arg in args {
        let number = std::str::from_utf8(arg).ok().and_then(|text| text.parse::<i64>().ok());
        if number.is_some_and(|number| dangerous.contains(&number)) {
            *arg = replacement.into();
        }
    }
}

/// Where the bracket that `text` begins with is closed: at `close` before a space or the end.
fn matching(text: &str, close: &str) -> usize {
    let ends = |at: &(usize, &str)| matches!(text.as_bytes().get(at.0 + 1), None | Some(b' '));
    text.match_indices(close).find(ends).expect("every bracket in a template is closed").0
}

fn words(text: &str) -> Vec<Vec<u8>> {
    text.split_whitespace().map(|word| word.as_bytes().to_vec()).collect()
}

/// How replies to these arguments are compared, whatever became of them.
fn comparison(args: &[Vec<u8>]) -> Match {
    let word = |at: usize| {
        args.get(at).map_or(String::new(), |arg| String::from_utf8_lossy(arg).to_ascii_uppercase())
    };
    match (word(0).as_str(), word(1).as_str()) {
        ("KEYS", _) | ("COMMAND", "LIST") | ("CONFIG", "GET") => Match::Unordered,
        ("TTL" | "EXPIRETIME", _) => Match::Within(30),
        ("PTTL" | "PEXPIRETIME", _) => Match::Within(30_000),
        ("DUMP", _) => Match::Payload,
        ("ACL", "GETUSER") => Match::ButCommands,
        ("ACL", "LIST" | "LOG" | "GENPASS") | ("SLOWLOG", "LEN" | "GET") => Match::Shape,
        ("LATENCY", "HISTOGRAM") => Match::Shape,
        ("RANDOMKEY" | "TIME" | "SCAN", _) | ("OBJECT", "IDLETIME") | ("MEMORY", "USAGE") => Match::Shape,
        ("CLIENT", "ID") | ("HELLO", _) => Match::Shape,
        // Every command that there is.
        ("COMMAND", "INFO" | "COUNT" | "") if args.len() <= 2 => Match::Shape,
        _ => Match::Exact,
    }
}
