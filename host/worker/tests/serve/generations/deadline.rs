//! Calls that take too long on replaced code.

use std::time::Duration;

use serde_json::json;

use super::{Field, begin, said, versioned};
use crate::call::{ATTEMPTS, CallTo};
use crate::gate::Gate;

#[tokio::test]
async fn the_deadline_hands_calls_back_but_never_a_last_attempt() {
    let field = Field::with(|options| options.deadline = Duration::from_millis(1)).await;
    let gate = Gate::start().await;
    let runs = [begin().await, begin().await, begin().await];
    let call = |run| CallTo { run, data: json!({"count": gate.url}), ..CallTo::new("versioned") };
    let discovery = call(&runs[0]);
    let targeted = CallTo { target: Some("one"), ..call(&runs[1]) };
    let last = CallTo { target: Some("one"), attempt: ATTEMPTS - 1, ..call(&runs[2]) };
    let others = async {
        let swap = async {
            for _ in 0..3 {
                gate.reached().await;
            }
            field.deploy("versioned", &versioned("2")).await;
        };
        let (discovery, targeted, ()) =
            tokio::join!(field.bus.call(&discovery), field.bus.call(&targeted), swap);
        assert_eq!(
            (discovery.status, discovery.op()["op"].as_str()),
            (206, Some("DiscoveryRequest"))
        );
        assert_eq!((targeted.status, targeted.retry()), (500, (Some("false"), Some("1"))));
        assert!(targeted.body.contains("its code was replaced"), "{targeted:?}");
        // For the last one, and for what the handed back ones may have left there.
        gate.open(3);
    };
    let (last, ()) = tokio::join!(field.bus.call(&last), others);
    assert_eq!(said(&last), "1.one");
    field.end().await;
}
