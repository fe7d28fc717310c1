//! Steps that the server does, with what comes from outside.

use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::Harness;

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
#[event("shop/order.paid")]
struct OrderPaid {
    order_id: String,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
#[event("shipping/parcel.delivered")]
struct ParcelDelivered {
    order_id: String,
    weight: Option<u32>,
}

const HOUR: Duration = Duration::from_hours(1);

fn order() -> OrderPaid {
    OrderPaid { order_id: "o\"7\\".to_owned() }
}

fn parcel(order_id: &str, weight: u32) -> ParcelDelivered {
    ParcelDelivered { order_id: order_id.to_owned(), weight: Some(weight) }
}

#[function(id = "waits", on(OrderPaid))]
async fn waits(ctx: Ctx, order: OrderPaid) -> Result<Option<u32>> {
    let delivered = ctx
        .wait_for::<ParcelDelivered>("delivered")
        .where_eq(ParcelDelivered::FIELDS.order_id, &order.order_id)
        .same(ParcelDelivered::FIELDS.order_id)
        .matching("async.data.weight > 1")
        .timeout(HOUR)
        .await?;
    Ok(delivered.and_then(|event| event.data.weight))
}

#[test]
fn a_wait_ends_with_the_event_that_matches() {
    let minutes = Duration::from_mins;
    let world = Harness::new()
        .event_after(minutes(1), OrderPaid { order_id: "o\"7\\".to_owned() })
        .event_after(minutes(2), parcel("o7", 2))
        .event_after(minutes(3), parcel("o\"7\\", 1))
        .event_after(minutes(4), parcel("o\"7\\", 5))
        .event_after(minutes(5), parcel("o\"7\\", 9));
    let end = world.run::<waits>(order());
    assert_eq!(end.output::<Option<u32>>(), Some(5));
    assert_eq!(end.took, minutes(4));

    let end = Harness::new().event_after(minutes(61), parcel("o\"7\\", 5)).run::<waits>(order());
    assert_eq!(end.output::<Option<u32>>(), None);
    assert_eq!(end.took, HOUR);

    let wrong = Outgoing::named(
        "shipping/parcel.delivered",
        &serde_json::json!({
            "order_id": "o\"7\\", "weight": "heavy",
        }),
    );
    // What cannot be compared does not match.
    let end = Harness::new().event_after(minutes(1), wrong).run::<waits>(order());
    assert_eq!(end.output::<Option<u32>>(), None);
}

#[function(id = "asks-itself", on(OrderPaid))]
async fn asks_itself(ctx: Ctx, _order: OrderPaid) -> Result<String> {
    let parcel = ParcelDelivered { order_id: "sent".to_owned(), weight: None };
    let (came, sent) = futures::join!(
        ctx.wait_for_event::<Value>("came", "shipping/parcel.delivered").timeout(HOUR),
        ctx.send("send", parcel),
    );
    sent?;
    let came = came?.expect("it was sent a moment ago");
    Ok(format!("{} {}", came.name, came.data["order_id"]))
}

#[test]
fn a_run_can_wait_for_what_it_sends() {
    let end = Harness::new().run::<asks_itself>(order());
    assert_eq!(end.output::<String>(), r#"shipping/parcel.delivered "sent""#);
    assert_eq!(end.took, Duration::ZERO);
}

#[function(id = "signals", on(OrderPaid))]
async fn signals(ctx: Ctx, _order: OrderPaid) -> Result<(Option<bool>, Option<String>)> {
    let approved = ctx.wait_for_signal::<bool>("approval", "approve/7").timeout(HOUR).await?;
    let told = ctx.send_signal("tell", "approved/7", &approved).await?;
    Ok((approved, told))
}

#[test]
fn signals_come_and_go() {
    let minute = Duration::from_mins(1);
    let end = Harness::new()
        .signal_after(minute, "approve/8", &false)
        .signal_after(minute * 2, "approve/7", &true)
        .run::<signals>(order());
    assert_eq!(end.output::<(Option<bool>, Option<String>)>(), (Some(true), None));
    assert_eq!(end.signals, [("approved/7".to_owned(), Value::Bool(true))]);
    assert_eq!(end.took, minute * 2);
    let end = Harness::new().stub("tell", |_| Ok(serde_json::json!({"run_id": "r"})));
    let end = end.run::<signals>(order());
    assert_eq!(end.output::<(Option<bool>, Option<String>)>(), (None, Some("r".to_owned())));
}

#[derive(Event, Serialize, Deserialize, Debug)]
#[event("shop/charge.requested")]
#[serde(deny_unknown_fields)]
struct ChargeRequested {
    cents: u32,
}

#[derive(Input)]
enum Charge {
    Asked(ChargeRequested),
    Timer(Cron),
}

#[function(id = "charge", on(ChargeRequested), cron("0 9 * * *"))]
async fn charge(_ctx: Ctx, charge: Charge) -> Result<String> {
    Ok(match charge {
        Charge::Asked(request) => format!("charged {}", request.cents),
        Charge::Timer(timer) => timer.cron,
    })
}

#[function(id = "invokes", on(OrderPaid))]
async fn invokes(ctx: Ctx, _order: OrderPaid) -> Result<String> {
    let request = ChargeRequested { cents: 700 };
    match ctx.invoke::<charge>("charge", request).timeout(HOUR).await {
        Err(error) if error.name() == Error::INVOKE_TIMEOUT => Ok("too slow".to_owned()),
        other => other,
    }
}

#[test]
fn another_function_is_invoked() {
    let world = || Harness::new().invoked::<charge>(|data| Ok(format!("got {}", data["cents"])));
    let end = world().run::<invokes>(order());
    assert_eq!(end.output::<String>(), "got 700");
    let end = world().takes("charge", HOUR * 2).run::<invokes>(order());
    assert_eq!((end.output::<String>().as_str(), end.took), ("too slow", HOUR));
    let end = Harness::new()
        .invoked::<charge>(|_| Err(Error::retry("declined").named("CardDeclined")))
        .run::<invokes>(order());
    assert_eq!((end.error().name(), end.attempts("charge")), ("CardDeclined", 1));
}

#[test]
fn an_invoked_function_takes_the_data_whatever_the_name_of_its_event() {
    let invoked = |data: Value| Outgoing::named("inngest/function.invoked", &data);
    let data = serde_json::json!({"cents": 3, "_inngest": {"fn_id": "x"}});
    let end = Harness::new().run::<charge>(invoked(data.clone()));
    assert_eq!(end.output::<String>(), "charged 3");
    let end = Harness::new().run::<waits>(invoked(serde_json::json!({"order_id": "x"})));
    assert_eq!(end.output::<Option<u32>>(), None);
    let end = Harness::new().run::<waits>(invoked(data));
    assert_eq!(end.error().name(), "EventDecodeError");
}

#[function(id = "fetches", on(OrderPaid))]
async fn fetches(ctx: Ctx, order: OrderPaid) -> Result<(u16, String, Option<String>)> {
    let answer = ctx
        .fetch("price", "https://prices.example/")
        .post()
        .json(&order)
        .header("X-Tenant", "t")
        .await?;
    let etag = answer.header("etag").map(str::to_owned);
    Ok((answer.status, answer.text()?, etag))
}

#[test]
fn the_server_fetches() {
    let end = Harness::new()
        .http(|request| {
            assert_eq!((request.method(), request.url()), ("POST", "https://prices.example/"));
            assert_eq!(request.body_json::<OrderPaid>()?.order_id, "o\"7\\");
            assert_eq!(request.headers()[1], ("x-tenant".to_owned(), "t".to_owned()));
            Ok(Response::new(404).with_body("none"))
        })
        .run::<fetches>(order());
    let (status, text, etag) = end.output::<(u16, String, Option<String>)>();
    assert_eq!((status, text.as_str(), etag), (404, "none", None));

    let refused = system_bus_sdk::http::HttpErrorKind::Refused;
    let end = Harness::new()
        .http(move |request| Err(HttpError::new(refused, request.url(), "nobody listens")))
        .run::<fetches>(order());
    assert_eq!((end.error().name(), end.attempts("price")), (Error::FETCH, 5));
}

#[function(id = "infers", on(OrderPaid))]
async fn infers(ctx: Ctx, order: OrderPaid) -> Result<String> {
    let body = serde_json::json!({"max_tokens": 9, "messages": [{"content": order.order_id}]});
    let question = Inference::anthropic(&body).auth_key("k");
    match ctx.infer::<Value>("ask", question).await {
        Ok(answer) => Ok(answer["content"].to_string()),
        Err(error) => Ok(format!("{}: {}", error.name(), error.data().expect("its words"))),
    }
}

#[test]
fn the_server_asks_a_model() {
    let end = Harness::new()
        .model(|question| {
            assert_eq!(question["format"], "anthropic");
            assert_eq!(question["headers"]["anthropic-version"], "2023-06-01");
            Ok(serde_json::json!({"content": question["body"]["max_tokens"]}))
        })
        .run::<infers>(order());
    assert_eq!(end.output::<String>(), "9");

    let end = Harness::new()
        .model(|_| Err(serde_json::json!({"error": "overloaded"})))
        .run::<infers>(order());
    assert_eq!(end.output::<String>(), r#"AIGatewayError: {"error":"overloaded"}"#);
    assert_eq!(end.attempts("ask"), 5);
}

#[function(id = "fails", on(OrderPaid), retries = 1)]
async fn fails(ctx: Ctx, order: OrderPaid) -> Result<()> {
    ctx.step("doomed", async |_io| {
        Err(Error::stop(format!("no {}", order.order_id)).named("Doomed"))
    })
    .await
}

#[on_failure(of = fails, retries = 3)]
async fn refund(ctx: Ctx, failed: Failed<OrderPaid>) -> Result<String> {
    let Failed { run_id, function_id, error, .. } = &failed;
    let said = format!("{run_id} {function_id} {}: {}", error.name(), error.message());
    // A run that failed of its event has one that does not fit.
    let order = failed.event().map_or("?".to_owned(), |event| event.data.order_id);
    ctx.step("refund", async |_io| Ok(format!("{said} ({order})"))).await
}

#[test]
fn a_failure_handler_is_told_what_failed() {
    let failed = Harness::new().run::<fails>(OrderPaid { order_id: "o1".to_owned() });
    let end = Harness::new().run::<refund>(failed.failure());
    assert_eq!(end.output::<String>(), "run-1 test-fails Doomed: no o1 (o1)");

    let failed = Harness::new().run::<fails>(Outgoing::named("shop/order.paid", &1));
    let end = Harness::new().run::<refund>(failed.failure());
    assert!(end.output::<String>().ends_with("(?)"), "{end:?}");

    let end = Harness::new().run::<refund>(order());
    assert_eq!(end.error().name(), "UnexpectedEvent");
}

#[function(id = "batched", on(OrderPaid), batch(max_size = 10, timeout = "5s"))]
async fn batched(ctx: Ctx, orders: Vec<Incoming<OrderPaid>>) -> Result<Vec<String>> {
    assert_eq!(ctx.events::<OrderPaid>()?.len(), orders.len());
    Ok(orders.into_iter().map(|order| order.data.order_id).collect())
}

#[test]
fn a_batch_is_one_argument() {
    let orders = ["a", "b"].map(|id| OrderPaid { order_id: id.to_owned() });
    let end = Harness::new().run_batch::<batched>(orders);
    assert_eq!(end.output::<Vec<String>>(), ["a", "b"]);
    let end = Harness::new().run::<batched>(OrderPaid { order_id: "c".to_owned() });
    assert_eq!(end.output::<Vec<String>>(), ["c"]);
}

system_bus_sdk::component![
    waits,
    asks_itself,
    signals,
    charge,
    invokes,
    fetches,
    infers,
    fails,
    refund,
    batched
];
