//! What a component tells about its functions.

mod options;
mod schema;
mod text;

use std::future::Future;

use serde::Serialize;

use crate::call::Input;
use crate::context::Ctx;
use crate::error::Result;

pub use self::options::{
    Batch, CancelOn, Checkpoint, Concurrency, Debounce, Mode, Options, RateLimit, Role, Scope,
    Singleton, SingletonMode, Throttle, Timeouts,
};
pub use self::schema::{Content, Member, Schema};
#[doc(hidden)]
pub use self::text::{join, length, text};

/// A durable function. `#[function]` implements it for a type with the name of the function.
pub trait Function {
    /// What the function is called with.
    type Input: Input;
    /// What it ends with.
    type Output: Serialize;

    /// What the server is told about it.
    const DECLARATION: Declaration;

    /// Runs it from its top.
    fn call(ctx: Ctx, input: Self::Input) -> impl Future<Output = Result<Self::Output>>;
}

/// What the server is told about a function.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct Declaration {
    /// Its identity, for ever.
    pub id: &'static str,
    /// What people call it.
    pub name: &'static str,
    /// How often a failed attempt is repeated; the server's default if absent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub retries: Option<u8>,
    /// What starts it.
    pub triggers: &'static [Trigger],
    /// What else the server shall do about its runs.
    #[serde(flatten)]
    pub options: Options,
    /// The steps that can be read off its code. Informational: steps of helpers are not here.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub steps: &'static [DeclaredStep],
    /// The events that start it, as far as it names their types. Informational.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub input: &'static [DeclaredEvent],
}

/// A step that can be read off the code of a function.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DeclaredStep {
    /// Its id, without a key.
    pub id: &'static str,
    /// Its kind, as the host knows it.
    pub kind: &'static str,
    /// Whether it has a key, and so may occur many times.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub keyed: bool,
    /// The id that it had before.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub alias: Option<&'static str>,
}

/// An event whose type a function names.
#[derive(Clone, Copy, Debug, Serialize)]
pub struct DeclaredEvent {
    /// Its name.
    pub event: &'static str,
    /// The members of its data, as far as its type tells.
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    pub fields: &'static [&'static str],
    /// What its data looks like, as far as its type tells: for forms and documents.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub schema: Option<Schema>,
}

impl Declaration {
    /// Whether the failure of another function starts it.
    pub const fn handles_failures(&self) -> bool {
        let mut at = 0;
        while at < self.triggers.len() {
            if matches!(self.triggers[at], Trigger::Failure { .. }) {
                return true;
            }
            at += 1;
        }
        false
    }
}

/// What starts a function.
#[derive(Clone, Copy, Debug, Serialize)]
#[serde(untagged)]
pub enum Trigger {
    /// An event.
    Event {
        /// Its name.
        event: &'static str,
        /// A condition in CEL.
        #[serde(skip_serializing_if = "Option::is_none")]
        expression: Option<&'static str>,
    },
    /// A point in time.
    Cron {
        /// When, in five fields, with an optional `TZ=Area/City ` before them.
        cron: &'static str,
        /// By how much at most a run begins later, so that not all begin at once; 1 s to 5 m.
        #[serde(skip_serializing_if = "Option::is_none")]
        jitter: Option<&'static str>,
    },
    /// The failure of another function of the same app.
    Failure {
        /// The id of that function.
        failure_of: &'static str,
    },
}

#[derive(Serialize)]
struct Manifest<'a> {
    sdk: &'static str,
    functions: &'a [Declaration],
}

/// The manifest of a component as JSON.
pub fn manifest(functions: &[Declaration]) -> String {
    let sdk = concat!("rust/", env!("CARGO_PKG_VERSION"));
    serde_json::to_string(&Manifest { sdk, functions }).expect("a manifest holds only strings")
}

/// Whether no id occurs twice; evaluated while a component compiles.
pub const fn distinct(functions: &[Declaration]) -> bool {
    let mut left = 0;
    while left < functions.len() {
        let mut right = left + 1;
        while right < functions.len() {
            if equal(functions[left].id, functions[right].id) {
                return false;
            }
            right += 1;
        }
        left += 1;
    }
    true
}

/// Whether two texts are the same; evaluated while a component compiles.
#[doc(hidden)]
pub const fn equal(left: &str, right: &str) -> bool {
    let (left, right) = (left.as_bytes(), right.as_bytes());
    if left.len() != right.len() {
        return false;
    }
    let mut at = 0;
    while at < left.len() {
        if left[at] != right[at] {
            return false;
        }
        at += 1;
    }
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    const PAID: Declaration = Declaration {
        id: "a",
        name: "A",
        retries: None,
        triggers: &[
            Trigger::Event { event: "shop/order.paid", expression: None },
            Trigger::Cron { cron: "0 9 * * *", jitter: None },
        ],
        options: Options::NONE,
        steps: &[],
        input: &[],
    };

    #[test]
    fn what_is_absent_is_absent() {
        assert_eq!(
            manifest(&[PAID]),
            concat!(
                r#"{"sdk":"rust/"#,
                env!("CARGO_PKG_VERSION"),
                r#"","functions":[{"id":"a","name":"A","triggers":[{"event":"shop/order.paid"},"#,
                r#"{"cron":"0 9 * * *"}]}]}"#
            )
        );
    }

    #[test]
    fn steps_and_events_are_told() {
        const CHARGE: DeclaredStep =
            DeclaredStep { id: "charge", kind: "run", keyed: false, alias: None };
        const NEW: DeclaredStep =
            DeclaredStep { id: "mail", keyed: true, alias: Some("send"), ..CHARGE };
        const INPUT: DeclaredEvent = DeclaredEvent { event: "a/b", fields: &["id"], schema: None };
        let told = manifest(&[Declaration { steps: &[CHARGE, NEW], input: &[INPUT], ..PAID }]);
        let steps = r#""steps":[{"id":"charge","kind":"run"},{"id":"mail","kind":"run","keyed":true,"alias":"send"}]"#;
        let input = r#""input":[{"event":"a/b","fields":["id"]}]"#;
        assert!(told.contains(steps) && told.contains(input), "{told}");
    }

    #[test]
    fn equal_ids_are_seen() {
        assert!(distinct(&[PAID, Declaration { id: "b", ..PAID }]));
        assert!(!distinct(&[PAID, Declaration { id: "b", ..PAID }, PAID]));
    }

    #[test]
    fn texts_are_joined() {
        const ID: &str = crate::__joined!(PAID.id, "-", "failure");
        assert_eq!(ID, "a-failure");
    }
}
