//! One function for each kind of step and for each option, for tests against a server that count how often a body
//! runs. Each is asked for by `testing/<function>.requested`, and takes [`Given`].
#![cfg(target_family = "wasm")]
#![no_main]

use futures::future::Either;
use futures::join;
use system_bus_sdk::prelude::*;
use testing_guests::Asked;

const HOUR: Duration = Duration::from_hours(1);

/// The event data of these functions.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Given {
    /// Where bodies report, and for how long they and short waits last.
    #[serde(flatten)]
    asked: Asked,
    /// What tells runs apart.
    #[serde(default)]
    key: String,
    /// Where a `fetch` or a question to a model goes.
    #[serde(default)]
    url: String,
}

impl Given {
    /// The time of short waits.
    fn wait(&self) -> Duration {
        Duration::from_millis(self.asked.wait.max(1))
    }
}

/// A function with this one step shows by its count how often it ran.
async fn body(ctx: &Ctx, given: &Given) -> Result<()> {
    ctx.step("body", async |io| given.asked.ran(&io, "body").await).await
}

// === Waiting for events ===

#[derive(Event, Debug, Clone, Serialize, Deserialize)]
#[event("testing/answer.given")]
struct Answer {
    key: String,
    #[serde(default)]
    value: Value,
}

/// Waits an hour for any answer, and returns it.
#[function(id = "wait-hit", on("testing/wait-hit.requested"), retries = 4)]
async fn wait_hit(ctx: Ctx, event: Incoming<Given>) -> Result<Option<Value>> {
    let answer = ctx.wait_for::<Answer>("answer").timeout(HOUR).await?;
    body(&ctx, &event.data).await?;
    Ok(answer.map(|answer| answer.data.value))
}

/// Waits for an answer that never comes, for as long as the event says.
#[function(id = "wait-timeout", on("testing/wait-timeout.requested"), retries = 4)]
async fn wait_timeout(ctx: Ctx, event: Incoming<Given>) -> Result<Option<Value>> {
    let answer = ctx
        .wait_for::<Answer>("answer")
        .where_eq("data.key", "never")
        .timeout(event.data.wait())
        .await?;
    body(&ctx, &event.data).await?;
    Ok(answer.map(|answer| answer.data.value))
}

/// Waits for the answer with the key of the event, found once by its value and once by the name of the field.
#[function(id = "wait-matched", on("testing/wait-matched.requested"), retries = 4)]
async fn wait_matched(ctx: Ctx, event: Incoming<Given>) -> Result<(Option<Value>, Option<Value>)> {
    let (by_value, by_field) = join!(
        ctx.wait_for::<Answer>("by-value")
            .where_eq(Answer::FIELDS.key, &event.data.key)
            .timeout(HOUR),
        ctx.wait_for::<Answer>("by-field").same(Answer::FIELDS.key).timeout(HOUR),
    );
    Ok((by_value?.map(|answer| answer.data.value), by_field?.map(|answer| answer.data.value)))
}

// === Invoking ===

/// What others invoke; ends with its key.
#[function(id = "answers", on("testing/answers.requested"), retries = 4)]
async fn answers(ctx: Ctx, event: Incoming<Given>) -> Result<String> {
    body(&ctx, &event.data).await?;
    Ok(event.data.key)
}

/// What others invoke in vain.
#[function(id = "refuses", on("testing/refuses.requested"), retries = 1)]
async fn refuses(_ctx: Ctx, _event: Incoming<Given>) -> Result<()> {
    Err(Error::stop("not today").named("Refused"))
}

/// What others do not wait for.
#[function(id = "dawdles", on("testing/dawdles.requested"), retries = 1)]
async fn dawdles(ctx: Ctx, _event: Incoming<Given>) -> Result<()> {
    ctx.sleep("long", HOUR).await
}

