//! Traps before any function runs, but only in a run: describing works, since then it is 1970.
#![cfg(target_family = "wasm")]
#![no_main]

use std::time::{Duration, SystemTime};

use system_bus_sdk::prelude::*;

/// Runs when the instance starts, before the host calls anything.
#[expect(unsafe_code, reason = "a start function is placed by its section's name")]
#[unsafe(link_section = ".init_array")]
#[used]
static AT_START: extern "C" fn() = {
    extern "C" fn start() {
        let born = SystemTime::UNIX_EPOCH + Duration::from_secs(1);
        assert!(SystemTime::now() < born, "the start function traps");
    }
    start
};

/// Never reached.
#[function(id = "unreached", on("testing/unreached.requested"), retries = 4)]
async fn unreached(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    Ok(())
}

system_bus_sdk::component![unreached];
