//! From when until when.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::events::BackfillRequested;

/// How far back it goes where nobody says.
const DAYS: i64 = 60;

/// From when until when, as Slack writes times.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// The oldest message.
    pub oldest_ts: String,
    /// The latest one.
    pub latest_ts: String,
}

impl Range {
    /// The range that was asked for. Fails for good where it is none: no attempt changes it.
    pub(crate) fn of(request: &BackfillRequested, now: Timestamp) -> Result<Self> {
        let given = |text: &Option<String>| {
            let text = text.as_deref().map(str::trim).filter(|text| !text.is_empty());
            text.map(str::to_owned)
        };
        let now = now.as_second();
        let oldest = given(&request.oldest_ts);
        let oldest_ts = oldest.unwrap_or_else(|| (now - DAYS * 24 * 3600).to_string());
        let latest_ts = given(&request.latest_ts).unwrap_or_else(|| now.to_string());
        let (Some(oldest), Some(latest)) = (seconds(&oldest_ts), seconds(&latest_ts)) else {
            return Err(Error::stop("oldestTs and latestTs have to be times as Slack writes them"));
        };
        if oldest > latest {
            return Err(Error::stop("oldestTs has to be before latestTs"));
        }
        Ok(Self { oldest_ts, latest_ts })
    }

    /// Whether a message is in it.
    pub(crate) fn holds(&self, ts: &str) -> bool {
        let (oldest, latest) = (seconds(&self.oldest_ts), seconds(&self.latest_ts));
        seconds(ts).is_some_and(|ts| Some(ts) >= oldest && Some(ts) <= latest)
    }
}

/// The seconds of a time as Slack writes it: `1767225600.000100`.
pub(crate) fn seconds(ts: &str) -> Option<f64> {
    ts.trim().parse().ok().filter(|seconds: &f64| seconds.is_finite() && *seconds >= 0.0)
}
