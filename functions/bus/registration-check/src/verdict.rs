//! Whether schedules do what they say.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::memory::Remembered;
use crate::period::period_ms;

/// What was seen of one schedule.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    /// The app of its function.
    pub app: String,
    /// The id of its function.
    pub function: String,
    /// The expression.
    pub cron: String,
    /// The longest time between two firings.
    pub period_ms: Option<i64>,
    /// When it last led to a run that completed, as far as the server shows it.
    pub last_success: Option<i64>,
}

/// How a schedule is.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It led to a run that completed within twice its period.
    Alive,
    /// It did not.
    Dead,
    /// It is not there for twice its period yet.
    Young,
    /// Nobody remembers as far back as twice its period.
    Unknown,
    /// Its expression cannot be read, or never fires twice.
    Unreadable,
}

/// A schedule and how it is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Judged {
    /// What was seen.
    #[serde(flatten)]
    pub seen: Seen,
    /// How it is.
    pub verdict: Verdict,
}

impl Seen {
    pub(crate) fn of(app: &str, function: &str, cron: &str, now: Timestamp) -> Self {
        let period_ms = period_ms(cron, now);
        let (app, function) = (app.to_owned(), function.to_owned());
        Self { app, function, cron: cron.to_owned(), period_ms, last_success: None }
    }

    /// Its name among all schedules.
    pub(crate) fn key(&self) -> String {
        format!("{}/{}/{}", self.app, self.function, self.cron)
    }
}

/// Judges one. `known` is what is remembered, none where nothing can be.
pub(crate) fn judge(
    mut seen: Seen,
    known: Option<&BTreeMap<String, Remembered>>,
    now: i64,
    history_ms: i64,
) -> Judged {
    let remembered = known.and_then(|known| known.get(&seen.key()));
    seen.last_success = seen.last_success.max(remembered.and_then(|one| one.last_success));
    let Some(period) = seen.period_ms else {
        return Judged { seen, verdict: Verdict::Unreadable };
    };
    let patience = period.saturating_mul(2);
    let verdict = match (seen.last_success, remembered) {
        (Some(last), _) if now - last <= patience => Verdict::Alive,
        (None, Some(remembered)) if now - remembered.first_seen < patience => Verdict::Young,
        (None, None) if patience > history_ms => Verdict::Unknown,
        _ => Verdict::Dead,
    };
    Judged { seen, verdict }
}
