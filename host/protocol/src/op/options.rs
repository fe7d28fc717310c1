//! What the ops that the server carries out are told: their `opts` on the wire.

use std::collections::BTreeMap;
use std::time::Duration;

use serde::{Serialize, Serializer};
use serde_json::value::RawValue;

/// How long something is waited for. Never zero on the wire: an empty or zero timeout expires at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeout(Duration);

impl Timeout {
    /// The longest the server takes: 366 days.
    pub const LONGEST: Duration = Duration::from_hours(366 * 24);

    /// A timeout within what the server accepts.
    pub fn new(duration: Duration) -> Option<Self> {
        (duration <= Self::LONGEST).then_some(Self(duration))
    }
}

impl Serialize for Timeout {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        super::Wake::After(self.0.max(Duration::from_millis(1))).text().serialize(serializer)
    }
}

/// Options of [`super::OpCode::WaitForEvent`].
#[derive(Debug, Clone, Serialize)]
pub struct WaitForEvent {
    /// The event's name.
    pub event: String,
    /// For how long.
    pub timeout: Timeout,
    /// A CEL condition over `event`, which started the run, and `async`, the candidate.
    #[serde(rename = "if", skip_serializing_if = "Option::is_none")]
    pub condition: Option<String>,
}

/// Options of [`super::OpCode::WaitForSignal`].
#[derive(Debug, Clone, Serialize)]
pub struct WaitForSignal {
    /// The signal's name.
    pub signal: String,
    /// For how long.
    pub timeout: Timeout,
    /// Whether to take over from a run that waits for the same signal; otherwise this run fails.
    #[serde(rename = "conflict", skip_serializing_if = "is_fail", serialize_with = "conflict")]
    pub replace: bool,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn is_fail(replace: &bool) -> bool {
    !replace
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde passes fields by reference")]
fn conflict<S: Serializer>(_: &bool, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str("replace")
}

/// Options of [`super::OpCode::InvokeFunction`].
#[derive(Debug, Clone, Serialize)]
pub struct InvokeFunction {
    /// The function's slug: app and function.
    #[serde(rename = "function_id")]
    pub slug: String,
    /// What it is called with: an object with `data`, itself an object. Never absent: the server needs it.
    pub payload: Payload,
    /// How long its end is waited for; the server's default is a year.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Timeout>,
}

/// What a function is invoked with.
#[derive(Debug, Clone, Serialize)]
pub struct Payload {
    /// A JSON object.
    pub data: Box<RawValue>,
}

/// Options of [`super::OpCode::Gateway`]: an HTTP request.
#[derive(Debug, Clone, Serialize)]
pub struct Gateway {
    /// Where to.
    pub url: String,
    /// Never empty: the server would take that for POST.
    pub method: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The body as text.
    pub body: String,
}

/// Whose form a model is spoken to in.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Provider {
    /// Chat completions as `OpenAI` has them, and many others too.
    #[default]
    OpenaiChat,
    /// Anthropic.
    Anthropic,
    /// Gemini.
    Gemini,
    /// Bedrock.
    Bedrock,
}

/// Options of [`super::OpCode::AiGateway`]: a request to a model.
#[derive(Debug, Clone, Serialize)]
pub struct AiGateway {
    /// Where to.
    pub url: String,
    /// Headers.
    pub headers: BTreeMap<String, String>,
    /// The provider's key; the server puts it where the provider wants it.
    pub auth_key: String,
    /// The provider's form.
    pub format: Provider,
    /// The request's body.
    pub body: Box<RawValue>,
}
