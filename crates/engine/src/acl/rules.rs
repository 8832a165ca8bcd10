//! Why a rule is refused, and rules in parentheses.

use std::borrow::Cow;
use std::sync::LazyLock;

use crate::command::Index;

/// What the meaning of a rule depends on.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Terms<'a> {
    /// What `acl-pubsub-default` grants to new selectors.
    pub(crate) all_channels: bool,
    /// The commands and categories that there are.
    pub(crate) commands: &'a Index,
}

impl Terms<'_> {
    /// No channels, and the commands of every engine.
    pub(crate) fn builtin() -> Self {
        static COMMANDS: LazyLock<Index> = LazyLock::new(Index::new);
        Self { all_channels: false, commands: &COMMANDS }
    }
}

/// Why a rule of ACL SETUSER is refused.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum RuleError {
    Syntax,
    UnknownCommand,
    KeysAfterAll,
    ChannelsAfterAll,
    NoSuchPassword,
    BadHash,
    FirstArgumentOfSubcommand,
    Duplicate,
}

impl RuleError {
    /// The sentence, in Redis's words.
    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::Syntax => "Syntax error",
            Self::UnknownCommand => "Unknown command or category name in ACL",
            Self::KeysAfterAll => {
                "Adding a pattern after the * pattern (or the 'allkeys' flag) is not valid and does not have any \
                 effect. Try 'resetkeys' to start with an empty list of patterns"
            }
            Self::ChannelsAfterAll => {
                "Adding a pattern after the * pattern (or the 'allchannels' flag) is not valid and does not have any \
                 effect. Try 'resetchannels' to start with an empty list of channels"
            }
            Self::NoSuchPassword => "The password you are trying to remove from the user does not exist",
            Self::BadHash => {
                "The password hash must be exactly 64 characters and contain only lowercase hexadecimal characters"
            }
            Self::FirstArgumentOfSubcommand => "Allowing first-arg of a subcommand is not supported",
            Self::Duplicate => "Duplicate user found. A user can only be defined once in config files",
        }
    }
}

/// Joins the arguments that stand between an opening parenthesis and the closing one into one rule.
///
/// # Errors
/// The argument that opens a parenthesis which nothing closes.
pub(crate) fn merge_parentheses<'a>(args: &[&'a [u8]]) -> Result<Vec<Cow<'a, [u8]>>, &'a [u8]> {
    let mut rules: Vec<Cow<'a, [u8]>> = Vec::new();
    let mut open: Option<(&'a [u8], Vec<u8>)> = None;
    for &arg in args {
        let closes = arg.ends_with(b")");
        open = match open {
            // As in Redis, one that opens within another takes its place.
            _ if arg.starts_with(b"(") && !closes => Some((arg, arg.to_vec())),
            None => {
                rules.push(arg.into());
                None
            }
            Some((first, mut rule)) => {
                rule.push(b' ');
                rule.extend_from_slice(arg);
                if closes {
                    rules.push(rule.into());
                    None
                } else {
                    Some((first, rule))
                }
            }
        };
    }
    open.map_or(Ok(rules), |(first, _)| Err(first))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn merged(line: &str) -> Result<Vec<String>, &[u8]> {
        let args: Vec<&[u8]> = line.split(' ').map(str::as_bytes).collect();
        let text = |rule: &Cow<'_, [u8]>| String::from_utf8_lossy(rule).into_owned();
        merge_parentheses(&args).map(|rules| rules.iter().map(text).collect())
    }

    #[test]
    fn parentheses_hold_arguments_together() {
        assert_eq!(merged("on (+get ~x) off"), Ok(vec!["on".into(), "(+get ~x)".into(), "off".into()]));
        assert_eq!(merged("() ( a )"), Ok(vec!["()".into(), "( a )".into()]));
        assert_eq!(merged("a) (b (c)"), Ok(vec!["a)".into(), "(b (c)".into()]));
        assert_eq!(merged("(a (b c)"), Ok(vec!["(b c)".into()]));
        assert_eq!(merged("(a) (b c"), Err(&b"(b"[..]));
    }
}
