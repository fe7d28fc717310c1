#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Input)]
enum Why {
    Timer(Cron),
    Nothing,
}

#[derive(Input)]
struct NotAnEnum {}

fn main() {}
