//! Numbers as clients write them.

use redis_module::RedisError;

use crate::errors;

/// Digits after the point that a sum keeps, as Redis's INCRBYFLOAT documents.
const DECIMALS: u32 = 17;

/// Reads a 64-bit integer in its one canonical spelling: no sign but a minus, no leading zeros.
pub fn parse_integer(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?;
    let number: i64 = text.parse().ok()?;
    let digits = text.strip_prefix('-').unwrap_or(text);
    let is_canonical =
        text == "0" || (number != 0 && !digits.starts_with(['0', '+']) && !text.starts_with('+'));
    is_canonical.then_some(number)
}

/// Reads a finite floating-point number.
pub fn parse_float(text: &[u8]) -> Option<f64> {
    let text = str::from_utf8(text).ok()?;
    text.parse().ok().filter(|number: &f64| number.is_finite())
}

/// Adds two integers and checks the bounds.
///
/// # Errors
/// When the sum doesn't fit 64 bits or the bounds.
pub fn add_integers(a: i64, b: i64, min: Option<i64>, max: Option<i64>) -> Result<i64, RedisError> {
    let sum = a.checked_add(b).ok_or(errors::OVERFLOW)?;
    let is_inside = min.is_none_or(|min| sum >= min) && max.is_none_or(|max| sum <= max);
    if is_inside { Ok(sum) } else { Err(errors::OVERFLOW) }
}

/// Adds two numbers as decimals and checks the bounds; the sum is text without an exponent.
///
/// Short decimals are added exactly, so 20.2 and 10.1 make 30.3. Others are added as binary floats.
///
/// # Errors
/// When one is no number, or the sum is infinite or exceeds the bounds.
pub fn add_floats(a: &[u8], b: &[u8], min: Option<f64>, max: Option<f64>) -> Result<String, RedisError> {
    let read = |text| parse_float(text).ok_or(errors::NOT_FLOAT);
    let sum = read(a)? + read(b)?;
    let text = match (Decimal::parse(a), Decimal::parse(b)) {
        (Some(a), Some(b)) => a.add(b).map_or_else(|| sum.to_string(), |sum| sum.to_string()),
        _ => sum.to_string(),
    };
    let sum = parse_float(text.as_bytes()).ok_or(errors::OVERFLOW)?;
    let is_inside = min.is_none_or(|min| sum >= min) && max.is_none_or(|max| sum <= max);
    if is_inside { Ok(text) } else { Err(errors::OVERFLOW) }
}

/// A decimal fraction: units of 10⁻¹⁷.
#[derive(Clone, Copy)]
struct Decimal(i128);

impl Decimal {
    const ONE: i128 = 10i128.pow(DECIMALS);

    /// Reads digits with an optional sign and point; `None` for what has an exponent or is too long.
    fn parse(text: &[u8]) -> Option<Self> {
        let text = str::from_utf8(text).ok()?;
        let (is_negative, digits) = match text.strip_prefix('-') {
            Some(digits) => (true, digits),
            None => (false, text.strip_prefix('+').unwrap_or(text)),
        };
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let is_short = whole.len() <= 18 && fraction.len() <= DECIMALS as usize;
        if !is_short || !whole.bytes().chain(fraction.bytes()).all(|digit| digit.is_ascii_digit()) {
            return None;
        }
        let number = |digits: &str| if digits.is_empty() { Some(0) } else { digits.parse::<i128>().ok() };
        let unit = 10i128.pow(DECIMALS - fraction.len() as u32);
        let units = number(whole)? * Self::ONE + number(fraction)? * unit;
        Some(Self(if is_negative { -units } else { units }))
    }

    fn add(self, other: Self) -> Option<Self> {
        self.0.checked_add(other.0).map(Self)
    }
}

impl std::fmt::Display for Decimal {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let units = self.0.unsigned_abs();
        let (whole, fraction) = (units / Self::ONE as u128, units % Self::ONE as u128);
        let sign = if self.0 < 0 { "-" } else { "" };
        let fraction = format!("{fraction:0width$}", width = DECIMALS as usize);
        match fraction.trim_end_matches('0') {
            "" => write!(formatter, "{sign}{whole}"),
            fraction => write!(formatter, "{sign}{whole}.{fraction}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn integers_have_one_spelling() {
        for (text, number) in [("0", 0), ("-1", -1), ("9223372036854775807", i64::MAX)] {
            assert_eq!(parse_integer(text.as_bytes()), Some(number));
        }
        for text in ["", "-0", "+1", "01", "-01", " 1", "1 ", "9223372036854775808", "1.0", "a"] {
            assert_eq!(parse_integer(text.as_bytes()), None, "{text}");
        }
    }

    #[test]
    fn decimals_add_as_on_paper() {
        let sum = |a: &str, b: &str| add_floats(a.as_bytes(), b.as_bytes(), None, None).unwrap();
        assert_eq!(sum("20.2", "10.1"), "30.3");
        assert_eq!(sum("100", "10.123"), "110.123");
        assert_eq!(sum("10.1", "-3"), "7.1");
        assert_eq!(sum("-0.5", "0.5"), "0");
        assert_eq!(sum("-1.5", ".25"), "-1.25");
        assert_eq!(sum("1e3", "1"), "1001");
        for text in ["abc", "nan", "inf", ""] {
            assert!(add_floats(text.as_bytes(), b"1", None, None).is_err(), "{text}");
        }
        assert!(add_floats(b"1e308", b"1e308", None, None).is_err());
        assert!(add_floats(b"1", b"1", Some(3.0), None).is_err());
        assert!(add_floats(b"1", b"1", None, Some(1.5)).is_err());
    }

    proptest! {
        #[test]
        fn sums_agree_with_binary_floats(a in -1_000_000i64..1_000_000, b in -1_000_000i64..1_000_000) {
            let text = |number: i64| format!("{}", number as f64 / 1000.0);
            let sum = add_floats(text(a).as_bytes(), text(b).as_bytes(), None, None).unwrap();
            prop_assert_eq!(sum, text(a + b));
        }
    }
}
