//! Numbers in strings.

use std::ffi::{c_int, c_longlong, c_ulonglong};

use module_abi::constants::{ERR, OK};
use module_abi::structs::StreamId;

use crate::api::export;
use crate::guard::{Out, set_errno};
use crate::string::ConstStr;

export! {
    /// Only canonical decimal text, as INCR takes it.
    fn StringToLongLong(string: ConstStr<'_>, number: Out<c_longlong>) -> c_int {
        put(keyspace::parse_integer(string.bytes()), &number)
    }

    fn StringToULongLong(string: ConstStr<'_>, number: Out<c_ulonglong>) -> c_int {
        put(parse_unsigned(string.bytes()), &number)
    }

    fn StringToDouble(string: ConstStr<'_>, number: Out<f64>) -> c_int {
        put(parse_double(string.bytes()), &number)
    }

    fn StringToStreamID(string: ConstStr<'_>, id: Out<StreamId>) -> c_int {
        put(parse_stream_id(string.bytes()), &id)
    }
}

fn put<T>(number: Option<T>, target: &Out<T>) -> c_int {
    match number {
        Some(number) => {
            target.put(number);
            OK
        }
        None => {
            set_errno(libc::EINVAL);
            ERR
        }
    }
}

/// A number without sign as Redis reads it: what is canonical as a signed number is what it is, and else C's strtoull
/// says, which takes space and signs in front, and what is negative as 2^64 less that. A NUL ends the text.
pub(crate) fn parse_unsigned(text: &[u8]) -> Option<u64> {
    let text = text.split(|&byte| byte == 0).next().unwrap_or_default();
    if let Some(number) = keyspace::parse_integer(text) {
        return u64::try_from(number).ok();
    }
    let is_space = |byte: u8| byte.is_ascii_whitespace() || byte == 0x0b;
    let begin = text.iter().position(|&byte| !is_space(byte))?;
    let (digits, is_negative) = match &text[begin..] {
        [b'-', digits @ ..] => (digits, true),
        [b'+', digits @ ..] => (digits, false),
        digits => (digits, false),
    };
    if !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let number = std::str::from_utf8(digits).ok()?.parse::<u64>().ok()?;
    Some(if is_negative { number.wrapping_neg() } else { number })
}

/// A number as C's strtod reads it, all of the text; neither NaN nor out of range, and no space before it.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    let is_space = |byte: &u8| byte.is_ascii_whitespace() || *byte == 0x0b;
    if text.is_empty() || is_space(&text[0]) || text.contains(&0) {
        return None;
    }
    let mut buffer = text.to_vec();
    buffer.push(0);
    let start = buffer.as_ptr().cast();
    let mut end = std::ptr::null_mut();
    set_errno(0);
    // SAFETY: the text ends with NUL, and there is a place for its end.
    let number = unsafe { libc::strtod(start, &mut end) };
    let taken = end.addr() - buffer.as_ptr().addr();
    // SAFETY: the address is that of the thread's own number.
    let is_range_error = unsafe { *libc::__errno_location() } == libc::ERANGE;
    let is_out_of_range = is_range_error && (number.is_infinite() || number == 0.0);
    (taken == text.len() && !number.is_nan() && !is_out_of_range).then_some(number)
}

/// `MS-SEQ`, `MS` for its first identifier, `-` for the least and `+` for the greatest of all, as XRANGE takes them: in
/// 127 bytes at most.
fn parse_stream_id(text: &[u8]) -> Option<StreamId> {
    const LONGEST: usize = 127;
    match text {
        _ if text.len() > LONGEST => return None,
        b"-" => return Some(StreamId { ms: 0, seq: 0 }),
        b"+" => return Some(StreamId { ms: u64::MAX, seq: u64::MAX }),
        _ => {}
    }
    let mut parts = text.splitn(2, |&byte| byte == b'-');
    let ms = parse_unsigned(parts.next()?)?;
    let seq = parts.next().map_or(Some(0), parse_unsigned)?;
    Some(StreamId { ms, seq })
}

/// The text that a number becomes as a string: all digits of what is an integer and no larger than 2^62; else at most
/// 17 that are significant. What is no number has no sign.
pub(crate) fn double_text(number: f64) -> String {
    const LARGEST: f64 = (i64::MAX / 2) as f64;
    if number.is_nan() {
        return "nan".to_owned();
    }
    if number != 0.0 && number.abs() <= LARGEST && number.fract() == 0.0 {
        return (number as i64).to_string();
    }
    significant_digits(number)
}

/// A number with 17 significant digits at most, as C's `%.17g` writes it.
pub(crate) fn significant_digits(number: f64) -> String {
    let mut buffer = [0_u8; 64];
    // SAFETY: there is room for as many bytes as are said, and the format takes one double.
    let len = unsafe { libc::snprintf(buffer.as_mut_ptr().cast(), buffer.len(), c"%.17g".as_ptr(), number) };
    String::from_utf8_lossy(&buffer[..usize::try_from(len).unwrap_or(0).min(buffer.len() - 1)]).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn unsigned_numbers_are_those_of_strtoull() {
        for (text, number) in [
            ("0", 0),
            ("18446744073709551615", u64::MAX),
            ("7", 7),
            ("01", 1),
            ("+1", 1),
            (" \t1", 1),
            ("-01", u64::MAX),
            ("-0", 0),
            ("5\0x", 5),
        ] {
            assert_eq!(parse_unsigned(text.as_bytes()), Some(number), "{text}");
        }
        for text in ["", "-1", "1 ", "18446744073709551616", "1a", "+", "-", " ", "+-1", "0x1"] {
            assert_eq!(parse_unsigned(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn doubles_are_all_of_the_text() {
        for (text, number) in
            [("1.5", 1.5), ("-3e2", -300.0), ("inf", f64::INFINITY), ("0x10", 16.0), ("0", 0.0)]
        {
            assert_eq!(parse_double(text.as_bytes()), Some(number));
        }
        for text in ["", " 1", "1 ", "nan", "1e999", "1e-999", "1\0", "abc", "1.5x"] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text}");
        }
        assert_eq!(double_text(0.1), "0.10000000000000001");
        assert_eq!(double_text(3.0), "3");
        assert_eq!(double_text(-f64::NAN), "nan");
        assert_eq!(double_text(-0.0), "-0");
        assert_eq!(double_text(494_951_110_405_798_016_i64 as f64), "494951110405798016");
        assert_eq!(double_text(-4611686018427387904.0), "-4611686018427387904");
        assert_eq!(double_text(i64::MAX as f64), "9.2233720368547758e+18");
        assert_eq!(double_text(f64::MIN), "-1.7976931348623157e+308");
    }

    #[test]
    fn identifiers_of_streams() {
        let id = |ms, seq| Some(StreamId { ms, seq });
        for (text, expected) in [
            ("5-7", id(5, 7)),
            ("5", id(5, 0)),
            ("-", id(0, 0)),
            ("+", id(u64::MAX, u64::MAX)),
            ("5-", None),
            ("-5", None),
            ("5-7-9", None),
            (&format!("{}5", " ".repeat(126)), id(5, 0)),
            (&format!("{}5", " ".repeat(127)), None),
            ("a-1", None),
            ("", None),
        ] {
            assert_eq!(parse_stream_id(text.as_bytes()), expected, "{text}");
        }
    }
}
