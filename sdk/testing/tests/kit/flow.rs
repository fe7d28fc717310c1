//! What the engine does about events and time, in the kit.

use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use crate::shop::{order, refund, restock, tidy};

#[system_bus_sdk::test]
fn schedules_fire_for_months_in_no_time(kit: &mut Kit) {
    kit.serve::<tidy>();
    kit.advance(Duration::from_hours(5));
    assert!(kit.runs::<tidy>().is_empty());
    for _ in 0..90 {
        kit.advance(Duration::from_hours(24));
        let runs = kit.runs::<tidy>();
        let last = runs.last().expect("a run");
        assert_eq!(last.status, RunStatus::Completed);
    }
}

#[system_bus_sdk::test]
fn one_at_a_time_is_one_at_a_time(kit: &mut Kit) {
    let first = kit.start::<refund>(order("a"));
    kit.send(order("b"));
    let runs = kit.runs::<refund>();
    assert_eq!(runs.iter().filter(|run| run.status == RunStatus::Skipped).count(), 1);
    assert!(kit.cancel(first));
    assert_eq!(kit.look(first).status, RunStatus::Canceled);
    assert_eq!(kit.run::<refund>(order("c")).status, RunStatus::Completed);
}

#[system_bus_sdk::test]
fn what_waits_for_a_place_does_not_make_the_time_pass(kit: &mut Kit) {
    kit.fail("order", 1, Error::retry("nobody there"));
    kit.start::<restock>(order("a"));
    let before = kit.now();
    let second = kit.start::<restock>(order("b"));
    kit.until_waiting();
    // The pause before the second attempt has passed, and no more.
    assert_eq!(kit.now().duration_since(before).as_secs(), 15);
    assert_eq!(kit.runs::<restock>()[0].output::<String>(), "a");
    assert_eq!(kit.look(second).status, RunStatus::Scheduled);
    kit.advance(Duration::from_hours(1));
    kit.until_waiting();
    assert_eq!(kit.look(second).output::<String>(), "b");
}
