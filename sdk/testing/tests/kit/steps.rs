//! Steps of every kind, with the time in the test's hand.

use std::cell::Cell;

use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use crate::shop::{
    InvoiceRequested, OrderPaid, OrderShipped, ParcelDelivered, apologize, fulfil, invoice, order,
    race, ten_steps,
};

fn bank(kit: &mut Kit) {
    kit.http(|request| {
        assert_eq!(request.url(), "https://bank.example/charges");
        Ok(Response::new(201))
    });
}

#[system_bus_sdk::test]
fn a_whole_run_at_the_pace_of_the_test(kit: &mut Kit) {
    bank(kit);
    kit.serve::<invoice>();
    let id = kit.start::<fulfil>(order("o7"));
    let run = kit.look(id);
    assert_eq!((run.status, run.waits_for()), (RunStatus::Running, &["cool-off".to_owned()][..]));
    run.assert_steps(["charge", "label"]);
    assert_eq!(run.step("charge").output::<u16>(), 201);

    kit.advance(Duration::from_mins(59));
    assert!(kit.events().is_empty());
    kit.advance(Duration::from_mins(1));
    assert_eq!(kit.sent::<OrderShipped>()[0].label, "to o7");
    assert_eq!(kit.look(id).waits_for(), ["delivered"]);

    kit.advance(Duration::from_hours(5));
    kit.send(ParcelDelivered { order_id: "another".to_owned() });
    assert_eq!(kit.look(id).waits_for(), ["delivered"]);
    kit.send(ParcelDelivered { order_id: "o7".to_owned() });
    let run = kit.look(id);
    assert_eq!(run.output::<String>(), "late: false");
    run.assert_steps(["charge", "label", "cool-off", "announce", "delivered", "invoice"]);
    let kinds: Vec<_> = run.steps.iter().map(|step| step.kind).collect();
    assert_eq!(kinds, ["run", "run", "sleep", "send-event", "wait-for-event", "invoke"]);
    assert_eq!(run.step("delivered").output::<Value>()["data"]["order_id"], "o7");
    assert_eq!(kit.runs::<invoice>()[0].output::<String>(), "late: false");
    assert_eq!(kit.effects().count("POST https://bank.example/charges"), 1);
}

#[system_bus_sdk::test]
fn time_is_over_and_functions_are_stood_in_for(kit: &mut Kit) {
    bank(kit);
    kit.stub_function::<invoice>(|asked| Ok(format!("printed, {}", asked["late"])));
    let before = kit.now();
    let run = kit.run::<fulfil>(order("o7"));
    assert_eq!(run.output::<String>(), "printed, true");
    assert_eq!(kit.now().duration_since(before).as_hours(), 73);
    // What a step is known by answers for any kind.
    kit.stub("fulfil-order/invoice", |_| Ok("by the step"));
    assert_eq!(kit.run::<fulfil>(order("o8")).output::<String>(), "by the step");
}

#[system_bus_sdk::test]
fn steps_fail_by_plan_and_are_repeated_after_the_engines_pauses(kit: &mut Kit) {
    kit.stub("charge", |asked| {
        assert_eq!(asked.function, "fulfil-order");
        assert!(asked.idempotency_key.ends_with(":charge"));
        Ok(asked.attempt)
    });
    kit.fail("charge", 2, Error::retry("the bank was away"));
    let before = kit.now();
    let run = kit.start::<fulfil>(order("o7"));
    assert_eq!(kit.look(run).attempts("charge"), 1);
    kit.until_waiting();
    let run = kit.look(run);
    assert_eq!((run.attempts("charge"), run.step("charge").output::<u32>()), (3, 2));
    // 15 and 30 seconds, as on a real server.
    assert_eq!(kit.now().duration_since(before).as_secs(), 45);

    kit.fail("charge", 5, Error::retry("gone").named("NoBank"));
    let run = kit.run::<fulfil>(order("o8"));
    assert_eq!((run.error().name(), run.error().message()), ("NoBank", "gone"));
    assert_eq!((run.status, run.attempts("charge")), (RunStatus::Failed, 5));
    assert_eq!(run.step("charge").result.as_ref().expect_err("it failed").name(), "NoBank");
}

#[system_bus_sdk::test]
fn keys_repeats_and_functions_have_paths_of_their_own(kit: &mut Kit) {
    kit.stub("charge", |_| Ok(()));
    kit.stub("ten-steps/part", |asked| Ok(asked.key().expect("a key").len()));
    kit.stub("part[3]", |_| Ok(100));
    assert_eq!(kit.run::<ten_steps>(order("o7")).output::<u32>(), 108);
}

#[system_bus_sdk::test]
fn a_race_is_won_by_what_is_quicker(kit: &mut Kit) {
    assert_eq!(kit.run::<race>(order("o7")).output::<String>(), "asked 7");
    kit.takes("ask", Duration::from_mins(2));
    let run = kit.start::<race>(order("o8"));
    kit.advance(Duration::from_secs(61));
    assert_eq!(kit.look(run).output::<String>(), "too late");
}

#[system_bus_sdk::test]
fn bodies_side_by_side_take_their_time_together(kit: &mut Kit) {
    bank(kit);
    kit.takes("charge", Duration::from_secs(20)).takes("label", Duration::from_secs(30));
    let before = kit.now();
    let run = kit.start::<fulfil>(order("o7"));
    kit.until_waiting();
    assert_eq!(kit.look(run).step_names(), ["charge", "label"]);
    assert_eq!(kit.now().duration_since(before).as_secs(), 30);
}

#[system_bus_sdk::test]
fn a_failure_handler_hears_of_the_failure(kit: &mut Kit) {
    kit.serve::<apologize>();
    kit.fail("charge", 1, Error::stop("declined"));
    kit.run::<ten_steps>(order("o7"));
    kit.until_waiting();
    assert_eq!(kit.runs::<apologize>()[0].output::<String>(), "o7: declined");
}

thread_local! {
    static CALLS: Cell<u32> = const { Cell::new(0) };
}

#[function(id = "moody", on(OrderPaid), retries = 1)]
async fn moody(ctx: Ctx, _order: OrderPaid) -> Result<u32> {
    if CALLS.replace(CALLS.get() + 1) < 1 {
        ctx.step("first", async |_io| Ok(1)).await?;
    }
    ctx.sleep("pause", Duration::from_secs(1)).await?;
    ctx.step("second", async |_io| Ok(2)).await
}

#[test]
#[should_panic(expected = "function `moody` takes another way in a later call")]
fn a_function_that_changes_its_way_fails_the_test() {
    let mut kit = Kit::new();
    kit.run::<moody>(order("o7"));
}

#[test]
#[should_panic(expected = "the event began no run of `fulfil-order` at once")]
fn an_event_that_begins_nothing_fails_the_test() {
    let mut kit = Kit::new();
    kit.start::<fulfil>(OrderPaid { cents: 0, ..order("o7") });
}

#[test]
#[should_panic(expected = "it is Running, steps [\"charge\", \"label\"], waits for [\"cool-off\"]")]
fn what_is_expected_in_vain_is_told_with_what_is_there() {
    let mut kit = Kit::new();
    bank(&mut kit);
    let run = kit.start::<fulfil>(order("o7"));
    let _ = kit.look(run).output::<String>();
}

#[system_bus_sdk::test]
fn an_invocation_without_anybody_to_answer_fails_as_on_the_server(kit: &mut Kit) {
    bank(kit);
    let run = kit.run::<fulfil>(order("o7"));
    assert_eq!(run.status, RunStatus::Failed);
    let _ = InvoiceRequested { late: false };
}
