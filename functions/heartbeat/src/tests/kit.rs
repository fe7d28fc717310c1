//! Beats by the clock, and with crashes.

use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use crate::{Beaten, HeartbeatRequested, ServicesCheckRequested, pulse};

#[system_bus_sdk::test]
fn the_heart_beats_four_times_an_hour(kit: &mut Kit) {
    kit.at("2026-03-01T12:01:00Z".parse().expect("a time")).serve::<pulse>();
    kit.advance(Duration::from_hours(24));
    let beats = kit.runs::<pulse>();
    assert_eq!(beats.len(), 96);
    assert!(beats.iter().all(|beat| beat.status == RunStatus::Completed));
    assert_eq!(kit.sent::<ServicesCheckRequested>().len(), 96);
    let first: Beaten = beats[0].output();
    assert_eq!(first.beat.at, "2026-03-01T12:15:00Z".parse().expect("a time"));
}

#[system_bus_sdk::test(crash = "everywhere")]
fn each_beat_asks_for_one_check_whatever_dies(kit: &mut Kit) {
    let run = kit.run::<pulse>(HeartbeatRequested::default());
    run.assert_steps(["record-beat", "request-services-check"]);
    assert_eq!(run.output::<Beaten>().beat.source, "heartbeat-request");
    assert_eq!(kit.sent::<ServicesCheckRequested>().len(), 1);
}
