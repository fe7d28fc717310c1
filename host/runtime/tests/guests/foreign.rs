//! The guests that are not written in Rust. Both have the same functions, so one table holds for both.
//!
//! They need toolchains that a machine may not have, so cargo leaves these tests out unless it is asked for them:
//! `.ci/test` builds the guests where it can, and asks.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use protocol::directory::Directory;
use protocol::id::{FunctionId, RunId};
use protocol::op::{ErrorObject, Op, Retry};
use protocol::replay::{Rigour, Sending};
use runtime::{Backstage, Component, Limits, Runtime, Stored};
use serde_json::value::RawValue;
use serde_json::{Value, json};
use tokio::sync::OnceCell;
use tokio::task::JoinSet;

use crate::call::{Made, RUN, data, load, words};
use crate::replay::{Lines, Slow};
use crate::stage::Stage;

/// More than the pool had room for when it counted on components of a few core modules.
const CROWD: usize = 60;

const LANGUAGES: [&str; 2] = ["javascript", "python"];

/// Compiled once for all tests: it takes seconds.
static COMPONENTS: OnceCell<Vec<Arc<Component>>> = OnceCell::const_new();

async fn components() -> &'static [Arc<Component>] {
    COMPONENTS
        .get_or_init(async || {
            let folder = std::env::var_os("SYSTEM_BUS_FOREIGN_GUESTS").map(PathBuf::from).expect(
                "SYSTEM_BUS_FOREIGN_GUESTS names no folder; run functions/testing/foreign/build.sh, and name target/foreign",
            );
            // Engines of languages take their time, the more so when many are on a busy machine.
            let limits = Limits { replay: Duration::from_mins(5), ..Limits::default() };
            let here = vec!["127.0.0.1:*".parse().expect("a destination")];
            let runtime = Runtime::new(limits, here).expect("an engine");
            let mut components = Vec::new();
            for language in LANGUAGES {
                let path = folder.join(language).with_extension("wasm");
                let component = load(&runtime, path.to_str().expect("text")).await;
                components.push(component.unwrap_or_else(|error| panic!("{error}")));
            }
            components
        })
        .await
}

/// What comes of a call of the same function in each language.
async fn told(function: &str, made: &Made<'_>) -> Vec<(&'static str, String)> {
    let mut all = Vec::new();
    for (language, component) in LANGUAGES.into_iter().zip(components().await) {
        all.push((language, made.told(component, &format!("{language}-{function}")).await));
    }
    all
}

/// That the same comes of a call in every language.
async fn assert_told(function: &str, made: Made<'_>, expected: &str) {
    for (language, said) in told(function, &made).await {
        assert_eq!(said, expected, "{language}");
    }
}

