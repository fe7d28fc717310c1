//! When a failed attempt is made again.

use std::time::Duration;

use jiff::Timestamp;
use protocol::op::Retry;

use crate::duration;

const TABLE: [u64; 10] = [15, 30, 60, 120, 300, 600, 1_200, 2_400, 3_600, 7_200];
const JITTER_MILLIS: u128 = 30_000;
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_hours(24);

/// The pause after the failed attempt with this number: what the worker asked for, else the fixed interval, else
/// the server's table with up to 30 seconds of jitter from `bits`.
pub(crate) fn pause(retry: Retry, attempt: u32, fixed: Option<Duration>, bits: u128) -> Duration {
    if let Retry::After(asked) = retry {
        return asked.clamp(SHORTEST, LONGEST);
    }
    fixed.unwrap_or_else(|| {
        let row = usize::try_from(attempt).unwrap_or(usize::MAX).min(TABLE.len() - 1);
        let jitter = u64::try_from((bits >> 64) % JITTER_MILLIS).unwrap_or(0);
        Duration::from_secs(TABLE[row]) + Duration::from_millis(jitter)
    })
}

/// Reads `Retry-After`: up to seven digits of seconds, or a date. Anything else counts as absent, as does `0`.
pub(crate) fn retry_after(text: &str, now: Timestamp) -> Option<Duration> {
    let text = text.trim();
    if !text.is_empty() && text.len() <= 7 && text.bytes().all(|b| b.is_ascii_digit()) {
        let seconds = text.parse().ok()?;
        return (seconds > 0).then(|| Duration::from_secs(seconds).clamp(SHORTEST, LONGEST));
    }
    let until = duration::date(text)?.duration_since(now);
    let pause = Duration::try_from(until).unwrap_or(Duration::ZERO);
    Some(pause.clamp(SHORTEST, LONGEST))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_follow_the_table_the_interval_or_the_worker() {
        let seconds = Duration::from_secs;
        let half = Some(Duration::from_millis(500));
        for (retry, attempt, fixed, bits, expected) in [
            (Retry::Again, 0, None, 0, seconds(15)),
            (Retry::Again, 1, None, 0, seconds(30)),
            (Retry::Again, 3, None, 10_000 << 64, seconds(130)),
            (Retry::Again, 9, None, 0, seconds(7_200)),
            (Retry::Again, 19, None, 0, seconds(7_200)),
            (Retry::Again, 3, half, 1 << 64, Duration::from_millis(500)),
            (Retry::After(seconds(7)), 3, half, 0, seconds(7)),
            (Retry::After(Duration::ZERO), 0, None, 0, seconds(1)),
            (Retry::After(seconds(1_000_000)), 0, None, 0, seconds(86_400)),
        ] {
            assert_eq!(pause(retry, attempt, fixed, bits), expected, "{retry:?} {attempt}");
        }
        let most = pause(Retry::Again, 0, None, u128::MAX);
        assert!(most < seconds(45), "{most:?}");
    }

    #[test]
    fn retry_after_is_seconds_or_a_date() {
        let now = "2026-11-22T13:00:00Z".parse().expect("a time");
        for (text, seconds) in [
            ("1", Some(1)),
            ("90", Some(90)),
            ("9999999", Some(86_400)),
            ("2026-11-22T13:00:03Z", Some(3)),
            ("Sun, 22 Nov 2026 13:01:00 GMT", Some(60)),
            ("2020-01-01T00:00:00Z", Some(1)),
            ("0", None),
            ("abc", None),
            ("", None),
            ("-5", None),
        ] {
            assert_eq!(retry_after(text, now), seconds.map(Duration::from_secs), "{text}");
        }
    }
}
