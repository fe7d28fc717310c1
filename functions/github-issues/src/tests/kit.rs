//! Deliveries with crashes.

use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::sample;
use crate::{IssueTriaged, IssuesReceived, Kind, Outcome, triage};

#[system_bus_sdk::test(crash = "everywhere")]
fn an_issue_is_announced_once_whatever_dies(kit: &mut Kit) {
    let run = kit.run::<triage>(Outgoing::named(IssuesReceived::NAME, &sample()["data"]));
    run.assert_steps(["classify", "summarize", "announce"]);
    assert!(matches!(run.output(), Outcome::Triaged { kind: Kind::Bug, .. }));
    let announced = kit.sent::<IssueTriaged>();
    assert_eq!((announced.len(), announced[0].number), (1, 1347));
}
