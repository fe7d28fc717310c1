//! A call: the server asks for one function of one run to be carried on.

mod state;

use std::borrow::Cow;
use std::ops::Range;

use bytes::Bytes;
use bytestring::ByteString;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::id::{RunId, StepId};
use crate::memo::{MemoTable, Steps};
use crate::signature::Verified;
use crate::trace::TraceContext;

/// The step id of a call that targets no step.
pub const DISCOVERY: &str = "step";

/// What the query of a call's URL says: which function, and which step of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// The function's slug.
    pub slug: String,
    /// The step to execute; none in a discovery call.
    pub target: Option<StepId>,
}

/// Where one attempt stands among all. Counted for each queue item, not for the run.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Attempt {
    /// 0 for the first one.
    pub number: u32,
    /// How many there will be at most.
    pub most: u32,
}

impl Attempt {
    /// How many attempts there are when the server does not say: its default of four retries.
    pub const DEFAULT: u32 = 5;

    /// Whether a failure now is final.
    pub fn is_last(self) -> bool {
        self.number.saturating_add(1) >= self.most
    }
}

/// What a reply depends on besides the outcome.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Terms {
    /// Which attempt.
    pub attempt: Attempt,
    /// The execution version recorded for the run; -1 before the first answer.
    pub version: i32,
}

/// By what the server knows one dispatch of a call. Absent members were absent in the call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dispatch {
    /// The function's UUID on this server; not its slug.
    pub fn_id: Option<String>,
    /// The queue item; opaque.
    pub qi_id: Option<String>,
    /// Different for each dispatch.
    pub request_id: Option<String>,
    /// Counts the dispatches of one queue item.
    pub generation_id: Option<i64>,
}

/// A decoded call. Its memos and events stay in the body it came in.
#[derive(Debug, Clone)]
pub struct Call {
    /// Which function and which step.
    pub route: Route,
    /// Which run.
    pub run: RunId,
    /// Which attempt.
    pub attempt: Attempt,
    /// The execution version recorded for the run; -1 before the first answer.
    pub version: i32,
    /// Whether a lone new step may be executed at once.
    pub immediate: bool,
    /// By what the server knows this very dispatch; needed to store steps while the function goes on.
    pub dispatch: Dispatch,
    /// Whether the server left out state because it is large; it must then be fetched.
    pub use_api: bool,
    /// What earlier steps left behind.
    pub memos: MemoTable,
    /// The trace it belongs to, where the transport told one.
    pub trace: Option<TraceContext>,
    /// The steps in the order in which they completed.
    stack: Vec<StepId>,
    body: ByteString,
    event: Range<usize>,
    events: Range<usize>,
}

/// Why a call cannot be decoded.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CallError {
    /// The query names no function.
    #[error("the call's URL has no fnId; the server should call the URL that was synced")]
    NoFunction,
    /// The query's step is neither `step` nor a hash.
    #[error("the call's stepId {0:?} is neither \"step\" nor 40 hexadecimal digits")]
    BadTarget(String),
    /// The body is not a call.
    #[error("the call's body cannot be read: {0}")]
    Malformed(String),
}

#[derive(Deserialize)]
struct Body<'b> {
    #[serde(borrow)]
    ctx: Context<'b>,
    #[serde(borrow)]
    event: Option<&'b RawValue>,
    #[serde(borrow)]
    events: Option<&'b RawValue>,
    #[serde(borrow)]
    steps: Option<Steps<'b>>,
    #[serde(default)]
    use_api: bool,
    #[serde(default = "undecided")]
    version: i32,
}

#[derive(Deserialize)]
struct Context<'b> {
    #[serde(borrow)]
    run_id: Cow<'b, str>,
    #[serde(default)]
    attempt: u32,
    max_attempts: Option<u32>,
    #[serde(default)]
    disable_immediate_execution: bool,
    #[serde(default)]
    use_api: bool,
    #[serde(default)]
    stack: Stack,
    fn_id: Option<String>,
    qi_id: Option<String>,
    request_id: Option<String>,
    generation_id: Option<i64>,
}

#[derive(Deserialize, Default)]
struct Stack {
    // `null` where the run has no finished step.
    #[serde(default)]
    stack: Option<Vec<StepId>>,
}

fn undecided() -> i32 {
    -1
}

impl Route {
    /// From a slug and what is said about a step; `step`, nothing and an empty text mean a discovery call.
    pub fn new(slug: &str, step: Option<&str>) -> Result<Self, CallError> {
        let target = match step {
            None | Some("" | DISCOVERY) => None,
            Some(hash) => Some(
                hash.parse().map_err(|_| CallError::BadTarget(hash.chars().take(80).collect()))?,
            ),
        };
        if slug.is_empty() {
            return Err(CallError::NoFunction);
        }
        Ok(Self { slug: slug.to_owned(), target })
    }

