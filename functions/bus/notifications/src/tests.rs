//! Deliveries as they come, with Front and Todoist played by the test.

mod front;
mod github;
mod pure;
mod todoist;
mod vercel;

use serde_json::{Value, json};
use system_bus_sdk::prelude::Outgoing;

/// A sample.
pub(crate) fn sample(text: &str) -> (String, Value) {
    let sample: Value = serde_json::from_str(text).expect("the sample is JSON");
    (sample["name"].as_str().expect("a name").to_owned(), sample["data"].clone())
}

/// An event with the members of a sample, some of them changed.
pub(crate) fn event(text: &str, changed: &Value) -> Outgoing {
    let (name, data) = sample(text);
    named(&name, data, changed)
}

/// The same under another name.
pub(crate) fn named(name: &str, mut data: Value, changed: &Value) -> Outgoing {
    for (member, value) in changed.as_object().into_iter().flatten() {
        data[member] = value.clone();
    }
    Outgoing::named(name.to_owned(), &data)
}

/// Nothing is changed.
pub(crate) fn plain() -> Value {
    json!({})
}
