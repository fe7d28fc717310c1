//! One function that lives where its imports let it, and one that asks for a host.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::guest::bindings::export;
use system_bus_sdk::guest::{Failure, Guest};

struct Component;

impl Guest for Component {
    fn describe() -> String {
        r#"{"sdk":"by-hand/1","functions":[{"id":"anywhere","triggers":[{"event":"testing/x.requested"}]},{"id":"asks-for-a-host","triggers":[{"event":"testing/x.requested"}],"role":"host"}]}"#.to_owned()
    }

    fn invoke(function: String, _call: String) -> Result<String, Failure> {
        Ok(format!("{function:?}"))
    }
}

export!(Component with_types_in system_bus_sdk::guest::bindings);
