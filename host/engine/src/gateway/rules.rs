//! The times that a gateway keeps to, and what it tells workers of them.

use std::time::Duration;

use jiff::Timestamp;
use protocol::connect::frames::ConnectionReady;

use crate::options::GatewayOptions;

/// After how many intervals without a heartbeat a connection gets no more calls, and after how many it is cut.
const STALE: u32 = 2;
const DEAD: u32 = 5;

/// The times that a gateway keeps to.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Rules {
    pub(crate) heartbeat: Duration,
    pub(crate) extend: Duration,
    pub(crate) lease: Duration,
    pub(crate) grace: Duration,
}

impl Rules {
    pub(crate) fn new(options: &GatewayOptions) -> Self {
        // A pause of zero would be one without end.
        let pause = |asked: Duration| asked.max(Duration::from_millis(1));
        Self {
            heartbeat: pause(options.heartbeat_interval),
            extend: pause(options.extend_lease_interval),
            lease: pause(options.lease),
            grace: options.grace,
        }
    }

    /// From when on a connection gets no more calls, unless it is heard of again.
    pub(super) fn stale_at(&self, heard: Timestamp) -> Timestamp {
        later(heard, self.heartbeat * STALE)
    }

    /// When a silent connection is cut.
    pub(super) fn dead_at(&self, heard: Timestamp) -> Timestamp {
        later(heard, self.heartbeat * DEAD)
    }

    /// When a request that nobody has acknowledged is sent once more.
    pub(super) fn redelivered_at(&self, sent: Timestamp) -> Timestamp {
        later(sent, self.lease + self.grace)
    }

    /// What a worker is told of them; statuses are not asked for.
    pub(super) fn ready(&self) -> ConnectionReady {
        ConnectionReady {
            heartbeat_interval: written(self.heartbeat),
            extend_lease_interval: written(self.extend),
            status_interval: written(Duration::ZERO),
        }
    }
}

/// A moment after another one.
pub(super) fn later(from: Timestamp, pause: Duration) -> Timestamp {
    from.checked_add(pause).unwrap_or(Timestamp::MAX)
}

/// A duration as Go writes it, with the largest unit that is needed: `1m30s`, `10s`, `250ms`.
fn written(duration: Duration) -> String {
    let (seconds, millis) = (duration.as_secs(), duration.subsec_millis());
    if seconds == 0 && millis > 0 {
        return format!("{millis}ms");
    }
    let fraction = match millis {
        0 => String::new(),
        millis => format!(".{millis:03}").trim_end_matches('0').to_owned(),
    };
    match (seconds / 3_600, seconds / 60 % 60, seconds % 60) {
        (0, 0, seconds) => format!("{seconds}{fraction}s"),
        (0, minutes, seconds) => format!("{minutes}m{seconds}{fraction}s"),
        (hours, minutes, seconds) => format!("{hours}h{minutes}m{seconds}{fraction}s"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_written_as_go_writes_them() {
        for (millis, text) in [
            (0, "0s"),
            (250, "250ms"),
            (10_000, "10s"),
            (1_500, "1.5s"),
            (90_000, "1m30s"),
            (120_000, "2m0s"),
            (3_600_000, "1h0m0s"),
        ] {
            assert_eq!(written(Duration::from_millis(millis)), text);
        }
    }

    #[test]
    fn workers_are_told_the_intervals_of_the_real_server() {
        let ready = Rules::new(&GatewayOptions::default()).ready();
        assert_eq!(
            (&*ready.heartbeat_interval, &*ready.extend_lease_interval, &*ready.status_interval),
            ("10s", "30s", "0s")
        );
    }
}
