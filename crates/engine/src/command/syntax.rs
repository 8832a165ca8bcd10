//! The language in which the [table](super::table) writes what a command takes.
//!
//! It is close to the way in which Redis's documentation does:
//!
//! | written | means |
//! |---|---|
//! | `value` | an argument of that name, a string |
//! | `seconds:integer` | an argument of a type: `string` `integer` `double` `key` `pattern` `unix-time` |
//! | `key`, `pattern` | an argument whose name is a type's has that type |
//! | `ip:port:string` | a name with a colon in it states its type |
//! | `KEEPTTL` | a word that stands for itself: a token, which has no small letters |
//! | `EX seconds:integer` | an argument that its token announces |
//! | `[…]` | an optional argument |
//! | `<label: a b>` | a block of arguments that belong together |
//! | `<label: A \| B>` | one argument of several; `[label: A \| B]` when it is optional |
//! | `section...` | an argument that may be repeated; `[PREFIX prefix]...` when the token is repeated too |
//! | `…@7.0.0` | an argument that Redis has had since that version |
//! | `…!2.8.12` | an argument that is deprecated since that version |
//!
//! A key belongs to the key spec of its place: the first key written to the first spec, and so on.
//!
//! ```
//! use engine::command::syntax::{self, Kind};
//!
//! let arguments = syntax::parse("key value [condition: NX | XX]").unwrap();
//! assert_eq!(arguments[0].kind, Kind::Key);
//! assert!(arguments[2].optional);
//! assert_eq!(arguments[2].parts()[1].name, "xx");
//! ```

use std::borrow::Cow;
use std::fmt;

/// An argument of a command, or several that belong together.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Argument<'s> {
    /// Its name; a token's is the token in small letters.
    pub name: Cow<'s, str>,
    /// What stands in its place.
    pub kind: Kind<'s>,
    /// The word that announces it; of a [`Kind::PureToken`] the word that it is.
    pub token: Option<&'s str>,
    /// Whether it may be left out.
    pub optional: bool,
    /// Whether it may be repeated.
    pub multiple: bool,
    /// Whether its token is repeated with it.
    pub multiple_token: bool,
    /// The version of Redis that had it first, where that isn't the command's.
    pub since: Option<&'s str>,
    /// The version of Redis since which it is deprecated.
    pub deprecated_since: Option<&'s str>,
    /// Which of the command's key specs it belongs to, from 0, when it is a key.
    pub key_spec: Option<usize>,
}

/// What stands in an argument's place.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind<'s> {
    /// Any bytes.
    String,
    /// An integer.
    Integer,
    /// A floating-point number.
    Double,
    /// The name of a key.
    Key,
    /// A glob pattern.
    Pattern,
    /// A time since 1970.
    UnixTime,
    /// The token, and nothing else.
    PureToken,
    /// One of these.
    OneOf(Vec<Argument<'s>>),
    /// All of these, in this order, but for the optional ones.
    Block(Vec<Argument<'s>>),
}

impl<'s> Kind<'s> {
    /// The name that COMMAND DOCS gives.
    pub fn name(&self) -> &'static str {
        match self {
            Kind::String => "string",
            Kind::Integer => "integer",
            Kind::Double => "double",
            Kind::Key => "key",
            Kind::Pattern => "pattern",
            Kind::UnixTime => "unix-time",
            Kind::PureToken => "pure-token",
            Kind::OneOf(_) => "oneof",
            Kind::Block(_) => "block",
        }
    }

    /// The type of an argument without parts.
    fn simple(name: &str) -> Option<Self> {
        let all = [Kind::String, Kind::Integer, Kind::Double, Kind::Key, Kind::Pattern, Kind::UnixTime];
        all.into_iter().find(|kind| kind.name() == name)
    }
}

impl<'s> Argument<'s> {
    fn new(name: impl Into<Cow<'s, str>>, kind: Kind<'s>) -> Self {
        Self {
            name: name.into(),
            kind,
            token: None,
            optional: false,
            multiple: false,
            multiple_token: false,
            since: None,
            deprecated_since: None,
            key_spec: None,
        }
    }

    /// Has keys within it belong to the key spec `last`, where they would belong to a later one.
    pub(super) fn cap_key_spec(&mut self, last: usize) {
        self.key_spec = self.key_spec.map(|spec| spec.min(last));
        if let Kind::OneOf(parts) | Kind::Block(parts) = &mut self.kind {
            parts.iter_mut().for_each(|part| part.cap_key_spec(last));
        }
    }

