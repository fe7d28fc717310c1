//! Whole beats.

mod beats;
mod daily;
mod prunes;

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::{Beat, system_heartbeat_wake};

/// A world at this time.
fn world(kit: &mut Kit, time: &str) -> World {
    kit.at(time.parse().expect("a time"));
    World::begin()
}

fn wake() -> Outgoing {
    Outgoing::named("system/heartbeat.wake", &json!({}))
}

/// A beat that somebody asked for.
fn beat(kit: &mut Kit) -> Beat {
    kit.run::<system_heartbeat_wake>(wake()).output()
}

/// The data of the events of this name.
fn sent(kit: &Kit, name: &str) -> Vec<Value> {
    let events = kit.events().into_iter().filter(|one| one.name == name);
    events.map(|one| one.data).collect()
}
