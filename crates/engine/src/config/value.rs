//! What a directive's value may be: parsing, checking and showing it.
//!
//! The texts of the errors are those that Redis 7.0 answers to CONFIG SET and prints when it
//! reads its configuration, so that tools and tests that match them keep working.

use std::borrow::Cow;

/// Why a value is refused: a sentence for the user.
pub type Reason = Cow<'static, str>;

/// A value that has been checked.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// `yes` or `no`.
    YesNo(bool),
    /// A number; for memory, bytes.
    Integer(i64),
    /// A share of a hundred.
    Percent(u8),
    /// One of the kind's words, spelled as the kind spells it.
    Choice(&'static str),
    /// Any bytes.
    Text(Vec<u8>),
    /// Several arguments.
    Words(Vec<Vec<u8>>),
}

/// Checks the arguments of a directive that takes several, and spells them canonically.
pub type CheckWords = fn(&[&[u8]]) -> Result<Vec<Vec<u8>>, Reason>;

/// Checks a text, and spells it canonically.
pub type CheckText = fn(&[u8]) -> Result<Vec<u8>, Reason>;

/// The syntax of a directive's value.
#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// `yes` or `no`, in any case.
    YesNo,
    /// A decimal number within bounds, both included.
    Integer {
        /// The least.
        min: i64,
        /// The greatest.
        max: i64,
    },
    /// An octal number from 0 to `max`, as for file permissions.
    Octal {
        /// The greatest.
        max: i64,
    },
    /// A number of bytes, with a unit or without.
    Memory {
        /// The least, in bytes.
        min: i64,
        /// The greatest, in bytes.
        max: i64,
    },
    /// A number of bytes, or a percentage up to 100.
    MemoryOrPercent,
    /// One of these words, in any case.
    Choice(&'static [&'static str]),
    /// A text that passes a check.
    Text(CheckText),
    /// Any number of arguments that pass a check together. In CONFIG SET they come as one
    /// text, separated by single spaces.
    Words(CheckWords),
}

impl Kind {
    /// Parses one argument, which for [`Kind::Words`] is split at each space.
    pub fn parse(self, text: &[u8]) -> Result<Value, Reason> {
        match self {
            Self::YesNo => parse_yes_no(text),
            Self::Integer { min, max } => parse_integer(text)
                .ok_or(Reason::Borrowed("argument couldn't be parsed into an integer"))
                .and_then(|number| within(number, min, max)),
            Self::Octal { max } => parse_octal(text, max),
            Self::Memory { min, max } => within(parse_memory(text).ok_or(NOT_MEMORY)?, min, max),
            Self::MemoryOrPercent => parse_memory_or_percent(text),
            Self::Choice(words) => parse_choice(text, words),
            Self::Text(check) => check(text).map(Value::Text),
            Self::Words(check) if text.is_empty() => check(&[]).map(Value::Words),
            Self::Words(check) => {
                let words: Vec<&[u8]> = text.split(|&byte| byte == b' ').collect();
                check(&words).map(Value::Words)
            }
        }
    }

    /// The value as CONFIG GET shows it.
    pub fn show(self, value: &Value) -> Vec<u8> {
        match value {
            Value::YesNo(true) => b"yes".to_vec(),
            Value::YesNo(false) => b"no".to_vec(),
            Value::Integer(number) if matches!(self, Self::Octal { .. }) => {
                format!("{number:o}").into_bytes()
            }
            Value::Integer(number) => number.to_string().into_bytes(),
            Value::Percent(percent) => format!("{percent}%").into_bytes(),
            Value::Choice(word) => word.as_bytes().to_vec(),
            Value::Text(text) => text.clone(),
            Value::Words(words) => words.join(&b' '),
        }
    }
}

const NOT_MEMORY: Reason = Reason::Borrowed("argument must be a memory value");

fn within(number: i64, min: i64, max: i64) -> Result<Value, Reason> {
    if (min..=max).contains(&number) {
        return Ok(Value::Integer(number));
    }
    Err(format!("argument must be between {min} and {max} inclusive").into())
}

fn parse_yes_no(text: &[u8]) -> Result<Value, Reason> {
    if text.eq_ignore_ascii_case(b"yes") {
        Ok(Value::YesNo(true))
    } else if text.eq_ignore_ascii_case(b"no") {
        Ok(Value::YesNo(false))
    } else {
        Err("argument must be 'yes' or 'no'".into())
    }
}

fn parse_choice(text: &[u8], words: &'static [&'static str]) -> Result<Value, Reason> {
    words
        .iter()
        .find(|word| text.eq_ignore_ascii_case(word.as_bytes()))
        .map(|word| Value::Choice(word))
        .ok_or_else(|| {
            let list = words.join(", ");
            format!("argument(s) must be one of the following: {list}").into()
        })
}

fn parse_octal(text: &[u8], max: i64) -> Result<Value, Reason> {
    let number = str::from_utf8(text)
        .ok()
        .filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))
        .and_then(|text| i64::from_str_radix(text, 8).ok())
        .ok_or("argument couldn't be parsed as an octal number")?;
    if number > max {
        return Err(format!("argument must be between 0 and {max:o} inclusive").into());
    }
    Ok(Value::Integer(number))
}

fn parse_memory_or_percent(text: &[u8]) -> Result<Value, Reason> {
    const NEITHER: &str = "argument must be a memory or percent value";
    if let Some(number) = text.strip_suffix(b"%") {
        return match parse_integer(number) {
            Some(percent @ 0..=100) => Ok(Value::Percent(percent as u8)),
            Some(101..) => Err("percentage argument must be less or equal to 100".into()),
            _ => Err(NEITHER.into()),
        };
    }
    parse_memory(text).map(Value::Integer).ok_or(NEITHER.into())
}

