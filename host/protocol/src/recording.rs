//! A run as a file: what it began with, what its steps left behind, and how it ended. Enough to replay it against any
//! code, without any server.
//!
//! ```json
//! {
//!   "format": "system-bus/run",
//!   "version": 1,
//!   "run": "01M81GXW71CEV7JQT6T4T8NAKZ",
//!   "app": "system-bus-host",
//!   "function": "fulfil-order",
//!   "status": "COMPLETED",
//!   "events": [{ "name": "shop/order.paid", "data": { "order_id": "o7" } }],
//!   "steps": [
//!     { "id": "cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa", "name": "charge", "memo": { "data": { "number": 7 } } }
//!   ],
//!   "output": "shipped"
//! }
//! ```
//!
//! `steps` stand in the order in which they ended. A `memo` is what a call carries for the step, to the byte. `name`,
//! `digest`, the times and `output` are left out where they are not known. Readers ignore members that they do not know;
//! what they must understand has a new `version`.

mod compare;
mod redact;

use bytes::Bytes;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

pub use self::compare::{
    Asks, Comparison, EndOfCode, Followed, FoundStep, Parting, Replayed, Told,
};
pub use self::redact::{PathError, RedactionPath};
use crate::call::{Call, CallError, Route};
use crate::crypt::{self, OpenError, Vault};
use crate::digest::Digest;
use crate::id::{AppId, FunctionId, RunId, StepId};

/// What the member `format` says.
const FORMAT: &str = "system-bus/run";
/// The version of the form.
const VERSION: u32 = 1;

/// A run as it was when it was recorded.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Recording {
    format: String,
    version: u32,
    /// Its id.
    pub run: RunId,
    /// The app of its function.
    pub app: AppId,
    /// Its function.
    pub function: FunctionId,
    /// Where it stood.
    pub status: RecordedStatus,
    /// The version of the code that it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// When it was made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queued_at: Option<Timestamp>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// Where its memos are from.
    #[serde(default)]
    pub memos: Exactness,
    /// The paths at which values were replaced.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub redacted: Vec<String>,
    /// The events that began it, at least one.
    pub events: Vec<Box<RawValue>>,
    /// Its steps that had ended, in that order.
    pub steps: Vec<RecordedStep>,
    /// Its result, or its failure, where it had ended.
    #[serde(default, deserialize_with = "present", skip_serializing_if = "Option::is_none")]
    pub output: Option<Box<RawValue>>,
}

/// Where a run stood; in the words of the server's second API.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum RecordedStatus {
    /// Not called yet.
    Queued,
    /// Under way, sleeping or waiting.
    Running,
    /// Ended with a result.
    Completed,
    /// Ended with a failure.
    Failed,
    /// Ended from outside.
    Cancelled,
    /// Not begun.
    #[serde(other)]
    Skipped,
}

impl RecordedStatus {
    /// Whether nothing more happens to it.
    pub fn is_final(self) -> bool {
        !matches!(self, Self::Queued | Self::Running)
    }
}

/// How true memos are to what calls carried.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Exactness {
    /// To the byte.
    #[default]
    State,
    /// Put together from the run's trace, which some servers tell with numbers as floating point and without the
    /// wrapper of plain values.
    Trace,
}

/// A step that had ended.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct RecordedStep {
    /// The hash of its name.
    pub id: StepId,
    /// Its name, where the server told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Timestamp>,
    /// What is stored for it.
    pub memo: Box<RawValue>,
}

/// Why a text is no recording.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RecordingError {
    /// It is of another kind, or broken.
    #[error("it is no recording of a run: {0}; make one with `system-bus run pull ID --out FILE`")]
    Unreadable(String),
    /// It is of a newer form.
    #[error(
        "the recording has version {found}, and this program reads up to {VERSION}; use the program that wrote it, or \
         pull the run again"
    )]
    Newer {
        /// Its version.
        found: u32,
    },
    /// It holds values that cannot be decrypted.
    #[error(transparent)]
    Sealed(#[from] OpenError),
}

impl Recording {
    /// A recording of this run, without events, steps and times.
    pub fn new(run: RunId, app: AppId, function: FunctionId, status: RecordedStatus) -> Self {
        Self {
            format: FORMAT.to_owned(),
            version: VERSION,
            run,
            app,
            function,
            status,
            digest: None,
            queued_at: None,
            ended_at: None,
            memos: Exactness::State,
            redacted: Vec::new(),
            events: Vec::new(),
            steps: Vec::new(),
            output: None,
        }
    }

    /// Reads the text of a file.
    ///
    /// ```
    /// use protocol::recording::{Recording, RecordedStatus};
    ///
    /// let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().unwrap();
    /// let (app, function) = ("app".parse().unwrap(), "greet".parse().unwrap());
    /// let recording = Recording::new(run, app, function, RecordedStatus::Running);
    /// let again = Recording::parse(&recording.to_json()).unwrap();
    /// assert_eq!(again.to_json(), recording.to_json());
    /// assert!(Recording::parse("{}").unwrap_err().to_string().contains("missing field"));
    /// ```
    pub fn parse(json: &str) -> Result<Self, RecordingError> {
        #[derive(Deserialize)]
        struct Head {
            format: String,
            version: u32,
        }
        let unreadable = |error: serde_json::Error| RecordingError::Unreadable(error.to_string());
        let head: Head = serde_json::from_str(json).map_err(unreadable)?;
        if head.format != FORMAT {
            let why = format!("its format is {:?}, not {FORMAT:?}", head.format);
            return Err(RecordingError::Unreadable(why));
        }
        if head.version > VERSION {
            return Err(RecordingError::Newer { found: head.version });
        }
        serde_json::from_str(json).map_err(unreadable)
    }

