//! Questions to Slack.

use outside::token;
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::settings::Settings;

/// The secret with the token.
const TOKEN: &str = "slack_user_token";
/// How long to wait where Slack does not say.
const PATIENCE: Duration = Duration::from_secs(30);
/// What Slack says of a thread whose first message was removed after it was listed.
pub(crate) const THREAD_GONE: &str = "thread_not_found";
/// What no further attempt changes.
const FINAL: [&str; 12] = [
    "invalid_auth",
    "account_inactive",
    "not_authed",
    "token_revoked",
    "token_expired",
    "missing_scope",
    "not_allowed_token_type",
    "channel_not_found",
    "is_archived",
    THREAD_GONE,
    "user_not_found",
    "user_not_visible",
];

/// What Slack said.
pub(crate) enum Said {
    /// The answer.
    Answer(Value),
    /// To ask again later.
    Slower(Duration),
}

/// Slack, for one step.
pub(crate) struct Slack<'a> {
    io: &'a Io,
    url: String,
}

impl<'a> Slack<'a> {
    pub(crate) fn of(io: &'a Io) -> Self {
        Self { io, url: Settings::of(|key| io.config(key)).slack }
    }

    /// Whether there is a token. It is asked for here and never stored: each request has a
    /// placeholder of its own call, which the host fills in on the way.
    pub(crate) fn has_token(&self) -> Result<bool> {
        let _placeholder = token(self.io, TOKEN)?;
        Ok(true)
    }

    /// Asks, and says where Slack wants to be asked later.
    pub(crate) async fn ask(&self, method: &str, members: &[(&str, &str)]) -> Result<Said> {
        let members = members.iter().filter(|(_, value)| !value.is_empty());
        let query: Vec<_> =
            members.map(|(name, value)| format!("{name}={}", encoded(value))).collect();
        let url = format!("{}/{method}?{}", self.url, query.join("&"));
        let token = token(self.io, TOKEN)?;
        let request = self.io.http().get(url).header("authorization", format!("Bearer {token}"));
        let answer = request.timeout(Duration::from_secs(30)).send().await?;
        if answer.status == 429 {
            let after = answer.header("retry-after").and_then(|text| text.trim().parse().ok());
            return Ok(Said::Slower(after.map_or(PATIENCE, Duration::from_secs)));
        }
        let told: Value = answer.ok()?.json()?;
        if told["ok"] == true {
            return Ok(Said::Answer(told));
        }
        match told["error"].as_str().unwrap_or("unknown_error") {
            "ratelimited" | "rate_limited" => Ok(Said::Slower(PATIENCE)),
            error if FINAL.contains(&error) => {
                let message = format!("Slack refuses {method} for good: {error}");
                Err(Error::stop(message).named(error.to_owned()))
            }
            error => Err(Error::retry(format!("Slack refuses {method}: {error}"))),
        }
    }

    /// Asks, and has the step tried again where Slack wants to be asked later.
    pub(crate) async fn must(&self, method: &str, members: &[(&str, &str)]) -> Result<Value> {
        match self.ask(method, members).await? {
            Said::Answer(answer) => Ok(answer),
            Said::Slower(after) => {
                Err(Error::retry_after(format!("Slack wants {method} to be asked later"), after))
            }
        }
    }
}

/// Where the next page begins, if there is one.
pub(crate) fn next_cursor(answer: &Value) -> Option<String> {
    let cursor = answer["response_metadata"]["next_cursor"].as_str()?.trim();
    (answer["has_more"] == true && !cursor.is_empty()).then(|| cursor.to_owned())
}

/// Percent-encoded, as a value of a query.
fn encoded(text: &str) -> String {
    text.bytes()
        .map(|byte| match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                char::from(byte).to_string()
            }
            byte => format!("%{byte:02X}"),
        })
        .collect()
}
