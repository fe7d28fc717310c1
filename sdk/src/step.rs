//! Steps as futures: what the methods of [`Ctx`](crate::Ctx) make.
//!
//! [`Run`] has a body; every other kind is a [`Step`] that the host and the server do by
//! themselves. All of them have `.key(…)`. See [`manual::steps`](crate::manual::steps).

mod fetch;
mod hosted;
mod infer;
mod invoke;
pub(crate) mod race;
mod run;
mod send;
mod signal;
mod sleep;
mod wait;

use std::borrow::Cow;
use std::fmt::{Display, Write};
use std::rc::Rc;
use std::task::{Context, Poll, ready};

use serde::de::DeserializeOwned;

use crate::error::{Error, Result};
use crate::replay::{Memo, Replay, Turn};

pub(crate) use self::hosted::{LONGEST, milliseconds};
pub(crate) use self::sleep::Wake;

pub use self::fetch::Fetch;
pub use self::hosted::{Kind, Step};
pub use self::infer::{Infer, Inference};
pub use self::invoke::Invoke;
pub use self::run::Run;
pub use self::send::{Send, SendAll};
pub use self::signal::{SendSignal, WaitForSignal};
pub use self::sleep::Sleep;
pub use self::wait::WaitFor;

/// A step's place in the call: registers on the first poll, and goes when it is dropped.
pub(crate) struct Ticket {
    pub(crate) replay: Rc<Replay>,
    stage: Stage,
}

enum Stage {
    New(Name),
    Registered(u32),
    /// With the ordinal of a step that the host knows.
    Ended(Option<u32>),
}

/// A step's identity, until the host hears of it.
struct Name {
    id: &'static str,
    alias: Option<&'static str>,
    /// What is behind either of them.
    keys: String,
}

impl Name {
    fn full(&self, id: &'static str) -> Cow<'static, str> {
        if self.keys.is_empty() {
            Cow::Borrowed(id)
        } else {
            Cow::Owned(format!("{id}{}", self.keys))
        }
    }

    /// The options with the alias among them, where there is one.
    fn with_alias(&self, options: Cow<'static, str>) -> Cow<'static, str> {
        let Some(alias) = self.alias else { return options };
        let alias = serde_json::Value::from(self.full(alias));
        let rest = options.strip_prefix('{').unwrap_or("}");
        let comma = if rest.starts_with('}') { "" } else { "," };
        Cow::Owned(format!(r#"{{"alias":{alias}{comma}{rest}"#))
    }
}

impl Ticket {
    pub(crate) fn new(replay: &Rc<Replay>, id: &'static str) -> Self {
        let name = Name { id, alias: None, keys: String::new() };
        Self { replay: Rc::clone(replay), stage: Stage::New(name) }
    }

    /// Adds a key to the identity. The brackets keep `pay` with key `1` apart from the second
    /// `pay`, which the server calls `pay:1`.
    pub(crate) fn key(&mut self, key: impl Display) {
        match &mut self.stage {
            Stage::New(name) => write!(name.keys, "[{key}]").expect("a text takes all"),
            _ => panic!("the key `{key}` came after the step had been polled: give it at once"),
        }
    }

    /// Gives the identity that the step had before.
    pub(crate) fn alias(&mut self, id: &'static str) {
        match &mut self.stage {
            Stage::New(name) => name.alias = Some(id),
            _ => panic!("the alias `{id}` came after the step had been polled: give it at once"),
        }
    }

    pub(crate) fn poll(
        &mut self,
        context: &Context<'_>,
        kind: &'static str,
        options: impl FnOnce() -> Result<Cow<'static, str>>,
    ) -> Poll<Result<Turn>> {
        match &mut self.stage {
            Stage::New(name) => {
                let id = name.full(name.id);
                let options = match options() {
                    Ok(options) => name.with_alias(options),
                    Err(error) => {
                        self.stage = Stage::Ended(None);
                        return Poll::Ready(Err(error));
                    }
                };
                let step = self.replay.register(id, kind, options, context.waker());
                self.stage = Stage::Registered(step);
                Poll::Pending
            }
            Stage::Registered(step) => {
                let step = *step;
                let turn = ready!(self.replay.turn(step, context.waker()));
                if matches!(turn, Turn::Return(_)) {
                    self.stage = Stage::Ended(Some(step));
                }
                Poll::Ready(Ok(turn))
            }
            Stage::Ended(_) => panic!("a step was polled after it had ended"),
        }
    }

    /// [`Ticket::poll`] for the kinds that the host does by itself.
    pub(crate) fn poll_memo(
        &mut self,
        context: &Context<'_>,
        kind: &'static str,
        options: impl FnOnce() -> Result<Cow<'static, str>>,
    ) -> Poll<Result<Memo>> {
        Poll::Ready(match ready!(self.poll(context, kind, options)) {
            Ok(Turn::Return(memo)) => Ok(memo),
            Ok(Turn::Run(_)) => panic!("the host asked for the body of a `{kind}`: it has none"),
            Err(error) => Err(error),
        })
    }

    /// Whether it has returned; `futures::select!` asks.
    pub(crate) fn has_ended(&self) -> bool {
        matches!(self.stage, Stage::Ended(_))
    }

    /// What the step returns, from its stored end. Where a stored result has no such value, the host
    /// hears of it first: it may end the call here and ask other code.
    pub(crate) fn value<T>(&self, stored: Memo, end: impl FnOnce(Memo) -> Result<T>) -> Result<T> {
        let succeeded = stored.is_ok();
        let value = end(stored);
        if let (true, Err(error), Stage::Ended(Some(step))) = (succeeded, &value, &self.stage) {
            self.replay.misfit(*step, error.message());
        }
        value
    }

    /// The ordinal of a step that was polled.
    pub(crate) fn ordinal(&self) -> u32 {
        match self.stage {
            Stage::Registered(step) => step,
            _ => unreachable!("asked only where the host named the step"),
        }
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if let Stage::Registered(step) = self.stage {
            self.replay.withdraw(step);
        }
    }
}

/// The value that a step returns from its stored end.
pub(crate) fn decode<T: DeserializeOwned>(memo: Memo) -> Result<T> {
    match memo {
        Ok(json) => serde_json::from_str(&json).map_err(|problem| {
            let expected = std::any::type_name::<T>();
            Error::stop(format!("the stored result of a step does not fit `{expected}`: {problem}"))
                .named("MemoDecodeError")
        }),
        Err(json) => Err(Error::from_stored(&json)),
    }
}