    /// The parts of a block, or the alternatives of which one is given; none for any other kind.
    pub fn parts(&self) -> &[Argument<'s>] {
        match &self.kind {
            Kind::OneOf(parts) | Kind::Block(parts) => parts,
            _ => &[],
        }
    }
}

/// Why a syntax can't be read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SyntaxError {
    /// The byte at which reading stopped.
    pub at: usize,
    /// What should have been there.
    pub expected: &'static str,
}

impl fmt::Display for SyntaxError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} expected at byte {}", self.expected, self.at)
    }
}

impl std::error::Error for SyntaxError {}

/// Reads a command's syntax; an empty one is that of a command without arguments.
///
/// # Errors
/// When it isn't written as the [module](self) says.
pub fn parse(syntax: &str) -> Result<Vec<Argument<'_>>, SyntaxError> {
    if syntax.is_empty() {
        return Ok(Vec::new());
    }
    let mut parser = Parser { syntax, at: 0, keys: 0 };
    let arguments = parser.sequence()?;
    if parser.at < syntax.len() {
        return parser.fail("a space or the end");
    }
    Ok(arguments)
}

struct Parser<'s> {
    syntax: &'s str,
    at: usize,
    /// How many keys have been read.
    keys: usize,
}

impl<'s> Parser<'s> {
    fn rest(&self) -> &'s str {
        &self.syntax[self.at..]
    }

    fn fail<T>(&self, expected: &'static str) -> Result<T, SyntaxError> {
        Err(SyntaxError { at: self.at, expected })
    }

    /// Steps over `text` if it comes next.
    fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Steps over a word: what ends before a bracket, a space or a suffix.
    fn word(&mut self) -> Result<&'s str, SyntaxError> {
        let rest = self.rest();
        let end = rest.find(|c| " []<>|@!".contains(c)).unwrap_or(rest.len());
        let word = &rest[..rest[..end].find("...").unwrap_or(end)];
        if word.is_empty() {
            return self.fail("a word");
        }
        self.at += word.len();
        Ok(word)
    }

    /// Arguments between spaces.
    fn sequence(&mut self) -> Result<Vec<Argument<'s>>, SyntaxError> {
        let mut arguments = vec![self.argument()?];
        while !self.rest().starts_with(" |") && self.eat(" ") {
            arguments.push(self.argument()?);
        }
        Ok(arguments)
    }

    /// One argument with the token before it and the suffixes behind.
    fn argument(&mut self) -> Result<Argument<'s>, SyntaxError> {
        let mut argument = match self.rest().chars().next() {
            Some('[') => self.bracketed(']', true)?,
            Some('<') => self.bracketed('>', false)?,
            _ => self.bare()?,
        };
        if self.eat("...") {
            argument.multiple = true;
        }
        self.versions(&mut argument)?;
        Ok(argument)
    }

    /// An argument without brackets: a token, a token and what it announces, or a name and its type.
    fn bare(&mut self) -> Result<Argument<'s>, SyntaxError> {
        let word = self.word()?;
        if !is_token(word) {
            return self.named(word);
        }
        let announces = self
            .rest()
            .strip_prefix(' ')
            .is_some_and(|next| next.starts_with('<') || next.starts_with(|c: char| c.is_ascii_lowercase()));
        if !announces {
            let mut argument = Argument::new(word.to_ascii_lowercase(), Kind::PureToken);
            argument.token = Some(word);
            return Ok(argument);
        }
        self.at += 1;
        let mut argument = self.argument()?;
        if argument.token.is_some() {
            return self.fail("an argument without a token of its own");
        }
        argument.token = Some(word);
        Ok(argument)
    }

    fn named(&mut self, word: &'s str) -> Result<Argument<'s>, SyntaxError> {
        let (name, kind) = match word.rsplit_once(':') {
            None => (word, Kind::simple(word).unwrap_or(Kind::String)),
            Some((name, kind)) => match Kind::simple(kind) {
                Some(kind) => (name, kind),
                None => return self.fail("a type"),
            },
        };
        let mut argument = Argument::new(name, kind);
        if argument.kind == Kind::Key {
            argument.key_spec = Some(self.keys);
            self.keys += 1;
        }
        Ok(argument)
    }

    /// What stands in brackets: a labelled group, or a single argument.
    fn bracketed(&mut self, close: char, optional: bool) -> Result<Argument<'s>, SyntaxError> {
        self.at += 1;
        let mut argument = match self.label() {
            None => self.argument()?,
            Some(label) => {
                let first = self.sequence()?;
                if self.rest().starts_with(" |") {
                    Argument::new(label, Kind::OneOf(self.alternatives(first)?))
                } else {
                    Argument::new(label, Kind::Block(first))
                }
            }
        };
        if !self.rest().starts_with(close) {
            return self.fail("a closing bracket");
        }
        self.at += 1;
        argument.optional |= optional;
        // Repeated from here on, its token is repeated with it.
        argument.multiple_token |= argument.token.is_some() && self.rest().starts_with("...");
        Ok(argument)
    }

    /// Steps over a label, if one comes next.
    fn label(&mut self) -> Option<&'s str> {
        let (label, _) = self.rest().split_once(": ")?;
        let is_label = !label.contains(|c| " []<>|@!".contains(c));
        is_label.then(|| {
            self.at += label.len() + 2;
            label
        })
    }

    /// The other alternatives, after the first.
    fn alternatives(&mut self, first: Vec<Argument<'s>>) -> Result<Vec<Argument<'s>>, SyntaxError> {
        let mut alternatives = first;
        if alternatives.len() > 1 {
            return self.fail("a closing bracket");
        }
        while self.eat(" | ") {
            alternatives.push(self.argument()?);
        }
        Ok(alternatives)
    }

    fn versions(&mut self, argument: &mut Argument<'s>) -> Result<(), SyntaxError> {
        if self.eat("@") {
            argument.since = Some(self.word()?);
        }
        if self.eat("!") {
            argument.deprecated_since = Some(self.word()?);
        }
        Ok(())
    }
}

