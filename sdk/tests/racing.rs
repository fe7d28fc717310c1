//! Steps side by side: who wins, and what that costs in time.

use futures::StreamExt;
use futures::future::Either;
use futures::stream::FuturesUnordered;
use system_bus_sdk::prelude::*;
use system_bus_sdk::testing::Harness;

const MINUTE: Duration = Duration::from_mins(1);
const DAY: Duration = Duration::from_hours(24);

fn go() -> Outgoing {
    Outgoing::named("test/go.asked", &serde_json::json!({}))
}

#[function(id = "race", on("test/go.asked"))]
async fn race(ctx: Ctx, _event: ()) -> Result<String> {
    let ask = ctx.step("ask", async |_io| Ok(7));
    let winner = match ctx.race(ask, ctx.sleep("patience", DAY)).await {
        Either::Left(answer) => format!("asked {}", answer?),
        Either::Right(_) => "too late".to_owned(),
    };
    // While the loser is pending on the server.
    ctx.sleep("breathe", MINUTE).await?;
    ctx.step("after", async |_io| Ok(winner)).await
}

#[test]
fn a_race_lasts_as_long_as_its_winner() {
    let end = Harness::new().takes("ask", MINUTE).run::<race>(go());
    assert_eq!(end.output::<String>(), "asked 7");
    assert_eq!(
        (end.took, &end.steps[..]),
        (MINUTE * 2, &["ask", "breathe", "after"].map(str::to_owned)[..])
    );
    // The loser ends while the function sleeps, and changes nothing.
    let end = Harness::new().takes("ask", DAY + MINUTE / 2).run::<race>(go());
    assert_eq!(end.output::<String>(), "too late");
    assert_eq!(end.steps, ["patience", "ask", "breathe", "after"]);
    assert_eq!(end.took, DAY + MINUTE);
}

#[function(id = "waits", on("test/go.asked"))]
async fn waits(ctx: Ctx, _event: ()) -> Result<&'static str> {
    let came = ctx.wait_for_event::<Value>("came", "test/it.came").timeout(DAY);
    Ok(match ctx.race(ctx.step("work", async |_io| Ok(())), came).await {
        Either::Left(_) => "worked",
        Either::Right(_) => "came",
    })
}

#[test]
fn a_step_races_with_an_event() {
    let end = Harness::new().run::<waits>(go());
    assert_eq!((end.output::<String>().as_str(), end.took), ("worked", Duration::ZERO));
    let event = Outgoing::named("test/it.came", &serde_json::json!({}));
    let end = Harness::new().takes("work", DAY).event_after(MINUTE, event).run::<waits>(go());
    assert_eq!((end.output::<String>().as_str(), end.took), ("came", MINUTE));
}

#[function(id = "many", on("test/go.asked"))]
async fn many(ctx: Ctx, _event: ()) -> Result<(usize, u32)> {
    let all = [5_u32, 1, 3].map(|n| ctx.step("n", async move |_io| Ok(n)).key(n));
    let (place, end) = ctx.race_all(all).await.expect("there are three");
    Ok((place, end?))
}

#[test]
fn one_of_many_wins() {
    let end = Harness::new()
        .takes("n[5]", MINUTE * 2)
        .takes("n[1]", MINUTE * 3)
        .takes("n[3]", MINUTE)
        .run::<many>(go());
    assert_eq!((end.output::<(usize, u32)>(), end.took), ((2, 3), MINUTE));
}

#[function(id = "barrier", on("test/go.asked"))]
async fn barrier(ctx: Ctx, _event: ()) -> Result<Vec<u32>> {
    let mut steps: FuturesUnordered<_> =
        (0..3).map(|n| ctx.step("n", async move |_io| Ok(n)).key(n)).collect();
    let mut order = Vec::new();
    while let Some(n) = steps.next().await {
        order.push(n?);
    }
    Ok(order)
}

#[test]
fn without_a_race_all_end_first_and_are_seen_in_their_order() {
    let end = Harness::new().takes("n[0]", MINUTE * 2).takes("n[1]", MINUTE).run::<barrier>(go());
    assert_eq!((end.output::<Vec<u32>>(), end.took), (vec![2, 1, 0], MINUTE * 2));
    // One call to plan, one for each body, one to the end.
    assert_eq!(end.calls, 5);
}

#[function(id = "nested", on("test/go.asked"))]
async fn nested(ctx: Ctx, _event: ()) -> Result<String> {
    let chain = async |name: &'static str| {
        let first: String =
            ctx.step("first", async move |_io| Ok(format!("{name}1"))).key(name).await?;
        let second: String =
            ctx.step("second", async move |_io| Ok(format!("{first}{name}2"))).key(name).await?;
        // Found only when its call replays the two before it.
        ctx.step("third", async move |_io| Ok(second + "!")).key(name).await
    };
    let (a, (b, c)) = futures::join!(chain("a"), async {
        futures::join!(chain("b"), ctx.step("c", async |_io| Ok("c".to_owned())))
    });
    Ok(format!("{}{}{}", a?, b?, c?))
}

#[test]
fn chains_in_nested_joins() {
    let end = Harness::new().run::<nested>(go());
    assert_eq!(end.output::<String>(), "a1a2!b1b2!c");
    assert_eq!(end.steps.len(), 7);
    for step in ["first[a]", "second[b]", "third[a]", "third[b]", "c"] {
        assert_eq!(end.attempts(step), 1, "{step}");
    }
}

#[function(id = "late", on("test/go.asked"))]
async fn late(ctx: Ctx, _event: ()) -> Result<u32> {
    let mut sum = 0;
    for round in 0..3 {
        let found: u32 = ctx.step("look", async move |_io| Ok(round)).key(round).await?;
        // A step that only a replay finds.
        if found == 1 {
            sum += ctx.step("extra", async |_io| Ok(10)).key(round).await?;
        }
        sum += found;
    }
    Ok(sum)
}

#[test]
fn steps_in_loops_have_keys() {
    let end = Harness::new().run::<late>(go());
    assert_eq!(end.output::<u32>(), 13);
    assert_eq!(end.steps, ["look[0]", "look[1]", "extra[1]", "look[2]"]);
}

#[function(id = "selects", on("test/go.asked"))]
async fn selects(ctx: Ctx, _event: ()) -> Result<&'static str> {
    ctx.enter_race();
    let mut slow = ctx.sleep("slow", DAY);
    let mut fast = ctx.sleep("fast", MINUTE);
    Ok(futures::select! {
        _ = slow => "slow",
        _ = fast => "fast",
    })
}

#[test]
fn a_select_is_a_race_once_it_says_so() {
    let end = Harness::new().run::<selects>(go());
    assert_eq!((end.output::<String>().as_str(), end.took), ("fast", MINUTE));
}

system_bus_sdk::component![race, waits, many, barrier, nested, late, selects];
