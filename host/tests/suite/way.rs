//! The ways in which the same suite runs: how calls travel, how they are believed, and whether steps are stored while a
//! function goes on.

use crate::server::Mode;

/// One way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Way {
    pub(crate) transport: &'static str,
    /// None: whatever the server at hand wants.
    pub(crate) mode: Option<Mode>,
    pub(crate) checkpoints: bool,
}

impl Way {
    const fn of(transport: &'static str, mode: Option<Mode>, checkpoints: bool) -> Self {
        Self { transport, mode, checkpoints }
    }

    /// What a worker is told of it.
    pub(crate) fn arguments(self) -> [&'static str; 4] {
        let checkpoints = if self.checkpoints { "on" } else { "off" };
        ["--transport", self.transport, "--checkpoints", checkpoints]
    }
}

pub(crate) const SERVE_UNSIGNED: Way = Way::of("serve", Some(Mode::Dev), true);
pub(crate) const SERVE_UNSIGNED_CALL_BY_CALL: Way = Way::of("serve", Some(Mode::Dev), false);
pub(crate) const SERVE_SIGNED: Way = Way::of("serve", Some(Mode::Signed), true);
pub(crate) const SERVE_SIGNED_CALL_BY_CALL: Way = Way::of("serve", Some(Mode::Signed), false);
pub(crate) const CONNECT: Way = Way::of("connect", None, true);
pub(crate) const CONNECT_CALL_BY_CALL: Way = Way::of("connect", None, false);

/// All of them.
#[allow(dead_code, reason = "each test has one")]
pub(crate) const ALL: [Way; 6] = [
    SERVE_UNSIGNED,
    SERVE_UNSIGNED_CALL_BY_CALL,
    SERVE_SIGNED,
    SERVE_SIGNED_CALL_BY_CALL,
    CONNECT,
    CONNECT_CALL_BY_CALL,
];

impl std::fmt::Display for Way {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.transport)?;
        f.write_str(match self.mode {
            Some(Mode::Dev) => ", unsigned",
            Some(Mode::Signed) => ", signed",
            None => "",
        })?;
        f.write_str(if self.checkpoints { ", checkpoints" } else { ", call by call" })
    }
}
