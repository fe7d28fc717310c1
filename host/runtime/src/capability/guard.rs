//! What nobody may read in a log, an error or a stored result.

mod readings;

use std::borrow::Cow;
use std::ops::Range;
use std::sync::Arc;

use self::readings::{lists, readings};
use crate::fault::Fault;

/// Knows the values that must stay within this worker. One of the providers has one, where there are such values.
///
/// The runtime asks it about everything that leaves a call: log lines, standard output, errors and panics are written
/// with the values replaced by `[secret NAME]`; results, names and options of steps that hold one are refused.
pub trait Guard: Send + Sync {
    /// Where in `bytes` a secret stands, in any of the forms it is known to take; in order and without overlaps.
    fn secrets_in(&self, bytes: &[u8]) -> Vec<Secret>;

    /// Whether a placeholder stands in `bytes`, of this call or of another.
    fn has_placeholder(&self, bytes: &[u8]) -> bool;

    /// How many bytes the longest form of a secret has; 0 where there are none.
    fn longest(&self) -> usize;

    /// How many bytes the longest form has that goes over several lines; 0 where there is none. So much of what a guest
    /// prints is held back until it is known not to be a part of one.
    fn longest_over_lines(&self) -> usize {
        self.longest()
    }
}

/// A secret that stands somewhere.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Secret {
    /// Where.
    pub at: Range<usize>,
    /// What the operator calls it: letters, digits, `-`, `_` and `.`.
    pub name: String,
}

/// The guard of a runtime, if one of its providers has one. Without one, asking costs nothing.
#[derive(Clone, Default)]
pub(crate) struct Guards(Option<Arc<dyn Guard>>);

/// What a text gives away that nobody may read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Revealed {
    /// A secret.
    #[error(
        "the secret `{0}`, which is never stored; keep only what is needed of what a server or a program answered"
    )]
    Secret(String),
    /// A placeholder.
    #[error(
        "a placeholder for a secret, which is worth nothing in the next call; ask for it in the step that uses it"
    )]
    Placeholder,
}

impl Guards {
    /// The one that these providers have.
    pub(crate) fn of(providers: &[Arc<dyn super::Provider>]) -> Self {
        Self(providers.iter().find_map(|provider| provider.guard()))
    }

    /// The text without what nobody may read.
    pub(crate) fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        let Some(guard) = &self.0 else { return Cow::Borrowed(text) };
        match guard.secrets_in(text.as_bytes()) {
            none if none.is_empty() => Cow::Borrowed(text),
            secrets => {
                let bytes = without(&secrets, text.as_bytes(), 0);
                Cow::Owned(String::from_utf8_lossy(&bytes).into_owned())
            }
        }
    }

    /// The same for text that is owned.
    pub(crate) fn redacted(&self, text: String) -> String {
        match self.redact(&text) {
            Cow::Borrowed(_) => text,
            Cow::Owned(other) => other,
        }
    }

    /// What follows `from`, without what nobody may read. What stands before it is looked at too: a secret may begin
    /// there.
    pub(crate) fn redact_after(&self, bytes: &[u8], from: usize) -> Vec<u8> {
        let Some(guard) = &self.0 else { return bytes[from..].to_vec() };
        without(&guard.secrets_in(bytes), bytes, from)
    }

    /// How much has to be known of what precedes a text to be sure that it does not begin within a secret, in bytes.
    pub(crate) fn reach(&self) -> usize {
        self.0.as_ref().map_or(0, |guard| guard.longest())
    }

    /// The same for a text that is looked at line by line.
    pub(crate) fn reach_over_lines(&self) -> usize {
        self.0.as_ref().map_or(0, |guard| guard.longest_over_lines())
    }

    /// Where a secret begins that stands across this place.
    pub(crate) fn across(&self, bytes: &[u8], place: usize) -> Option<usize> {
        let secrets = self.0.as_ref()?.secrets_in(bytes);
        let across = secrets.into_iter().find(|one| one.at.start < place && place < one.at.end);
        across.map(|one| one.at.start)
    }

    /// Whether the text may leave the call as it is: it holds nothing, however often it has been escaped.
    pub(crate) fn reveals(&self, text: &str) -> Result<(), Revealed> {
        let Some(guard) = &self.0 else { return Ok(()) };
        for reading in readings(text) {
            if let Some(secret) = guard.secrets_in(reading.as_bytes()).into_iter().next() {
                return Err(Revealed::Secret(secret.name));
            }
        }
        let listed = lists(text);
        if let Some(secret) = guard.secrets_in(&listed).into_iter().next() {
            return Err(Revealed::Secret(secret.name));
        }
        if guard.has_placeholder(text.as_bytes()) || guard.has_placeholder(&listed) {
            return Err(Revealed::Placeholder);
        }
        Ok(())
    }

    /// The same for the name and the options of a step, which go to the server.
    pub(crate) fn allow_step(&self, name: &str, options: &str) -> Result<(), Fault> {
        if self.0.is_none() {
            return Ok(());
        }
        self.reveals(name)
            .map_err(|what| Fault::Reveals { part: "the name of a step", what })
            .and_then(|()| {
                self.reveals(options)
                    .map_err(|what| Fault::Reveals { part: "the options of a step", what })
            })
    }

    /// An error without what nobody may read.
    pub(crate) fn error(&self, mut error: protocol::op::ErrorObject) -> protocol::op::ErrorObject {
        if self.0.is_none() {
            return error;
        }
        error.name = self.redacted(error.name);
        error.message = self.redacted(error.message);
        error.stack = error.stack.map(|stack| self.redacted(stack));
        // A cause is JSON and must stay it: one that holds a secret is left out.
        error.cause = error.cause.filter(|cause| self.reveals(cause.get()).is_ok());
        error
    }
}