    /// The text of its file: indented, with a line break at its end.
    pub fn to_json(&self) -> String {
        let mut text = serde_json::to_string_pretty(self).expect("it has string keys only");
        text.push('\n');
        text
    }

    /// The recording with everything readable that was encrypted on the server. It then holds what nobody but the worker
    /// was to read: keep it as you keep the key.
    pub fn opened(mut self, vault: Option<&Vault>) -> Result<Self, RecordingError> {
        let broken = |error: CallError| RecordingError::Unreadable(error.to_string());
        let call = self.call(self.steps.len()).map_err(broken)?;
        let opened = crypt::open_call(vault, call)?;
        for step in &mut self.steps {
            let memo = opened.memos.text_of(&step.id).map(str::to_owned);
            if let Some(memo) = memo.and_then(|memo| RawValue::from_string(memo).ok()) {
                step.memo = memo;
            }
        }
        if let Ok(events) = serde_json::from_str::<Vec<Box<RawValue>>>(opened.events()) {
            self.events = events;
        }
        let output = self.output.as_ref().map(|output| crypt::open_result(vault, output.get()));
        if let Some(opened) = output.transpose()?.flatten() {
            self.output = RawValue::from_string(opened).ok();
        }
        Ok(self)
    }

    /// The call that carries the run on when the first so many of its steps have ended: good for a replay, not for
    /// storing anything. Every step that is new in it is planned; no body runs.
    pub fn call(&self, ended: usize) -> Result<Call, CallError> {
        let steps = self.steps.get(..ended).unwrap_or(&self.steps);
        let memos = steps.iter().map(|step| format!(r#""{}":{}"#, step.id, step.memo.get()));
        let memos = format!("{{{}}}", memos.collect::<Vec<_>>().join(","));
        let events = self.events.iter().map(|event| event.get()).collect::<Vec<_>>().join(",");
        let order: Vec<_> = steps.iter().map(|step| step.id).collect();
        let route = Route::new(&self.app.slug(&self.function), None)?;
        let (memos, events) = (Bytes::from(memos), Bytes::from(format!("[{events}]")));
        let mut call = Call::parked(route, self.run, &memos, &events, &order)?;
        call.immediate = false;
        Ok(call)
    }
}

/// A result that is `null` is a result.
fn present<'de, D: serde::Deserializer<'de>>(json: D) -> Result<Option<Box<RawValue>>, D::Error> {
    Box::<RawValue>::deserialize(json).map(Some)
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::outcome::Outcome;
    use crate::step::StepName;

    #[test]
    fn what_is_no_recording_says_why() {
        for (json, says) in [
            ("", "it is no recording of a run"),
            (r#"{"format":"other","version":1}"#, "its format is \"other\""),
            (
                r#"{"format":"system-bus/run","version":2}"#,
                "version 2, and this program reads up to 1",
            ),
            (r#"{"format":"system-bus/run","version":1}"#, "missing field `run`"),
        ] {
            let error = Recording::parse(json).expect_err(json).to_string();
            assert!(error.contains(says), "{json}: {error}");
        }
    }

    #[test]
    fn what_was_encrypted_is_readable_with_its_key_and_not_without() {
        let vault = Arc::new(Vault::parse(&"ab".repeat(32), None).expect("a key"));
        let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
        let (app, function) = ("a".parse().expect("an id"), "f".parse().expect("an id"));
        let mut recording = Recording::new(run, app, function, RecordedStatus::Completed);
        let raw = |json: String| RawValue::from_string(json).expect("JSON");
        recording.events.push(raw(r#"{"name":"a/b"}"#.to_owned()));
        let sealer = crypt::Sealer::new(Arc::clone(&vault), &recording.call(0).expect("a call"));
        let step = StepName { id: StepId::hash("a"), name: "a".to_owned(), index: 0 };
        let data = raw(r#""plain""#.to_owned());
        let ran =
            Outcome::StepRan { step: step.clone(), race: false, data: data.clone(), timing: None };
        let Outcome::StepRan { data: closed, .. } = sealer.outcome(ran) else { panic!("it ran") };
        let Outcome::Done(output) = sealer.outcome(Outcome::Done(data)) else {
            panic!("it is done")
        };
        let memo = raw(format!(r#"{{"data":{closed}}}"#));
        recording.steps.push(RecordedStep { id: step.id, name: None, ended_at: None, memo });
        recording.output = Some(output);
        assert!(!recording.to_json().contains("plain"));
        let without = recording.clone().opened(None).expect_err("there is no key").to_string();
        assert!(without.contains("SYSTEM_BUS_ENCRYPTION_KEY is not set"), "{without}");
        let opened = recording.opened(Some(&vault)).expect("there is the key");
        assert_eq!(opened.steps[0].memo.get(), r#"{"data":"plain"}"#);
        assert_eq!(opened.output.expect("a result").get(), r#""plain""#);
    }

    #[test]
    fn unknown_members_and_absent_ones_do_no_harm() {
        let json = r#"{"format":"system-bus/run","version":1,"run":"01M81GXW71CEV7JQT6T4T8NAKZ","app":"a",
            "function":"f","status":"COMPLETED","events":[{"name":"a/b"}],"steps":[],"output":null,"more":7}"#;
        let recording = Recording::parse(json).expect("a recording");
        assert_eq!(recording.output.as_ref().map(|output| output.get()), Some("null"));
        let call = recording.call(0).expect("a call");
        assert!(!call.immediate && call.memos.is_empty());
        assert_eq!(call.event(), r#"{"name":"a/b"}"#);
    }
}
