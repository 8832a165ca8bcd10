//! A line into arguments, and arguments into a line: inline commands and redis.conf.
//!
//! The quoting is that of Redis's configuration files and inline commands: blanks separate
//! arguments, double quotes allow the escapes `\n`, `\r`, `\t`, `\b`, `\a`, `\xHH` and a
//! backslash before any other byte, single quotes allow `\'` alone, and a closing quote ends
//! the argument.

/// A quote that isn't closed, or that something follows without a blank.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnbalancedQuotes;

/// Splits a line into its arguments.
///
/// # Errors
/// [`UnbalancedQuotes`] when a quote is open at the end or something follows a closing quote.
pub fn split(line: &[u8]) -> Result<Vec<Vec<u8>>, UnbalancedQuotes> {
    let mut arguments = Vec::new();
    let mut rest = trim_blanks(line);
    while !rest.is_empty() {
        let (argument, after) = argument(rest)?;
        arguments.push(argument);
        rest = trim_blanks(after);
    }
    Ok(arguments)
}

/// Reads one argument off the start of `line`, which is no blank.
fn argument(mut line: &[u8]) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    let mut argument = Vec::new();
    while let [first, rest @ ..] = line {
        match first {
            b'"' => return end(double_quoted(rest, &mut argument)?, argument),
            b'\'' => return end(single_quoted(rest, &mut argument)?, argument),
            byte if is_blank(*byte) => break,
            byte => argument.push(*byte),
        }
        line = rest;
    }
    Ok((argument, line))
}

/// After a closing quote only a blank or the end of the line may come.
fn end(rest: &[u8], argument: Vec<u8>) -> Result<(Vec<u8>, &[u8]), UnbalancedQuotes> {
    match rest.first() {
        Some(byte) if !is_blank(*byte) => Err(UnbalancedQuotes),
        _ => Ok((argument, rest)),
    }
}

fn double_quoted<'a>(mut line: &'a [u8], argument: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        line = match line {
            [b'"', rest @ ..] => return Ok(rest),
            [b'\\', b'x', high, low, rest @ ..] if high.is_ascii_hexdigit() && low.is_ascii_hexdigit() => {
                argument.push(hex(*high) << 4 | hex(*low));
                rest
            }
            [b'\\', escaped, rest @ ..] => {
                argument.push(match escaped {
                    b'n' => b'\n',
                    b'r' => b'\r',
                    b't' => b'\t',
                    b'b' => 8,
                    b'a' => 7,
                    other => *other,
                });
                rest
            }
            [byte, rest @ ..] => {
                argument.push(*byte);
                rest
            }
            [] => return Err(UnbalancedQuotes),
        };
    }
}

fn single_quoted<'a>(mut line: &'a [u8], argument: &mut Vec<u8>) -> Result<&'a [u8], UnbalancedQuotes> {
    loop {
        line = match line {
            [b'\'', rest @ ..] => return Ok(rest),
            [b'\\', b'\'', rest @ ..] => {
                argument.push(b'\'');
                rest
            }
            [byte, rest @ ..] => {
                argument.push(*byte);
                rest
            }
            [] => return Err(UnbalancedQuotes),
        };
    }
}

/// The argument in double quotes, with escapes for all that isn't printable ASCII, such that
/// [`split`] gives it back.
pub fn quote(argument: &[u8]) -> String {
    let mut quoted = String::with_capacity(argument.len() + 2);
    quoted.push('"');
    for &byte in argument {
        match byte {
            b'"' | b'\\' => quoted.extend(['\\', char::from(byte)]),
            b'\n' => quoted.push_str("\\n"),
            b'\r' => quoted.push_str("\\r"),
            b'\t' => quoted.push_str("\\t"),
            8 => quoted.push_str("\\b"),
            7 => quoted.push_str("\\a"),
            b' '..=b'~' => quoted.push(char::from(byte)),
            other => quoted.push_str(&format!("\\x{other:02x}")),
        }
    }
    quoted.push('"');
    quoted
}

/// The argument as it is where that reads back the same, else [`quote`]d.
pub fn quote_if_needed(argument: &[u8]) -> String {
    let plain = |byte: &u8| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'\'' | b'\\');
    match str::from_utf8(argument) {
        Ok(text) if !text.is_empty() && argument.iter().all(plain) => text.to_owned(),
        _ => quote(argument),
    }
}

/// What C's `isspace` calls a blank.
fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t'..=b'\r')
}

fn trim_blanks(line: &[u8]) -> &[u8] {
    let blanks = line.iter().take_while(|byte| is_blank(**byte)).count();
    &line[blanks..]
}

fn hex(digit: u8) -> u8 {
    match digit {
        b'0'..=b'9' => digit - b'0',
        _ => (digit | 0x20) - b'a' + 10,
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn words(line: &str) -> Vec<String> {
        split(line.as_bytes())
            .expect("balanced quotes")
            .into_iter()
            .map(|word| word.escape_ascii().to_string())
            .collect()
    }

    #[test]
    fn blanks_separate() {
        assert_eq!(words(""), [""; 0]);
        assert_eq!(words(" \t\r\n\x0b\x0c"), [""; 0]);
        assert_eq!(words("  port\t 6379 "), ["port", "6379"]);
    }

    #[test]
    fn quotes_and_escapes() {
        assert_eq!(words(r#"a "" ''"#), ["a", "", ""]);
        assert_eq!(words(r#""a b" 'c d'"#), ["a b", "c d"]);
        assert_eq!(words(r#""\n\r\t\b\a\x41\q\"\\""#), [r#"\n\r\t\x08\x07Aq\"\\"#]);
        assert_eq!(words(r#""\xZZ\x4""#), ["xZZx4"]);
        assert_eq!(words(r"'\n\''"), [r"\\n\'"]);
        assert_eq!(words(r#"foo"bar" x'y'"#), ["foobar", "xy"]);
    }

    #[test]
    fn open_and_abutting_quotes_are_errors() {
        for line in [r#"""#, "'", r#""a"#, r#""a\"#, r#""a\""#, r"'a\'", r#""a"b"#, "'a'b", r#""a""b""#] {
            assert_eq!(split(line.as_bytes()), Err(UnbalancedQuotes), "{line}");
        }
    }

    #[test]
    fn plain_words_stay_plain() {
        assert_eq!(quote_if_needed(b"-::*"), "-::*");
        for word in ["", "a b", "a\"b", "a'b", "a\\b", "\u{e9}"] {
            assert!(quote_if_needed(word.as_bytes()).starts_with('"'), "{word:?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_joined_is_split(arguments in vec(vec(any::<u8>(), 0..12), 0..6)) {
            for quoting in [quote, quote_if_needed] {
                let line = arguments.iter().map(|word| quoting(word)).collect::<Vec<_>>().join(" ");
                prop_assert!(!line.contains('\n'));
                prop_assert_eq!(split(line.as_bytes()), Ok(arguments.clone()));
            }
        }

        #[test]
        fn any_bytes_split_or_fail(
            line in vec(prop_oneof![any::<u8>(), Just(b'"'), Just(b'\''), Just(b'\\'), Just(b' ')], 0..40),
        ) {
            if let Ok(words) = split(&line) {
                prop_assert!(words.iter().map(Vec::len).sum::<usize>() <= line.len());
            }
        }
    }
}
