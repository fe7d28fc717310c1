//! A swap while calls run.

use serde_json::json;

use super::{Field, begin, data, said, versioned};
use crate::call::CallTo;
use crate::gate::Gate;

#[tokio::test]
async fn a_call_finishes_on_its_code_while_new_ones_run_the_new_code() {
    let (field, gate) = (Field::start().await, Gate::start().await);
    let run = begin().await;
    let held = CallTo { run: &run, data: json!({"count": gate.url}), ..CallTo::new("versioned") };
    let meanwhile = async {
        gate.reached().await;
        field.deploy("versioned", &versioned("2")).await;
        assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
        assert_eq!(field.generations().await["old"][0]["calls"], 1);
        gate.open(1);
    };
    let (answer, ()) = tokio::join!(field.bus.call(&held), meanwhile);
    assert_eq!(said(&answer), "1.one");
    assert_eq!(field.generations().await["old"][0]["calls"], 0);
    field.end().await;
}

#[tokio::test]
async fn a_run_whose_steps_are_stored_meanwhile_goes_over_to_the_new_code_at_its_next_step() {
    let (field, gate) = (Field::start().await, Gate::start().await);
    for function in ["versioned", "versioned-pinned"] {
        field.bus.deployed.place_as("versioned", versioned("1").bytes());
        field.bus.deployed.reload().await;
        let run = begin().await;
        let call = CallTo {
            run: &run,
            data: json!({"count": gate.url}),
            dispatched: true,
            ..CallTo::new(function)
        };
        let meanwhile = async {
            gate.reached().await;
            field.deploy("versioned", &versioned("2")).await;
            // One more for a pinned run, which stays in its call.
            gate.open(2);
        };
        let (answer, ()) = tokio::join!(field.bus.call(&call), meanwhile);
        if function == "versioned" {
            // What ran is stored; what follows is a call of its own.
            assert_eq!(answer.ops(), [("StepPlanned".to_owned(), "two".to_owned())]);
            let stored = field.server.memory().checkpoints[0].body["steps"].clone();
            assert_eq!(stored[0]["data"], "1.one", "{stored}");
            let memos = [("one", data("1.one"))];
            let planned = CallTo { memos: &memos, target: Some("two"), ..CallTo::new(function) };
            assert_eq!(said(&field.bus.call(&CallTo { run: &run, ..planned }).await), "2.two");
            continue;
        }
        // A pinned run has nothing to make way for.
        assert_eq!(answer.ops()[0].0, "Sleep", "{answer:?}");
        let last = field.server.memory().checkpoints.last().expect("one").body["steps"].clone();
        assert_eq!(last[0]["data"], "1.two", "{last}");
    }
    field.end().await;
}
