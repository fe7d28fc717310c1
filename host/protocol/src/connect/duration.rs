//! Durations as Go writes them: `"10s"`, `"1m30s"`, `"1.5h"`, `"250ms"`, `"0s"`.

use std::time::Duration;

/// Why a text is not such a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{text:?} is not a duration as Go writes it, such as 10s or 1m30s: {problem}")]
pub struct DurationError {
    text: String,
    problem: &'static str,
}

/// The units, in nanoseconds. `µ` has two code points in use; Go reads both.
const UNITS: [(&str, u64); 8] = [
    ("ns", 1),
    ("us", 1_000),
    ("µs", 1_000),
    ("μs", 1_000),
    ("ms", 1_000_000),
    ("s", 1_000_000_000),
    ("m", 60_000_000_000),
    ("h", 3_600_000_000_000),
];

/// Parses a duration. Negative ones are refused: nothing on this wire may lie in the past.
///
/// ```
/// use std::time::Duration;
/// use protocol::connect::duration::parse;
///
/// assert_eq!(parse("1m30s"), Ok(Duration::from_secs(90)));
/// assert_eq!(parse("1.5s"), Ok(Duration::from_millis(1500)));
/// assert!(parse("90").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let fault = |problem| DurationError { text: text.chars().take(80).collect(), problem };
    let mut rest = text.strip_prefix('+').unwrap_or(text);
    if rest == "0" {
        return Ok(Duration::ZERO);
    }
    if rest.is_empty() {
        return Err(fault("it is empty"));
    }
    let mut total: u64 = 0;
    while !rest.is_empty() {
        let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
        let (whole, after) = rest.split_at(digits);
        let fraction = after.strip_prefix('.').map_or("", |after| {
            let end = after.len() - after.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            &after[..end]
        });
        let after = match after.strip_prefix('.') {
            Some(after) => &after[fraction.len()..],
            None => after,
        };
        if whole.is_empty() && fraction.is_empty() {
            return Err(fault("a number is missing"));
        }
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, after) = after.split_at(end);
        let nanos = UNITS.iter().find(|(name, _)| *name == unit).map(|(_, nanos)| *nanos);
        let nanos = nanos.ok_or_else(|| fault("its units are ns, us, ms, s, m and h"))?;
        let whole: u64 = match whole {
            "" => 0,
            whole => whole.parse().map_err(|_| fault("it is too long"))?,
        };
        let part =
            whole.checked_mul(nanos).and_then(|part| part.checked_add(share(fraction, nanos)));
        total =
            part.and_then(|part| total.checked_add(part)).ok_or_else(|| fault("it is too long"))?;
        rest = after;
    }
    Ok(Duration::from_nanos(total))
}

/// A decimal fraction of a unit, in nanoseconds; digits beyond them are dropped, as Go drops them.
fn share(fraction: &str, unit: u64) -> u64 {
    let mut scale = unit;
    let mut sum = 0;
    for digit in fraction.bytes() {
        let value = u64::from(digit - b'0');
        // The remainder of each division is what a finer unit would hold; the units here are round enough.
        sum += value * scale / 10;
        scale /= 10;
    }
    sum
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn durations_are_read_as_go_writes_them() {
        for (text, nanos) in [
            ("0s", 0),
            ("0", 0),
            ("10s", 10_000_000_000),
            ("30s", 30_000_000_000),
            ("1m30s", 90_000_000_000),
            ("1h0m0s", 3_600_000_000_000),
            ("1m0s", 60_000_000_000),
            ("1.5s", 1_500_000_000),
            (".5s", 500_000_000),
            ("1.s", 1_000_000_000),
            ("250ms", 250_000_000),
            ("100us", 100_000),
            ("100µs", 100_000),
            ("7ns", 7),
            ("+2m", 120_000_000_000),
            ("0.25h", 900_000_000_000),
        ] {
            assert_eq!(parse(text), Ok(Duration::from_nanos(nanos)), "{text}");
        }
    }

    #[test]
    fn anything_else_is_refused_with_its_reason() {
        for (text, says) in [
            ("", "empty"),
            ("10", "units"),
            ("s", "number"),
            ("-1s", "number"),
            ("1d", "units"),
            ("1 s", "units"),
            (".", "number"),
            ("99999999999999999999s", "too long"),
            ("9999999999h", "too long"),
        ] {
            let error = parse(text).expect_err(text).to_string();
            assert!(error.contains(says), "{text}: {error}");
        }
    }

    proptest! {
        /// Whatever the gateway says, parsing answers.
        #[test]
        fn parsing_never_panics(text in ".{0,40}") {
            let _ = parse(&text);
        }

        /// Hours, minutes and seconds add up.
        #[test]
        fn compound_forms_add_up(h in 0_u64..1000, m in 0_u64..60, s in 0_u64..60) {
            let expected = Duration::from_secs(h * 3600 + m * 60 + s);
            prop_assert_eq!(parse(&format!("{h}h{m}m{s}s")), Ok(expected));
        }
    }
}
