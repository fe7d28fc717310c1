//! Sessions that a test plays.

mod dedupe;
mod failures;
mod flow;
mod site;
mod stores;
mod tables;

use serde_json::json;
use system_bus_sdk::prelude::*;

/// The event of a sample.
fn sample(text: &str) -> Outgoing {
    let sample: Value = serde_json::from_str(text).expect("it is JSON");
    Outgoing::named(sample["name"].as_str().expect("a name").to_owned(), &sample["data"])
}

/// A session that has ended.
fn ended() -> Outgoing {
    sample(include_str!("../events/session-ended.json"))
}

/// The same with one member changed.
fn ended_with(name: &str, value: Value) -> Outgoing {
    let text = include_str!("../events/session-ended.json");
    let mut sample: Value = serde_json::from_str(text).expect("it is JSON");
    sample["data"][name] = value;
    Outgoing::named("memory/session.ended", &sample["data"])
}

/// What the model of a test says.
const ANSWER: &str = "## Package manager\n\
    - [gate=allow confidence=0.9 category=jc:preferences reason=\"said plainly\"] Always use pnpm in this project, never npm.\n\
    - [gate=hold confidence=0.5] The build passes with the new lockfile.\n\
    - [gate=discard] Somebody said thanks.\n\
    Current task: moving to pnpm";

/// Settings under which every place is written to.
fn everywhere(kit: &mut system_bus_testing::Kit) {
    kit.config("CONVEX_URL", "https://convex.test");
    kit.config("PDS_URL", "https://pds.test").config("PDS_REPO", "did:plc:me");
}

/// An answer in the form of a capability.
#[expect(clippy::unnecessary_wraps, reason = "a model may refuse")]
fn said(text: &str) -> outside::Answer<Value> {
    Ok(json!(text))
}
