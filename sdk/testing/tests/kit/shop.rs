//! The functions that are tested here.

use futures::future::Either;
use system_bus_sdk::prelude::*;

#[derive(Event, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[event("shop/order.paid")]
pub(crate) struct OrderPaid {
    pub(crate) order_id: String,
    pub(crate) cents: u32,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[event("shop/parcel.delivered")]
pub(crate) struct ParcelDelivered {
    pub(crate) order_id: String,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone, PartialEq)]
#[event("shop/order.shipped")]
pub(crate) struct OrderShipped {
    pub(crate) order_id: String,
    pub(crate) label: String,
}

pub(crate) fn order(order_id: &str) -> OrderPaid {
    OrderPaid { order_id: order_id.to_owned(), cents: 700 }
}

#[derive(Event, Serialize, Deserialize)]
#[event("shop/invoice.requested")]
pub(crate) struct InvoiceRequested {
    pub(crate) late: bool,
}

#[function(id = "invoice", on(InvoiceRequested), retries = 2)]
pub(crate) async fn invoice(ctx: Ctx, request: InvoiceRequested) -> Result<String> {
    ctx.step("print", async |_io| Ok(format!("late: {}", request.late))).await
}

/// All that a run usually does.
#[function(id = "fulfil-order", on(OrderPaid, if = "event.data.cents > 0"), retries = 4)]
pub(crate) async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<String> {
    let (_charge, label) = futures::try_join!(
        ctx.step("charge", async |io| {
            let key = io.idempotency_key();
            let request = io.http().post("https://bank.example/charges").header("key", key);
            Ok(request.json(&order.cents).send().await?.ok()?.status)
        }),
        ctx.step("label", async |_io| Ok(format!("to {}", order.order_id))),
    )?;
    ctx.sleep("cool-off", Duration::from_hours(1)).await?;
    let shipped = OrderShipped { order_id: order.order_id.clone(), label };
    ctx.send("announce", shipped).await?;
    let delivered = ctx
        .wait_for::<ParcelDelivered>("delivered")
        .where_eq(ParcelDelivered::FIELDS.order_id, &order.order_id)
        .timeout(Duration::from_hours(72))
        .await?;
    ctx.invoke::<invoice>("invoice", InvoiceRequested { late: delivered.is_none() }).await
}

/// Ten steps, one of which is charged under another key in each attempt.
#[function(id = "ten-steps", on(OrderPaid), retries = 4)]
pub(crate) async fn ten_steps(ctx: Ctx, order: OrderPaid) -> Result<u32> {
    let mut sum = 0;
    for number in 0..9_u32 {
        sum += ctx.step("part", async move |_io| Ok(number)).key(number).await?;
    }
    ctx.step("charge", async |io| {
        let key = format!("{}-{}", order.order_id, io.attempt());
        let request = io.http().post("https://bank.example/charges?fast=1");
        request.header("Idempotency-Key", key).send().await?.ok()?;
        Ok(())
    })
    .await?;
    Ok(sum)
}

#[function(id = "race", on(OrderPaid), retries = 2)]
pub(crate) async fn race(ctx: Ctx, _order: OrderPaid) -> Result<String> {
    let slow = ctx.sleep("patience", Duration::from_mins(1));
    let winner = match ctx.race(ctx.step("ask", async |_io| Ok(7)), slow).await {
        Either::Left(answer) => format!("asked {}", answer?),
        Either::Right(_) => "too late".to_owned(),
    };
    ctx.step("after", async |_io| Ok(winner)).await
}

#[function(id = "tidy", cron("0 6 * * *"), retries = 2)]
pub(crate) async fn tidy(ctx: Ctx, _timer: Cron) -> Result<()> {
    ctx.step("sweep", async |_io| Ok(())).await
}

#[function(id = "refund", on(OrderPaid), singleton(mode = "skip"), retries = 1)]
pub(crate) async fn refund(ctx: Ctx, _order: OrderPaid) -> Result<()> {
    ctx.sleep("think", Duration::from_mins(5)).await
}

#[function(id = "restock", on(OrderPaid), throttle(limit = 1, period = "1h"), retries = 1)]
pub(crate) async fn restock(ctx: Ctx, order: OrderPaid) -> Result<String> {
    ctx.step("order", async |_io| Ok(order.order_id)).await
}

#[on_failure(of = ten_steps, retries = 1)]
pub(crate) async fn apologize(ctx: Ctx, failed: Failed<OrderPaid>) -> Result<String> {
    let order = failed.event()?.data.order_id;
    ctx.step("write", async |_io| Ok(format!("{order}: {}", failed.error))).await
}
