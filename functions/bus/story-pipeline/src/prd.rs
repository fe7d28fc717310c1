//! The plan: stories, and how they are checked.

use std::collections::BTreeMap;

use system_bus_sdk::prelude::*;

use crate::words;

/// A plan.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq)]
pub struct Prd {
    /// What it is called.
    #[serde(default, alias = "title")]
    pub name: String,
    /// What it is about.
    #[serde(default)]
    pub description: String,
    /// Decisions that hold for it.
    #[serde(default)]
    pub adrs: Vec<Value>,
    /// How stories are checked.
    #[serde(default)]
    pub context: Context,
    /// The stories.
    pub stories: Vec<Story>,
}

/// How stories are checked.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Context {
    /// The command that tests.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub test_command: Option<String>,
    /// The command that checks types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub typecheck_command: Option<String>,
    /// The command that lints.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lint_command: Option<String>,
    /// The longest that a model may work on a stage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub codex_timeout_seconds: Option<u64>,
}

/// A story.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Story {
    /// Its id.
    pub id: String,
    /// What it is called.
    pub title: String,
    /// What is to be done.
    #[serde(default)]
    pub description: String,
    /// What must hold then.
    #[serde(default, alias = "acceptance")]
    pub acceptance_criteria: Vec<String>,
    /// The lowest goes first.
    #[serde(default)]
    pub priority: i64,
    /// Stories that have to be done before.
    #[serde(default)]
    pub depends_on: Vec<String>,
    /// Files and folders that it may change; any that nobody else has changed if there are none.
    #[serde(default)]
    pub files: Vec<String>,
    /// `done`, or something else.
    #[serde(default)]
    pub status: Option<String>,
}

/// What became of stories, by their ids.
pub(crate) type Statuses = BTreeMap<String, String>;

impl Prd {
    /// Reads a plan. One that cannot be used fails for good.
    pub(crate) fn parse(text: &str) -> Result<Self> {
        let wrong =
            |what: String| Error::stop(format!("the plan is none: {what}")).named("Invalid");
        let prd: Self = serde_json::from_str(text).map_err(|problem| wrong(problem.to_string()))?;
        if prd.name.is_empty() && prd.description.is_empty() {
            return Err(wrong("it has no name and no description".to_owned()));
        }
        if prd.stories.is_empty() {
            return Err(wrong("it has no stories".to_owned()));
        }
        for command in prd.checks() {
            words::commands(command).map_err(wrong)?;
        }
        Ok(prd)
    }

    /// The commands that check, in the order in which they run.
    pub(crate) fn checks(&self) -> impl Iterator<Item = &str> {
        let Context { typecheck_command, lint_command, test_command, .. } = &self.context;
        let all = [typecheck_command, lint_command, test_command].into_iter().flatten();
        all.map(String::as_str).filter(|command| !command.trim().is_empty())
    }

    pub(crate) fn story(&self, id: &str) -> Option<&Story> {
        self.stories.iter().find(|story| story.id == id)
    }

    pub(crate) fn is_done(&self, id: &str, statuses: &Statuses) -> bool {
        let planned = self.story(id).and_then(|story| story.status.as_deref());
        planned == Some("done") || statuses.get(id).is_some_and(|status| status == "done")
    }

    /// The story that may begin: not done, not blocked, everything before it done. The first of the lowest priority.
    pub(crate) fn next(&self, statuses: &Statuses) -> Option<&Story> {
        let blocked = |story: &Story| {
            let kept = statuses.get(&story.id).map(String::as_str);
            kept == Some("blocked") || story.status.as_deref() == Some("blocked")
        };
        let ready = self.stories.iter().filter(|story| {
            !self.is_done(&story.id, statuses)
                && !blocked(story)
                && story.depends_on.iter().all(|before| self.is_done(before, statuses))
        });
        ready.min_by_key(|story| story.priority)
    }
}
