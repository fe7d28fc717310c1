//! Setting a key.

use std::time::Duration;

use super::{Answer, host, milliseconds};

/// A key that is about to be set; nothing happens before one of the last three is called.
#[derive(Clone, Debug)]
#[must_use = "nothing is set before `always`, `if_absent` or `if_present`"]
pub struct Set {
    key: String,
    value: Vec<u8>,
    expiry: Option<u64>,
}

/// Whether a value is set where another one is, or where none is.
#[derive(Clone, Copy, Debug)]
pub(super) enum Condition {
    Always,
    IfAbsent,
    IfPresent,
}

impl Set {
    pub(super) fn new(key: String, value: Vec<u8>) -> Self {
        Self { key, value, expiry: None }
    }

    /// Lets it end this long from now.
    pub fn expires_in(mut self, time: Duration) -> Self {
        self.expiry = Some(milliseconds(time));
        self
    }

    /// Sets it, whatever is there.
    pub fn always(self) -> Answer<()> {
        self.run(Condition::Always).map(|_| ())
    }

    /// Sets it where nothing is. Answers with whether that was so.
    pub fn if_absent(self) -> Answer<bool> {
        self.run(Condition::IfAbsent)
    }

    /// Sets it where something is. Answers with whether that was so.
    pub fn if_present(self) -> Answer<bool> {
        self.run(Condition::IfPresent)
    }

    fn run(&self, condition: Condition) -> Answer<bool> {
        host::set(&self.key, &self.value, self.expiry, condition)
    }
}
