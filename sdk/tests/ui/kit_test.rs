//! Tests with the kit that cannot be run.

#[system_bus_sdk::test]
async fn waits(kit: &mut Kit) {}

#[system_bus_sdk::test]
fn takes_nothing() {}

#[system_bus_sdk::test]
fn returns(kit: &mut Kit) -> u32 {
    7
}

#[system_bus_sdk::test(crash = "somewhere")]
fn crashes(kit: &mut Kit) {}

#[system_bus_sdk::test(retries = 3)]
fn repeats(kit: &mut Kit) {}

fn main() {}
