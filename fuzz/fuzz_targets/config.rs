//! Any text as a configuration: in a file, on the command line, and with CONFIG SET.
//!
//! - Nothing panics.
//! - What CONFIG REWRITE writes loads as the configuration that it was written for, and rewriting
//!   it again changes no byte.
#![no_main]

use arbitrary::Arbitrary;
use engine::config::arguments::Arguments;
use engine::config::load::Origin;
use engine::config::table::TABLE;
use engine::config::{Config, LoadError, Source};
use libfuzzer_sys::fuzz_target;

/// A line of the text. Names are drawn from the table, as chance finds none.
#[derive(Arbitrary, Debug)]
enum Line<'a> {
    Directive(u16, Value<'a>),
    Alias(u16, Value<'a>),
    Bytes(&'a [u8]),
}

/// The value of a directive.
#[derive(Arbitrary, Debug)]
enum Value<'a> {
    Number(u32),
    Common(u8),
    Words(Vec<u8>),
    Bytes(&'a [u8]),
}

/// Words that are values, or parts of them.
const WORDS: [&str; 24] = [
    "yes",
    "no",
    "",
    "\"\"",
    "''",
    "0",
    "-1",
    "1mb",
    "2gb",
    "99%",
    "100%",
    "local",
    "notice",
    "normal",
    "replica",
    "slave",
    "pubsub",
    "allkeys-lru",
    "noeviction",
    "KEA",
    "99.9",
    "\"a \\x00\\\" b\"",
    "* -::*",
    "always",
];

fuzz_target!(|lines: Vec<Line<'_>>| {
    let lines: Vec<Vec<u8>> = lines.iter().map(Line::text).collect();
    let text = lines.join(&b'\n');
    if let Ok(config) = load(&text) {
        check_rewrite(&config, &text);
    }
    // Every word an argument of the program.
    let words: Vec<&[u8]> = text.split(|&byte| byte == b' ' || byte == b'\n').collect();
    let arguments = Arguments::parse(&words);
    let mut config = Config::default();
    // An error is as good as none: it is text that must not make the loader panic.
    let _ = config.load(&arguments.source(), &mut |_| Ok(Vec::new()));
    // Every line a name and a value of CONFIG SET.
    let pairs: Vec<&[u8]> = lines.iter().flat_map(|line| line.splitn(2, |&byte| byte == b' ')).collect();
    let mut config = Config::default();
    let before = config.clone();
    match config.set(&pairs, true) {
        Ok(change) => {
            assert_eq!(change.before(), &before);
            check_rewrite(&config, b"");
            config.restore(change);
            assert_eq!(config, before);
        }
        Err(_) => assert_eq!(config, before),
    }
});

impl Line<'_> {
    fn text(&self) -> Vec<u8> {
        let directive = |index: &u16| &TABLE[usize::from(*index) % TABLE.len()];
        let (name, value) = match self {
            Line::Directive(index, value) => (directive(index).name, value),
            Line::Alias(index, value) => {
                let directive = directive(index);
                (directive.alias.unwrap_or(directive.name), value)
            }
            Line::Bytes(bytes) => return bytes.to_vec(),
        };
        let word = |index: &u8| WORDS[usize::from(*index) % WORDS.len()];
        let value = match value {
            Value::Number(number) => number.to_string().into_bytes(),
            Value::Common(index) => word(index).into(),
            Value::Words(indices) => indices.iter().map(word).collect::<Vec<_>>().join(" ").into_bytes(),
            Value::Bytes(bytes) => bytes.to_vec(),
        };
        [name.as_bytes(), b" ", &value].concat()
    }
}

/// Loads a text in which every `include` finds no file.
fn load(text: &[u8]) -> Result<Config, LoadError> {
    let mut config = Config::default();
    let source = Source { origin: Origin::File, text: text.to_vec() };
    config.load(&source, &mut |_| Ok(Vec::new()))?;
    Ok(config)
}

fn check_rewrite(config: &Config, old: &[u8]) {
    let new = config.rewrite(old);
    let shown = new.escape_ascii();
    match load(&new) {
        Ok(again) => assert_eq!(&again, config, "{shown}"),
        Err(error) => panic!("{shown}\n{error}"),
    }
    let last = config.rewrite(&new);
    assert_eq!(last.escape_ascii().to_string(), shown.to_string());
}
