//! Telling people, for the bodies of steps.

/// Tells people; see [`Io::gateway`](crate::Io::gateway).
///
/// It is optional by nature: nothing here fails. Where it could not be told, [`Pushed`] says why, and so do the worker's
/// records. What a step tells twice, because it runs twice, has the same id.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// async fn backed_up(io: &Io, files: u32) -> Result<()> {
///     let gateway = io.gateway();
///     gateway.progress("copying", &serde_json::json!({ "files": files }));
///     if files == 0 {
///         gateway.alert("the backup is empty", &());
///     }
///     gateway.notify("backup.completed", &serde_json::json!({ "files": files }));
///     Ok(())
/// }
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Gateway(());

/// What became of it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Pushed {
    /// Whether it reached a list.
    pub pushed: bool,
    /// Whether it waits until the system is awake again.
    pub queued: bool,
    /// The id of what was pushed.
    pub event_id: Option<String>,
    /// The type of what was told: `progress`, `alert`, or what [`Gateway::notify`] was given.
    pub kind: String,
    /// The session that the run came from, where its event names one; never for alerts.
    pub origin_session: Option<String>,
    /// Why it was not.
    pub error: Option<String>,
}

impl Gateway {
    pub(crate) fn new() -> Self {
        Self(())
    }

    /// How a run is getting on. `extra` is an object of JSON that is told as well, or `&()`.
    pub fn progress(&self, message: &str, extra: &impl serde::Serialize) -> Pushed {
        with("progress", extra, |extra| host::progress(message, extra))
    }

    /// Something of this type has happened. `payload` is an object of JSON, or `&()`.
    pub fn notify(&self, kind: &str, payload: &impl serde::Serialize) -> Pushed {
        with(kind, payload, |payload| host::notify(kind, payload))
    }

    /// Somebody has to look. It reaches people although the system sleeps.
    pub fn alert(&self, message: &str, extra: &impl serde::Serialize) -> Pushed {
        with("alert", extra, |extra| host::alert(message, extra))
    }
}

/// Calls with an object as JSON, its members as they are written; a value that is none is told as it is, under `value`.
fn with(kind: &str, value: &impl serde::Serialize, push: impl FnOnce(&str) -> Pushed) -> Pushed {
    match serde_json::to_string(value) {
        Ok(json) if json == "null" => push("{}"),
        Ok(json) if json.starts_with('{') => push(&json),
        Ok(json) => push(&format!(r#"{{"value":{json}}}"#)),
        Err(problem) => {
            let error = Some(format!("what was to be told cannot be written as JSON: {problem}"));
            Pushed { kind: kind.to_owned(), error, ..Pushed::default() }
        }
    }
}

#[cfg(target_family = "wasm")]
mod host {
    use super::Pushed;
    use crate::guest::bindings::system_bus::durable::gateway;

    pub(super) fn progress(message: &str, extra: &str) -> Pushed {
        gateway::progress(message, extra).into()
    }

    pub(super) fn notify(kind: &str, payload: &str) -> Pushed {
        gateway::notify(kind, payload).into()
    }

    pub(super) fn alert(message: &str, extra: &str) -> Pushed {
        gateway::alert(message, extra).into()
    }

    impl From<gateway::Pushed> for Pushed {
        fn from(pushed: gateway::Pushed) -> Self {
            let gateway::Pushed { pushed, queued, event_id, kind, origin_session, error } = pushed;
            Self { pushed, queued, event_id, kind, origin_session, error }
        }
    }
}

#[cfg(not(target_family = "wasm"))]
mod host {
    use super::Pushed;
    use crate::refusal::Refused;

    fn nowhere(kind: &str) -> Pushed {
        let error = Some(Refused::without_host("gateway").message().to_owned());
        Pushed { kind: kind.to_owned(), error, ..Pushed::default() }
    }

    pub(super) fn progress(_: &str, _: &str) -> Pushed {
        nowhere("progress")
    }

    pub(super) fn notify(kind: &str, _: &str) -> Pushed {
        nowhere(kind)
    }

    pub(super) fn alert(_: &str, _: &str) -> Pushed {
        nowhere("alert")
    }
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    #[test]
    fn everything_is_told_as_an_object() {
        let told = |value: &Value| {
            let mut said = String::new();
            with("kind", value, |json| {
                json.clone_into(&mut said);
                Pushed::default()
            });
            said
        };
        assert_eq!(told(&serde_json::json!({"a": 1})), r#"{"a":1}"#);
        assert_eq!(told(&serde_json::json!(null)), "{}");
        assert_eq!(told(&serde_json::json!([1])), r#"{"value":[1]}"#);
    }
}
