//! A command's arguments for people, as Redis's documentation and `redis-cli` show them.

use super::syntax::{Argument, Kind};

/// One line: `key value [NX | XX] [EX seconds | PX milliseconds]`.
///
/// An argument that may be repeated is followed by itself in brackets, `key [key ...]`; a choice by dots only.
pub fn usage(arguments: &[Argument<'_>]) -> String {
    join(arguments, " ")
}

fn join(arguments: &[Argument<'_>], between: &str) -> String {
    let texts: Vec<String> = arguments.iter().map(argument).collect();
    texts.join(between)
}

fn argument(argument: &Argument<'_>) -> String {
    let value = value(argument);
    let token = argument.token.filter(|_| argument.kind != Kind::PureToken);
    let announced = |value: &str| token.map_or_else(|| value.to_owned(), |token| format!("{token} {value}"));
    let is_choice = matches!(argument.kind, Kind::OneOf(_));
    let text = match (argument.multiple, argument.multiple_token) {
        (false, _) => announced(&value),
        (true, _) if is_choice => format!("{} ...", announced(&value)),
        (true, false) => announced(&format!("{value} [{value} ...]")),
        (true, true) => format!("{0} [{0} ...]", announced(&value)),
    };
    if argument.optional { format!("[{text}]") } else { text }
}

/// The argument without its token, and but once.
fn value(argument: &Argument<'_>) -> String {
    match &argument.kind {
        Kind::PureToken => argument.token.unwrap_or_default().to_owned(),
        Kind::Block(parts) => join(parts, " "),
        // The brackets of an optional argument hold its alternatives together as well.
        Kind::OneOf(parts) if argument.optional && argument.token.is_none() => alternatives(parts),
        Kind::OneOf(parts) => format!("<{}>", alternatives(parts)),
        _ => argument.name.to_string(),
    }
}

/// The alternatives of a choice. That any one may be left out in favour of another goes without brackets.
fn alternatives(parts: &[Argument<'_>]) -> String {
    let required: Vec<_> = parts.iter().map(|part| Argument { optional: false, ..part.clone() }).collect();
    join(&required, " | ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::command::syntax::parse;

    #[test]
    fn as_the_documentation_shows_it() {
        for (syntax, expected) in [
            ("", ""),
            ("key seconds:integer [condition: NX | XX]@7.0.0", "key seconds [NX | XX]"),
            ("key...", "key [key ...]"),
            ("<key_value: key value>...", "key value [key value ...]"),
            ("[section...]", "[section [section ...]]"),
            ("<mode: ON | OFF>", "<ON | OFF>"),
            (
                "[TYPE <kind: A | B>] [ID <id: client-id:integer...>]",
                "[TYPE <A | B>] [ID client-id [client-id ...]]",
            ),
            (
                "<filter: address | <new: [ID id] | [TYPE <kind: A | B>]>...>",
                "<address | <ID id | TYPE <A | B>> ...>",
            ),
            ("[GET pattern]...", "[GET pattern [GET pattern ...]]"),
            ("[hello: version:integer [AUTH <pair: name password>]]", "[version [AUTH name password]]"),
        ] {
            assert_eq!(usage(&parse(syntax).unwrap()), expected, "{syntax}");
        }
    }
}
