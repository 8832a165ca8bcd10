//! A whole configuration text into a [`Config`], with the files that it includes.
//!
//! The engine sees no file system: whoever loads a configuration says how files are read.

use std::{fmt, io};

use super::Config;
use super::directive::{Directive, Place};
use super::value::Reason;
use crate::quoting::split;

/// How deep included files may include others.
const DEEPEST: usize = 16;

/// Directives that Redis has done away with and still accepts, with one argument.
const OBSOLETE: [&[u8]; 3] =
    [b"list-max-ziplist-entries", b"list-max-ziplist-value", b"lua-replicate-commands"];

/// Where a configuration text comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Origin {
    /// The configuration file.
    File,
    /// A file that it includes, by its path.
    Included(String),
    /// The standard input.
    Stdin,
    /// The command line, one option a line.
    Arguments,
}

/// A configuration text.
#[derive(Clone, Debug)]
pub struct Source {
    /// Where it comes from.
    pub origin: Origin,
    /// The bytes.
    pub text: Vec<u8>,
}

/// Reads the files that an `include` names: gets the pattern as it is written, which may be a
/// glob, and gives the files in order. As in Redis 7, a glob that matches nothing gives no
/// files and a path that doesn't exist is an error.
pub type Loader<'a> = dyn FnMut(&[u8]) -> io::Result<Vec<Source>> + 'a;

/// Why a configuration can't be used. Shown in the four lines that Redis prints.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LoadError {
    /// Where the line is.
    pub origin: Origin,
    /// The line's number, from 1.
    pub line: usize,
    /// The line, without the blanks around it.
    pub text: String,
    /// A sentence.
    pub reason: String,
}

impl fmt::Display for LoadError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let version = env!("CARGO_PKG_VERSION");
        writeln!(f, "*** FATAL CONFIG FILE ERROR (zmalloc {version}) ***")?;
        match &self.origin {
            Origin::File => write!(f, "Reading the configuration file, at line ")?,
            Origin::Included(path) => write!(f, "Reading the included file '{path}', at line ")?,
            Origin::Stdin => write!(f, "Reading the standard input, at line ")?,
            Origin::Arguments => write!(f, "Reading the command line, at option ")?,
        }
        writeln!(f, "{}", self.line)?;
        writeln!(f, ">>> '{}'", self.text)?;
        f.write_str(&self.reason)
    }
}

impl std::error::Error for LoadError {}

/// What a configuration text has set.
#[derive(Debug, Default)]
pub struct Loaded {
    directives: Vec<&'static Directive>,
}

impl Loaded {
    /// Whether the directive of this name was set, even to its default.
    pub fn contains(&self, name: &str) -> bool {
        self.directives.iter().any(|directive| directive.name == name)
    }

    /// A sentence for the log about each absent feature that directives were set for, which
    /// names these.
    pub fn notices(&self) -> Vec<String> {
        let mut groups: Vec<(&str, Vec<&str>)> = Vec::new();
        for directive in &self.directives {
            let Place::Waiting { absent, .. } = directive.place else {
                continue;
            };
            match groups.iter_mut().find(|(feature, _)| *feature == absent) {
                Some((_, names)) => names.push(directive.name),
                None => groups.push((absent, vec![directive.name])),
            }
        }
        groups
            .iter()
            .map(|(absent, names)| match names.as_slice() {
                [name] => format!("'{name}' has no effect: {absent}"),
                names => format!("'{}' have no effect: {absent}", names.join("', '")),
            })
            .collect()
    }

    /// Adds what a later text has set.
    pub fn merge(&mut self, later: Self) {
        later.directives.into_iter().for_each(|directive| self.add(directive));
    }

    fn add(&mut self, directive: &'static Directive) {
        if !self.contains(directive.name) {
            self.directives.push(directive);
        }
    }
}

impl Config {
    /// Applies a configuration text, line by line; a later line overrides an earlier one.
    ///
    /// # Errors
    /// The first line that is malformed, unknown or refused. What came before it is applied:
    /// a server that can't read its configuration doesn't start.
    pub fn load(&mut self, source: &Source, loader: &mut Loader<'_>) -> Result<Loaded, LoadError> {
        let mut loading = Loading { config: self, loader, loaded: Loaded::default() };
        loading.source(source, 0)?;
        Ok(loading.loaded)
    }
}

/// A load under way.
struct Loading<'a, 'l> {
    config: &'a mut Config,
    loader: &'a mut Loader<'l>,
    loaded: Loaded,
}

/// Why one line fails: in itself, or somewhere in a file that it includes.
enum Failure {
    Here(Reason),
    Deeper(LoadError),
}

impl<R: Into<Reason>> From<R> for Failure {
    fn from(reason: R) -> Self {
        Self::Here(reason.into())
    }
}

