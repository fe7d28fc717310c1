//! Requests and decisions, with Redis in memory.

mod requests;
mod resolutions;

use outside::testing::World;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::{ApprovalRequested, ApprovalResolved, Submitted, approval_request};

pub(crate) fn asked() -> ApprovalRequested {
    let sample = include_str!("../events/approval-requested.json");
    let sample: Value = serde_json::from_str(sample).expect("the sample is JSON");
    assert_eq!(sample["name"], "agent/approval.requested");
    serde_json::from_value(sample["data"].clone()).expect("the sample fits")
}

pub(crate) fn decided(request_id: &str, status: &str, learn: bool) -> ApprovalResolved {
    ApprovalResolved {
        request_id: request_id.to_owned(),
        status: status.to_owned(),
        reviewer: "ada".to_owned(),
        learn,
    }
}

/// A request that waits: its id.
pub(crate) fn waiting(kit: &mut Kit) -> String {
    kit.run::<approval_request>(asked()).output::<Submitted>().request_id
}

/// The entries of the history.
pub(crate) fn history(world: &World) -> Vec<Value> {
    let entries = world.redis(|redis| redis.sorted.get("approval:history").cloned());
    let entries = entries.unwrap_or_default();
    entries.keys().map(|entry| serde_json::from_str(entry).expect("it is JSON")).collect()
}
