//! CONFIG SET: several directives at once, all or none.

use std::collections::HashSet;
use std::fmt;

use crate::error::c_text;

use super::Config;
use super::directive::Directive;

/// Why CONFIG SET changed nothing. Shown as Redis 7.0 answers, without the `ERR` in front.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SetError {
    /// A name without a value.
    Syntax,
    /// No such directive; the name as it was sent.
    Unknown(Vec<u8>),
    /// The directive can't have this value, or not now.
    Failed {
        /// The directive.
        name: String,
        /// A sentence; empty where a module gives none.
        reason: String,
    },
}

const UNKNOWN: &str = "Unknown option or number of arguments for CONFIG SET";

impl SetError {
    /// The failure of a caller who could not put a new value into effect.
    pub fn failed(name: &str, reason: &str) -> Self {
        Self::Failed { name: name.to_owned(), reason: reason.to_owned() }
    }

    /// The text as bytes: as [`fmt::Display`] shows it, but with the name as it was sent, up to a zero byte.
    pub fn to_bytes(&self) -> Vec<u8> {
        match self {
            Self::Unknown(name) => [UNKNOWN.as_bytes(), b" - '", c_text(name), b"'"].concat(),
            _ => self.to_string().into_bytes(),
        }
    }

    fn refused(name: &[u8], reason: &str) -> Self {
        Self::failed(&String::from_utf8_lossy(name), reason)
    }
}

impl fmt::Display for SetError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Syntax => f.write_str("syntax error"),
            Self::Unknown(name) => {
                write!(f, "{UNKNOWN} - '{}'", String::from_utf8_lossy(name))
            }
            Self::Failed { name, reason } => {
                write!(f, "CONFIG SET failed (possibly related to argument '{name}')")?;
                if reason.is_empty() { Ok(()) } else { write!(f, " - {reason}") }
            }
        }
    }
}

impl std::error::Error for SetError {}

/// What a CONFIG SET did. Its effects outside the configuration (another port, say) are the
/// caller's to bring about; if one fails, [`Config::restore`] takes all of it back.
#[derive(Debug)]
#[must_use = "the caller puts the changes into effect, or restores"]
pub struct Change {
    names: Vec<&'static str>,
    before: Config,
}

impl Change {
    /// The directives whose values are now others, by their names (never an alias), each
    /// once, in the order in which they were set.
    pub fn names(&self) -> &[&'static str] {
        &self.names
    }

    /// The configuration as it was.
    pub fn before(&self) -> &Config {
        &self.before
    }
}

impl Config {
    /// Sets several directives: `pairs` holds name and value by turns, as the arguments of
    /// CONFIG SET. `local` says that the client is connected by loopback or unix socket.
    ///
    /// # Errors
    /// The first reason against it, in the order of Redis 7.0: names first, values then.
    /// Nothing is changed.
    pub fn set(&mut self, pairs: &[&[u8]], local: bool) -> Result<Change, SetError> {
        let (pairs, rest) = pairs.as_chunks::<2>();
        if !rest.is_empty() || pairs.is_empty() {
            return Err(SetError::Syntax);
        }
        let directives = self.settable(pairs, local)?;
        let mut after = self.clone();
        for (directive, [name, value]) in directives.iter().zip(pairs) {
            directive
                .set(&mut after, value)
                .map_err(|reason| SetError::failed(directive.name_as(name), &reason))?;
        }
        let mut names = Vec::new();
        for directive in directives {
            let changed = directive.get(self) != directive.get(&after);
            if changed && !names.contains(&directive.name) {
                names.push(directive.name);
            }
        }
        let before = std::mem::replace(self, after);
        Ok(Change { names, before })
    }

    /// Takes a change back.
    pub fn restore(&mut self, change: Change) {
        *self = change.before;
    }

