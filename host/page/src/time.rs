//! Moments and durations as people read them.

use std::time::Duration;

use jiff::Timestamp;
use jiff::fmt::strtime;

use crate::html::Html;

/// A moment in UTC to the millisecond, such as `2026-11-22 13:00:00.250`.
pub fn moment(at: Timestamp) -> String {
    strtime::format("%Y-%m-%d %H:%M:%S.%3f", at).unwrap_or_else(|_| at.to_string())
}

/// A moment as a machine reads it, exact to the millisecond.
pub fn exact(at: Timestamp) -> String {
    format!("{at:.3}")
}

/// A duration in the unit that suits it: `0 ms`, `0.4 ms`, `12 ms`, `3.21 s`, `4 m 05 s`, `2 h 03 m`, `3 d 4 h`.
pub fn span(duration: Duration) -> String {
    let seconds = duration.as_secs();
    match seconds {
        0 if duration.is_zero() => "0 ms".to_owned(),
        0 if duration < Duration::from_millis(1) => {
            format!("{:.1} ms", duration.as_secs_f64() * 1e3)
        }
        0 => format!("{} ms", duration.as_millis()),
        1..60 => format!("{:.2} s", duration.as_secs_f64()),
        60..3_600 => format!("{} m {:02} s", seconds / 60, seconds % 60),
        3_600..86_400 => format!("{} h {:02} m", seconds / 3_600, seconds / 60 % 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds / 3_600 % 24),
    }
}

/// How long it was from one moment to another; nothing if that comes before.
pub fn between(from: Timestamp, to: Timestamp) -> Duration {
    Duration::try_from(to.duration_since(from)).unwrap_or_default()
}

/// A `time` element.
pub(crate) fn element(html: &mut Html, at: Timestamp) {
    html.leaf("time", &[("datetime", &exact(at))], moment(at));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_told_in_a_unit_that_suits_them() {
        for (micros, told) in [
            (0, "0 ms"),
            (400, "0.4 ms"),
            (12_900, "12 ms"),
            (999_999, "999 ms"),
            (3_210_000, "3.21 s"),
            (245_000_000, "4 m 05 s"),
            (7_380_000_000, "2 h 03 m"),
            (273_600_000_000, "3 d 4 h"),
        ] {
            assert_eq!(span(Duration::from_micros(micros)), told);
        }
    }

    #[test]
    fn moments_are_exact_to_the_millisecond() {
        let at: Timestamp = "2026-11-22T13:00:00.2509Z".parse().expect("a time");
        assert_eq!(moment(at), "2026-11-22 13:00:00.250");
        assert_eq!(exact(at), "2026-11-22T13:00:00.250Z");
        assert_eq!(between(at, "2026-11-22T12:00:00Z".parse().expect("a time")), Duration::ZERO);
    }
}