fn memo(error: (&str, &str)) -> Value {
    json!({"error": {"name": error.0, "message": error.1}})
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn each_declares_its_functions() {
    for (language, component) in LANGUAGES.into_iter().zip(components().await) {
        let ids: Vec<_> = component.functions().iter().map(|f| f.id.as_str()).collect();
        assert!(ids.contains(&format!("{language}-linear").as_str()), "{ids:?}");
        assert!(ids.iter().all(|id| id.starts_with(language)), "{ids:?}");
    }
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn every_kind_of_step_has_its_turn() {
    let event = json!({"name": "testing/paid", "id": "e2", "ts": 1, "data": {"order": 7}});
    let memos = [("one", data(1)), ("nap", json!(null)), ("paid", event), ("two", data(2))];
    for (done, expected) in [
        "ran one 1",
        "Sleep nap",
        "WaitForEvent paid",
        "ran two 2",
        r#"done {"one":1,"two":2,"paid":{"order":7}}"#,
    ]
    .into_iter()
    .enumerate()
    {
        let made = Made { data: json!({}), memos: &memos[..done], ..Made::default() };
        assert_told("linear", made, expected).await;
    }
    let memos = [("one", data(1)), ("nap", json!(null)), ("paid", json!(null)), ("two", data(2))];
    let made = Made { data: json!({}), memos: &memos, ..Made::default() };
    assert_told("linear", made, r#"done {"one":1,"two":2,"paid":null}"#).await;
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn siblings_are_planned_together_run_by_target_and_joined() {
    let planned = "StepPlanned a, StepPlanned b, StepPlanned c";
    assert_told("parallel", Made::default(), planned).await;
    let target = Made { target: Some("b"), planned_only: true, ..Made::default() };
    assert_told("parallel", target, "ran b 2").await;
    let memos = [("c", data(3)), ("a", data(1)), ("b", data(2))];
    assert_told("parallel", Made { memos: &memos, ..Made::default() }, "ran sum 6").await;

    assert_told("torn", Made::default(), "StepPlanned good, StepPlanned bad").await;
    let target = Made { target: Some("bad"), planned_only: true, ..Made::default() };
    assert_told("torn", target, "bad failed with NonRetriableError: no use (Never)").await;
    let memos = [("bad", memo(("Doomed", "no use"))), ("good", data(1))];
    assert_told("torn", Made { memos: &memos, ..Made::default() }, r#"done "Doomed: no use""#)
        .await;
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn an_instance_goes_on_when_the_result_of_its_step_is_stored() {
    for (language, component) in LANGUAGES.into_iter().zip(components().await) {
        // One of a group is missing, and then the step behind it: both run in one call.
        let memos = [("c", data(3)), ("a", data(1))];
        let stage = Stage::storing(&[Stored::Kept]);
        let made = Made { memos: &memos, ..Made::default() };
        let outcome = made.on(stage.clone(), component, &format!("{language}-parallel")).await;
        let outcome = outcome.unwrap_or_else(|failed| panic!("{failed}"));
        assert_eq!(words(&outcome), "done 6", "{language}");
        assert_eq!(stage.said(), ["store b", "store sum"], "{language}");
    }
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn errors_are_caught_and_say_what_shall_happen() {
    let doomed = "doomed failed with NonRetriableError: no use (Never)";
    // What stands in `finally` has not run: nothing of the guest runs after the end of an instance.
    assert_told("caught", Made::default(), doomed).await;
    let memos = [("doomed", memo(("Doomed", "no use"))), ("rescue", data(json!(null)))];
    for (done, expected) in [(1, "ran rescue null"), (2, r#"done "Doomed: no use""#)] {
        assert_told("caught", Made { memos: &memos[..done], ..Made::default() }, expected).await;
    }
    let made = Made { memos: &memos[..1], ..Made::default() };
    assert_told("uncaught", made, "failed with Doomed: no use (Never)").await;

    let made = |attempt| Made { data: json!({"failures": 1}), attempt, ..Made::default() };
    let again = "flaky failed with RetryAfterError: not yet (After(1s))";
    assert_told("retried", made(0), again).await;
    assert_told("retried", made(1), "ran flaky 1").await;
    assert_told("fails", Made::default(), "failed with TypeError: nothing works today (Again)")
        .await;
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn a_step_gets_the_arguments_an_operator_has_edited() {
    let asked = json!({"left": 1, "right": 2});
    let made = Made { data: asked.clone(), ..Made::default() };
    assert_told("edited", made, "ran add 3").await;
    let memos = [("add", json!({"input": [40, 2]}))];
    assert_told("edited", Made { data: asked, memos: &memos, ..Made::default() }, "ran add 42")
        .await;
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn time_and_chance_repeat_outside_of_steps() {
    let run: RunId = RUN.parse().expect("a ULID");
    for (language, said) in told("looks", &Made::default()).await {
        let inside =
            said.strip_prefix("ran inside ").unwrap_or_else(|| panic!("{language}: {said}"));
        let inside: Value = serde_json::from_str(inside).expect("JSON");
        if language == "javascript" {
            assert!(inside["millis"].as_u64() > Some(run.unix_millis()), "real inside: {inside}");
        }
        let memos = [("inside", data(inside.clone()))];
        let component = &components().await[usize::from(language == "python")];
        let looked = async || {
            let made = Made { memos: &memos, ..Made::default() };
            made.told(component, &format!("{language}-looks")).await
        };
        let (once, twice) = (looked().await, looked().await);
        assert_eq!(once, twice, "{language}: the same in every replay");
        let seen = once.strip_prefix("done ").unwrap_or_else(|| panic!("{language}: {once}"));
        let seen: Value = serde_json::from_str(seen).expect("JSON");
        for when in ["before", "after"] {
            assert_eq!(seen[when]["millis"], run.unix_millis(), "{language}: time stands still");
        }
        let random = [&seen["before"], &inside, &seen["after"]].map(|look| &look["random"]);
        assert!(random.iter().all(|number| number.is_f64()), "{language}: {random:?}");
        assert!(random[0] != random[1] && random[1] != random[2] && random[0] != random[2]);
    }
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn the_world_outside_of_steps_is_refused_and_nobody_can_hide_it() {
    let url = json!({"url": "http://127.0.0.1:1/"});
    for (language, said) in told("reaches-outside", &Made { data: url, ..Made::default() }).await {
        let expected = match language {
            "javascript" => "OutsideStep: ",
            _ => "Trap: ",
        };
        assert!(said.starts_with(expected), "{language}: {said}");
    }
    let javascript = &components().await[0];
    let said = Made::default().told(javascript, "javascript-waits-outside").await;
    assert!(said.starts_with("OutsideStep: "), "{said}");
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn a_step_inside_of_a_step_is_an_error_that_says_so() {
    for (language, said) in told("nested", &Made::default()).await {
        assert!(
            said.starts_with("outer failed with NonRetriableError: step inner begins"),
            "{language}: {said}"
        );
    }
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn javascript_asks_the_network_inside_of_steps() {
    let server = Slow::start().await;
    let made = Made { data: json!({"url": server.url()}), ..Made::default() };
    assert_eq!(made.told(&components().await[0], "javascript-asks").await, "ran ask 204");
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn javascript_logs_each_line_once() {
    let component = &components().await[0];
    let lines = Lines::default();
    let _guard = lines.listen();
    let memos = [("one", data(json!(null)))];
    for done in 0..=1 {
        Made { memos: &memos[..done], ..Made::default() }.told(component, "javascript-logs").await;
    }
    assert_eq!(lines.taken(), ["begin", "in one", "end"]);
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn python_without_wasi_says_that_it_has_no_clock_inside_of_steps() {
    let python = &components().await[1];
    let said = Made::default().told(python, "python-clock-inside").await;
    let expected = "inside failed with OSError: a clock exists outside of steps only";
    assert!(said.starts_with(expected), "{said}");
}

/// Lets nobody go on before all are there.
struct Meeting(tokio::sync::Barrier);

#[async_trait]
impl Backstage for Meeting {
    fn directory(&self) -> Arc<Directory> {
        Stage::default().directory()
    }

    async fn send(&self, sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        Stage::default().send(sending).await
    }

    fn stores(&self) -> bool {
        true
    }

    async fn store(&self, _step: Op) -> Stored {
        self.0.wait().await;
        Stored::Kept
    }
}

#[tokio::test]
#[ignore = "needs the guests of functions/testing/foreign, which `.ci/test` builds"]
async fn many_instances_live_side_by_side() {
    for (language, component) in LANGUAGES.into_iter().zip(components().await) {
        let meeting = Arc::new(Meeting(tokio::sync::Barrier::new(CROWD)));
        let function: FunctionId = format!("{language}-edited").parse().expect("an id");
        let made = Made { data: json!({"left": 1, "right": 2}), ..Made::default() };
        let mut calls = JoinSet::new();
        for _ in 0..CROWD {
            let (component, function, meeting) =
                (component.clone(), function.clone(), meeting.clone());
            let call = made.call();
            calls.spawn(async move {
                component.invoke(&function, call, meeting, Rigour::Lenient).await
            });
        }
        // One that finds no room fails at once, while the others wait for it.
        while let Some(call) = calls.join_next().await {
            let outcome = call.expect("no panic").unwrap_or_else(|failed| panic!("{failed}"));
            assert_eq!(words(&outcome), "done 3", "{language}");
        }
    }
}
