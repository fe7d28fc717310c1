//! Functions as users write them, run to their end.

use std::cell::Cell;

use futures::future::{Either, join_all};
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::Harness;

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
#[event("shop/order.paid")]
struct OrderPaid {
    order_id: String,
    parts: Vec<u32>,
}

#[derive(Event, Serialize, Deserialize, Debug, Clone)]
#[event("shop/order.shipped")]
struct OrderShipped {
    order_id: String,
}

fn order() -> OrderPaid {
    OrderPaid { order_id: "o7".to_owned(), parts: vec![3, 1, 2] }
}

#[function(id = "fulfil-order", name = "Fulfil an order", on(OrderPaid), retries = 2)]
async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<Vec<u32>> {
    let (a, b) =
        futures::try_join!(ctx.step("a", async |_io| Ok(10)), ctx.step("b", async |_io| Ok(20)),)?;
    ctx.sleep("cool-off", Duration::from_hours(1)).await?;
    let parts =
        order.parts.iter().map(|part| ctx.step("part", async move |_io| Ok(part * 2)).key(part));
    let mut doubled = Vec::new();
    for part in join_all(parts).await {
        doubled.push(part?);
    }
    let id = ctx.send("announce", OrderShipped { order_id: order.order_id }).await?;
    assert_eq!(id, "event-1");
    ctx.sleep_until("later", ctx.now() + Duration::from_hours(2)).await?;
    doubled.extend([a, b]);
    Ok(doubled)
}

#[test]
fn a_whole_run() {
    let end = Harness::new().run::<fulfil>(order());
    assert_eq!(end.output::<Vec<u32>>(), [6, 2, 4, 10, 20]);
    let steps = ["a", "b", "cool-off", "part[3]", "part[1]", "part[2]", "announce", "later"];
    assert_eq!(end.steps, steps);
    assert_eq!(end.events[0].data["order_id"], "o7");
    assert_eq!(end.took, Duration::from_hours(2));
}

#[test]
fn stubs_stand_in_for_bodies() {
    let end = Harness::new()
        .stub("part", |id| Ok(u32::try_from(id.len()).expect("it is short")))
        .stub("part[1]", |_| Ok(0))
        .run::<fulfil>(order());
    assert_eq!(end.output::<Vec<u32>>(), [7, 0, 7, 10, 20]);
}

#[test]
fn failed_steps_are_repeated_while_attempts_remain() {
    let world = || Harness::new().stub("b", |_| Ok(1));
    let end = world().fail("b", 2, Error::retry_after("slow", Duration::from_secs(5)));
    let end = end.run::<fulfil>(order());
    assert_eq!(end.attempts("b"), 3);
    assert_eq!(end.took, Duration::from_hours(2));

    let end = world().fail("b", 3, Error::retry("busy").named("Busy")).run::<fulfil>(order());
    assert_eq!((end.error().name(), end.attempts("b")), ("Busy", 3));

    let end = world().fail("b", 1, Error::stop("no")).run::<fulfil>(order());
    assert_eq!((end.error().message(), end.attempts("b")), ("no", 1));
}

#[function(id = "race", on(OrderPaid))]
async fn race(ctx: Ctx, _order: OrderPaid) -> Result<String> {
    let slow = ctx.sleep("patience", Duration::from_mins(1));
    let winner = match ctx.race(ctx.step("ask", async |_io| Ok(7)), slow).await {
        Either::Left(answer) => format!("asked {}", answer?),
        Either::Right(_) => "too late".to_owned(),
    };
    ctx.step("after", async |_io| Ok(winner)).await
}

#[test]
fn a_race_has_one_winner_in_every_call() {
    let end = Harness::new().run::<race>(order());
    assert_eq!(end.output::<String>(), "asked 7");
    assert_eq!(end.steps, ["ask", "after"]);
}

#[function(id = "select", on(OrderPaid))]
async fn select(ctx: Ctx, _order: OrderPaid) -> Result<String> {
    let mut slow = ctx.sleep("slow", Duration::from_mins(2));
    let mut fast = ctx.sleep("fast", Duration::from_mins(1));
    let mut order = String::new();
    loop {
        futures::select! {
            end = slow => end.map(|()| order.push_str("slow"))?,
            end = fast => end.map(|()| order.push_str("fast,"))?,
            complete => return Ok(order),
        }
    }
}

#[test]
fn selected_steps_end_in_the_order_of_the_server() {
    let end = Harness::new().run::<select>(order());
    assert_eq!(end.output::<String>(), "fast,slow");
    assert_eq!(end.took, Duration::from_mins(2));
}

#[derive(Input)]
enum Why {
    Paid(OrderPaid),
    Timer(Cron),
}

#[function(id = "several", on(OrderPaid), cron("TZ=Europe/Berlin 0 9 * * 1-5"))]
async fn several(ctx: Ctx, why: Why) -> Result<String> {
    let all: Vec<Incoming<Value>> = ctx.events()?;
    Ok(match why {
        Why::Paid(order) => order.order_id,
        Why::Timer(timer) => format!("{} {}", timer.cron, all[0].name),
    })
}

