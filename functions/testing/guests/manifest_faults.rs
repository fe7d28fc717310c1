//! Describes two of its functions wrongly, past all checks of the macros.
#![cfg(target_family = "wasm")]
#![no_main]

use system_bus_sdk::guest::bindings::export;
use system_bus_sdk::guest::{self, Failure, Guest};

struct Component;

impl Guest for Component {
    fn describe() -> String {
        r#"{"functions":[{"id":"never-retried","triggers":[{"event":"testing/x.requested"}],"retries":0},{"id":"no trigger","triggers":[]},{"id":"fine","triggers":[{"event":"testing/x.requested"},{"failure_of":"nobody"}]}]}"#.to_owned()
    }

    fn invoke(function: String, _call: String) -> Result<String, Failure> {
        guest::unknown(&function)
    }
}

export!(Component with_types_in system_bus_sdk::guest::bindings);