impl Loading<'_, '_> {
    fn source(&mut self, source: &Source, depth: usize) -> Result<(), LoadError> {
        for (index, line) in source.text.split(|&byte| byte == b'\n').enumerate() {
            let line = line.trim_ascii();
            self.line(line, depth).map_err(|failure| match failure {
                Failure::Deeper(error) => error,
                Failure::Here(reason) => LoadError {
                    origin: source.origin.clone(),
                    line: index + 1,
                    text: String::from_utf8_lossy(line).into_owned(),
                    reason: reason.into_owned(),
                },
            })?;
        }
        Ok(())
    }

    fn line(&mut self, line: &[u8], depth: usize) -> Result<(), Failure> {
        if line.starts_with(b"#") {
            return Ok(());
        }
        let words = split(line).map_err(|_| "Unbalanced quotes in configuration line")?;
        let Some((name, arguments)) = words.split_first() else {
            return Ok(());
        };
        if let Some(directive) = Directive::find(name) {
            directive.set_line(self.config, arguments)?;
            self.loaded.add(directive);
            return Ok(());
        }
        match (name.to_ascii_lowercase().as_slice(), arguments) {
            (b"include", [pattern]) => self.include(pattern, depth),
            (b"loadmodule", [_, ..]) => {
                self.config.modules.push(arguments.to_vec());
                Ok(())
            }
            (name, [_, ..]) if name.contains(&b'.') => {
                self.module_directive(name, arguments);
                Ok(())
            }
            (b"rename-command", [_, _]) => Err("renaming commands is not supported".into()),
            (b"user", [_, ..]) => {
                crate::acl::check_line(arguments, &self.config.users)?;
                self.config.users.push(arguments.to_vec());
                Ok(())
            }
            (b"sentinel", [_, ..]) => Err("sentinel directive while not in sentinel mode".into()),
            (name, [_]) if OBSOLETE.contains(&name) => Ok(()),
            // Modules' names needn't have a prefix; one that no module takes ends the start when they are loaded.
            (name, [_, ..]) if !self.config.modules.is_empty() => {
                self.module_directive(name, arguments);
                Ok(())
            }
            _ => Err("Bad directive or wrong number of arguments".into()),
        }
    }

    /// Keeps a directive for the module that will register it.
    fn module_directive(&mut self, name: &[u8], arguments: &[Vec<u8>]) {
        let name = String::from_utf8_lossy(name).into_owned();
        self.config.module_directives.retain(|(other, _)| *other != name);
        self.config.module_directives.push((name, arguments.join(&b' ')));
    }