/// Invokes a function and returns what it returned.
#[function(id = "invokes", on("testing/invokes.requested"), retries = 4)]
async fn invokes(ctx: Ctx, event: Incoming<Given>) -> Result<String> {
    let answer = ctx.invoke::<answers>("invoke", event.data.clone()).timeout(HOUR).await?;
    ctx.step("after", async |io| event.data.asked.ran(&io, "after").await).await?;
    Ok(answer)
}

/// Invokes a function that fails, and goes on.
#[function(id = "invokes-failing", on("testing/invokes-failing.requested"), retries = 4)]
async fn invokes_failing(ctx: Ctx, event: Incoming<Given>) -> Result<String> {
    let refused: Result<()> = ctx.invoke_by_id("invoke", "refuses", &event.data).await;
    body(&ctx, &event.data).await?;
    Ok(refused
        .map_or_else(|error| format!("{}: {}", error.name(), error.message()), |()| "?".to_owned()))
}

/// Invokes a function that takes longer than this one waits.
#[function(id = "invokes-timeout", on("testing/invokes-timeout.requested"), retries = 4)]
async fn invokes_timeout(ctx: Ctx, event: Incoming<Given>) -> Result<bool> {
    let late = ctx.invoke::<dawdles>("invoke", event.data.clone()).timeout(event.data.wait()).await;
    Ok(late.is_err_and(|error| error.name() == Error::INVOKE_TIMEOUT))
}

// === Signals ===

/// Waits an hour for the signal `testing/<key>`.
#[function(id = "signal-waits", on("testing/signal-waits.requested"), retries = 4)]
async fn signal_waits(ctx: Ctx, event: Incoming<Given>) -> Result<Option<Value>> {
    let name = format!("testing/{}", event.data.key);
    ctx.wait_for_signal("signal", name).timeout(HOUR).replace().await
}

/// Waits for a signal that never comes.
#[function(id = "signal-timeout", on("testing/signal-timeout.requested"), retries = 4)]
async fn signal_timeout(ctx: Ctx, event: Incoming<Given>) -> Result<Option<Value>> {
    ctx.wait_for_signal("signal", "testing/never").timeout(event.data.wait()).await
}

/// Sends the signal `testing/<key>`; says whether somebody waited for it.
#[function(id = "signal-sends", on("testing/signal-sends.requested"), retries = 4)]
async fn signal_sends(ctx: Ctx, event: Incoming<Given>) -> Result<bool> {
    let name = format!("testing/{}", event.data.key);
    let run = ctx.send_signal("send", name, &serde_json::json!({"from": ctx.run_id()})).await?;
    Ok(run.is_some())
}

// === Requests of the server ===

/// Lets the server post to the URL of the event; returns status and text, or the name of the failure.
#[function(id = "fetches", on("testing/fetches.requested"), retries = 1)]
async fn fetches(ctx: Ctx, event: Incoming<Given>) -> Result<String> {
    let fetch = ctx.fetch("fetch", &event.data.url).post().header("x-testing", "yes").body("ping");
    Ok(match fetch.await {
        Ok(answer) => format!("{} {}", answer.status, answer.text()?),
        Err(error) => error.name().to_owned(),
    })
}

/// Lets the server ask a model at the URL of the event; returns its answer, or the failure with the provider's words.
#[function(id = "infers", on("testing/infers.requested"), retries = 1)]
async fn infers(ctx: Ctx, event: Incoming<Given>) -> Result<Value> {
    let body =
        serde_json::json!({"model": "test", "messages": [{"role": "user", "content": "ping"}]});
    let question = Inference::openai(&body).url(&event.data.url).auth_key("testing");
    match ctx.infer::<Value>("infer", question).await {
        Ok(answer) => Ok(answer),
        Err(error) => Ok(serde_json::json!({"error": error.name(), "data": error.data()})),
    }
}

// === Racing ===

/// A step against an hour of sleep.
#[function(id = "race-sleep", on("testing/race-sleep.requested"), retries = 4)]
async fn race_sleep(ctx: Ctx, event: Incoming<Given>) -> Result<&'static str> {
    let work = ctx.step("work", async |io| event.data.asked.ran(&io, "work").await);
    Ok(match ctx.race(work, ctx.sleep("patience", HOUR)).await {
        Either::Left(worked) => worked.map(|()| "worked")?,
        Either::Right(_) => "slept",
    })
}

