//! Values as text (FlowG 8).

use chrono::SecondsFormat;
use std::fmt::Write as _;
use std::io::Write as _;
use vrl::value::Value;

/// Appends the text of a scalar. Objects and arrays have none: they are flattened.
pub(crate) fn write(value: &Value, pool: &mut Vec<u8>) {
    match value {
        Value::Bytes(bytes) => match std::str::from_utf8(bytes) {
            Ok(_) => pool.extend_from_slice(bytes),
            Err(_) => pool.extend_from_slice(String::from_utf8_lossy(bytes).as_bytes()),
        },
        Value::String(text) => pool.extend_from_slice(text.as_bytes()),
        // Writing to a Vec cannot fail.
        Value::Integer(number) => drop(write!(pool, "{number}")),
        Value::Float(number) => pool.extend_from_slice(float(number.into_inner()).as_bytes()),
        Value::Boolean(true) => pool.extend_from_slice(b"true"),
        Value::Boolean(false) => pool.extend_from_slice(b"false"),
        Value::Timestamp(moment) => pool.extend_from_slice(moment.to_rfc3339_opts(SecondsFormat::AutoSi, true).as_bytes()),
        Value::Regex(regex) => pool.extend_from_slice(regex.as_str().as_bytes()),
        Value::Null => pool.extend_from_slice(b"<nil>"),
        Value::Object(_) | Value::Array(_) => {}
    }
}

/// The shortest text that reads back: with an exponent of at least two digits below 1e-4 and from 1e21 on.
fn float(number: f64) -> String {
    let size = number.abs();
    if size == 0.0 || (1e-4..1e21).contains(&size) || !number.is_finite() {
        return number.to_string();
    }
    let short = format!("{number:e}");
    let (digits, exponent) = short.split_once('e').unwrap_or((&short, "0"));
    let (sign, exponent) = exponent.strip_prefix('-').map_or(('+', exponent), |exponent| ('-', exponent));
    let mut text = digits.to_owned();
    let _ = write!(text, "e{sign}{exponent:0>2}");
    text
}

#[cfg(test)]
mod tests {
    use super::*;
    use vrl::value;

    fn text(value: Value) -> String {
        let mut pool = Vec::new();
        write(&value, &mut pool);
        String::from_utf8(pool).unwrap()
    }

    #[test]
    fn floats_are_short_and_read_back() {
        for (number, wanted) in [
            (0.0, "0"),
            (-0.0, "-0"),
            (1.0, "1"),
            (1.5, "1.5"),
            (-2.25, "-2.25"),
            (0.1 + 0.2, "0.30000000000000004"),
            (1e-4, "0.0001"),
            (1e-5, "1e-05"),
            (1.25e-7, "1.25e-07"),
            (1e20, "100000000000000000000"),
            (1e21, "1e+21"),
            (-1.5e300, "-1.5e+300"),
            (f64::MIN_POSITIVE, "2.2250738585072014e-308"),
        ] {
            let text = float(number);
            assert_eq!(text, wanted);
            assert_eq!(text.parse::<f64>().unwrap().to_bits(), number.to_bits());
        }
    }

    #[test]
    fn every_kind_has_its_text() {
        assert_eq!(text(value!(true)), "true");
        assert_eq!(text(value!(-7)), "-7");
        assert_eq!(text(value!(null)), "<nil>");
        assert_eq!(text(Value::Bytes(vec![b'a', 0xff, b'b'].into())), "a\u{fffd}b");
        assert_eq!(text(value!("plain")), "plain");
        for (nanoseconds, wanted) in [
            (0, "2025-01-02T03:04:05Z"),
            (120_000_000, "2025-01-02T03:04:05.120Z"),
            (1_000, "2025-01-02T03:04:05.000001Z"),
            (1, "2025-01-02T03:04:05.000000001Z"),
        ] {
            let moment = chrono::DateTime::from_timestamp(1_735_787_045, nanoseconds).unwrap();
            assert_eq!(text(Value::Timestamp(moment)), wanted);
        }
        let regex = vrl::value::ValueRegex::new(std::sync::Arc::new(regex::Regex::new("a+b").unwrap()));
        assert_eq!(text(Value::Regex(regex)), "a+b");
    }
}