    fn include(&mut self, pattern: &[u8], depth: usize) -> Result<(), Failure> {
        if depth == DEEPEST {
            return Err("files include each other too deeply".into());
        }
        let files = (self.loader)(pattern).map_err(|error| {
            let pattern = String::from_utf8_lossy(pattern);
            Reason::from(format!("can't open config file '{pattern}': {error}"))
        })?;
        files.iter().try_for_each(|file| self.source(file, depth + 1)).map_err(Failure::Deeper)
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::super::table::TABLE;
    use super::*;

    fn file(text: &str) -> Source {
        Source { origin: Origin::File, text: text.into() }
    }

    /// A loader with one glob, `*.conf`, and files `a` and `b`, where `loop` includes itself.
    fn files(pattern: &[u8]) -> io::Result<Vec<Source>> {
        let texts: &[(&str, &str)] = match pattern {
            b"a" => &[("a", "timeout 1\ninclude b")],
            b"b" => &[("b", "hz 20\n\nport no\n")],
            b"loop" => &[("loop", "include loop")],
            b"*.conf" => &[("1.conf", "timeout 5"), ("2.conf", "timeout 6")],
            b"none*" => &[],
            _ => return Err(io::ErrorKind::NotFound.into()),
        };
        let source = |(name, text): &(&str, &str)| Source {
            origin: Origin::Included((*name).to_owned()),
            text: (*text).into(),
        };
        Ok(texts.iter().map(source).collect())
    }

    fn load(text: &str) -> Result<Config, String> {
        let mut config = Config::default();
        match config.load(&file(text), &mut files) {
            Ok(_) => Ok(config),
            Err(error) => Err(error.to_string()),
        }
    }

    /// The last three lines of the message about `text`.
    fn error(text: &str) -> String {
        let error = load(text).expect_err(text);
        let (title, rest) = error.split_once('\n').expect("several lines");
        assert!(title.starts_with("*** FATAL CONFIG FILE ERROR (zmalloc "));
        rest.to_owned()
    }

    #[test]
    fn comments_blanks_quotes_and_case() {
        let config =
            load("# port 1\n\n  PORT \t7\r\n \t# x \"\nrequirepass 'a b'\nsave ''\nbind \"::1 -::2\"");
        let config = config.expect("a good text");
        assert_eq!((config.port, config.requirepass), (7, b"a b".to_vec()));
        assert_eq!(config.bind, ["::1", "-::2"]);
    }

    #[test]
    fn later_lines_override_and_output_limits_add_up() {
        let text = "timeout 1\ntimeout 2\nclient-output-buffer-limit normal 1mb 0 0\n\
            client-output-buffer-limit replica 2 3 4";
        let config = load(text).expect("a good text");
        assert_eq!(config.timeout, 2);
        let limits = config.client_output_buffer_limit;
        assert_eq!((limits.normal.hard, limits.replica.soft_seconds), (1 << 20, 4));
        assert_eq!(limits.pubsub, super::super::ClientOutputBufferLimits::default().pubsub);
    }

    #[test]
    fn errors_name_the_line_and_quote_it() {
        let at = |line, text, reason| {
            format!("Reading the configuration file, at line {line}\n>>> '{text}'\n{reason}")
        };
        let bad = "Bad directive or wrong number of arguments";
        let number = "wrong number of arguments";
        let cases = [
            ("\n\n foo bar \n", at(3, "foo bar", bad)),
            ("# x\n\nport \"12", at(3, "port \"12", "Unbalanced quotes in configuration line")),
            ("timeout 1 2", at(1, "timeout 1 2", number)),
            ("port", at(1, "port", number)),
            ("port 1\nmaxmemory 1gg", at(2, "maxmemory 1gg", "argument must be a memory value")),
            ("include", at(1, "include", bad)),
            ("rename-command a", at(1, "rename-command a", bad)),
            ("loadmodule", at(1, "loadmodule", bad)),
            ("sentinel x", at(1, "sentinel x", "sentinel directive while not in sentinel mode")),
            ("save 1", at(1, "save 1", "Invalid save parameters")),
            ("replicaof a x", at(1, "replicaof a x", "Invalid master port")),
            ("list-max-ziplist-value 1 2", at(1, "list-max-ziplist-value 1 2", bad)),
            ("appendonly yes", at(1, "appendonly yes", "append-only files are not supported")),
        ];
        for (text, expected) in cases {
            assert_eq!(error(text), expected);
        }
    }

    #[test]
    fn what_asks_for_nothing_is_accepted() {
        let text = "save\nsave \"\"\nreplicaof no one\nappendonly no\nmaxmemory 0\ndaemonize no\n\
            list-max-ziplist-value 1";
        assert_eq!(load(text), Ok(Config::default()));
    }

    #[test]
    fn included_files_are_read_in_place() {
        assert_eq!(load("include *.conf\n").expect("two files").timeout, 6);
        assert_eq!(load("timeout 9\ninclude none*\n").expect("no file").timeout, 9);
        assert_eq!(
            error("include a"),
            "Reading the included file 'b', at line 3\n>>> 'port no'\nargument couldn't be parsed into an integer"
        );
        assert!(error("hz 1\ninclude gone").starts_with(
            "Reading the configuration file, at line 2\n>>> 'include gone'\ncan't open config file 'gone': "
        ));
        assert!(error("include loop").ends_with("files include each other too deeply"));
    }

    #[test]
    fn what_has_no_effect_is_noticed_once() {
        let mut config = Config::default();
        let text = file("rdb-del-sync-files no\nport 1\nslave-priority 1\nrdb-del-sync-files yes");
        let mut loaded = config.load(&text, &mut files).expect("a good text");
        let later = file("replica-priority 100\nset-max-intset-entries 1\nsave ''\nrdbchecksum no");
        loaded.merge(config.load(&later, &mut files).expect("a good text"));
        assert!(loaded.contains("port") && !loaded.contains("hz"));
        assert_eq!(
            loaded.notices(),
            [
                "'rdb-del-sync-files', 'rdbchecksum' have no effect: RDB files are not supported",
                "'replica-priority' has no effect: replication is not supported",
                "'set-max-intset-entries' has no effect: \
                 hashes, lists, sets, sorted sets and streams are not supported",
            ]
        );
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(
            name in 0..TABLE.len(),
            argument in vec(any::<u8>(), 0..20),
            garbage in vec(any::<u8>(), 0..60),
        ) {
            let mut text = TABLE[name].name.as_bytes().to_vec();
            text.push(b' ');
            text.extend(&argument);
            text.push(b'\n');
            text.extend(&garbage);
            let source = Source { origin: Origin::Stdin, text };
            let mut config = Config::default();
            if let Err(error) = config.load(&source, &mut files) {
                prop_assert!(error.line <= source.text.split(|&byte| byte == b'\n').count());
                prop_assert!(error.to_string().contains("Reading the standard input, at line"));
            }
        }

        #[test]
        fn a_value_that_is_taken_is_shown_such_that_it_is_taken_again(
            name in 0..TABLE.len(),
            argument in "[a-z0-9 .%-]{0,12}|[0-9]{1,20}|yes|no|[KEA$gx]{1,5}|(normal|pubsub) [0-9]{1,3}(|k|mb) 0 1",
        ) {
            let directive = &TABLE[name];
            let mut config = Config::default();
            if directive.set(&mut config, argument.as_bytes()).is_ok() && directive.name != "replicaof" {
                let mut again = Config::default();
                let shown = directive.get(&config);
                prop_assert_eq!(directive.set(&mut again, &shown), Ok(()));
                prop_assert_eq!(again, config);
            }
        }
    }
}
