//! The steps that send events.

use std::borrow::Cow;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};
use crate::event::{Outgoing, Wire};
use crate::executor::encode;
use crate::replay::Memo;
use crate::step::{Kind, decode};

/// One event being sent, as [`Ctx::send`](crate::Ctx::send) makes it. Ends with the event's id.
#[derive(Debug)]
pub struct Send(pub(crate) Outgoing);

/// Events being sent together, as [`Ctx::send_all`](crate::Ctx::send_all) makes it. Ends with
/// their ids, in order.
#[derive(Debug)]
pub struct SendAll(pub(crate) Vec<Outgoing>);

impl Kind for Send {
    type Output = String;

    fn name(&self) -> &'static str {
        "send-event"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        options(std::slice::from_ref(&self.0))
    }

    fn end(&self, stored: Memo) -> Result<String> {
        let Sent { ids } = decode(stored)?;
        ids.into_iter().next().ok_or_else(|| {
            Error::stop("the host stored no id for the event it sent").named("MemoDecodeError")
        })
    }
}

impl Kind for SendAll {
    type Output = Vec<String>;

    fn name(&self) -> &'static str {
        "send-event"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        options(&self.0)
    }

    fn end(&self, stored: Memo) -> Result<Vec<String>> {
        decode::<Sent>(stored).map(|sent| sent.ids)
    }
}

fn options(events: &[Outgoing]) -> Result<Cow<'static, str>> {
    let events = events.iter().map(Outgoing::wire).collect::<Result<_>>()?;
    encode(&Options { events }, "an event").map(Cow::Owned)
}

#[derive(Serialize)]
struct Options<'a> {
    events: Vec<Wire<'a>>,
}

#[derive(Deserialize)]
struct Sent {
    ids: Vec<String>,
}
