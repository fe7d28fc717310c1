//! A swap while calls run.

use serde_json::json;

use super::{Field, begin, said, versioned};
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