/// A step against an hour of waiting for an answer.
#[function(id = "race-event", on("testing/race-event.requested"), retries = 4)]
async fn race_event(ctx: Ctx, event: Incoming<Given>) -> Result<&'static str> {
    let work = ctx.step("work", async |io| event.data.asked.ran(&io, "work").await);
    let answer = ctx.wait_for::<Answer>("answer").same(Answer::FIELDS.key).timeout(HOUR);
    Ok(match ctx.race(work, answer).await {
        Either::Left(worked) => worked.map(|()| "worked")?,
        Either::Right(_) => "answered",
    })
}

/// An answer against an hour of sleep: the wait wins when the answer comes.
#[function(id = "race-answer", on("testing/race-answer.requested"), retries = 4)]
async fn race_answer(ctx: Ctx, _event: Incoming<Given>) -> Result<Option<Value>> {
    let answer = ctx.wait_for::<Answer>("answer").same(Answer::FIELDS.key).timeout(HOUR);
    Ok(match ctx.race(ctx.sleep("patience", HOUR), answer).await {
        Either::Left(_) => None,
        Either::Right(answer) => answer?.map(|answer| answer.data.value),
    })
}

/// A step, and only then a step against an hour of waiting: what the run is recorded as has to change on the way.
#[function(id = "race-late", on("testing/race-late.requested"), retries = 4)]
async fn race_late(ctx: Ctx, event: Incoming<Given>) -> Result<&'static str> {
    let asked = &event.data.asked;
    ctx.step("before", async |io| asked.ran(&io, "before").await).await?;
    let work = ctx.step("work", async |io| asked.ran(&io, "work").await);
    let answer = ctx.wait_for::<Answer>("answer").same(Answer::FIELDS.key).timeout(HOUR);
    let won = match ctx.race(work, answer).await {
        Either::Left(worked) => worked.map(|()| "worked")?,
        Either::Right(_) => "answered",
    };
    ctx.step("after", async |io| asked.ran(&io, "after").await).await?;
    Ok(won)
}

/// Two further steps, one after the other, while the loser of a race is pending.
#[function(id = "race-then", on("testing/race-then.requested"), retries = 4)]
async fn race_then(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    let asked = &event.data.asked;
    let work = ctx.step("work", async |io| asked.ran(&io, "work").await.map(|()| 1));
    let first = match ctx.race(work, ctx.sleep("patience", HOUR)).await {
        Either::Left(worked) => worked?,
        Either::Right(_) => 100,
    };
    let second = ctx.step("second", async |io| asked.ran(&io, "second").await.map(|()| 10)).await?;
    let third = ctx.step("third", async |io| asked.ran(&io, "third").await.map(|()| 20)).await?;
    Ok(first + second + third)
}

/// The same against a sleep that ends while the further steps run.
#[function(id = "race-overtaken", on("testing/race-overtaken.requested"), retries = 4)]
async fn race_overtaken(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    let asked = &event.data.asked;
    let work = ctx.step("work", async |io| asked.ran(&io, "work").await.map(|()| 1));
    let first = match ctx.race(work, ctx.sleep("patience", event.data.wait())).await {
        Either::Left(worked) => worked?,
        Either::Right(_) => 100,
    };
    let second = ctx.step("second", async |io| asked.ran(&io, "second").await.map(|()| 10)).await?;
    let third = ctx.step("third", async |io| asked.ran(&io, "third").await.map(|()| 20)).await?;
    Ok(first + second + third)
}

