//! The step that waits for a time to come.

use std::borrow::Cow;
use std::time::Duration;

use jiff::Timestamp;

use crate::error::Result;
use crate::replay::Memo;
use crate::step::{Kind, decode, milliseconds};

/// A wait for time to pass, as [`Ctx::sleep`](crate::Ctx::sleep) and
/// [`Ctx::sleep_until`](crate::Ctx::sleep_until) make it. Nothing runs meanwhile, so it may last
/// for months.
#[derive(Debug)]
pub struct Sleep(pub(crate) Wake);

#[derive(Debug)]
pub(crate) enum Wake {
    After(Duration),
    At(Timestamp),
}

impl Kind for Sleep {
    type Output = ();

    fn name(&self) -> &'static str {
        match self.0 {
            Wake::After(_) => "sleep",
            Wake::At(_) => "sleep-until",
        }
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        Ok(Cow::Owned(match self.0 {
            Wake::After(time) => format!(r#"{{"milliseconds":{}}}"#, milliseconds(time)?),
            Wake::At(time) => format!(r#"{{"until":"{time}"}}"#),
        }))
    }

    fn end(&self, stored: Memo) -> Result<()> {
        // What the server stores for a sleep carries nothing.
        match stored {
            Ok(_) => Ok(()),
            Err(_) => decode(stored),
        }
    }
}
