#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {}

#[function(id = "f", on(OrderPaid), cron("0 9 * * *"))]
async fn f(_ctx: Ctx, _event: OrderPaid) -> Result<()> {
    Ok(())
}

fn main() {}
