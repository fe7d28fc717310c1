//! An app with schedules that are alive, dead, late, and no schedules.

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked};

/// Its schedules with what is found of each.
pub(super) const SCHEDULES: [(&str, &str, &str); 4] = [
    ("alive/one", "*/15 * * * *", "alive"),
    ("dead/two", "*/15 * * * *", "dead"),
    ("late/three", "0 * * * *", "dead"),
    ("odd/four", "every morning", "unreadable"),
];

/// What a page ends with.
const CURSOR: &str = "behind: a/b&c";

/// When the late one last ran.
const LONG_AGO: &str = "2026-01-01T00:00:00Z";

/// Answers for its functions and their runs, in pages of two.
pub(super) fn answer(asked: &Asked) -> Answer {
    let behind = asked.query.get("cursor").is_some_and(|cursor| cursor == CURSOR);
    let (items, more) = match asked.path.as_str() {
        "/v2/apps/planted/functions" => {
            let half = if behind { &SCHEDULES[2..] } else { &SCHEDULES[..2] };
            let function = |(id, cron, _): &(&str, &str, &str)| {
                let triggers =
                    json!([{"type": "EVENT", "value": "a/b"}, {"type": "CRON", "value": cron}]);
                json!({"id": id, "slug": id, "name": id, "app": {"id": "planted"}, "triggers": triggers})
            };
            (half.iter().map(function).collect(), !behind)
        }
        "/v2/apps/planted/functions/alive%2Fone/runs" if behind => {
            (vec![run(Some("*/15 * * * *"), &now())], false)
        }
        // Events begin it all the time, which proves nothing of its schedule.
        "/v2/apps/planted/functions/alive%2Fone/runs" => (vec![run(None, &now())], true),
        "/v2/apps/planted/functions/dead%2Ftwo/runs" => (vec![run(None, &now())], false),
        "/v2/apps/planted/functions/late%2Fthree/runs" => {
            (vec![run(Some("0 * * * *"), LONG_AGO)], false)
        }
        _ => return Answer::text(404, "text/plain", "nothing"),
    };
    let items: Vec<Value> = items;
    Answer::json(
        200,
        &json!({"data": items, "page": {"hasMore": more, "limit": 2, "cursor": CURSOR}}),
    )
}

fn now() -> String {
    jiff::Timestamp::now().to_string()
}

/// A run that a schedule began, or an event where there is none.
fn run(cron: Option<&str>, at: &str) -> Value {
    let mut run = json!({"id": at, "status": "COMPLETED", "queuedAt": at, "endedAt": at, "trigger": {"eventIds": []}});
    if let Some(cron) = cron {
        run["trigger"]["cronSchedule"] = json!(cron);
    }
    run
}
