//! Floating-point numbers in text, as C's `strtod` and `strtold` read them.

use rustc_apfloat::ieee::Double;
use rustc_apfloat::{Float, Round, Status};

/// The longest text that is read as a number, in bytes.
const MAX_TEXT: usize = 5 * 1024;

/// Reads decimal, with an exponent or without, C's hexadecimal, or an infinity; nothing may stand around it.
/// `None` as well when the number is too large, or too small to be told from 0.
pub(crate) fn parse<F: Float>(text: &[u8]) -> Option<F> {
    let text = std::str::from_utf8(text).ok().filter(|text| text.len() < MAX_TEXT)?.to_ascii_lowercase();
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", text.strip_prefix('+').unwrap_or(&text)),
    };
    let is_hexadecimal = digits.starts_with("0x");
    let number = match digits {
        "inf" | "infinity" => "inf".to_owned(),
        _ if !digits.starts_with(['.', '0', '1', '2', '3', '4', '5', '6', '7', '8', '9']) => return None,
        // These would be read up to the exponent that isn't there.
        _ if digits.ends_with(['e', 'p', '+', '-']) && !is_hexadecimal => return None,
        _ if is_hexadecimal && !digits.contains('p') => format!("{digits}p0"),
        _ => digits.to_owned(),
    };
    let parsed = F::from_str_r(&format!("{sign}{number}"), Round::NearestTiesToEven).ok()?;
    let vanished = parsed.status.contains(Status::UNDERFLOW) && parsed.value.is_zero();
    (!parsed.status.contains(Status::OVERFLOW) && !vanished).then_some(parsed.value)
}

/// A 64-bit float, as [`parse`] reads it.
pub(crate) fn parse_double(text: &[u8]) -> Option<f64> {
    parse::<Double>(text).map(|number| f64::from_bits(number.to_bits() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn doubles() {
        for (text, number) in [
            ("0", 0.0),
            ("-1.5e3", -1500.0),
            ("0x10", 16.0),
            ("0.1", 0.1),
            ("inf", f64::INFINITY),
            ("-Infinity", f64::NEG_INFINITY),
            ("1e308", 1e308),
            ("4.9e-324", f64::from_bits(1)),
        ] {
            assert_eq!(parse_double(text.as_bytes()), Some(number), "{text}");
        }
        for text in ["", " 5", "5 ", "nan", "1e5000", "-1e5000", "1e309", "1e-5000", "e5"] {
            assert_eq!(parse_double(text.as_bytes()), None, "{text}");
        }
        assert!(parse_double(&[b'1'; MAX_TEXT]).is_none());
    }
}
