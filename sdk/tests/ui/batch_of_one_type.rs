#![allow(unused)]

use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize)]
#[event("shop/order.paid")]
struct OrderPaid {}

#[function(id = "f", on(OrderPaid), batch(max_size = 2, timeout = "1s"))]
async fn f(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

fn main() {}