/// Joins in joins, each branch a chain of two steps.
#[function(id = "nested", on("testing/nested.requested"), retries = 4)]
async fn nested(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    let asked = &event.data.asked;
    let chain = async |branch: &'static str| {
        let first = ctx
            .step("first", async |io| asked.ran(&io, "first").await.map(|()| 1))
            .key(branch)
            .await?;
        ctx.step("second", async |io| asked.ran(&io, "second").await.map(|()| first + 1))
            .key(branch)
            .await
    };
    let (a, (b, c)) = join!(chain("a"), async { join!(chain("b"), chain("c")) });
    let sum: u32 = a? + b? + c?;
    Ok(sum)
}

/// As many rounds as the event names failures, each a step with a key.
#[function(id = "loops", on("testing/loops.requested"), retries = 4)]
async fn loops(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    let asked = &event.data.asked;
    let mut sum = 0;
    for round in 0..asked.failures {
        sum += ctx
            .step("round", async |io| asked.ran(&io, "round").await.map(|()| round))
            .key(round)
            .await?;
    }
    Ok(sum)
}

// === Failing and being cancelled ===

/// Fails for good in a step.
#[function(id = "doomed", on("testing/doomed.requested"), retries = 1)]
async fn doomed(ctx: Ctx, _event: Incoming<Given>) -> Result<()> {
    ctx.step("doom", async |_io| Err(Error::stop("no use").named("Doomed"))).await
}

/// Tells that it failed.
#[on_failure(of = doomed, retries = 3)]
async fn doomed_failure(ctx: Ctx, failed: Failed<Given>) -> Result<String> {
    let given = failed.event()?.data;
    ctx.step("mourn", async |io| given.asked.ran(&io, "mourn").await).await?;
    Ok(format!("{}: {}", failed.error.name(), failed.error.message()))
}

#[derive(Event, Debug, Serialize, Deserialize)]
#[event("testing/cancelled.requested")]
struct CancelledRequested {
    key: String,
    count: Option<String>,
}

#[derive(Event, Debug, Serialize, Deserialize)]
#[event("testing/cancel.wanted")]
struct CancelWanted {
    key: String,
}

/// Sleeps an hour, unless an event with the same key cancels it.
#[function(id = "cancelled", on(CancelledRequested), retries = 4, cancel_on(CancelWanted, same = key))]
async fn cancelled(ctx: Ctx, event: CancelledRequested) -> Result<()> {
    let asked = Asked { count: event.count, ..Asked::default() };
    ctx.step("before", async |io| asked.ran(&io, "before").await).await?;
    ctx.sleep("long", HOUR).await?;
    ctx.step("survived", async |io| asked.ran(&io, "survived").await).await
}

/// Sleeps an hour and is cancelled after a second.
#[function(
    id = "times-out",
    on("testing/times-out.requested"),
    retries = 4,
    timeouts(start = "1m", finish = "1s")
)]
async fn times_out(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await?;
    ctx.sleep("long", HOUR).await
}

// === Which events start a run, and when ===

/// Three events or ten seconds make a run; returns their keys.
#[function(
    id = "batched",
    on("testing/batched.requested"),
    retries = 4,
    batch(max_size = 3, timeout = "10s")
)]
async fn batched(ctx: Ctx, events: Vec<Incoming<Given>>) -> Result<Vec<String>> {
    body(&ctx, &events[0].data).await?;
    Ok(events.into_iter().map(|event| event.data.key).collect())
}

/// One run a key.
#[function(
    id = "idempotent",
    on("testing/idempotent.requested"),
    retries = 4,
    idempotency = "event.data.key"
)]
async fn idempotent(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await
}

/// One body at a time of each key.
#[function(
    id = "concurrent",
    on("testing/concurrent.requested"),
    retries = 4,
    concurrency(limit = 1, key = "event.data.key"),
    concurrency(limit = 2, key = "'testing'", scope = "env")
)]
async fn concurrent(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await
}

/// One run in two seconds of each key; others wait.
#[function(
    id = "throttled",
    on("testing/throttled.requested"),
    retries = 4,
    throttle(limit = 1, period = "2s", key = "event.data.key")
)]
async fn throttled(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await
}