impl std::fmt::Debug for Guards {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_tuple("Guards").field(&self.0.is_some()).finish()
    }
}

/// What follows `from`, each secret replaced by its name.
fn without(secrets: &[Secret], bytes: &[u8], from: usize) -> Vec<u8> {
    let mut clean = Vec::with_capacity(bytes.len() - from.min(bytes.len()));
    let mut at = from;
    for secret in secrets.iter().filter(|secret| secret.at.end > from) {
        clean.extend_from_slice(&bytes[at..secret.at.start.max(at)]);
        clean.extend_from_slice(format!("[secret {}]", secret.name).as_bytes());
        at = secret.at.end;
    }
    clean.extend_from_slice(&bytes[at..]);
    clean
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// Knows one secret, `hunter2`, and calls everything with `sb-` a placeholder.
    pub(crate) struct Hunter;

    impl Guard for Hunter {
        fn secrets_in(&self, bytes: &[u8]) -> Vec<Secret> {
            let text = String::from_utf8_lossy(bytes);
            let found = text.match_indices("hunter2");
            found.map(|(at, _)| Secret { at: at..at + 7, name: "door".to_owned() }).collect()
        }

        fn has_placeholder(&self, bytes: &[u8]) -> bool {
            bytes.windows(3).any(|part| part == b"sb-")
        }

        fn longest(&self) -> usize {
            7
        }

        fn longest_over_lines(&self) -> usize {
            0
        }
    }

    /// Knows one secret of two lines.
    struct Pair;

    impl Guard for Pair {
        fn secrets_in(&self, bytes: &[u8]) -> Vec<Secret> {
            let text = String::from_utf8_lossy(bytes);
            let found = text.match_indices("two\nlines");
            found.map(|(at, _)| Secret { at: at..at + 9, name: "pair".to_owned() }).collect()
        }

        fn has_placeholder(&self, _bytes: &[u8]) -> bool {
            false
        }

        fn longest(&self) -> usize {
            9
        }
    }

    pub(crate) fn guarded_over_lines() -> Guards {
        Guards(Some(Arc::new(Pair)))
    }

    pub(crate) fn guarded() -> Guards {
        Guards(Some(Arc::new(Hunter)))
    }

    #[test]
    fn secrets_are_replaced_wherever_they_stand() {
        for (text, clean) in [
            ("", ""),
            ("nothing here", "nothing here"),
            ("hunter2", "[secret door]"),
            ("a hunter2 and hunter2", "a [secret door] and [secret door]"),
            ("hunter2hunter2", "[secret door][secret door]"),
            ("hunte", "hunte"),
        ] {
            assert_eq!(guarded().redact(text), clean);
            assert_eq!(Guards::default().redact(text), text);
        }
    }

    #[test]
    fn a_secret_is_found_however_often_it_is_escaped() {
        let twice = serde_json::to_string(r#"{"key":"\u0068unter2"}"#).expect("JSON");
        for text in ["hunter2", r"\u0068unter2", "&#104;unter2", &twice] {
            assert_eq!(guarded().reveals(text), Err(Revealed::Secret("door".to_owned())), "{text}");
        }
        assert_eq!(guarded().reveals(r#"{"key":"\u0068unter3 &amp; more"}"#), Ok(()));
    }

    #[test]
    fn a_secret_that_begins_before_what_is_shown_is_replaced_whole() {
        let text = b"xx hunter2 yy";
        for (from, clean) in [
            (0, "xx [secret door] yy"),
            (3, "[secret door] yy"),
            (5, "[secret door] yy"),
            (9, "[secret door] yy"),
            (10, " yy"),
            (13, ""),
        ] {
            assert_eq!(String::from_utf8_lossy(&guarded().redact_after(text, from)), clean);
        }
    }

    #[test]
    fn what_leaves_a_call_is_looked_at_for_both() {
        let guards = guarded();
        assert_eq!(guards.reveals("\"fine\""), Ok(()));
        assert_eq!(guards.reveals("\"hunter2\""), Err(Revealed::Secret("door".to_owned())));
        assert_eq!(guards.reveals("\"sb-1\""), Err(Revealed::Placeholder));
        assert_eq!(Guards::default().reveals("\"hunter2\""), Ok(()));
        assert!(guards.allow_step("open", "{}").is_ok());
        assert!(matches!(
            guards.allow_step("hunter2", ""),
            Err(Fault::Reveals { part: "the name of a step", .. })
        ));
        assert!(matches!(
            guards.allow_step("fetch", "{\"url\":\"https://a/?k=hunter2\"}"),
            Err(Fault::Reveals { part: "the options of a step", .. })
        ));
    }

    #[test]
    fn errors_keep_what_is_harmless() {
        let json = r#"{"name":"hunter2","message":"no hunter2","stack":"at hunter2","cause":{"k":"hunter2"}}"#;
        let error = guarded().error(protocol::op::ErrorObject::parse(json));
        assert_eq!(
            (error.name.as_str(), error.message.as_str(), error.stack.as_deref()),
            ("[secret door]", "no [secret door]", Some("at [secret door]"))
        );
        assert!(error.cause.is_none());
        let json = r#"{"name":"E","message":"m","cause":{"k":1}}"#;
        assert!(guarded().error(protocol::op::ErrorObject::parse(json)).cause.is_some());
    }
}