/// Whether a word stands for itself: names have small letters.
fn is_token(word: &str) -> bool {
    !word.contains(|c: char| c.is_ascii_lowercase())
}

/// Writes the argument in the language of the [module](self).
impl fmt::Display for Argument<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let is_group = !self.parts().is_empty();
        let announced = self.token.is_some() && self.kind != Kind::PureToken;
        let (open, close) = if self.optional { ("[", "]") } else { ("<", ">") };
        // A group that nothing announces has brackets of its own, which say whether it is optional.
        let bracketed = self.multiple_token || self.optional && (announced || !is_group);
        if bracketed {
            f.write_str(open)?;
        }
        if let Some(token) = self.token.filter(|_| announced) {
            write!(f, "{token} ")?;
        }
        match &self.kind {
            Kind::PureToken => f.write_str(self.token.unwrap_or_default())?,
            Kind::OneOf(parts) | Kind::Block(parts) => {
                let (open, close) = if announced { ("<", ">") } else { (open, close) };
                let between = if matches!(self.kind, Kind::OneOf(_)) { " | " } else { " " };
                write!(f, "{open}{}: ", self.name)?;
                join(f, parts, between)?;
                f.write_str(close)?;
            }
            kind => {
                f.write_str(&self.name)?;
                let implied = Kind::simple(&self.name).unwrap_or(Kind::String);
                if *kind != implied || self.name.contains(':') {
                    write!(f, ":{}", kind.name())?;
                }
            }
        }
        if self.multiple && !self.multiple_token {
            f.write_str("...")?;
        }
        if bracketed {
            f.write_str(close)?;
        }
        if self.multiple_token {
            f.write_str("...")?;
        }
        if let Some(version) = self.since {
            write!(f, "@{version}")?;
        }
        if let Some(version) = self.deprecated_since {
            write!(f, "!{version}")?;
        }
        Ok(())
    }
}

