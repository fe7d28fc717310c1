//! Crashes everywhere: what they find, and what they let pass.

use std::cell::Cell;

use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;
use system_bus_testing::crash::{self, Phase, What};

use crate::shop::{OrderPaid, ParcelDelivered, fulfil, invoice, order, ten_steps};

const CHARGE: &str = "POST https://bank.example/charges";

fn charged(kit: &mut Kit) {
    kit.http(|_| Ok(Response::new(201)));
    assert_eq!(kit.run::<ten_steps>(order("o7")).output::<u32>(), 36);
}

#[test]
fn a_double_charge_in_ten_steps_is_found_at_its_boundary() {
    let report = crash::everywhere(charged);
    assert_eq!(report.boundaries.len(), 30);
    let [finding] = &report.findings[..] else { panic!("one finding: {report}") };
    assert_eq!(
        (finding.boundary.step.as_str(), finding.boundary.phase),
        ("charge", Phase::BeforeReport)
    );
    let keys = vec!["o7-0".to_owned(), "o7-1".to_owned()];
    let charge = What::Effect { name: CHARGE.to_owned(), count: 2, without: 1, keys };
    assert_eq!(finding.what, charge);
    let said = report.to_string();
    let names =
        "killed after the body of step `charge` of `ten-steps` and before its result was stored";
    assert!(said.contains(names), "{said}");
}

#[test]
fn each_step_in_a_call_of_its_own_finds_the_same() {
    let report = crash::everywhere(|kit| {
        kit.checkpoints(false);
        charged(kit);
    });
    assert_eq!((report.boundaries.len(), report.findings.len()), (30, 1));
}

#[test]
fn what_may_repeat_is_not_told() {
    crash::everywhere(|kit| {
        kit.may_repeat(CHARGE);
        charged(kit);
    })
    .assert_clean();
}

/// Parallel steps, a sleep, an event that is sent and one that is waited for, an invocation: no crash does any harm.
#[system_bus_sdk::test(crash = "everywhere")]
fn a_good_function_survives_crashes_everywhere(kit: &mut Kit) {
    kit.http(|_| Ok(Response::new(201)));
    kit.serve::<invoice>();
    let run = kit.start::<fulfil>(order("o7"));
    kit.until_waiting();
    kit.advance(Duration::from_hours(1));
    kit.until_waiting();
    kit.send(ParcelDelivered { order_id: "o7".to_owned() });
    let run = kit.until_ended(run);
    assert_eq!(run.output::<String>(), "late: false");
    assert_eq!(kit.effects().count(CHARGE), 1);
    // Sent under one seed, however often it was asked for: nobody hears of it twice.
    assert_eq!(kit.events().iter().filter(|event| event.name == "shop/order.shipped").count(), 1);
}

#[test]
fn side_effects_of_stubs_count_too() {
    let report = crash::everywhere(|kit| {
        let effects = kit.effects();
        kit.stub("charge", move |_| {
            effects.happened("a letter");
            Ok(())
        });
        kit.run::<ten_steps>(order("o7"));
    });
    let [finding] = &report.findings[..] else { panic!("one finding: {report}") };
    let What::Effect { name, count, .. } = &finding.what else { panic!("{finding}") };
    assert_eq!((name.as_str(), *count), ("a letter", 2));
}

thread_local! {
    static DRAWN: Cell<u32> = const { Cell::new(0) };
}

#[function(id = "drawing", on(OrderPaid), retries = 2)]
async fn drawing(ctx: Ctx, _order: OrderPaid) -> Result<()> {
    // As if it were random: another one in each call.
    let number = DRAWN.replace(DRAWN.get() + 1);
    ctx.step("charge", async |_io| Ok(())).key(number).await
}

#[test]
fn a_body_under_another_key_is_told() {
    let report = crash::everywhere(|kit| {
        DRAWN.set(0);
        kit.run::<drawing>(order("o7"));
    });
    let finding =
        report.findings.iter().find(|finding| finding.boundary.phase == Phase::BeforeReport);
    let What::Body { step, without, keys, .. } = &finding.expect("one").what else {
        panic!("{report}")
    };
    assert_eq!((step.as_str(), *without), ("charge", 1));
    let ends = |key: &str, end: &str| assert!(key.ends_with(end), "{keys:?}");
    ends(&keys[0], ":charge[0]");
    ends(&keys[1], ":charge[1]");
}

#[test]
fn a_scenario_that_fails_or_strays_after_a_crash_is_told() {
    let report = crash::everywhere(|kit| {
        kit.http(|_| Ok(Response::new(201))).may_repeat(CHARGE);
        let run = kit.start::<ten_steps>(order("o7"));
        // Without the patience that a crash takes.
        let _ = kit.look(run).output::<u32>();
    });
    // Only after the last result was stored is another call all that is missing, and that takes its pause too.
    assert_eq!(report.findings.len(), report.boundaries.len());
    assert!(report.findings.iter().all(|one| matches!(one.what, What::Failed { .. })), "{report}");

    let times = Cell::new(0);
    let report = crash::everywhere(|kit| {
        if times.replace(times.get() + 1) == 0 {
            charged(kit);
        }
    });
    assert!(report.findings.iter().all(|one| one.what == What::Elsewhere));
    assert_eq!(report.findings.len(), 30);
}