#[test]
fn an_enum_takes_whatever_triggers() {
    let end = Harness::new().run::<several>(order());
    assert_eq!(end.output::<String>(), "o7");
    let end = Harness::new().run::<several>(Cron { cron: "0 9 * * *".to_owned() });
    assert_eq!(end.output::<String>(), "0 9 * * * inngest/scheduled.timer");
    let end = Harness::new().run::<several>(Outgoing::named("a/b.c", &()));
    assert_eq!(end.error().name(), "UnexpectedEvent");
    let end = Harness::new().run::<several>(Outgoing::named("shop/order.paid", &1));
    assert_eq!(end.error().name(), "EventDecodeError");
}

#[function(id = "caller", on("shop/order.paid"))]
async fn caller(ctx: Ctx, event: Incoming<Value>) -> Result<u16> {
    let url = format!("https://{}.example/", event.name.len());
    ctx.step("call", async |io| {
        log::info!("calling {url}");
        let request = io.http().post(&url).header("x-key", io.idempotency_key());
        Ok(request.json(&event.data).send().await?.ok()?.status)
    })
    .await
}

#[function(id = "redirected", on("shop/order.paid"))]
async fn redirected(ctx: Ctx, event: Incoming<OrderPaid>) -> Result<String> {
    let most = event.data.parts[0];
    ctx.step("call", async |io| {
        let request = io.http().post("https://a.example/0").header("authorization", "Bearer word");
        let request = request.body("body").redirects(most).timeout(Duration::from_hours(1));
        let answer = request.send().await?;
        Ok(format!("{} {} {}", answer.status, answer.url(), answer.text()?))
    })
    .await
}

#[test]
fn redirects_are_followed_hop_by_hop_and_not_for_ever() {
    let redirected = |most: u32| {
        let harness = Harness::new().http(|request| {
            let body = String::from_utf8_lossy(request.body_bytes());
            let said = format!("{} {body} {}", request.method(), request.headers().len());
            let (status, to) = match request.url() {
                "https://a.example/0" => (307, "1"),
                "https://a.example/1" => (302, "https://b.example/2"),
                "https://b.example/2" => (301, "//a.example:443/3"),
                _ => return Ok(Response::new(200).with_body(said)),
            };
            Ok(Response::new(status).with_header("location", to).with_body(said))
        });
        harness.run::<redirected>(OrderPaid { parts: vec![most], ..order() })
    };
    // The last hop is back where it began, and the word has stayed out.
    let end = redirected(3);
    assert_eq!(end.output::<String>(), "200 https://a.example:443/3 GET  0");
    let end = redirected(0);
    assert_eq!(end.output::<String>(), "307 https://a.example/0 POST body 1");
    let end = redirected(2);
    assert!(end.error().message().contains("https://b.example/2 redirects once too often"));
    assert_eq!(end.attempts("call"), 1, "another attempt would be redirected as often");
}

#[test]
fn requests_are_answered_by_the_test() {
    let end = Harness::new()
        .http(|request| {
            assert_eq!(request.url(), "https://15.example/");
            assert_eq!(request.headers()[0], ("x-key".to_owned(), "run-1:call".to_owned()));
            assert_eq!(request.body_json::<OrderPaid>()?.order_id, "o7");
            Ok(Response::new(201))
        })
        .run::<caller>(order());
    assert_eq!(end.output::<u16>(), 201);
    assert_eq!(end.lines[0].message, "calling https://15.example/");

    let end = Harness::new().http(|_| Ok(Response::new(404))).run::<caller>(order());
    assert_eq!(end.error().name(), "HttpError");
    assert_eq!(end.attempts("call"), 1);
    let end = Harness::new().http(|_| Ok(Response::new(503))).run::<caller>(order());
    assert_eq!(end.attempts("call"), 5);
    let end = Harness::new().run::<caller>(order());
    assert!(end.error().message().contains("this test answers no requests"));
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

#[function(id = "moody", on("shop/order.paid"))]
async fn moody(ctx: Ctx, _event: Value) -> Result<u32> {
    if CALLS.replace(CALLS.get() + 1) < 2 {
        ctx.step("first", async |_io| Ok(1)).await?;
    }
    ctx.step("second", async |_io| Ok(2)).await
}

#[test]
#[should_panic(expected = "step `first` ended in an earlier call and was not reached in this one")]
fn a_function_that_changes_its_way_fails_the_test() {
    let _ = Harness::new().run::<moody>(order());
}

#[function(id = "failing", on("shop/order.paid"), retries = 3)]
async fn failing(ctx: Ctx, _event: ()) -> Result<u32> {
    if ctx.attempt() < 2 {
        return Err(Error::retry("not yet"));
    }
    "x".parse::<u32>().stop()
}

#[test]
fn a_failed_function_is_repeated_unless_it_says_stop() {
    let end = Harness::new().run::<failing>(order());
    assert_eq!((end.error().name(), end.calls), ("ParseIntError", 3));
}

system_bus_sdk::component![fulfil, race, select, several, caller, moody, failing];
