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

/// Makes a test of a suite for each way: `in_every_way!(suite)`.
macro_rules! in_every_way {
    ($suite:path) => {
        $crate::way::in_every_way! {
            $suite:
            serve_unsigned = SERVE_UNSIGNED,
            serve_unsigned_call_by_call = SERVE_UNSIGNED_CALL_BY_CALL,
            serve_signed = SERVE_SIGNED,
            serve_signed_call_by_call = SERVE_SIGNED_CALL_BY_CALL,
            connect = CONNECT,
            connect_call_by_call = CONNECT_CALL_BY_CALL,
        }
    };
    ($suite:path: $($name:ident = $way:ident,)+) => {
        $(
            #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
            async fn $name() {
                let _turn = $crate::turn().await;
                let way = $crate::way::$way;
                // None: the server under test runs in the other mode.
                if let Some(server) = $crate::Server::start(way.mode) {
                    $suite(way, server).await;
                }
            }
        )+
    };
}
pub(crate) use in_every_way;
