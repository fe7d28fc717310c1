//! What a worker answered, and what it means.

use bytes::Bytes;
use jiff::Timestamp;
use protocol::op::{ErrorObject, Retry};
use serde_json::value::RawValue;

use crate::backoff;
use crate::event::canonical;
use crate::op::{self, Op, null};

/// How a call ended.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// With an HTTP response.
    Answered(Answer),
    /// Without one; the reason.
    Unreachable(String),
    /// With more than the engine takes in.
    TooLarge,
    /// Not, for a reason that the gateway has a code for.
    Lost { code: &'static str, message: &'static str },
}

/// The parts of an HTTP response that count.
#[derive(Debug, Clone, Default)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    /// Whether `X-Inngest-SDK` is there.
    pub(crate) sdk: bool,
    pub(crate) version: Option<i32>,
    pub(crate) no_retry: bool,
    pub(crate) retry_after: Option<String>,
    pub(crate) body: Bytes,
}

/// What a reply means for the run.
#[derive(Debug)]
pub(crate) enum Verdict {
    /// The run is done, with this result.
    Done(Box<RawValue>),
    /// Steps were reported.
    Ops {
        ops: Vec<Op>,
        version: i32,
        /// What a failed step wants.
        retry: Retry,
    },
    /// The attempt failed.
    Failed { failure: Failure, retry: Retry },
}

/// A failed attempt.
#[derive(Debug, Clone)]
pub(crate) struct Failure {
    /// Its kind, in a few words.
    pub(crate) kind: &'static str,
    /// What is shown and handed to failure handlers.
    pub(crate) error: ErrorObject,
    /// What becomes the run's output.
    pub(crate) output: Box<RawValue>,
}

impl Failure {
    /// A failure that the engine, not the worker, found.
    pub(crate) fn new(kind: &'static str, message: impl Into<String>) -> Self {
        let message = message.into();
        let output =
            serde_json::json!({"error": {"error": kind, "message": message, "name": "Error"}});
        Self { kind, error: ErrorObject::new("Error", message), output: canonical(&output) }
    }

    fn told(kind: &'static str, body: &[u8]) -> Self {
        let error = ErrorObject::parse(&String::from_utf8_lossy(body));
        Self { kind, error, output: json(body) }
    }
}

impl Reply {
    /// No connection of a worker can take the call.
    pub(crate) fn unroutable() -> Self {
        Self::Lost {
            code: "connect_no_healthy_connection",
            message: "No connection of a worker is ready, alive and serves this function.",
        }
    }

    /// A worker took the call and was not heard of again.
    pub(crate) fn silent() -> Self {
        Self::Lost {
            code: "connect_worker_stopped_responding",
            message: "The worker stopped responding to the request.",
        }
    }

    /// Decides what the reply means, by the rules of the real server.
    pub(crate) fn verdict(self, now: Timestamp) -> Verdict {
        let failed = |kind, message: String, retry| Verdict::Failed {
            failure: Failure::new(kind, message),
            retry,
        };
        let answer = match self {
            Self::Answered(answer) => answer,
            Self::Unreachable(reason) => {
                return failed("Unable to reach SDK URL", reason, Retry::Again);
            }
            Self::TooLarge => {
                let message = "the reply is larger than 8 MiB".to_owned();
                return failed("output_too_large", message, Retry::Again);
            }
            Self::Lost { code, message } => return failed(code, message.to_owned(), Retry::Again),
        };
        let retry =
            match answer.retry_after.as_deref().and_then(|text| backoff::retry_after(text, now)) {
                _ if answer.no_retry && answer.sdk => Retry::Never,
                Some(pause) => Retry::After(pause),
                None => Retry::Again,
            };
        let status = answer.status;
        if !answer.sdk {
            let message = format!(
                "status {status} without the header X-Inngest-SDK: what answered is no worker, \
                 or one that refuses this engine's signature; compare the synced URL and the keys"
            );
            return failed("not_sdk", message, retry);
        }
        match status {
            206 => match op::parse_all(&answer.body, now) {
                // Where the header is missing, the SDK predates it.
                Ok(ops) => Verdict::Ops { ops, version: answer.version.unwrap_or(1), retry },
                Err(problem) => failed("invalid ops", problem, Retry::Again),
            },
            201 => failed(
                "streaming",
                "status 201 is a streamed reply, which the development engine does not read"
                    .to_owned(),
                retry,
            ),
            200..=299 if answer.no_retry => Verdict::Failed {
                failure: Failure::told("NonRetriableError", &answer.body),
                retry: Retry::Never,
            },
            200..=299 => Verdict::Done(json(&answer.body)),
            _ if answer.no_retry => {
                Verdict::Failed { failure: Failure::told("NonRetriableError", &answer.body), retry }
            }
            _ => Verdict::Failed { failure: Failure::told("Error", &answer.body), retry },
        }
    }
}

