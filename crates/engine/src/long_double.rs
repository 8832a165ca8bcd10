//! Numbers as INCRBYFLOAT reckons with them: C's `long double` on x86, an 80-bit float.
//!
//! Redis parses, adds and prints in this format, so that 0.1 added to 3 is 3.1; the 64-bit type would show
//! 3.10000000000000009 in as many digits.

use num_bigint::BigUint;
use rustc_apfloat::Float;
use rustc_apfloat::ieee::X87DoubleExtended;

use crate::c_float;

/// How many digits follow the decimal point before trailing zeros are dropped.
const DECIMALS: u32 = 17;
/// The bits of the significand, its leading one included.
const PRECISION: i32 = 64;
/// What is added to the exponent where it is stored.
const BIAS: i32 = 16383;

/// An 80-bit floating-point number that isn't NaN.
#[derive(Clone, Copy, Debug)]
pub(crate) struct LongDouble(X87DoubleExtended);

impl LongDouble {
    /// Nothing.
    pub(crate) const ZERO: Self = Self(X87DoubleExtended::ZERO);

    /// Reads what C's `strtold` would, as [`c_float::parse`] says.
    pub(crate) fn parse(text: &[u8]) -> Option<Self> {
        c_float::parse(text).map(Self)
    }

    /// The sum, unless it is infinite or none.
    pub(crate) fn checked_add(self, other: Self) -> Option<Self> {
        let sum = (self.0 + other.0).value;
        sum.is_finite().then_some(Self(sum))
    }

    /// The number in decimal with up to 17 digits behind the point, without exponent and without trailing zeros.
    pub(crate) fn to_decimal(self) -> String {
        let bits = self.0.to_bits();
        let significand = BigUint::from(bits as u64);
        let exponent = i32::from((bits >> 64) as u16 & 0x7fff).max(1) - BIAS - (PRECISION - 1);
        let scale = BigUint::from(10u32).pow(DECIMALS);
        let scaled = significand * &scale;
        let scaled =
            if exponent >= 0 { scaled << exponent } else { divide_by_power(scaled, exponent.unsigned_abs()) };

        let (whole, fraction) = (&scaled / &scale, scaled % scale);
        let text = format!(
            "{whole}.{fraction:0>width$}",
            fraction = fraction.to_string(),
            width = DECIMALS as usize
        );
        let text = text.trim_end_matches('0').trim_end_matches('.');
        if self.0.is_negative() && text != "0" { format!("-{text}") } else { text.to_owned() }
    }
}

/// `value` divided by 2 to the power of `shift`, rounded to the nearest integer, and to the even one between two.
fn divide_by_power(value: BigUint, shift: u32) -> BigUint {
    let quotient = &value >> shift;
    let remainder = value - (&quotient << shift);
    let half = BigUint::from(1u32) << (shift - 1);
    let up = remainder > half || (remainder == half && quotient.bit(0));
    if up { quotient + 1u32 } else { quotient }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn sum(a: &str, b: &str) -> Option<String> {
        let (a, b) = (LongDouble::parse(a.as_bytes()).unwrap(), LongDouble::parse(b.as_bytes()).unwrap());
        a.checked_add(b).map(LongDouble::to_decimal)
    }

    #[test]
    fn sums_as_redis_prints_them() {
        assert_eq!(sum("3", "0.1").unwrap(), "3.1");
        assert_eq!(sum("10.50", "0.1").unwrap(), "10.6");
        assert_eq!(sum("5.0e3", "2.0e2").unwrap(), "5200");
        assert_eq!(sum("1", "-1").unwrap(), "0");
        assert_eq!(sum("0", "-1e-30").unwrap(), "0");
        assert_eq!(sum("-0.5", "0.25").unwrap(), "-0.25");
        assert_eq!(sum("0.00000000000000001", "0").unwrap(), "0.00000000000000001");
        assert_eq!(sum("0.000000000000000005", "0").unwrap(), "0");
        assert_eq!(sum("18446744073709551616", "1").unwrap(), "18446744073709551616");
        assert_eq!(sum("1e30", "0").unwrap(), "1000000000000000000024696061952");
        assert_eq!(sum("0x1.8", "0x1p-1").unwrap(), "2");
        assert_eq!(sum("inf", "1"), None);
        assert_eq!(sum("inf", "-inf"), None);
        assert_eq!(sum("1e4932", "1e4932"), None);
    }

    #[test]
    fn what_is_no_number() {
        for text in
            ["", " 1", "1 ", "abc", "nan", "-nan", "1e", "1e+", "--1", "0x", "1e5000", "1e-5000", "1_0", "é"]
        {
            assert!(LongDouble::parse(text.as_bytes()).is_none(), "{text:?}");
        }
        for text in ["5.", ".5", "+5", "-.5e-2", "00012", "1E+2", "INF", "-Infinity", "1e-4940"] {
            assert!(LongDouble::parse(text.as_bytes()).is_some(), "{text:?}");
        }
    }
}
