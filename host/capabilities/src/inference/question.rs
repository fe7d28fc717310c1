//! A guest's question, checked, and how long it may take.

use std::time::Duration;

use super::grant::{Grant, Providers};
use super::schema::Schema;
use crate::bindings::system_bus::durable::inference::Question as Asked;
use crate::refusal::{Answer, Refusal};

/// The largest prompt, in bytes.
const LARGEST: usize = 4 * 1024 * 1024;
/// The longest text that a model is told before, in bytes: commands get it as an argument, with the schema, and no argument
/// may have more than 128 KiB.
const LONGEST_SYSTEM: usize = 48 * 1024;
/// The longest name of a component, an action, a task or a model, in bytes.
const LONGEST_NAME: usize = 128;

/// A question that can be asked.
#[derive(Debug, Clone)]
pub(super) struct Question {
    pub(super) prompt: String,
    pub(super) system: Option<String>,
    pub(super) task: Option<String>,
    /// The preferred model, which the grant allows.
    pub(super) model: Option<String>,
    pub(super) schema: Option<Schema>,
    /// Who asks and what for, in the words of the asker.
    pub(super) subject: Subject,
}

/// Who asks and what for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub(super) struct Subject {
    /// The component that really asks.
    pub(super) caller: String,
    /// What it calls itself.
    pub(super) component: String,
    pub(super) action: String,
}

impl Question {
    /// Checks a question by itself and against the grant.
    pub(super) fn parse(asked: Asked, grant: &Grant, caller: &str, function: &str) -> Answer<Self> {
        let or = |text: String, own: &str| if text.is_empty() { own.to_owned() } else { text };
        let (component, action) = (or(asked.component, caller), or(asked.action, function));
        if asked.prompt.trim().is_empty() {
            return Err(Refusal::invalid("the prompt is empty: there is nothing to answer"));
        }
        let (prompt, system) = (asked.prompt.len(), asked.system.as_ref().map_or(0, String::len));
        if prompt > LARGEST || system > LONGEST_SYSTEM {
            return Err(Refusal::invalid(format!(
                "the prompt has {prompt} bytes, and {system} come before it: at most {LARGEST} and \
                 {LONGEST_SYSTEM} are asked at once"
            )));
        }
        let names = [Some(&component), Some(&action), asked.task.as_ref(), asked.model.as_ref()];
        for name in names.into_iter().flatten() {
            if name.len() > LONGEST_NAME || name.chars().any(char::is_control) {
                return Err(Refusal::invalid(format!(
                    "a component, an action, a task or a model has a name that is longer than \
                     {LONGEST_NAME} bytes or holds control characters"
                )));
            }
        }
        // The names of models become arguments of a command, and so does this text.
        let dashed =
            |text: &Option<String>| text.as_ref().is_some_and(|text| text.starts_with('-'));
        if dashed(&asked.model) || asked.system.as_ref().is_some_and(|text| text.contains('\0')) {
            return Err(Refusal::invalid(
                "a model's name begins with `-`, or the system text holds a NUL: neither can be asked",
            ));
        }
        if let Some(model) = asked.model.as_ref().filter(|model| !grant.models.contains(model)) {
            return Err(Refusal::denied(format!(
                "the component `{caller}` may not choose the model `{model}`: add it to `models` of \
                 [components.{caller}.inference], or ask without one"
            )));
        }
        let schema = asked.schema.map(|schema| Schema::parse(&schema)).transpose();
        Ok(Self {
            prompt: asked.prompt,
            system: asked.system,
            task: asked.task,
            model: asked.model,
            schema: schema.map_err(Refusal::invalid)?,
            subject: Subject { caller: caller.to_owned(), component, action },
        })
    }
}

/// How long a question may take, all attempts and all waiting together: the smallest of what its asker, the grant, the
/// operator and the step allow. A little of the step's time is kept back, so that its code still hears the answer.
pub(super) fn budget(
    asked: Option<u64>,
    grant: &Grant,
    providers: &Providers,
    step: Duration,
) -> Answer<Duration> {
    if asked == Some(0) {
        return Err(Refusal::invalid("`within` is 0 ms: no model answers in no time"));
    }
    let kept = (step / 10).min(Duration::from_millis(500));
    let limits = [
        asked.map(Duration::from_millis),
        grant.within.map(crate::grants::Time::duration),
        Some(step.saturating_sub(kept)),
    ];
    Ok(limits.into_iter().flatten().fold(providers.within(), Duration::min))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::grants::Time;

    fn asked(change: impl FnOnce(&mut Asked)) -> Answer<Question> {
        let mut asked = Asked {
            prompt: "why".to_owned(),
            system: None,
            task: None,
            model: None,
            component: String::new(),
            action: String::new(),
            schema: None,
            within: None,
        };
        change(&mut asked);
        let grant = Grant { models: vec!["large".to_owned()], within: None };
        Question::parse(asked, &grant, "notes", "sum-up")
    }

    #[test]
    fn what_cannot_be_asked_is_refused_with_the_reason() {
        let some = |text: &str| Some(text.to_owned());
        let refused: [(&str, Answer<Question>); 8] = [
            ("the prompt is empty", asked(|q| q.prompt = " \n".to_owned())),
            ("at most", asked(|q| q.prompt = "a".repeat(LARGEST + 1))),
            ("come before it", asked(|q| q.system = Some("a".repeat(LONGEST_SYSTEM + 1)))),
            ("longer than", asked(|q| q.action = "a".repeat(LONGEST_NAME + 1))),
            ("begins with `-`", asked(|q| q.model = some("--tools"))),
            ("holds a NUL", asked(|q| q.system = some("a\0b"))),
            ("[components.notes.inference]", asked(|q| q.model = some("huge"))),
            ("no JSON", asked(|q| q.schema = some("{"))),
        ];
        for (says, answer) in refused {
            let message = answer.expect_err(says).message;
            assert!(message.contains(says), "{message}");
        }
        let question = asked(|q| q.model = some("large")).expect("a question");
        assert_eq!((&*question.subject.component, &*question.subject.action), ("notes", "sum-up"));
    }

    #[test]
    fn the_smallest_limit_is_the_budget() {
        let seconds = Duration::from_secs;
        let grant = |within: Option<u64>| Grant {
            models: Vec::new(),
            within: within.map(|within| Time::of(seconds(within))),
        };
        let providers = Providers { within: Some(Time::of(seconds(50))), ..Providers::default() };
        for (asked, granted, step, expected) in [
            (None, None, 3600, seconds(50)),
            (Some(7_000), None, 3600, seconds(7)),
            (Some(70_000), Some(20), 3600, seconds(20)),
            (Some(70_000), Some(20), 10, Duration::from_millis(9_500)),
            (None, None, 1, Duration::from_millis(900)),
        ] {
            let budget = budget(asked, &grant(granted), &providers, seconds(step));
            assert_eq!(budget.expect("a budget"), expected);
        }
        assert!(budget(Some(0), &grant(None), &providers, seconds(1)).is_err());
    }
}