/// Two runs in an hour of each key; further events start nothing.
#[function(
    id = "rate-limited",
    on("testing/rate-limited.requested"),
    retries = 4,
    rate_limit(limit = 2, period = "1h", key = "event.data.key")
)]
async fn rate_limited(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await
}

/// The last event of a second, for each key; ends with its `failures`.
#[function(
    id = "debounced",
    on("testing/debounced.requested"),
    retries = 4,
    debounce(period = "1s", timeout = "10s", key = "event.data.key")
)]
async fn debounced(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    body(&ctx, &event.data).await?;
    Ok(event.data.asked.failures)
}

/// Runs with `failures` go first, by so many seconds; one body at a time.
#[function(
    id = "prioritised",
    on("testing/prioritised.requested"),
    retries = 4,
    concurrency(limit = 1),
    priority = "event.data.failures > 0 ? 120 : 0"
)]
async fn prioritised(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await
}

/// One run at a time of each key; a second one does not begin.
#[function(
    id = "single-skip",
    on("testing/single-skip.requested"),
    retries = 4,
    singleton(mode = "skip", key = "event.data.key")
)]
async fn single_skip(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await?;
    ctx.sleep("long", event.data.wait()).await
}

/// One run at a time of each key; a second one cancels the first.
#[function(
    id = "single-cancel",
    on("testing/single-cancel.requested"),
    retries = 4,
    singleton(mode = "cancel", key = "event.data.key")
)]
async fn single_cancel(ctx: Ctx, event: Incoming<Given>) -> Result<()> {
    body(&ctx, &event.data).await?;
    ctx.sleep("long", event.data.wait()).await
}

/// Five steps, each a call of its own.
#[function(
    id = "stored-never",
    on("testing/stored-never.requested"),
    retries = 4,
    checkpoint = "off"
)]
async fn stored_never(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    rounds(&ctx, &event.data).await
}

/// Five steps, stored after each.
#[function(
    id = "stored-each",
    on("testing/stored-each.requested"),
    retries = 4,
    checkpoint = "every-step"
)]
async fn stored_each(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    rounds(&ctx, &event.data).await
}

/// Five steps, stored in twos.
#[function(
    id = "stored-in-twos",
    on("testing/stored-in-twos.requested"),
    retries = 4,
    checkpoint(steps = 2, interval = "10s", max_runtime = "30s")
)]
async fn stored_in_twos(ctx: Ctx, event: Incoming<Given>) -> Result<u32> {
    rounds(&ctx, &event.data).await
}

async fn rounds(ctx: &Ctx, given: &Given) -> Result<u32> {
    let mut sum = 0;
    for round in 1..=5 {
        sum += ctx
            .step("round", async |io| given.asked.ran(&io, "round").await.map(|()| round))
            .key(round)
            .await?;
    }
    Ok(sum)
}

/// Only where a condition holds, and once a year.
#[function(
    id = "picky",
    on("testing/picky.requested", if = "event.data.key == 'wanted'"),
    cron("TZ=Europe/Berlin 0 0 1 1 *", jitter = "30s"),
    retries = 4
)]
async fn picky(ctx: Ctx, event: Incoming<Value>) -> Result<()> {
    let given = serde_json::from_value(event.data).unwrap_or_default();
    body(&ctx, &given).await
}

system_bus_sdk::component![
    wait_hit,
    wait_timeout,
    wait_matched,
    answers,
    refuses,
    dawdles,
    invokes,
    invokes_failing,
    invokes_timeout,
    signal_waits,
    signal_timeout,
    signal_sends,
    fetches,
    infers,
    race_sleep,
    race_event,
    race_answer,
    race_late,
    race_then,
    race_overtaken,
    nested,
    loops,
    doomed,
    doomed_failure,
    cancelled,
    times_out,
    batched,
    idempotent,
    concurrent,
    throttled,
    rate_limited,
    debounced,
    prioritised,
    single_skip,
    single_cancel,
    stored_never,
    stored_each,
    stored_in_twos,
    picky
];
