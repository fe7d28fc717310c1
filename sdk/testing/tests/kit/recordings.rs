//! Recorded runs against the code that made them, and against other code.

use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, Recording, assert_follows, replay};

use crate::shop::{OrderPaid, ParcelDelivered, fulfil, invoice, order, race, ten_steps};

fn recorded() -> Recording {
    let mut kit = Kit::new();
    kit.http(|_| Ok(Response::new(201))).serve::<invoice>();
    let run = kit.start::<fulfil>(order("o7"));
    kit.advance(Duration::from_hours(2));
    kit.send(ParcelDelivered { order_id: "o7".to_owned() });
    kit.until_ended(run);
    // As from a file.
    Recording::parse(&kit.record(run).to_json()).expect("it was written a line above")
}

#[test]
fn the_code_that_made_a_recording_follows_it_whatever_its_steps_are() {
    let recording = recorded();
    let replayed = replay::<fulfil>(&recording);
    let followed: Vec<_> = replayed
        .followed
        .iter()
        .map(|step| (step.name.as_str(), step.kind.unwrap_or("?")))
        .collect();
    assert_eq!(
        followed,
        [
            ("charge", "run"),
            ("label", "run"),
            ("cool-off", "sleep"),
            ("announce", "run"),
            ("delivered", "wait-for-event"),
            ("invoice", "invoke"),
        ]
    );
    assert!(replayed.is_same() && replayed.end.is_some_and(|end| end.compared));

    let mut kit = Kit::new();
    let run = kit.start::<race>(order("o7"));
    assert_follows::<race>(&kit.record(run));
    kit.http(|_| Ok(Response::new(201)));
    let run = kit.run::<ten_steps>(order("o7")).id;
    assert_follows::<ten_steps>(&kit.record(run));
}

mod changed {
    use super::{OrderPaid, ParcelDelivered};
    use system_bus_sdk::prelude::*;

    /// `label` has another type, and everything behind it is gone.
    #[function(id = "fulfil-order", on(OrderPaid))]
    pub(crate) async fn retyped(ctx: Ctx, _order: OrderPaid) -> Result<u32> {
        let (_, label) = futures::try_join!(
            ctx.step("charge", async |_io| Ok(201)),
            ctx.step("label", async |_io| Ok(7_u32)),
        )?;
        Ok(label)
    }

    /// It sleeps no more.
    #[function(id = "fulfil-order", on(OrderPaid))]
    pub(crate) async fn restless(ctx: Ctx, _order: OrderPaid) -> Result<()> {
        let charge = ctx.step("charge", async |_io| Ok(201));
        let label = ctx.step("label", async |_io| Ok(String::new()));
        futures::try_join!(charge, label)?;
        ctx.wait_for::<ParcelDelivered>("delivered").timeout(Duration::from_hours(1)).await?;
        Ok(())
    }

    /// `charge` was renamed, and says so.
    #[function(id = "fulfil-order", on(OrderPaid))]
    pub(crate) async fn renamed(ctx: Ctx, _order: OrderPaid) -> Result<()> {
        let charge = ctx.step("charge-card", async |_io| Ok(201)).alias("charge");
        let label = ctx.step("label", async |_io| Ok(String::new()));
        futures::try_join!(charge, label)?;
        panic!("the rest is not written yet");
    }
}

#[test]
fn other_code_parts_where_it_is_another() {
    let recording = recorded();
    let retyped = replay::<changed::retyped>(&recording).parting.expect("they part");
    assert_eq!((retyped.position, retyped.reason), (2, "type-changed"));
    assert_eq!(retyped.step.as_deref(), Some("label"));

    let restless = replay::<changed::restless>(&recording).parting.expect("they part");
    assert_eq!((restless.position, restless.reason), (3, "orphaned"));
    let said = restless.to_string();
    let parts = "they part at step 3, `cool-off`, recorded as a sleep, or a wait that gave up";
    assert!(
        said.contains(parts) && said.ends_with("asks for `delivered` (wait-for-event)"),
        "{said}"
    );

    // The alias carries it over, up to where the code has its hole.
    let renamed = replay::<changed::renamed>(&recording);
    assert_eq!(renamed.followed[0].name, "charge");
    let parting = renamed.parting.expect("they part");
    assert_eq!((parting.position, parting.reason), (2, "broken"));
    assert!(parting.why.contains("not written yet"), "{parting}");
}

#[test]
#[should_panic(expected = "and this code: they part at step 2, `label`")]
fn an_assertion_names_the_place() {
    assert_follows::<changed::retyped>(&recorded());
}

#[test]
#[should_panic(
    expected = "the recording is of function `fulfil-order`, and is to be replayed against `race`"
)]
fn recordings_of_other_functions_are_refused() {
    replay::<race>(&recorded());
}