fn join(f: &mut fmt::Formatter<'_>, parts: &[Argument<'_>], between: &str) -> fmt::Result {
    for (at, part) in parts.iter().enumerate() {
        if at > 0 {
            f.write_str(between)?;
        }
        write!(f, "{part}")?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn written(arguments: &[Argument<'_>]) -> String {
        let texts: Vec<String> = arguments.iter().map(Argument::to_string).collect();
        texts.join(" ")
    }

    #[test]
    fn what_is_read_is_written_the_same() {
        for syntax in [
            "",
            "key value",
            "newkey:key pattern seconds:integer key:string ip:port:string yes/no",
            "[GET]@6.2.0 [x...] key... NX",
            "[condition: NX | XX]@7.0.0 <mode: ON | OFF>",
            "<key_value: key value>... [arguments: protover:integer [AUTH <pair: username password>]]",
            "[PREFIX prefix]... <BY pattern>... [ID <id: client-id:integer...>]@6.2.0",
            "<filter: ip:port:string!2.8.12 | <new: [ID id:integer]@2.8.12!3.0 | [TYPE <kind: A | B@5>]>...>",
        ] {
            let arguments = parse(syntax).unwrap_or_else(|error| panic!("{syntax}: {error}"));
            assert_eq!(written(&arguments), syntax);
        }
    }

    #[test]
    fn the_place_of_the_dots_says_what_is_repeated() {
        let repeated = |syntax| {
            let arguments = parse(syntax).unwrap();
            (arguments[0].optional, arguments[0].multiple, arguments[0].multiple_token)
        };
        assert_eq!(repeated("[x...]"), (true, true, false));
        assert_eq!(repeated("[x]..."), (true, true, false));
        assert_eq!(repeated("[GET x...]"), (true, true, false));
        assert_eq!(repeated("[GET x]..."), (true, true, true));
        assert_eq!(repeated("<GET x>..."), (false, true, true));
    }

    #[test]
    fn keys_are_counted_in_the_order_in_which_they_are_written() {
        let arguments = parse("key [STORE destination:key] <more: key x>").unwrap();
        assert_eq!(arguments[0].key_spec, Some(0));
        assert_eq!(arguments[1].key_spec, Some(1));
        assert_eq!(arguments[1].token, Some("STORE"));
        assert_eq!(arguments[2].parts()[0].key_spec, Some(2));
        assert_eq!(arguments[2].parts()[1].key_spec, None);
    }

    /// Any argument that can be written, three groups deep. Keys have no number yet.
    fn any_argument() -> impl Strategy<Value = Argument<'static>> {
        let simple = [Kind::String, Kind::Integer, Kind::Double, Kind::Key, Kind::Pattern, Kind::UnixTime];
        let leaf = (prop::sample::select(&["a", "key", "x-y", "ip:port", "yes/no"]), 0..simple.len() + 1)
            .prop_map(move |(name, kind)| match simple.get(kind) {
                Some(kind) => Argument::new(name, kind.clone()),
                // A token that had to be there would announce what comes after it.
                None => {
                    Argument { token: Some("NOW"), optional: true, ..Argument::new("now", Kind::PureToken) }
                }
            });
        let extras = || {
            let version = || prop::option::of(prop::sample::select(&["7.0.0", "6.2"]));
            (prop::option::of(Just("EX")), any::<[bool; 3]>(), version(), version())
        };
        let with = |(argument, (token, flags, since, deprecated_since)): (Argument<'static>, _)| {
            let [optional, multiple, multiple_token]: [bool; 3] = flags;
            let token = argument.token.or(token);
            Argument {
                optional: optional || argument.optional,
                multiple,
                multiple_token: multiple && multiple_token && token.is_some(),
                token,
                since,
                deprecated_since,
                ..argument
            }
        };
        (leaf, extras()).prop_map(with).prop_recursive(3, 24, 4, move |inner| {
            let block = prop::collection::vec(inner.clone(), 1..4).prop_map(Kind::Block);
            let one_of = prop::collection::vec(inner, 2..4).prop_map(Kind::OneOf);
            let group = prop_oneof![block, one_of].prop_map(|kind| Argument::new("label", kind));
            (group, extras()).prop_map(with)
        })
    }

    fn number_keys(arguments: &mut [Argument<'_>], next: &mut usize) {
        for argument in arguments {
            match &mut argument.kind {
                Kind::Key => argument.key_spec = Some(std::mem::replace(next, *next + 1)),
                Kind::OneOf(parts) | Kind::Block(parts) => number_keys(parts, next),
                _ => {}
            }
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read_the_same(
            mut arguments in prop::collection::vec(any_argument(), 0..4)
        ) {
            number_keys(&mut arguments, &mut 0);
            let syntax = written(&arguments);
            prop_assert_eq!(parse(&syntax), Ok(arguments.clone()), "{}", syntax);
        }

        #[test]
        fn nothing_makes_the_reader_panic(syntax in "[a-zA-Z:<>|@!. \\[\\]é]{0,24}") {
            let _ = parse(&syntax);
        }
    }

    #[test]
    fn an_error_says_where() {
        for (syntax, at, expected) in [
            ("key seconds:intege", 18, "a type"),
            ("key  value", 4, "a word"),
            ("[key", 4, "a closing bracket"),
            ("key]", 3, "a space or the end"),
            ("<a: A B | C>", 7, "a closing bracket"),
            ("A | B", 1, "a space or the end"),
            ("GET@", 4, "a word"),
            ("AUTH <SETNAME name>", 19, "an argument without a token of its own"),
        ] {
            assert_eq!(parse(syntax), Err(SyntaxError { at, expected }), "{syntax}");
        }
        assert_eq!(parse("a ").unwrap_err().to_string(), "a word expected at byte 2");
    }
}
