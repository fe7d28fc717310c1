//! One attempt to get what was not granted, and whether it came to nothing.

use serde_json::{Value, json};

use super::scene::Scene;
use crate::server::Ended;

/// An attempt.
pub(super) struct Attempt {
    /// In words.
    pub(super) what: &'static str,
    /// The event that has the component make it.
    event: &'static str,
    /// What the component tries, in the form that the function of this event reads.
    tries: Value,
    refusal: Refusal,
    /// What must not have happened: in words what did.
    outside: fn(&Scene) -> Option<String>,
    /// What has to be done before it, which is no attempt and has to succeed.
    before: Option<(&'static str, Value)>,
}

/// An attempt that was refused.
pub(super) struct Refused {
    /// With these words.
    pub(super) told: String,
    /// The run, where one of the answers says that a grant did not allow something: it has to be in the log.
    pub(super) denied: Option<String>,
    /// What was to be seen afterwards though nobody may do it. Attempts are made at the same time, so this one need not
    /// have been it.
    pub(super) seen: Option<String>,
}

/// How it has to end.
pub(super) enum Refusal {
    /// The component goes on, and each of its tries was answered with one of these texts in it.
    Told(&'static [&'static str]),
    /// The run fails with this text in its error.
    Fails(&'static str),
}

impl Attempt {
    pub(super) fn new(
        what: &'static str,
        event: &'static str,
        tries: Value,
        refusal: Refusal,
    ) -> Self {
        Self { what, event, tries, refusal, outside: |_| None, before: None }
    }

    /// With something that must not have happened outside.
    pub(super) fn unless(mut self, outside: fn(&Scene) -> Option<String>) -> Self {
        self.outside = outside;
        self
    }

    /// With something that is done before.
    pub(super) fn after(mut self, event: &'static str, tries: Value) -> Self {
        self.before = Some((event, tries));
        self
    }

    /// Makes it; how it was refused, or in what it was not.
    pub(super) async fn make(&self, scene: &Scene) -> Result<Refused, String> {
        if let Some((event, tries)) = &self.before {
            let before = scene.asked(event, &json!({ "tries": tries })).await;
            if before.status != "Completed" || before.output.to_string().contains("Denied") {
                return Err(format!("what comes before it failed: {}", before.output));
            }
        }
        let ended = scene.asked(self.event, &json!({ "tries": self.tries })).await;
        let told = self.refusal.verdict(&ended)?;
        if let Some(hidden) = Scene::shows(&ended.output.to_string()) {
            return Err(format!("its answer shows {hidden}"));
        }
        let denied = ended.output.to_string().contains("Denied").then_some(ended.run);
        Ok(Refused { told, denied, seen: (self.outside)(scene) })
    }
}

impl Refusal {
    /// What was said of the attempt, or what was wrong with how it ended.
    fn verdict(&self, ended: &Ended) -> Result<String, String> {
        let (status, output) = (&ended.status, &ended.output);
        match self {
            Self::Fails(says) => {
                let error = output["message"].as_str().unwrap_or_default();
                let text = output.to_string();
                let right = status == "Failed" && text.contains(says);
                right.then(|| first_words(error)).ok_or_else(|| format!("{status}: {text:.600}"))
            }
            Self::Told(says) => {
                let answers: Option<Vec<String>> = serde_json::from_value(output.clone()).ok();
                let Some(answers) = answers.filter(|all| status == "Completed" && !all.is_empty())
                else {
                    return Err(format!("{status}: {output:.600}"));
                };
                match answers.iter().find(|answer| !says.iter().any(|says| answer.contains(says))) {
                    Some(answer) => Err(format!("it was answered {answer:.600}")),
                    None => Ok(first_words(&answers[0])),
                }
            }
        }
    }
}

/// As much of a text as has room in a line.
fn first_words(text: &str) -> String {
    const ROOM: usize = 100;
    let line = text.lines().next().unwrap_or_default();
    if line.chars().count() <= ROOM {
        return line.to_owned();
    }
    line.chars().take(ROOM).chain(['…']).collect()
}
