//! A decision read from what a model said.

use serde_json::Value;

use crate::decision::{Action, Decision};
use crate::number::positive;
use crate::policy::Policy;

impl Decision {
    /// The decision in an answer; none where there is none, so that the rule decides.
    pub fn of_answer(
        text: &str,
        model: &str,
        attempt: u32,
        policy: &Policy,
        run: &str,
    ) -> Option<Self> {
        let answer = object(text)?;
        let action = action(answer["action"].as_str()?)?;
        let delay_ms = match action {
            Action::Escalate => 0,
            _ => wait(&answer).map_or_else(|| policy.wait(attempt, run), |ms| policy.clamp(ms)),
        };
        let text = |name: &str| {
            answer[name].as_str().map(str::trim).filter(|text| !text.is_empty()).map(str::to_owned)
        };
        Some(Self {
            action,
            delay_ms,
            reason: text("reason").unwrap_or_else(|| "the model gave no reason".to_owned()),
            confidence: answer["confidence"].as_f64().unwrap_or(0.35).clamp(0.0, 1.0),
            model: model.to_owned(),
            route_to_function: text("routeToFunction"),
            route_to_event_name: text("routeToEventName"),
        })
    }
}

/// The object in an answer: the whole of it, or what is between the first brace and the last one,
/// which leaves fences and talk out.
fn object(text: &str) -> Option<Value> {
    let whole = serde_json::from_str(text.trim()).ok().filter(Value::is_object);
    whole.or_else(|| {
        let (first, last) = (text.find('{')?, text.rfind('}')?);
        serde_json::from_str(text.get(first..=last)?).ok()
    })
}

fn action(said: &str) -> Option<Action> {
    let said = said.to_ascii_lowercase();
    let says = |words: &[&str]| words.iter().any(|word| said.contains(word));
    match () {
        () if says(&["retry", "re-run"]) => Some(Action::Retry),
        () if says(&["pause", "wait", "defer"]) => Some(Action::Pause),
        () if says(&["escalate", "manual"]) => Some(Action::Escalate),
        () => None,
    }
}

/// The wait in an answer, in whatever unit it is.
fn wait(answer: &Value) -> Option<u64> {
    [("delayMs", 1), ("delaySeconds", 1000), ("waitMinutes", 60_000), ("waitHours", 3_600_000)]
        .iter()
        .find_map(|(name, unit)| Some(positive(&answer[*name])?.saturating_mul(*unit)))
}
