//! What one call has told so far.

use protocol::id::StepId;
use protocol::step::StepName;
use runtime::CallState;

use super::message::{Message, Origin, id};
use super::payload::Payload;

/// The state of one call: where its event came from, and how much the running step has told.
struct OfCall {
    origin: Origin,
    step: Option<StepId>,
    told: u32,
}

/// A message of the running step, numbered within it, and the session that its run came from.
pub(super) fn message(
    state: &mut CallState,
    kind: &str,
    payload: Payload,
) -> wasmtime::Result<(Message, Option<String>)> {
    let run = state.caller()?.run;
    let step = state.step().map(|StepName { id, .. }| id);
    // Read when the call first tells something, not before: events may be large.
    let event = state.event().unwrap_or("null").to_owned();
    let own = state.part(|| OfCall { origin: Origin::of(&event), step: None, told: 0 });
    if own.step != step {
        (own.step, own.told) = (step, 0);
    }
    let index = own.told;
    own.told += 1;
    let step = step.ok_or_else(|| wasmtime::format_err!("a step's body runs, and has no step"))?;
    let message = Message {
        id: id(run, step, index),
        kind: kind.to_owned(),
        source: format!("inngest/{}", own.origin.event),
        payload,
        ts: jiff::Timestamp::now().as_millisecond(),
    };
    Ok((message, own.origin.session.clone()))
}
