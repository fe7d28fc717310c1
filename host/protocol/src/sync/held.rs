//! What the server says it has, compared with what it was told.

use std::collections::BTreeSet;

use serde::Deserialize;

use super::SyncPayload;
use super::wire::WireTrigger;

/// A function as the server has it: an entry of `GET /v1/apps/{app}/functions`.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub struct HeldFunction {
    /// Its slug.
    pub id: String,
    #[serde(default)]
    config: Option<HeldConfig>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct HeldConfig {
    #[serde(default)]
    triggers: Option<Vec<HeldTrigger>>,
}

#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
struct HeldTrigger {
    event: Option<String>,
    expression: Option<String>,
    cron: Option<String>,
}

/// How what the server has differs from what it was told.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Differences {
    /// What is missing or other than ours: the functions have to be registered again. One sentence each.
    pub wrong: Vec<String>,
    /// Slugs that the server has for our app, and we do not: another worker registers the same app.
    pub foreign: Vec<String>,
}

impl SyncPayload {
    /// Compares the slugs and the triggers. A server that does not tell its triggers is taken to have ours.
    ///
    /// ```
    /// # let manifest = protocol::function::Manifest::parse(
    /// #     r#"{"functions":[{"id":"tidy","triggers":[{"cron":"0 9 * * *"}]}]}"#).unwrap();
    /// # let (app, url) = ("app".parse().unwrap(), "http://127.0.0.1:1/".parse().unwrap());
    /// let payload = protocol::sync::SyncPayload::new(&app, None, &url, &manifest.functions);
    /// let held = serde_json::from_str::<Vec<protocol::sync::HeldFunction>>(
    ///     r#"[{"id":"app-tidy","config":{"triggers":[{"cron":"0 10 * * *"}]}}]"#,
    /// );
    /// let differences = payload.differences(&held.unwrap());
    /// assert_eq!(differences.wrong, ["app-tidy has cron 0 10 * * * instead of cron 0 9 * * *"]);
    /// ```
    pub fn differences(&self, held: &[HeldFunction]) -> Differences {
        let mut differences = Differences::default();
        for ours in &self.functions {
            let Some(theirs) = held.iter().find(|held| held.id == ours.id) else {
                differences.wrong.push(format!("{} is missing", ours.id));
                continue;
            };
            let Some(triggers) = theirs.config.as_ref().and_then(|has| has.triggers.as_ref())
            else {
                continue;
            };
            let has: BTreeSet<String> = triggers.iter().filter_map(HeldTrigger::words).collect();
            let told: BTreeSet<String> = ours.triggers.iter().map(words).collect();
            if has != told {
                let join = |set: BTreeSet<String>| {
                    let all: Vec<_> = set.into_iter().collect();
                    if all.is_empty() { "no trigger".to_owned() } else { all.join(" and ") }
                };
                let (has, told) = (join(has), join(told));
                differences.wrong.push(format!("{} has {has} instead of {told}", ours.id));
            }
        }
        let foreign = held.iter().filter(|held| self.slugs().all(|slug| slug != held.id));
        differences.foreign = foreign.map(|held| held.id.clone()).collect();
        differences
    }
}

impl HeldTrigger {
    fn words(&self) -> Option<String> {
        let given = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        match (given(&self.cron), given(&self.event)) {
            (Some(cron), _) => Some(words(&WireTrigger::Cron { cron, jitter: None })),
            (None, Some(event)) => {
                let expression = given(&self.expression);
                Some(words(&WireTrigger::Event { event, expression }))
            }
            (None, None) => None,
        }
    }
}

/// A trigger in words. The server is free to write a jitter in another form, so it is not compared.
fn words(trigger: &WireTrigger) -> String {
    match trigger {
        WireTrigger::Cron { cron, .. } => format!("cron {cron}"),
        WireTrigger::Event { event, expression: None } => format!("event {event}"),
        WireTrigger::Event { event, expression: Some(text) } => {
            format!("event {event} if {}", text.trim())
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::function::Manifest;

    fn payload() -> SyncPayload {
        let manifest = Manifest::parse(
            r#"{"functions":[
                {"id":"a","triggers":[{"event":"x/y","expression":"event.data.n > 1"},{"cron":"0 9 * * *","jitter":"90s"}]},
                {"id":"b","triggers":[{"failure_of":"a"}]}]}"#,
        )
        .expect("valid");
        let (app, url) = ("app".parse().expect("an id"), "http://h/".parse().expect("a URL"));
        SyncPayload::new(&app, None, &url, &manifest.functions)
    }

    fn differences(held: &str) -> Differences {
        payload().differences(&serde_json::from_str::<Vec<HeldFunction>>(held).expect(held))
    }

    const A: &str = r#"{"id":"app-a","config":{"triggers":[{"cron":"0 9 * * *","jitter":"1m30s"},
        {"event":"x/y","expression":"event.data.n > 1"}]}}"#;
    const B: &str = r#"{"id":"app-b","internal_id":"u","config":{"triggers":[
        {"event":"inngest/function.failed","expression":"event.data.function_id == 'app-a'","cron":""}]}}"#;

    #[test]
    fn what_is_the_same_in_another_order_does_not_differ() {
        for held in [
            format!("[{A},{B}]"),
            format!("[{B},{A}]"),
            r#"[{"id":"app-a"},{"id":"app-b","config":{}}]"#.to_owned(),
            r#"[{"id":"app-a","config":null},{"id":"app-b","config":{"triggers":null}}]"#
                .to_owned(),
        ] {
            assert_eq!(differences(&held), Differences::default(), "{held}");
        }
    }

    #[test]
    fn what_differs_is_told_in_words() {
        let changed = A.replace("0 9", "0 10");
        let other = A.replace("n > 1", "n > 2");
        for (held, wrong) in [
            ("[]".to_owned(), vec!["app-a is missing", "app-b is missing"]),
            (format!("[{A}]"), vec!["app-b is missing"]),
            (
                format!("[{changed},{B}]"),
                vec![
                    "app-a has cron 0 10 * * * and event x/y if event.data.n > 1 instead of cron 0 9 * * * and event x/y if event.data.n > 1",
                ],
            ),
            (
                format!("[{other},{B}]"),
                vec![
                    "app-a has cron 0 9 * * * and event x/y if event.data.n > 2 instead of cron 0 9 * * * and event x/y if event.data.n > 1",
                ],
            ),
            (
                format!(r#"[{A},{{"id":"app-b","config":{{"triggers":[]}}}}]"#),
                vec![
                    "app-b has no trigger instead of event inngest/function.failed if event.data.function_id == 'app-a'",
                ],
            ),
        ] {
            assert_eq!(differences(&held).wrong, wrong, "{held}");
        }
    }

    #[test]
    fn functions_that_are_not_ours_are_named() {
        let differences = differences(&format!(r#"[{A},{B},{{"id":"app-c"}}]"#));
        assert_eq!((differences.wrong.len(), differences.foreign), (0, vec!["app-c".to_owned()]));
    }
}
