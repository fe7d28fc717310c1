#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("")]
struct Empty {}

#[derive(Event, Serialize, Deserialize)]
#[event("inngest/order.paid")]
struct Reserved {}

#[derive(Event, Serialize, Deserialize)]
#[event("OrderPaid")]
struct Plain {}

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order")]
struct NoVerb {}

#[derive(Event, Serialize, Deserialize)]
struct Nameless {}

fn main() {}
