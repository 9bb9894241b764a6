//! Numbers as C's `printf("%.3e")` writes them.

use std::fmt;

/// Writes a number as `%.3e` does: three digits after the point, rounded half to even on the exact binary value, an
/// exponent of a sign and two digits at least (`0.000e+00`, `1.234e-03`, `4.941e-324`).
///
/// A value that is no number is `nan`, whatever its sign bit; the infinities are `inf` and `-inf`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Scientific(pub f64);

impl fmt::Display for Scientific {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        if self.0.is_nan() {
            return f.write_str("nan");
        }
        if self.0.is_infinite() {
            return f.write_str(if self.0 > 0.0 { "inf" } else { "-inf" });
        }
        // Rust rounds as C does, and writes the exponent without a plus and without leading zeros.
        let text = format!("{:.3e}", self.0);
        let (digits, exponent) = text.split_once('e').unwrap_or((&text, "0"));
        let (sign, exponent) = match exponent.strip_prefix('-') {
            Some(exponent) => ('-', exponent),
            None => ('+', exponent),
        };
        write!(f, "{digits}e{sign}{exponent:0>2}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What glibc prints, the halves that a binary number holds exactly among them.
    const KNOWN: [(f64, &str); 32] = [
        (0.0, "0.000e+00"),
        (-0.0, "-0.000e+00"),
        (1.0, "1.000e+00"),
        (-1.0, "-1.000e+00"),
        (0.5, "5.000e-01"),
        (0.001234, "1.234e-03"),
        (0.0012345, "1.234e-03"),
        (0.0012355, "1.236e-03"),
        (9.9995e-4, "1.000e-03"),
        (9.99951e-4, "1.000e-03"),
        (0.99995, "1.000e+00"),
        (0.99996, "1.000e+00"),
        (0.99994, "9.999e-01"),
        (1.0005, "1.000e+00"),
        (1.0015, "1.002e+00"),
        (1.00048828125, "1.000e+00"),
        (1.0009765625, "1.001e+00"),
        (1000.5, "1.000e+03"),
        (1001.5, "1.002e+03"),
        (1002.5, "1.002e+03"),
        (1003.5, "1.004e+03"),
        (10005.0, "1.000e+04"),
        (10015.0, "1.002e+04"),
        (9999.5, "1.000e+04"),
        (9998.5, "9.998e+03"),
        (123456789.0, "1.235e+08"),
        (1e99, "1.000e+99"),
        (1e100, "1.000e+100"),
        (f64::MAX, "1.798e+308"),
        (f64::MIN_POSITIVE, "2.225e-308"),
        (5e-324, "4.941e-324"),
        (1e-310, "1.000e-310"),
    ];

    #[test]
    fn known_values() {
        for (value, expected) in KNOWN {
            assert_eq!(Scientific(value).to_string(), expected);
        }
    }

    #[test]
    fn what_is_no_number_has_no_digits() {
        assert_eq!(Scientific(f64::NAN).to_string(), "nan");
        assert_eq!(Scientific(-f64::NAN).to_string(), "nan");
        assert_eq!(Scientific(f64::INFINITY).to_string(), "inf");
        assert_eq!(Scientific(f64::NEG_INFINITY).to_string(), "-inf");
    }

    #[test]
    fn single_precision_scores_print_as_their_exact_value() {
        assert_eq!(Scientific(f64::from(0.1_f32)).to_string(), "1.000e-01");
        assert_eq!(Scientific(f64::from(0.99995_f32)).to_string(), "9.999e-01");
        assert_eq!(
            Scientific(f64::from(f32::from_bits(1))).to_string(),
            "1.401e-45"
        );
    }
}
