//! A run, as lists of the server tell of it.

use jiff::{SignedDuration, Timestamp};
use serde::Serialize;
use serde_json::Value;

use super::text;

/// A run in a list.
#[derive(Debug, Clone, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Listed {
    pub(crate) id: String,
    pub(crate) app: String,
    /// Its id without the app.
    pub(crate) function: String,
    /// `QUEUED`, `RUNNING`, `COMPLETED`, `FAILED` or `CANCELLED`.
    pub(crate) status: String,
    pub(crate) queued_at: Option<Timestamp>,
    pub(crate) started_at: Option<Timestamp>,
    pub(crate) ended_at: Option<Timestamp>,
    /// The event that began it, or the schedule.
    pub(crate) trigger: Option<String>,
}

impl Listed {
    /// Reads one of the second interface's runs.
    pub(crate) fn read(run: &Value) -> Self {
        let time = |name: &str| run[name].as_str().and_then(|text| text.parse().ok());
        let ended_at = time("endedAt");
        let status = match text(&run["status"]) {
            // A real server says so of a run that waits, once its first call went well. Only what has an end has ended.
            "COMPLETED" if ended_at.is_none() => "RUNNING",
            status => status,
        };
        let trigger = &run["trigger"];
        let trigger = [&trigger["cronSchedule"], &trigger["eventName"]];
        let trigger = trigger.into_iter().map(text).find(|text| !text.is_empty());
        let app = [&run["app"]["id"], &run["function"]["app"]["id"]];
        let app = app.into_iter().map(text).find(|app| !app.is_empty()).unwrap_or_default();
        Self {
            id: text(&run["id"]).to_owned(),
            app: app.to_owned(),
            function: text(&run["function"]["id"]).to_owned(),
            status: status.to_owned(),
            queued_at: time("queuedAt"),
            started_at: time("startedAt"),
            ended_at,
            trigger: trigger.map(str::to_owned),
        }
    }

    /// How long it took, or takes until now.
    pub(crate) fn took(&self, now: Timestamp) -> Option<SignedDuration> {
        let began = self.started_at.or(self.queued_at)?;
        Some(self.ended_at.unwrap_or(now).duration_since(began))
    }
}

/// A span of time as people say it: `12 ms`, `3.4 s`, `5 min 6 s`, `2 h 3 min`, `4 d 5 h`.
pub(crate) fn span(time: SignedDuration) -> String {
    let millis = time.as_millis().max(0);
    let seconds = millis / 1000;
    match seconds {
        0 => format!("{millis} ms"),
        1..60 => format!("{seconds}.{} s", millis % 1000 / 100),
        60..3600 => format!("{} min {} s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{} h {} min", seconds / 3600, seconds % 3600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3600),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_run_without_an_end_has_not_completed() {
        let mut run = json!({
            "id": "01J", "function": {"id": "f"}, "app": {"id": "a"}, "status": "COMPLETED",
            "queuedAt": "2026-01-01T00:00:00Z", "trigger": {"eventName": "a/b", "cronSchedule": ""},
        });
        let waits = Listed::read(&run);
        assert_eq!((waits.status.as_str(), waits.trigger.as_deref()), ("RUNNING", Some("a/b")));
        run["endedAt"] = json!("2026-01-01T00:00:02Z");
        run["trigger"] = json!({"cronSchedule": "0 * * * *"});
        let ended = Listed::read(&run);
        assert_eq!(
            (ended.status.as_str(), ended.trigger.as_deref()),
            ("COMPLETED", Some("0 * * * *"))
        );
        assert_eq!(ended.took(Timestamp::MAX).map(span).as_deref(), Some("2.0 s"));
    }

    #[test]
    fn spans_have_two_units_at_most() {
        for (seconds, millis, words) in [
            (0, 0, "0 ms"),
            (0, 12, "12 ms"),
            (3, 450, "3.4 s"),
            (306, 0, "5 min 6 s"),
            (7_380, 0, "2 h 3 min"),
            (363_600, 0, "4 d 5 h"),
            (-5, 0, "0 ms"),
        ] {
            let time = SignedDuration::from_secs(seconds) + SignedDuration::from_millis(millis);
            assert_eq!(span(time), words);
        }
    }
}