    /// The directives named, if each may be set now.
    fn settable(&self, pairs: &[[&[u8]; 2]], local: bool) -> Result<Vec<&'static Directive>, SetError> {
        let mut seen = HashSet::new();
        pairs
            .iter()
            .map(|[name, _]| {
                let directive = Directive::find(name).ok_or_else(|| SetError::Unknown(name.to_vec()))?;
                if directive.is_immutable {
                    return Err(SetError::refused(name, "can't set immutable config"));
                }
                if directive.is_protected && !self.enable_protected_configs.allows(local) {
                    return Err(SetError::refused(name, "can't set protected config"));
                }
                if !seen.insert(directive.name_as(name)) {
                    return Err(SetError::refused(name, "duplicate parameter"));
                }
                Ok(directive)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Directive, Protection};
    use super::*;

    /// Sets blank-separated names and values by turns.
    fn set(config: &mut Config, pairs: &str) -> Result<Vec<&'static str>, String> {
        let pairs: Vec<&[u8]> = pairs.split(' ').map(str::as_bytes).collect();
        config.set(&pairs, false).map(|change| change.names().to_vec()).map_err(|error| error.to_string())
    }

    #[test]
    fn all_are_set_and_only_what_changed_is_named() {
        let mut config = Config::default();
        let names = set(&mut config, "TIMEOUT 7 hz 10 lua-time-limit 9 port 0");
        assert_eq!(names, Ok(vec!["timeout", "busy-reply-threshold", "port"]));
        assert_eq!((config.timeout, config.port), (7, 0));
    }

    #[test]
    fn one_bad_value_and_nothing_is_set() {
        for bad in ["port 65536", "appendonly yes", "nosuch 1", "databases 3", "TIMEOUT 8"] {
            let mut config = Config::default();
            assert!(set(&mut config, &format!("timeout 7 loglevel debug {bad}")).is_err());
            assert_eq!(config, Config::default(), "{bad}");
        }
    }

    #[test]
    fn errors_are_those_of_redis() {
        let cases = [
            ("timeout", "syntax error"),
            ("timeout 1 hz", "syntax error"),
            ("noSuch 1", "Unknown option or number of arguments for CONFIG SET - 'noSuch'"),
            (
                "DATABASES 3",
                "CONFIG SET failed (possibly related to argument 'DATABASES') - can't set immutable config",
            ),
            ("dir /", "CONFIG SET failed (possibly related to argument 'dir') - can't set protected config"),
            ("hz 1 HZ 2", "CONFIG SET failed (possibly related to argument 'HZ') - duplicate parameter"),
            (
                "HZ x",
                "CONFIG SET failed (possibly related to argument 'hz') - argument couldn't be parsed into an integer",
            ),
            (
                "Slave-Priority x",
                "CONFIG SET failed (possibly related to argument 'slave-priority') - \
                 argument couldn't be parsed into an integer",
            ),
        ];
        for (pairs, error) in cases {
            let result = set(&mut Config::default(), pairs);
            assert_eq!(result, Err(error.to_owned()), "{pairs}");
        }
    }

    #[test]
    fn a_directive_and_its_alias_may_both_be_set_and_the_later_holds() {
        let mut config = Config::default();
        let names = set(&mut config, "slave-priority 1 replica-priority 2");
        assert_eq!(names, Ok(vec!["replica-priority"]));
        let priority = Directive::find(b"slave-priority").expect("an alias");
        assert_eq!(priority.get(&config), b"2");
    }

    #[test]
    fn protection_asks_where_the_client_is() {
        for (protection, local, allowed) in [
            (Protection::No, true, false),
            (Protection::Yes, false, true),
            (Protection::Local, true, true),
            (Protection::Local, false, false),
        ] {
            let mut config = Config { enable_protected_configs: protection, ..Config::default() };
            assert_eq!(config.set(&[b"dir", b"/"], local).is_ok(), allowed);
        }
    }

    #[test]
    fn a_change_is_taken_back_whole() {
        let mut config = Config::default();
        let change = config.set(&[b"port", b"7", b"masterauth", b"x"], false).expect("both can be set");
        assert_eq!(change.before().port, 6379);
        assert_eq!(config.port, 7);
        config.restore(change);
        assert_eq!(config, Config::default());
    }
}
