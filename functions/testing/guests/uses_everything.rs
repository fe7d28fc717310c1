//! A component that was granted a little of everything, and tries to get more. Each function makes the attempts of one
//! capability that its event lists, and tells what came of each.
#![cfg(target_family = "wasm")]
#![no_main]

#[path = "uses_everything/files.rs"]
mod files;
#[path = "uses_everything/itself.rs"]
mod itself;
#[path = "uses_everything/programs.rs"]
mod programs;
#[path = "uses_everything/requests.rs"]
mod requests;
#[path = "uses_everything/stores.rs"]
mod stores;

use system_bus_sdk::Refused;
use system_bus_sdk::prelude::*;

use self::files::{tries_files, tries_files_outside};
use self::itself::tries_itself;
use self::programs::tries_programs;
use self::requests::{tries_requests, tries_secrets};
use self::stores::{tries_redis, tries_values};

/// The attempts of an event, in whichever form their capability has.
fn attempts<T: serde::de::DeserializeOwned>(event: &Incoming<Value>) -> Result<Vec<T>> {
    serde_json::from_value(event.data["tries"].clone()).stop()
}

/// A refusal as its reason and its words.
fn told(outcome: std::result::Result<String, Refused>) -> String {
    outcome.unwrap_or_else(|refused| format!("{:?}: {refused}", refused.reason()))
}

system_bus_sdk::component![
    tries_files,
    tries_files_outside,
    tries_programs,
    tries_redis,
    tries_values,
    tries_requests,
    tries_secrets,
    tries_itself
];
