//! What is stored for a step of each kind, as far as it can be told apart from what other kinds leave behind.

use serde::Deserialize;
use serde::de::{DeserializeOwned, IgnoredAny};

use super::kind::Kind;
use crate::memo::{Memo, Shape, read};

#[derive(Deserialize)]
struct Event {
    #[serde(rename = "name")]
    _name: String,
}

#[derive(Deserialize)]
struct Signal {
    #[serde(rename = "signal")]
    _signal: String,
}

#[derive(Deserialize)]
struct Response {
    #[serde(rename = "status_code")]
    _status: u16,
}

#[derive(Deserialize)]
struct Sent {
    #[serde(rename = "ids")]
    _ids: Vec<IgnoredAny>,
}

#[derive(Deserialize)]
struct Woken {
    #[serde(rename = "run_id")]
    _run: String,
}

/// Why a stored entry cannot be the end of a step of this kind, nor its edited input; none where it can be.
///
/// A body, an invocation and a model's answer are all any JSON: what tells them apart is the type alone, and the guest
/// knows that.
pub(super) fn contradicts(kind: Kind, stored: &str) -> Option<&'static str> {
    const NOTHING: &str = "null";
    match kind {
        Kind::Sleep | Kind::SleepUntil => {
            (stored != NOTHING).then_some("it is a sleep here, and a value is stored")
        }
        Kind::WaitForEvent => (stored != NOTHING && !is::<Event>(stored))
            .then_some("it waits for an event here, and what is stored is none"),
        Kind::WaitForSignal if stored == NOTHING => None,
        Kind::WaitForSignal => {
            wrapped(stored, is::<Signal>, "it waits for a signal here, and what is stored is none")
        }
        Kind::Run | Kind::Invoke | Kind::Infer => {
            wrapped(stored, |_| true, "it has a result here, and what is stored is none")
        }
        Kind::Fetch => wrapped(
            stored,
            is::<Response>,
            "it is a request here, and what is stored is no response",
        ),
        Kind::SendEvent => wrapped(
            stored,
            is::<Sent>,
            "it sends events here, and what is stored has no ids of events",
        ),
        Kind::SendSignal => wrapped(
            stored,
            is::<Option<Woken>>,
            "it sends a signal here, and what is stored names no run",
        ),
    }
}

fn is<T: DeserializeOwned>(json: &str) -> bool {
    serde_json::from_str::<T>(json).is_ok()
}

/// Whether an entry has the wrapper that the server puts around results, and a result that passes.
fn wrapped(
    stored: &str,
    passes: impl FnOnce(&str) -> bool,
    why: &'static str,
) -> Option<&'static str> {
    let fits = match read(stored, Shape::Wrapped) {
        // Without a wrapper the whole is taken for the result.
        Memo::Data(data) => data.len() < stored.len() && passes(data),
        Memo::Error(_) | Memo::Input(_) => true,
    };
    (!fits).then_some(why)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Kind; 10] = [
        Kind::Run,
        Kind::Sleep,
        Kind::SleepUntil,
        Kind::WaitForEvent,
        Kind::WaitForSignal,
        Kind::Invoke,
        Kind::Fetch,
        Kind::Infer,
        Kind::SendEvent,
        Kind::SendSignal,
    ];

    #[test]
    fn what_one_kind_leaves_behind_is_known_from_what_others_do() {
        use Kind::{
            Fetch, Infer, Invoke, Run, SendEvent, SendSignal, Sleep, SleepUntil, WaitForEvent,
            WaitForSignal,
        };
        for (stored, fits) in [
            ("null", &[Sleep, SleepUntil, WaitForEvent, WaitForSignal][..]),
            (r#"{"data":7}"#, &[Run, Invoke, Infer]),
            (r#"{"data":null}"#, &[Run, Invoke, Infer, SendSignal]),
            (
                r#"{"error":{"message":"m","name":"n"}}"#,
                &[Run, Invoke, Infer, Fetch, SendEvent, SendSignal, WaitForSignal],
            ),
            (
                r#"{"input":[1]}"#,
                &[Run, Invoke, Infer, Fetch, SendEvent, SendSignal, WaitForSignal],
            ),
            (r#"{"data":{"n":1},"id":"i","name":"a/b","ts":5}"#, &[WaitForEvent]),
            (r#"{"data":{"signal":"s","data":7}}"#, &[Run, Invoke, Infer, WaitForSignal]),
            (
                r#"{"data":{"status_code":404,"url":"u","headers":{},"body":""}}"#,
                &[Run, Invoke, Infer, Fetch],
            ),
            (r#"{"data":{"ids":["x"]}}"#, &[Run, Invoke, Infer, SendEvent]),
            (r#"{"data":{"run_id":"r"}}"#, &[Run, Invoke, Infer, SendSignal]),
            ("7", &[]),
        ] {
            for kind in ALL {
                let why = contradicts(kind, stored);
                assert_eq!(why.is_none(), fits.contains(&kind), "{kind:?} {stored}: {why:?}");
            }
        }
    }
}
