//! What the options of functions become in the manifest.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_sdk::{Function, manifest};

#[derive(Event, Serialize, Deserialize, Debug)]
#[event("shop/order.paid")]
#[serde(rename_all = "camelCase")]
struct OrderPaid {
    order_id: String,
    total: u32,
}

#[derive(Event, Serialize, Deserialize, Debug)]
#[event("shop/order.cancelled")]
struct OrderCancelled {
    #[serde(rename = "order-id")]
    order_id: String,
    total: Option<u32>,
}

/// What the manifest says of the event `OrderPaid`.
fn paid() -> Value {
    let properties =
        json!({"orderId": {"type": "string"}, "total": {"type": "integer", "minimum": 0}});
    let required = ["orderId", "total"];
    let schema = json!({"type": "object", "properties": properties, "required": required});
    json!({"event": "shop/order.paid", "fields": required, "schema": schema})
}

/// The manifest's member of one function.
fn declared<F: Function>() -> Value {
    let manifest: Value =
        serde_json::from_str(&manifest(&[F::DECLARATION])).expect("a manifest is JSON");
    manifest["functions"][0].clone()
}

#[function(
    id = "everything",
    name = "Everything that goes together",
    retries = 20,
    on(OrderPaid, if = "event.data.total > 10"),
    on("shop/*"),
    concurrency(limit = 10),
    concurrency(limit = 1, key = "event.data.customer", scope = "env"),
    throttle(limit = 20, period = "1m", burst = 5, key = "event.data.tenant"),
    rate_limit(limit = 100, period = "1d", key = "event.data.tenant"),
    debounce(period = "10s", timeout = "2m", key = "event.data.doc"),
    priority = "event.data.vip ? 120 : 0",
    cancel_on(OrderCancelled, same = order_id, timeout = "2h"),
    cancel_on(OrderCancelled, same = total, if = "async.data.total > 5 || async.data.all"),
    cancel_on("shop/order.expired", same = "data.order.id-2"),
    cancel_on("shop/shop.closed"),
    timeouts(start = "30s", finish = "1d12h"),
    singleton(mode = "skip", key = "event.data.customer"),
    checkpoint(steps = 10, interval = "3s", max_runtime = "10s")
)]
async fn everything(_ctx: Ctx, _event: Incoming<Value>) -> Result<()> {
    Ok(())
}

#[test]
fn every_option_is_written_as_the_contract_says() {
    assert_eq!(
        declared::<everything>(),
        json!({
            "id": "everything",
            "input": [paid()],
            "name": "Everything that goes together",
            "retries": 20,
            "triggers": [
                {"event": "shop/order.paid", "expression": "event.data.total > 10"},
                {"event": "shop/*"},
            ],
            "concurrency": [
                {"limit": 10},
                {"limit": 1, "key": "event.data.customer", "scope": "env"},
            ],
            "throttle": {"limit": 20, "period": "1m", "burst": 5, "key": "event.data.tenant"},
            "rate_limit": {"limit": 100, "period": "1d", "key": "event.data.tenant"},
            "debounce": {"period": "10s", "timeout": "2m", "key": "event.data.doc"},
            "priority": "event.data.vip ? 120 : 0",
            "cancel_on": [
                {
                    "event": "shop/order.cancelled",
                    "if": r#"event.data.orderId == async.data["order-id"]"#,
                    "timeout": "2h",
                },
                {
                    "event": "shop/order.cancelled",
                    "if": "event.data.total == async.data.total && \
                           (async.data.total > 5 || async.data.all)",
                },
                {
                    "event": "shop/order.expired",
                    "if": r#"event.data.order["id-2"] == async.data.order["id-2"]"#,
                },
                {"event": "shop/shop.closed"},
            ],
            "timeouts": {"start": "30s", "finish": "1d12h"},
            "singleton": {"mode": "skip", "key": "event.data.customer"},
            "checkpoint": {"steps": 10, "interval": "3s", "max_runtime": "10s"},
        })
    );
}

#[function(
    id = "batched",
    on(OrderPaid),
    batch(max_size = 50, timeout = "5s", key = "event.data.tenant", if = "event.data.total < 9"),
    concurrency(limit = 1, scope = "fn"),
    idempotency = "event.data.orderId",
    timeouts(finish = "1h"),
    checkpoint = "off"
)]
async fn batched(_ctx: Ctx, orders: Vec<Incoming<OrderPaid>>) -> Result<usize> {
    Ok(orders.len())
}

#[function(id = "single", on(OrderPaid), singleton(mode = "cancel"), checkpoint = "every-step")]
async fn single(_ctx: Ctx, _order: OrderPaid) -> Result<()> {
    Ok(())
}

#[function(id = "timed", cron("TZ=Europe/Berlin 0 9 * * 1-5", jitter = "30s"))]
async fn timed(_ctx: Ctx, _time: Cron) -> Result<()> {
    Ok(())
}

#[test]
fn the_other_forms() {
    assert_eq!(
        declared::<timed>()["triggers"],
        json!([{"cron": "TZ=Europe/Berlin 0 9 * * 1-5", "jitter": "30s"}])
    );
    assert_eq!(
        declared::<batched>(),
        json!({
            "id": "batched",
            "input": [paid()],
            "name": "batched",
            "triggers": [{"event": "shop/order.paid"}],
            "concurrency": [{"limit": 1, "scope": "fn"}],
            "batch": {
                "max_size": 50, "timeout": "5s", "key": "event.data.tenant",
                "if": "event.data.total < 9",
            },
            "idempotency": "event.data.orderId",
            "timeouts": {"finish": "1h"},
            "checkpoint": "off",
        })
    );
    assert_eq!(declared::<single>()["singleton"], json!({"mode": "cancel"}));
    assert_eq!(declared::<single>()["checkpoint"], json!("every-step"));
}

#[on_failure(of = batched, retries = 3)]
async fn mourn(_ctx: Ctx, _failed: Failed<OrderPaid>) -> Result<()> {
    Ok(())
}

#[on_failure(of = single, id = "ring-the-bell", name = "Ring the bell", concurrency(limit = 1))]
async fn ring(_ctx: Ctx, _failed: Failed<Value>) -> Result<()> {
    Ok(())
}

#[test]
fn a_failure_handler_follows_its_function() {
    assert_eq!(
        declared::<mourn>(),
        json!({
            "id": "batched-failure",
            "name": "batched (failure)",
            "retries": 3,
            "triggers": [{"failure_of": "batched"}],
        })
    );
    assert_eq!(
        declared::<ring>(),
        json!({
            "id": "ring-the-bell",
            "name": "Ring the bell",
            "triggers": [{"failure_of": "single"}],
            "concurrency": [{"limit": 1}],
        })
    );
    assert!(mourn::DECLARATION.handles_failures());
    assert!(!single::DECLARATION.handles_failures());
}

system_bus_sdk::component![everything, batched, single, timed, mourn, ring];