/// A body as JSON: what is not JSON becomes a string, and a string that holds an object is opened.
fn json(body: &[u8]) -> Box<RawValue> {
    let text = String::from_utf8_lossy(body);
    match serde_json::from_str::<serde_json::Value>(&text) {
        Err(_) if text.trim().is_empty() => null(),
        Err(_) => canonical(&serde_json::Value::String(text.into_owned())),
        Ok(serde_json::Value::String(inner)) if inner.starts_with('{') => {
            serde_json::from_str(&inner)
                .unwrap_or_else(|_| canonical(&serde_json::Value::String(inner)))
        }
        Ok(value) => canonical(&value),
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn answer(status: u16, body: &str) -> Answer {
        Answer {
            status,
            sdk: true,
            version: Some(2),
            body: Bytes::from(body.to_owned()),
            ..Answer::default()
        }
    }

    fn describe(reply: Reply) -> String {
        match reply.verdict(Timestamp::UNIX_EPOCH) {
            Verdict::Done(data) => format!("done {data}"),
            Verdict::Ops { ops, version, retry } => {
                format!("{} ops, version {version}, {retry:?}", ops.len())
            }
            Verdict::Failed { failure, retry } => {
                format!("{} {} {retry:?}", failure.kind, failure.error.message)
            }
        }
    }

    #[test]
    fn replies_mean_what_they_mean_to_the_real_server() {
        let no_retry = |answer| Answer { no_retry: true, ..answer };
        let after = |answer, text: &str| Answer { retry_after: Some(text.to_owned()), ..answer };
        let pause = Retry::After(Duration::from_secs(7));
        let error = r#"{"name":"E","message":"m"}"#;
        for (answer, expected) in [
            (answer(200, r#"{"b":1,"a":2}"#), r#"done {"a":2,"b":1}"#.to_owned()),
            (answer(200, ""), "done null".to_owned()),
            (answer(204, "plain"), r#"done "plain""#.to_owned()),
            (answer(200, r#""{\"a\":1}""#), r#"done {"a":1}"#.to_owned()),
            (no_retry(answer(200, error)), "NonRetriableError m Never".to_owned()),
            (answer(206, "[]"), "0 ops, version 2, Again".to_owned()),
            (after(answer(206, "[]"), "7"), format!("0 ops, version 2, {pause:?}")),
            (no_retry(after(answer(206, "[]"), "7")), "0 ops, version 2, Never".to_owned()),
            (answer(500, error), "Error m Again".to_owned()),
            (after(answer(503, error), "7"), format!("Error m {pause:?}")),
            (answer(400, error), "Error m Again".to_owned()),
            (no_retry(answer(400, error)), "NonRetriableError m Never".to_owned()),
            (answer(500, "oops"), "Error oops Again".to_owned()),
        ] {
            assert_eq!(describe(Reply::Answered(answer.clone())), expected, "{answer:?}");
        }
        assert!(
            describe(Reply::Answered(Answer { sdk: false, ..answer(200, "1") }))
                .starts_with("not_sdk")
        );
        assert!(
            describe(Reply::Answered(after(Answer { sdk: false, ..answer(502, "") }, "7")))
                .ends_with(&format!("{pause:?}"))
        );
        assert!(describe(Reply::Answered(after(answer(206, "?"), "7"))).ends_with("Again"));
        assert!(describe(Reply::Answered(answer(201, "{}"))).starts_with("streaming"));
        assert_eq!(
            describe(Reply::Unreachable("refused".to_owned())),
            "Unable to reach SDK URL refused Again"
        );
        assert!(describe(Reply::TooLarge).starts_with("output_too_large"));
    }
}
