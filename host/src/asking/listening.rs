//! Which functions an event starts.

use serde_json::Value;
use worker::server_api::{ApiError, ServerApi};

use super::text;

/// How many apps, and functions of one, are looked at.
const MOST: usize = 1000;

/// The functions of the server that an event of this name starts, each as `app/function`.
pub(crate) async fn to(server: &ServerApi, event: &str) -> Result<Vec<String>, ApiError> {
    let mut all = Vec::new();
    for app in server.list(&["v2", "apps"], &[], MOST).await? {
        let app = text(&app["id"]);
        let functions = server.list(&["v2", "apps", app, "functions"], &[], MOST).await?;
        let listening = functions.iter().filter(|function| starts(function, event));
        all.extend(listening.map(|function| format!("{app}/{}", text(&function["id"]))));
    }
    Ok(all)
}

fn starts(function: &Value, event: &str) -> bool {
    let triggers = function["triggers"].as_array().into_iter().flatten();
    triggers
        .filter(|trigger| trigger["type"] == "EVENT")
        .any(|trigger| fits(text(&trigger["value"]), event))
}

/// Whether a trigger means an event: by its name, or by the part of it before a star, which may stand behind a slash or
/// a dot.
fn fits(trigger: &str, event: &str) -> bool {
    match trigger.strip_suffix('*') {
        Some(before) => event.starts_with(before),
        None => trigger == event,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn triggers_mean_a_name_or_what_begins_like_one() {
        for (trigger, event, fit) in [
            ("a/b", "a/b", true),
            ("a/b", "a/b.c", false),
            ("a/*", "a/b.c", true),
            ("a/b.*", "a/b.c", true),
            ("a/b.*", "a/c.b", false),
        ] {
            assert_eq!(fits(trigger, event), fit, "{trigger} {event}");
        }
        let cron = json!({"triggers": [{"type": "CRON", "value": "a/b"}]});
        assert!(!starts(&cron, "a/b"));
        assert!(!starts(&json!({}), "a/b"));
    }
}
