//! Durations as a manifest writes them, and as the server reads them.

use std::time::Duration;

/// A second, a minute and so on, in milliseconds, from the largest unit to the smallest.
const UNITS: [(&str, u64); 6] = [
    ("w", 7 * 24 * 60 * 60 * 1_000),
    ("d", 24 * 60 * 60 * 1_000),
    ("h", 60 * 60 * 1_000),
    ("m", 60 * 1_000),
    ("s", 1_000),
    ("ms", 1),
];

/// Why a text is not a duration.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{text:?} is not a duration: write whole numbers with the units w, d, h, m, s and ms, such as \"90s\" or \"1d12h\""
)]
pub struct DurationError {
    text: String,
}

/// Parses whole numbers with units, which add up: `90s`, `1d12h`, `1500ms`.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(protocol::duration::parse("1h30m"), Ok(Duration::from_secs(5_400)));
/// assert!(protocol::duration::parse("1.5h").is_err());
/// ```
pub fn parse(text: &str) -> Result<Duration, DurationError> {
    let fault = || DurationError { text: text.chars().take(40).collect() };
    let mut rest = text;
    let mut millis = 0_u64;
    while !rest.is_empty() || text.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(fault)?;
        let number: u64 = rest[..digits].parse().map_err(|_| fault())?;
        rest = &rest[digits..];
        let end = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        let (_, unit) = UNITS.iter().find(|(unit, _)| *unit == &rest[..end]).ok_or_else(fault)?;
        let more = number.checked_mul(*unit).ok_or_else(fault)?;
        millis = millis.checked_add(more).ok_or_else(fault)?;
        rest = &rest[end..];
    }
    Ok(Duration::from_millis(millis))
}

/// The text the server reads wherever it wants a duration. Only units of Go's parser appear: one member of the sync
/// payload knows neither days nor weeks.
///
/// ```
/// use std::time::Duration;
/// assert_eq!(protocol::duration::text(Duration::from_secs(36 * 60 * 60)), "36h");
/// assert_eq!(protocol::duration::text(Duration::from_millis(61_500)), "1m1s500ms");
/// ```
pub fn text(duration: Duration) -> String {
    let mut rest = u64::try_from(duration.as_millis()).unwrap_or(u64::MAX);
    let mut text = String::new();
    for (unit, millis) in UNITS.iter().filter(|(unit, _)| !matches!(*unit, "w" | "d")) {
        if rest >= *millis {
            text += &(rest / millis).to_string();
            text += unit;
            rest %= millis;
        }
    }
    if text.is_empty() { "0s".to_owned() } else { text }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_is_read_and_written_for_the_server() {
        for (written, millis, server) in [
            ("90s", 90_000, "1m30s"),
            ("1d12h", 129_600_000, "36h"),
            ("2w", 1_209_600_000, "336h"),
            ("1500ms", 1_500, "1s500ms"),
            ("1w1d1h1m1s1ms", 694_861_001, "193h1m1s1ms"),
            ("0s", 0, "0s"),
            ("1s1h1s", 3_602_000, "1h2s"),
        ] {
            let duration = parse(written).expect(written);
            assert_eq!(duration, Duration::from_millis(millis), "{written}");
            assert_eq!(text(duration), server, "{written}");
            assert_eq!(parse(server), Ok(duration), "{written}");
        }
    }

    proptest::proptest! {
        #[test]
        fn whatever_is_read_is_written_and_read_again(written in "([0-9]{1,20}(ms|[smhdwxµ])?){0,4}") {
            if let Ok(duration) = parse(&written) {
                proptest::prop_assert_eq!(parse(&text(duration)), Ok(duration));
            }
        }
    }

    #[test]
    fn anything_else_is_refused_with_an_example() {
        for bad in [
            "",
            "90",
            "s",
            "1.5h",
            "-1s",
            "1 h",
            "1h ",
            "1us",
            "1y",
            "99999999999999999999s",
            "99999999999999999w",
        ] {
            let error = parse(bad).expect_err(bad).to_string();
            assert!(error.contains("such as \"90s\""), "{bad}: {error}");
        }
    }
}
