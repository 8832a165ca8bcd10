//! Integers as Redis writes them: the one canonical decimal text of an `i64`.
#![forbid(unsafe_code)]

/// The length of the longest canonical text, that of `i64::MIN`: `-9223372036854775808`.
pub const MAX_INTEGER_TEXT: usize = 20;

/// Room for the text of an integer, see [`StringValue::as_bytes`](crate::StringValue::as_bytes).
pub type NumberBuffer = itoa::Buffer;

/// The integer that `text` is the canonical decimal form of.
///
/// Canonical means that formatting the integer gives `text` back: an optional `-`, no `+`, no
/// leading zero, no `-0`, no space, and within the range of `i64`. This is the condition under which
/// Redis stores a value as an integer and accepts an integer argument.
#[inline]
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    if text.len() > MAX_INTEGER_TEXT {
        return None;
    }
    let (negative, digits) = match text {
        [b'-', digits @ ..] => (true, digits),
        digits => (false, digits),
    };
    match digits {
        [b'0'] if !negative => return Some(0),
        [b'1'..=b'9', ..] => {}
        _ => return None,
    }
    // 19 digits are below 10^19, which a `u64` holds, and no `i64` has more.
    if digits.len() > 19 {
        return None;
    }
    let mut magnitude = 0u64;
    for &byte in digits {
        let digit = byte.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        magnitude = magnitude * 10 + u64::from(digit);
    }
    if negative { 0i64.checked_sub_unsigned(magnitude) } else { i64::try_from(magnitude).ok() }
}

/// The number of bytes in the canonical text of `value`.
#[inline]
pub fn integer_text_len(value: i64) -> usize {
    let digits = value.unsigned_abs().checked_ilog10().unwrap_or(0) as usize + 1;
    digits + usize::from(value < 0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The definition itself: a text is canonical if the standard library reads it and writes it
    /// back unchanged.
    fn naive(text: &[u8]) -> Option<i64> {
        let text = std::str::from_utf8(text).ok()?;
        let value: i64 = text.parse().ok()?;
        (value.to_string() == text).then_some(value)
    }

    #[test]
    fn boundaries() {
        for text in [
            "",
            "-",
            "+",
            "0",
            "-0",
            "00",
            "01",
            "-01",
            "+1",
            " 1",
            "1 ",
            "1\0",
            "--1",
            "1-",
            "9",
            "10",
            "0x10",
            "1e3",
            "1.0",
            "9223372036854775806",
            "9223372036854775807",
            "9223372036854775808",
            "9999999999999999999",
            "18446744073709551615",
            "18446744073709551616",
            "99999999999999999999",
            "-9223372036854775807",
            "-9223372036854775808",
            "-9223372036854775809",
            "-9999999999999999999",
            "-99999999999999999999",
            "123456789012345678901",
        ] {
            assert_eq!(parse_integer(text.as_bytes()), naive(text.as_bytes()), "{text:?}");
        }
        assert_eq!(parse_integer(b"-9223372036854775808"), Some(i64::MIN));
        assert_eq!(parse_integer(b"9223372036854775807"), Some(i64::MAX));
        assert_eq!(i64::MIN.to_string().len(), MAX_INTEGER_TEXT);
    }

    #[test]
    fn text_length_at_every_power_of_ten() {
        let mut power = 1i64;
        loop {
            for near in [power - 1, power, power + 1] {
                for value in [near, -near] {
                    assert_eq!(integer_text_len(value), value.to_string().len(), "{value}");
                }
            }
            match power.checked_mul(10) {
                Some(next) => power = next,
                None => break,
            }
        }
        assert_eq!(integer_text_len(i64::MIN), 20);
        assert_eq!(integer_text_len(i64::MAX), 19);
    }

    proptest! {
        #[test]
        fn agrees_with_the_definition(text in "[-+ 0-9]{0,22}") {
            prop_assert_eq!(parse_integer(text.as_bytes()), naive(text.as_bytes()));
        }

        #[test]
        fn reads_back_what_is_written(value: i64, shift in 0u32..64) {
            let value = value >> shift;
            prop_assert_eq!(parse_integer(value.to_string().as_bytes()), Some(value));
            prop_assert_eq!(integer_text_len(value), value.to_string().len());
        }

        #[test]
        fn any_bytes(text in proptest::collection::vec(any::<u8>(), 0..24)) {
            prop_assert_eq!(parse_integer(&text), naive(&text));
        }
    }
}
