//! The time that a sender signs, so that what somebody recorded cannot be sent again later.

use std::time::Duration;

use super::Refused;
use crate::delivery::Delivery;

/// Where the signed time is, and how far from ours it may be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Time {
    /// A header of its own; none where it stands among the signatures.
    pub header: Option<String>,
    /// What stands before it, such as `t=`.
    pub before: String,
    /// What stands between it and the signatures, where it is among them.
    pub split: Option<char>,
    /// How far it may be from ours, either way.
    pub within: Duration,
}

impl Time {
    /// Reads it as it is written, since that is what is signed: whole seconds since 1970, or milliseconds.
    pub(super) fn read<'d>(
        &self,
        delivery: &'d Delivery,
        signatures: &'d str,
    ) -> Result<&'d str, Refused> {
        let written = match &self.header {
            Some(header) => delivery.headers.one(header).ok_or(Refused::NoTime)?,
            None => signatures,
        };
        let time = match self.split {
            Some(between) => {
                let mut own = written
                    .split(between)
                    .filter_map(|one| one.trim().strip_prefix(self.before.as_str()));
                let time = own.next().ok_or(Refused::NoTime)?;
                if own.next().is_some() {
                    return Err(Refused::Malformed);
                }
                time
            }
            None => written.strip_prefix(self.before.as_str()).ok_or(Refused::NoTime)?,
        };
        let digits =
            !time.is_empty() && time.len() <= 16 && time.bytes().all(|b| b.is_ascii_digit());
        let number: u64 = if digits { time.parse().map_err(|_| Refused::NoTime)? } else { 0 };
        if number == 0 {
            return Err(Refused::NoTime);
        }
        // No time of seconds is that long before the year 5138.
        let millis = if time.len() > 11 { number } else { number * 1000 };
        let now = u64::try_from(delivery.at.as_millisecond()).unwrap_or(0);
        let away = now.abs_diff(millis);
        if u128::from(away) > self.within.as_millis() {
            return Err(Refused::Stale { seconds: away / 1000 });
        }
        Ok(time)
    }
}