/// A decimal number in its one canonical spelling: no plus sign, no leading zeros, no minus
/// zero, no blanks.
pub(super) fn parse_integer(text: &[u8]) -> Option<i64> {
    let digits = text.strip_prefix(b"-").unwrap_or(text);
    let canonical = match digits {
        b"0" => digits.len() == text.len(),
        [b'1'..=b'9', ..] => digits.iter().all(u8::is_ascii_digit),
        _ => false,
    };
    if !canonical {
        return None;
    }
    str::from_utf8(text).ok()?.parse().ok()
}

/// A number of bytes: digits and a unit in any case. `k`, `m` and `g` count in thousands,
/// `kb`, `mb` and `gb` in 1024s, `b` and nothing at all are bytes. None when there is no
/// digit, the unit is unknown or the product is past `i64::MAX`.
pub fn parse_memory(text: &[u8]) -> Option<i64> {
    let digits = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let (number, unit) = text.split_at(digits);
    let multiplier: i64 = match unit.to_ascii_lowercase().as_slice() {
        b"" | b"b" => 1,
        b"k" => 1000,
        b"kb" => 1 << 10,
        b"m" => 1_000_000,
        b"mb" => 1 << 20,
        b"g" => 1_000_000_000,
        b"gb" => 1 << 30,
        _ => return None,
    };
    let number: i64 = str::from_utf8(number).ok()?.parse().ok()?;
    number.checked_mul(multiplier)
}

/// `bytes` in the largest of `gb`, `mb` and `kb` that gives a whole number, for a
/// configuration file.
pub(super) fn show_memory(bytes: i64) -> String {
    for (shift, unit) in [(30, "gb"), (20, "mb"), (10, "kb")] {
        if bytes != 0 && bytes % (1 << shift) == 0 {
            return format!("{}{unit}", bytes >> shift);
        }
    }
    bytes.to_string()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn memory_units_and_their_boundaries() {
        let cases: [(&[u8], Option<i64>); 22] = [
            (b"0", Some(0)),
            (b"1", Some(1)),
            (b"007", Some(7)),
            (b"1b", Some(1)),
            (b"1k", Some(1000)),
            (b"1kb", Some(1024)),
            (b"1m", Some(1_000_000)),
            (b"1mB", Some(1_048_576)),
            (b"3G", Some(3_000_000_000)),
            (b"1gb", Some(1_073_741_824)),
            (b"9223372036854775807", Some(i64::MAX)),
            (b"9223372036854775808", None),
            (b"8589934591gb", Some(8_589_934_591 << 30)),
            (b"8589934592gb", None),
            (b"", None),
            (b"mb", None),
            (b"-1", None),
            (b"+1", None),
            (b" 1", None),
            (b"1 mb", None),
            (b"1.5gb", None),
            (b"10%", None),
        ];
        for (text, bytes) in cases {
            assert_eq!(parse_memory(text), bytes, "{}", text.escape_ascii());
        }
    }

    #[test]
    fn integers_have_one_spelling() {
        for text in ["", "-", "-0", "00", "01", "+1", " 1", "1 ", "1k", "0x1", "9223372036854775808"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text:?}");
        }
        for number in [0, 1, -1, 10, i64::MAX, i64::MIN] {
            assert_eq!(parse_integer(number.to_string().as_bytes()), Some(number));
        }
    }

    #[test]
    fn bounds_are_included() {
        let kind = Kind::Integer { min: 1, max: 10 };
        let reason = Reason::from("argument must be between 1 and 10 inclusive");
        assert_eq!(kind.parse(b"0"), Err(reason.clone()));
        assert_eq!(kind.parse(b"1"), Ok(Value::Integer(1)));
        assert_eq!(kind.parse(b"10"), Ok(Value::Integer(10)));
        assert_eq!(kind.parse(b"11"), Err(reason));
    }

    #[test]
    fn permissions_are_octal() {
        let kind = Kind::Octal { max: 0o777 };
        assert_eq!(kind.parse(b"0700"), Ok(Value::Integer(0o700)));
        assert_eq!(kind.show(&Value::Integer(0o755)), b"755");
        assert_eq!(kind.parse(b"1000").unwrap_err(), "argument must be between 0 and 777 inclusive");
        for text in ["", "8", "-1", "+7", "7 "] {
            let reason = kind.parse(text.as_bytes()).unwrap_err();
            assert_eq!(reason, "argument couldn't be parsed as an octal number", "{text:?}");
        }
    }

    #[test]
    fn percentages_end_at_a_hundred() {
        let parse = |text: &str| Kind::MemoryOrPercent.parse(text.as_bytes());
        assert_eq!(parse("0%"), Ok(Value::Percent(0)));
        assert_eq!(parse("100%"), Ok(Value::Percent(100)));
        assert_eq!(parse("1mb"), Ok(Value::Integer(1 << 20)));
        assert_eq!(parse("101%").unwrap_err(), "percentage argument must be less or equal to 100");
        for text in ["%", "-5%", "x", "1%%"] {
            assert_eq!(parse(text).unwrap_err(), "argument must be a memory or percent value");
        }
    }

    proptest! {
        #[test]
        fn memory_that_is_shown_is_parsed(bytes in 0..=i64::MAX, shift in 0..63u32) {
            let bytes = bytes >> shift << (shift % 31);
            prop_assume!(bytes >= 0);
            prop_assert_eq!(parse_memory(show_memory(bytes).as_bytes()), Some(bytes));
        }
    }
}
