//! State of a call that does not stand in its body: what the server left out because it is large, what it keeps of a
//! run that nobody calls now, and texts that were rewritten on the way in.

use bytes::Bytes;
use bytestring::ByteString;
use serde_json::value::RawValue;

use super::{Attempt, Call, CallError, Dispatch, Route};
use crate::REQUEST_VERSION;
use crate::id::{RunId, StepId};
use crate::memo::{MemoTable, Steps};

impl Call {
    /// The call that would carry on a run which is parked: a discovery call, made of what the server keeps of the run.
    ///
    /// `actions` and `batch` are as for [`Call::with_state`], and `order` has the finished steps in the order in which
    /// they completed, as far as it is known; it may name steps that have no memo. Such a call is good for a replay, not
    /// for storing anything: it belongs to no dispatch.
    ///
    /// ```
    /// use bytes::Bytes;
    /// use protocol::call::{Call, Route};
    ///
    /// let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().unwrap();
    /// let batch = Bytes::from_static(br#"[{"name":"a/b"}]"#);
    /// let route = Route::new("app-f", None).unwrap();
    /// let call = Call::parked(route, run, &Bytes::from_static(b"{}"), &batch, &[]).unwrap();
    /// assert_eq!(call.event(), r#"{"name":"a/b"}"#);
    /// assert!(!call.may_checkpoint());
    /// ```
    pub fn parked(
        route: Route,
        run: RunId,
        actions: &Bytes,
        batch: &Bytes,
        order: &[StepId],
    ) -> Result<Self, CallError> {
        let call = Self {
            route,
            run,
            attempt: Attempt { number: 0, most: Attempt::DEFAULT },
            version: REQUEST_VERSION,
            immediate: true,
            dispatch: Dispatch::default(),
            use_api: true,
            memos: MemoTable::default(),
            trace: None,
            stack: order.to_vec(),
            body: ByteString::new(),
            event: 0..0,
            events: 0..0,
        };
        call.with_state(actions, batch)
    }

    /// The call with what the server left out: `actions` are the memos, an object like `steps` of a call's body, and
    /// `batch` the events, an array.
    ///
    /// The order of completion stays the one of the call. Where the call has none, it is the order of `actions`.
    pub fn with_state(self, actions: &Bytes, batch: &Bytes) -> Result<Self, CallError> {
        let text = |bytes: &Bytes| ByteString::try_from(bytes.clone());
        let fault = |what: &str, error: &dyn std::fmt::Display| {
            CallError::Malformed(format!("the run's {what} as they were fetched: {error}"))
        };
        let actions = text(actions).map_err(|error| fault("steps", &error))?;
        let steps: Steps<'_> =
            serde_json::from_str(&actions).map_err(|error| fault("steps", &error))?;
        let memos = MemoTable::index(actions.clone(), &steps, &self.stack);
        let batch = text(batch).map_err(|error| fault("events", &error))?;
        let events: Vec<&RawValue> =
            serde_json::from_str(&batch).map_err(|error| fault("events", &error))?;
        let call = Self { memos, use_api: false, ..self };
        Ok(match events.first() {
            // The call's own event is better than none.
            None => call,
            Some(first) => call.with_events(first.get(), &batch),
        })
    }

    /// All events of the call as JSON, an array; `[]` where the call has none beside the first.
    pub(crate) fn events(&self) -> &str {
        self.text(&self.events, "[]")
    }

    /// The call with other events: the first one, and the array of all.
    pub(crate) fn with_events(self, first: &str, all: &str) -> Self {
        let body = ByteString::from([first, all.trim()].concat());
        let (event, events) = (0..first.len(), first.len()..body.len());
        Self { body, event, events, ..self }
    }

    /// The call with memos whose texts were rewritten: `rewrite` answers with the new text where there is one.
    pub(crate) fn with_memos<E>(
        self,
        rewrite: impl FnMut(&StepId, &str) -> Result<Option<String>, E>,
    ) -> Result<Self, E> {
        let memos = self.memos.rewritten(rewrite)?;
        Ok(Self { memos, ..self })
    }
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;