    /// Parses the query of a call's URL. Other members are ignored.
    ///
    /// ```
    /// let route = protocol::call::Route::parse("fnId=app-greet&stepId=step").unwrap();
    /// assert_eq!(route.slug, "app-greet");
    /// assert_eq!(route.target, None);
    /// ```
    pub fn parse(query: &str) -> Result<Self, CallError> {
        let (mut slug, mut step) = (None, None);
        for (key, value) in url::form_urlencoded::parse(query.as_bytes()) {
            match &*key {
                "fnId" => slug = Some(value.into_owned()),
                "stepId" => step = Some(value),
                _ => {}
            }
        }
        Self::new(slug.as_deref().unwrap_or_default(), step.as_deref())
    }
}

impl Call {
    /// Decodes a call whose sender is believed.
    pub fn decode(route: Route, verified: &Verified<Bytes>) -> Result<Self, CallError> {
        let malformed = |problem: String| CallError::Malformed(problem);
        // Once for all of it, and not again for each text that is taken from it.
        let bytes = ByteString::try_from(verified.body().clone())
            .map_err(|error| malformed(error.to_string()))?;
        let body: Body<'_> =
            serde_json::from_str(&bytes).map_err(|error| malformed(error.to_string()))?;
        let run =
            body.ctx.run_id.parse().map_err(|error| malformed(format!("ctx.run_id: {error}")))?;
        let range = |raw: &RawValue| {
            let start = raw.get().as_ptr() as usize - bytes.as_ptr() as usize;
            start..start + raw.get().len()
        };
        let stack = body.ctx.stack.stack.unwrap_or_default();
        let memos = match &body.steps {
            None => MemoTable::default(),
            Some(steps) => MemoTable::index(bytes.clone(), steps, &stack),
        };
        let attempt = Attempt {
            number: body.ctx.attempt,
            most: body.ctx.max_attempts.unwrap_or(Attempt::DEFAULT),
        };
        Ok(Self {
            route,
            run,
            attempt,
            version: body.version,
            dispatch: Dispatch {
                fn_id: body.ctx.fn_id,
                qi_id: body.ctx.qi_id,
                request_id: body.ctx.request_id,
                generation_id: body.ctx.generation_id,
            },
            immediate: !body.ctx.disable_immediate_execution,
            use_api: body.use_api || body.ctx.use_api,
            memos,
            trace: None,
            stack,
            event: body.event.map(range).unwrap_or_default(),
            events: body.events.map(range).unwrap_or_default(),
            body: bytes,
        })
    }

    /// The call as a part of a trace.
    #[must_use]
    pub fn traced(self, trace: Option<TraceContext>) -> Self {
        Self { trace, ..self }
    }

    /// Whether steps may be stored while the function goes on, as far as the call is concerned: it is about no single
    /// step, the server runs nothing else of this run meanwhile, and it is a first attempt. (Storing a step resets
    /// the attempts on the server's side; this call would go on counting the old ones.)
    pub fn may_checkpoint(&self) -> bool {
        self.route.target.is_none()
            && self.immediate
            && self.attempt.number == 0
            && self.dispatch.fn_id.is_some()
            && self.dispatch.qi_id.is_some()
    }

    /// What a reply to this call depends on besides its outcome.
    pub fn terms(&self) -> Terms {
        Terms { attempt: self.attempt, version: self.version }
    }

    /// The text of a range of the body, or what stands for it where it is missing.
    fn text<'c>(&'c self, range: &Range<usize>, absent: &'c str) -> &'c str {
        // Both ranges were taken from a `str` within the body.
        match self.body.get(range.clone()).unwrap_or_default() {
            "" | "null" => absent,
            text => text,
        }
    }

    /// The event that started the run, as JSON.
    pub fn event(&self) -> &str {
        self.text(&self.event, "null")
    }

