//! What the server says it has, compared with what it was told.

use std::collections::BTreeSet;

use serde::Deserialize;
use serde_json::{Map, Value};

use super::wire::{WireFunction, WireTrigger};
use super::{SyncPayload, options};

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
    /// Everything else, as the server writes it.
    #[serde(flatten)]
    rest: Map<String, Value>,
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

impl HeldFunction {
    /// Whether anything starts it, as far as the server tells. A function that nothing starts is retired: it only brings
    /// its runs to their end.
    pub fn has_triggers(&self) -> Option<bool> {
        self.config.as_ref()?.triggers.as_ref().map(|triggers| !triggers.is_empty())
    }
}

impl SyncPayload {
    /// Compares the slugs, the triggers, and the options that the server acts on. What a server does not tell is taken
    /// to be ours.
    ///
    /// ```
    /// # let manifest = protocol::function::Manifest::parse(
    /// #     r#"{"functions":[{"id":"tidy","triggers":[{"cron":"0 9 * * *"}]}]}"#).unwrap();
    /// # let (app, url) = ("app".parse().unwrap(), "http://127.0.0.1:1/".parse().unwrap());
    /// let payload = protocol::sync::SyncPayload::new(&app, None, &url, &protocol::sync::Announced::active(&manifest.functions));
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
            differences.wrong.extend(ours.differs_from(theirs));
        }
        let foreign = held.iter().filter(|held| self.slugs().all(|slug| slug != held.id));
        differences.foreign = foreign.map(|held| held.id.clone()).collect();
        differences
    }
}

impl WireFunction {
    /// What the server has other than this, each in one sentence.
    fn differs_from(&self, theirs: &HeldFunction) -> Vec<String> {
        let Some(config) = &theirs.config else { return Vec::new() };
        let mut sentences = Vec::new();
        if let Some(triggers) = &config.triggers {
            let has: BTreeSet<String> = triggers.iter().filter_map(HeldTrigger::words).collect();
            let told: BTreeSet<String> = self.triggers.iter().map(words).collect();
            if has != told {
                let join = |set: BTreeSet<String>| {
                    let all: Vec<_> = set.into_iter().collect();
                    if all.is_empty() { "no trigger".to_owned() } else { all.join(" and ") }
                };
                let (has, told) = (join(has), join(told));
                sentences.push(format!("{} has {has} instead of {told}", self.id));
            }
        }
        let Some(has) = options::held(&config.rest) else { return sentences };
        let told = options::told(&serde_json::to_value(self).unwrap_or_default());
        let names: BTreeSet<&str> = has.keys().chain(told.keys()).copied().collect();
        for name in names.into_iter().filter(|name| has.get(name) != told.get(name)) {
            let text = |of: Option<&String>| of.map_or("none", String::as_str).to_owned();
            let (has, told) = (text(has.get(name)), text(told.get(name)));
            sentences.push(format!("{} has {name} {has} instead of {told}", self.id));
        }
        sentences
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
    use crate::sync::Announced;

    fn payload() -> SyncPayload {
        let manifest = Manifest::parse(
            r#"{"functions":[
                {"id":"a","triggers":[{"event":"x/y","expression":"event.data.n > 1"},{"cron":"0 9 * * *","jitter":"90s"}]},
                {"id":"b","triggers":[{"failure_of":"a"}]}]}"#,
        )
        .expect("valid");
        let (app, url) = ("app".parse().expect("an id"), "http://h/".parse().expect("a URL"));
        SyncPayload::new(&app, None, &url, &Announced::active(&manifest.functions))
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

    #[test]
    fn options_are_compared_where_the_server_tells_them() {
        let manifest = Manifest::parse(
            r#"{"functions":[{"id":"a","triggers":[{"event":"x/y"}],"throttle":{"limit":1,"period":"1m"}}]}"#,
        )
        .expect("valid");
        let (app, url) = ("app".parse().expect("an id"), "http://h/".parse().expect("a URL"));
        let payload = SyncPayload::new(&app, None, &url, &Announced::active(&manifest.functions));
        let wrong = |more: &str| {
            let held =
                format!(r#"[{{"id":"app-a","config":{{"triggers":[{{"event":"x/y"}}]{more}}}}}]"#);
            payload
                .differences(&serde_json::from_str::<Vec<HeldFunction>>(&held).expect("JSON"))
                .wrong
        };
        let none: [&str; 0] = [];
        assert_eq!(wrong(""), none, "it tells no options");
        let same = r#","steps":[{"id":"step"}],"throttle":{"limit":1,"period":"60s","burst":0}"#;
        assert_eq!(wrong(same), none);
        assert_eq!(
            wrong(r#","steps":[{"id":"step","retries":2}],"debounce":{"period":"5s"}"#),
            [
                "app-a has debounce (period 5000ms) instead of none",
                "app-a has retries 2 instead of 4",
                "app-a has throttle none instead of (limit 1 period 60000ms)",
            ]
        );
    }
}