    use super::*;
    use crate::call::Route;
    use crate::memo::{Memo, Shape};
    use crate::signature::{Trust, verify};

    fn call(stack: &str) -> Call {
        let body = format!(
            r#"{{"ctx":{{"run_id":"01M81GXW71CEV7JQT6T4T8NAKZ","use_api":true,"stack":{{"stack":{stack}}}}},
            "event":{{"name":"kept"}},"events":[],"steps":{{}},"use_api":true}}"#
        );
        let body = Bytes::from(body);
        let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
        Call::decode(Route::parse("fnId=f").expect("a route"), &verified).expect("a call")
    }

    fn ranks(call: &Call) -> Vec<Option<(Memo<'_>, u32)>> {
        ["a", "b"].map(|name| call.memos.get(&StepId::hash(name), Shape::Wrapped)).to_vec()
    }

    fn actions() -> Bytes {
        let (a, b) = (StepId::hash("a"), StepId::hash("b"));
        Bytes::from(format!(r#"{{"{b}":{{"data":2}},"{a}":{{"data":1}}}}"#))
    }

    #[test]
    fn what_was_fetched_takes_the_place_of_what_was_left_out() {
        let stack = format!(r#"["{}","{}"]"#, StepId::hash("a"), StepId::hash("b"));
        let batch = Bytes::from_static(br#" [{"name":"x","data":{"n":1}}, {"name":"y"}] "#);
        let call = call(&stack).with_state(&actions(), &batch).expect("a call");
        assert!(!call.use_api);
        assert_eq!(ranks(&call), [Some((Memo::Data("1"), 0)), Some((Memo::Data("2"), 1))]);
        assert_eq!(call.event(), r#"{"name":"x","data":{"n":1}}"#);
        assert!(
            call.for_guest().contains(r#""events":[{"name":"x","data":{"n":1}}, {"name":"y"}]"#)
        );
    }

    #[test]
    fn without_a_stack_the_order_is_the_one_of_the_steps() {
        let call = call("[]").with_state(&actions(), &Bytes::from_static(b"[]")).expect("a call");
        assert_eq!(ranks(&call), [Some((Memo::Data("1"), 1)), Some((Memo::Data("2"), 0))]);
        assert_eq!(call.event(), r#"{"name":"kept"}"#, "the call's own event stays");
    }

    #[test]
    fn a_parked_run_has_its_memos_in_the_order_of_its_trace() {
        let route = || Route::new("app-f", None).expect("a route");
        let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
        let batch = Bytes::from_static(br#"[{"name":"x"}]"#);
        let order = ["other", "a", "b"].map(StepId::hash);
        let call = Call::parked(route(), run, &actions(), &batch, &order).expect("a call");
        assert_eq!(ranks(&call), [Some((Memo::Data("1"), 1)), Some((Memo::Data("2"), 2))]);
        assert!(!call.use_api && !call.may_checkpoint());
        assert_eq!(call.event(), r#"{"name":"x"}"#);
        // One that the trace does not tell comes last.
        let call = Call::parked(route(), run, &actions(), &batch, &order[1..2]).expect("a call");
        assert_eq!(ranks(&call)[0], Some((Memo::Data("1"), 0)));
        assert!(ranks(&call)[1].is_some_and(|(_, rank)| rank > 0));
        let bad = Call::parked(route(), run, &batch, &batch, &[]);
        assert!(bad.is_err());
    }

    #[test]
    fn what_is_no_state_is_refused() {
        for (actions, batch, says) in [
            ("[]", "[]", "steps"),
            ("{\"a\":1}", "[]", "steps"),
            ("{}", "{}", "events"),
            ("", "[]", "steps"),
        ] {
            let error = call("null")
                .with_state(&Bytes::from(actions.to_owned()), &Bytes::from(batch.to_owned()))
                .expect_err(actions)
                .to_string();
            assert!(error.contains(&format!("the run's {says} as they were fetched")), "{error}");
        }
    }
}