    /// The call as the guest gets it: `wit/entry.wit`, function `invoke`.
    pub fn for_guest(&self) -> String {
        let Attempt { number, most } = self.attempt;
        let (run, event) = (self.run, self.event());
        // Without batches the server sends the one event twice. It crosses once.
        let batch = match self.text(&self.events, "[]") {
            "[]" => None,
            all => Some(all).filter(|all| all.get(1..all.len() - 1) != Some(event)),
        };
        let (comma, events) = batch.map_or(("", ""), |all| (r#","events":"#, all));
        format!(
            r#"{{"run_id":"{run}","attempt":{number},"max_attempts":{most},"event":{event}{comma}{events}}}"#
        )
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use proptest::prelude::*;

    use super::*;
    use crate::memo::{Memo, Shape};
    use crate::signature::{Keys, SigningKey, Trust, verify};

    fn decode(query: &str, body: &str) -> Result<Call, CallError> {
        let body = Bytes::from(body.to_owned());
        let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
        Call::decode(Route::parse(query)?, &verified)
    }

    const BODY: &str = r#"{"ctx":{"attempt":1,"disable_immediate_execution":true,"env":"","fn_id":"f","max_attempts":3,
        "run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","stack":{"current":1,"stack":["cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa"]},
        "step_id":"step","use_api":false,"new_member":[1]},"defers":{},"event":{"data":{"n":7},"name":"a/b"},
        "events":[{"data":{"n":7},"name":"a/b"}],
        "steps":{"cd59ee9a8137151d1499d3d2eb40ba51aa91e0aa":{"data":[1]}},"use_api":false,"version":2}"#;

    #[test]
    fn a_call_is_decoded_leniently_and_without_loss() {
        let call = decode("fnId=app-f&stepId=step&extra=1", BODY).expect("a call");
        assert_eq!(call.route, Route { slug: "app-f".to_owned(), target: None });
        assert_eq!(call.attempt, Attempt { number: 1, most: 3 });
        assert!(!call.immediate && !call.use_api && !call.attempt.is_last());
        assert_eq!(call.version, 2);
        let memo = call.memos.get(&StepId::hash("step-1"), Shape::Wrapped);
        assert_eq!(memo, Some((Memo::Data("[1]"), 0)));
        assert_eq!(
            call.for_guest(),
            r#"{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","attempt":1,"max_attempts":3,"event":{"data":{"n":7},"name":"a/b"}}"#
        );
    }

    #[test]
    fn a_batch_reaches_the_guest_and_a_single_event_does_so_once() {
        let call = |events: &str| {
            let ctx = r#"{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ"}"#;
            let body = format!(r#"{{"ctx":{ctx},"event":{{"n":1}},"events":{events}}}"#);
            decode("fnId=f", &body).expect("a call").for_guest()
        };
        for alone in [r#"[{"n":1}]"#, "[]", "null"] {
            assert!(call(alone).ends_with(r#""event":{"n":1}}"#), "{alone}: {}", call(alone));
        }
        for batch in [r#"[{"n":1},{"n":2}]"#, r#"[{"n":2}]"#] {
            let ending = format!(r#""event":{{"n":1}},"events":{batch}}}"#);
            assert!(call(batch).ends_with(&ending), "{batch}: {}", call(batch));
        }
    }

    #[test]
    fn what_may_be_missing_may_be_missing() {
        let call = decode(
            "fnId=f",
            r#"{"ctx":{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","stack":{"stack":null}}}"#,
        )
        .expect("a call");
        assert_eq!(call.attempt, Attempt { number: 0, most: 5 });
        assert!(call.immediate && call.memos.is_empty());
        assert_eq!(call.version, -1);
        assert!(call.for_guest().ends_with(r#""event":null}"#));
    }

    #[test]
    fn a_target_is_a_hash_and_a_large_state_is_flagged() {
        let target = StepId::hash("a");
        let body = r#"{"ctx":{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","use_api":true}}"#;
        let call = decode(&format!("fnId=f&stepId={target}"), body).expect("a call");
        assert_eq!(call.route.target, Some(target));
        assert!(call.use_api);
    }

    #[test]
    fn what_is_not_a_call_is_refused_with_its_reason() {
        let ctx = r#"{"ctx":{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ"}"#;
        for (query, body, says) in [
            ("stepId=step", "{}", "no fnId"),
            ("fnId=f&stepId=nope", "{}", "neither"),
            ("fnId=f", "", "cannot be read"),
            ("fnId=f", "[]", "cannot be read"),
            ("fnId=f", "{}", "missing field `ctx`"),
            ("fnId=f", r#"{"ctx":{"run_id":"x"}}"#, "ctx.run_id"),
            ("fnId=f", &format!(r#"{ctx},"steps":{{"x":1}}}}"#), "steps"),
            ("fnId=f", &format!(r#"{ctx},"steps":[]}}"#), "steps"),
        ] {
            let error = decode(query, body).expect_err(body).to_string();
            assert!(error.contains(says), "{body}: {error}");
        }
    }

    proptest! {
        /// Whatever arrives, decoding answers with a call or an error.
        #[test]
        fn decoding_never_panics(query in ".{0,80}", body in ".{0,400}") {
            let _ = decode(&query, &body);
        }

        /// The same for bytes close to a real call: one byte of it replaced.
        #[test]
        fn decoding_survives_a_changed_byte(at in 0..BODY.len(), byte in any::<u8>()) {
            let mut bytes = BODY.as_bytes().to_vec();
            bytes[at] = byte;
            let verified = verify(None, Bytes::from(bytes), Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
            if let Ok(call) = Call::decode(Route::parse("fnId=f").expect("a route"), &verified) {
                let _ = call.for_guest();
                let _ = call.memos.get(&StepId::hash("step-1"), Shape::Wrapped);
            }
        }

        /// A signature fits its own body and no other, and no header makes checking panic.
        #[test]
        fn a_signature_fits_its_body_only(body in prop::collection::vec(any::<u8>(), 1..200), flip in any::<prop::sample::Index>(), noise in ".{0,120}") {
            let key = SigningKey::parse("signkey-test-12345678").expect("a key");
            let trust = Trust::Signed(Keys { primary: key.clone(), fallback: None });
            let now = Timestamp::from_second(1_700_000_000).expect("a time");
            let header = key.sign(&body, now);
            prop_assert!(verify(Some(&header), body.clone(), now, &trust).is_ok());
            let mut altered = body.clone();
            altered[flip.index(body.len())] ^= 1;
            prop_assert!(verify(Some(&header), altered, now, &trust).is_err());
            prop_assert!(verify(Some(&noise), body, now, &trust).is_err());
        }
    }
}
