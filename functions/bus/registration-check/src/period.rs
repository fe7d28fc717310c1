//! How long a cron may be quiet by its own words.

use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// How many firings are looked at: a day of one that fires every minute, and years of others.
const FIRINGS: usize = 1500;
/// How far it is looked ahead: over any week, so that a weekend is no fault.
const AHEAD_MS: i64 = 9 * 24 * 3_600_000;

/// The longest time between two firings in a row, in milliseconds. None where the expression cannot be
/// read, or does not fire twice.
pub(crate) fn period_ms(cron: &str, now: Timestamp) -> Option<i64> {
    let (zone, fields) = match cron.strip_prefix("TZ=").or_else(|| cron.strip_prefix("CRON_TZ=")) {
        None => (TimeZone::UTC, cron),
        Some(rest) => {
            let (name, fields) = rest.split_once(' ')?;
            (TimeZone::get(name).ok()?, fields)
        }
    };
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    let parsed = parser.parse(fields).ok()?;
    let (mut at, mut before, mut longest) = (now.to_zoned(zone), None, None);
    for firing in 0..FIRINGS {
        let Ok(next) = parsed.find_next_occurrence(&at, false) else { break };
        let ms = next.timestamp().as_millisecond();
        if let Some(before) = before {
            longest = longest.max(Some(ms - before));
        }
        // Three firings at least, however far away they are: months differ.
        if firing >= 2 && ms - now.as_millisecond() > AHEAD_MS {
            break;
        }
        before = Some(ms);
        at = next;
    }
    longest
}
