//! What all of them do: put words together and tell them.

use outside::{Note, Tell, Told};
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;

/// What a run ends with.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Outcome {
    /// `notified`, or `handed-off` where another function tells it.
    pub status: String,
    /// The type under which it was told.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it reached people; it is no failure where it did not.
    pub pushed: bool,
}

/// Puts words together, and tells them with what is known.
pub(crate) async fn tell(
    ctx: &Ctx,
    kind: &str,
    details: &Value,
    words: impl Fn() -> Vec<String>,
) -> Result<Outcome> {
    let prompt = ctx
        .step("build-prompt", async |_io| {
            let lines = words().into_iter().filter(|line| !line.trim().is_empty());
            Ok(lines.collect::<Vec<_>>().join("\n"))
        })
        .await?;
    let told: Told = ctx
        .step("notify-gateway", async |io| {
            let mut payload = details.clone();
            payload["prompt"] = Value::String(prompt.clone());
            Ok(Tell::notify(kind, payload).by(&io))
        })
        .await?;
    let note = Note::of(COMPONENT, "notify.told").with("type", kind).with("queued", told.queued);
    match &told.error {
        None => note.done(ctx),
        Some(why) => note.warn().failed(ctx, why),
    }
    let status = "notified".to_owned();
    Ok(Outcome { status, kind: kind.to_owned(), pushed: told.pushed })
}

/// A line `name: value`; none where there is no value.
pub(crate) fn line(name: &str, value: &str) -> String {
    if value.trim().is_empty() { String::new() } else { format!("{name}: {}", excerpt(value)) }
}

/// The beginning of a text: enough for people to know what it is about.
pub(crate) fn excerpt(text: &str) -> String {
    const MOST: usize = 1_000;
    let text = text.trim();
    match text.char_indices().nth(MOST) {
        Some((at, _)) => format!("{}…", &text[..at]),
        None => text.to_owned(),
    }
}

/// Reads what a provider tells, which says `null` for what it does not know.
pub(crate) fn without_nulls<'de, D, T>(deserializer: D) -> Result<T, D::Error>
where
    D: serde::Deserializer<'de>,
    T: serde::de::DeserializeOwned,
{
    let mut members: serde_json::Map<String, Value> = Deserialize::deserialize(deserializer)?;
    members.retain(|_, value| !value.is_null());
    serde_json::from_value(members.into()).map_err(serde::de::Error::custom)
}
