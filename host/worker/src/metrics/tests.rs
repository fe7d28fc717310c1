use prometheus_client::encoding::text::encode;
use protocol::id::StepId;
use protocol::op::{ErrorObject, Wake};
use protocol::step::StepName;
use serde_json::value::RawValue;

use super::*;

fn step(name: &str) -> StepName {
    StepName { id: StepId::hash(name), name: name.to_owned(), index: 0 }
}

fn ran(took: Option<u64>) -> Outcome {
    let timing = took.map(|millis| Timing {
        start: jiff::Timestamp::UNIX_EPOCH,
        took: Duration::from_millis(millis),
    });
    let data = RawValue::NULL.to_owned();
    Outcome::StepRan { step: step("a"), race: false, data, timing }
}

fn failed(retry: Retry) -> Outcome {
    let timing = Some(Timing { start: jiff::Timestamp::UNIX_EPOCH, took: Duration::ZERO });
    let error = ErrorObject::new("E", "m");
    Outcome::StepFailed { step: step("a"), race: false, error, retry, timing }
}

fn told(metrics: &Metrics) -> String {
    let mut registry = Registry::default();
    metrics.register(&mut registry);
    let mut text = String::new();
    encode(&mut text, &registry).expect("written");
    text
}

#[test]
fn each_outcome_counts_for_what_it_is() {
    let metrics = Metrics::default();
    let first = Attempt { number: 0, most: 2 };
    let last = Attempt { number: 1, most: 2 };
    let planned =
        Op { step: step("nap"), code: OpCode::Sleep(Wake::After(Duration::ZERO)), race: false };
    for (attempt, outcome) in [
        (first, ran(Some(3))),
        // Told again: nothing ran.
        (first, ran(None)),
        (first, failed(Retry::Again)),
        (first, failed(Retry::Never)),
        (last, failed(Retry::Again)),
        (first, Outcome::Planned(vec![planned.clone(), planned])),
        (first, Outcome::Superseded),
    ] {
        metrics.ended("f", attempt, &outcome);
        metrics.answered(Some("f"), attempt, Some(&outcome), Duration::from_millis(7));
    }
    metrics.answered(None, first, None, Duration::from_secs(2));
    metrics.busy("f", Duration::from_millis(1500));
    let text = told(&metrics);
    for line in [
        "system_bus_steps_total{function=\"f\",op=\"StepRun\"} 1",
        "system_bus_steps_total{function=\"f\",op=\"StepError\"} 1",
        "system_bus_steps_total{function=\"f\",op=\"StepFailed\"} 2",
        "system_bus_steps_total{function=\"f\",op=\"Sleep\"} 2",
        "system_bus_step_seconds_count{function=\"f\"} 4",
        "system_bus_step_seconds_bucket{le=\"0.001\",function=\"f\"} 3",
        "system_bus_step_seconds_bucket{le=\"0.005\",function=\"f\"} 4",
        "system_bus_calls_total{function=\"f\",outcome=\"step-ran\"} 2",
        "system_bus_calls_total{function=\"f\",outcome=\"step-failed\"} 3",
        "system_bus_calls_total{function=\"f\",outcome=\"planned\"} 1",
        "system_bus_calls_total{function=\"f\",outcome=\"superseded\"} 1",
        "system_bus_calls_total{function=\"unknown\",outcome=\"not-handled\"} 1",
        "system_bus_retries_total{function=\"f\"} 1",
        "system_bus_call_seconds_count{function=\"f\"} 7",
        "system_bus_call_seconds_bucket{le=\"5.0\",function=\"unknown\"} 1",
        "system_bus_guest_seconds_total{function=\"f\"} 1.5",
    ] {
        assert!(text.lines().any(|told| told == line), "{line} is not in\n{text}");
    }
    assert!(text.ends_with("# EOF\n"));
}
