//! Scenarios of the test kit with built components, through the real runtime.

use serde_json::{Value, json};
use system_bus_sdk::{Error, Outgoing};
use system_bus_testing::crash::{self, Phase, What};
use system_bus_testing::{Kit, RunStatus};

fn asked(kit: &mut Kit, function: &str) {
    kit.component(guests::STEPS);
    let name = format!("testing/{function}.requested");
    kit.send(Outgoing::named(name, &json!({ "wait": 3_600_000 })));
}

#[system_bus_sdk::test]
fn bodies_run_in_the_sandbox_and_stubs_stand_in_for_them(kit: &mut Kit) {
    kit.stub("five/two", |asked| Ok(20 + asked.attempt));
    kit.fail("two", 1, Error::retry("not at once"));
    kit.fail("three", 1, Error::retry("this neither"));
    asked(kit, "five");
    kit.until_waiting();
    let run = &kit.runs_of("five")[0];
    assert_eq!(run.output::<Vec<u32>>(), [1, 21, 3, 4, 5]);
    run.assert_steps(["one", "two", "three", "four", "five"]);
    assert_eq!((run.attempts("one"), run.attempts("two"), run.attempts("three")), (1, 2, 2));
}

#[system_bus_sdk::test]
fn time_is_the_tests_here_too(kit: &mut Kit) {
    asked(kit, "slept");
    kit.until_waiting();
    assert_eq!(kit.runs_of("slept")[0].waits_for(), ["nap"]);
    kit.advance(std::time::Duration::from_mins(59));
    assert_eq!(kit.runs_of("slept")[0].status, RunStatus::Running);
    kit.advance(std::time::Duration::from_mins(1));
    assert_eq!(kit.runs_of("slept")[0].output::<String>(), "rested");
}

#[system_bus_sdk::test(crash = "everywhere")]
fn components_survive_crashes_everywhere(kit: &mut Kit) {
    asked(kit, "parallel");
    kit.until_waiting();
    assert_eq!(kit.runs_of("parallel")[0].output::<u32>(), 6);
}

#[test]
fn a_double_effect_of_a_component_is_found() {
    let report = crash::everywhere(|kit| {
        let effects = kit.effects();
        kit.stub("two", move |_| {
            effects.happened("a letter");
            Ok(2)
        });
        asked(kit, "five");
        kit.until_waiting();
        assert_eq!(kit.runs_of("five")[0].output::<Vec<u32>>(), [1, 2, 3, 4, 5]);
    });
    assert_eq!(report.boundaries.len(), 15);
    let [finding] = &report.findings[..] else { panic!("one finding: {report}") };
    let place = (finding.boundary.step.as_str(), finding.boundary.phase);
    assert_eq!(place, ("two", Phase::BeforeReport));
    assert!(matches!(&finding.what, What::Effect { name, count: 2, .. } if name == "a letter"));
}

/// Events that a component sends, and functions that it invokes.
#[system_bus_sdk::test]
fn what_components_send_reaches_the_engine_of_the_test(kit: &mut Kit) {
    kit.component(guests::SURFACE);
    kit.stub("body", |_| Ok(Value::Null)).stub("after", |_| Ok(Value::Null));
    kit.send(Outgoing::named("testing/invokes.requested", &json!({ "key": "k7" })));
    kit.until_waiting();
    assert_eq!(kit.runs_of("invokes")[0].output::<String>(), "k7");
    assert_eq!(kit.runs_of("answers")[0].output::<String>(), "k7");
}

#[test]
#[should_panic(expected = "cannot be read")]
fn a_component_that_is_not_there_is_named() {
    Kit::new().component("nowhere.wasm");
}
