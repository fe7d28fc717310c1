//! Durations and dates as workers write them into sleeps and `Retry-After`.

use std::time::Duration;

use jiff::Timestamp;

/// When a sleep that was reported at `now` ends: a duration such as `1h30m` or `2w`, or a date of RFC 3339.
pub(crate) fn wake(text: &str, now: Timestamp) -> Option<Timestamp> {
    let text = text.trim();
    if let Some(duration) = parse(text) {
        return now.checked_add(duration).ok();
    }
    date(text)
}

/// A duration: numbers with units, from `ns` to `w`; fractions are fine.
pub(crate) fn parse(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest.is_empty() {
        return None;
    }
    let mut total = 0.0_f64;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        let unit_and_rest = &rest[digits..];
        let end = unit_and_rest
            .find(|c: char| c.is_ascii_digit() || c == '.')
            .unwrap_or(unit_and_rest.len());
        let seconds = match &unit_and_rest[..end] {
            "ns" => 1e-9,
            "us" | "µs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        total += number * seconds;
        rest = &unit_and_rest[end..];
    }
    Duration::try_from_secs_f64(total).ok()
}

/// A date: RFC 3339, or the form of HTTP headers.
pub(crate) fn date(text: &str) -> Option<Timestamp> {
    if text.len() < 10 {
        return None;
    }
    text.parse().ok().or_else(|| Some(jiff::fmt::rfc2822::parse(text).ok()?.timestamp())).or_else(
        || {
            let date: jiff::civil::Date = text.parse().ok()?;
            Some(date.to_zoned(jiff::tz::TimeZone::UTC).ok()?.timestamp())
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_and_dates_are_read() {
        let now: Timestamp = "2026-11-22T13:00:00Z".parse().expect("a time");
        for (text, expected) in [
            ("90s", Some("2026-11-22T13:01:30Z")),
            ("1500ms", Some("2026-11-22T13:00:01.5Z")),
            ("1h30m", Some("2026-11-22T14:30:00Z")),
            ("1.5h", Some("2026-11-22T14:30:00Z")),
            ("1d12h", Some("2026-11-24T01:00:00Z")),
            ("2w", Some("2026-12-06T13:00:00Z")),
            ("0s", Some("2026-11-22T13:00:00Z")),
            ("2026-12-24T18:00:00.000Z", Some("2026-12-24T18:00:00Z")),
            ("Thu, 24 Dec 2026 18:00:00 GMT", Some("2026-12-24T18:00:00Z")),
            ("2026-12-24", Some("2026-12-24T00:00:00Z")),
            ("", None),
            ("7", None),
            ("soon", None),
            ("3 fortnights", None),
            ("1e300w", None),
        ] {
            let expected = expected.map(|text| text.parse().expect("a time"));
            assert_eq!(wake(text, now), expected, "{text}");
        }
    }
}
