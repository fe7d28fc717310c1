//! Cron expressions as the server understands them: five fields, optionally after `TZ=Area/City `.

use std::fmt;

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::TimeZone;

/// The longest expression the server stores, in characters.
pub const MAX_CHARS: usize = 255;

/// Why a text is not a cron expression.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("cron expression {text:?} {problem}")]
pub struct CronError {
    text: String,
    problem: String,
}

/// A parsed cron expression.
#[derive(Clone)]
pub struct CronExpression {
    text: String,
    zone: TimeZone,
    cron: Cron,
}

impl CronExpression {
    /// Parses `minute hour day-of-month month day-of-week`, optionally behind `TZ=Zone ` or `CRON_TZ=Zone `.
    ///
    /// Fields of seconds and names such as `@daily` are refused, as the server refuses them.
    ///
    /// ```
    /// use protocol::cron::CronExpression;
    /// let cron = CronExpression::parse("TZ=Europe/Berlin 0 9 * * 1-5").unwrap();
    /// let friday_evening = "2026-11-20T20:00:00Z".parse().unwrap();
    /// assert_eq!(cron.next_after(friday_evening).unwrap().to_string(), "2026-11-23T08:00:00Z");
    /// ```
    pub fn parse(text: &str) -> Result<Self, CronError> {
        let fault =
            |problem: String| CronError { text: text.chars().take(MAX_CHARS).collect(), problem };
        if text.chars().count() > MAX_CHARS {
            return Err(fault(format!("is longer than {MAX_CHARS} characters")));
        }
        let (zone, fields) = match text
            .strip_prefix("TZ=")
            .or_else(|| text.strip_prefix("CRON_TZ="))
        {
            None => (TimeZone::UTC, text),
            Some(rest) => {
                let (name, fields) = rest
                    .split_once(' ')
                    .ok_or_else(|| fault("has a time zone but no fields after it".to_owned()))?;
                let zone = TimeZone::get(name).map_err(|_| {
                    fault(format!("names the unknown time zone {name:?}; write it as Area/City"))
                })?;
                (zone, fields)
            }
        };
        let count = fields.split_whitespace().count();
        if count != 5 {
            return Err(fault(format!(
                "has {count} fields; write five: minute hour day-of-month month day-of-week"
            )));
        }
        let cron = CronParser::builder()
            .seconds(Seconds::Disallowed)
            .year(Year::Disallowed)
            .build()
            .parse(fields)
            .map_err(|error| fault(format!("cannot be read: {error}")))?;
        Ok(Self { text: text.to_owned(), zone, cron })
    }

    /// The expression as it was written.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// The first moment after `now` at which the expression fires; `None` when there is none, ever.
    pub fn next_after(&self, now: Timestamp) -> Option<Timestamp> {
        let from = now.to_zoned(self.zone.clone());
        self.cron.find_next_occurrence(&from, false).ok().map(|zoned| zoned.timestamp())
    }
}

impl fmt::Debug for CronExpression {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CronExpression").field(&self.text).finish()
    }
}

impl PartialEq for CronExpression {
    fn eq(&self, other: &Self) -> bool {
        self.text == other.text
    }
}

impl Eq for CronExpression {}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().expect("a time")
    }

    #[test]
    fn fires_in_its_own_time_zone_across_a_change_of_clocks() {
        let cron = CronExpression::parse("TZ=America/Los_Angeles 30 6 * * *").expect("valid");
        // Winter time is UTC-8; summer time, from 14 March 2027 on, UTC-7.
        assert_eq!(cron.next_after(at("2027-03-13T00:00:00Z")), Some(at("2027-03-13T14:30:00Z")));
        assert_eq!(cron.next_after(at("2027-03-13T15:00:00Z")), Some(at("2027-03-14T13:30:00Z")));
    }

    #[test]
    fn the_moment_itself_is_not_after_it() {
        let cron = CronExpression::parse("*/15 * * * *").expect("valid");
        assert_eq!(cron.next_after(at("2026-11-22T13:00:00Z")), Some(at("2026-11-22T13:15:00Z")));
        assert_eq!(cron.next_after(at("2026-11-22T13:00:01Z")), Some(at("2026-11-22T13:15:00Z")));
    }

    #[test]
    fn what_the_server_refuses_is_refused_here() {
        for (bad, says) in [
            ("* * * *", "4 fields"),
            ("0 * * * * *", "6 fields"),
            ("@daily", "1 fields"),
            ("61 * * * *", "cannot be read"),
            ("TZ=Mars/Olympus 0 * * * *", "unknown time zone"),
            ("TZ=UTC", "no fields after it"),
        ] {
            let error = CronExpression::parse(bad).expect_err(bad).to_string();
            assert!(error.contains(says), "{bad}: {error}");
        }
    }
}
