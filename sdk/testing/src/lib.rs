//! Tests durable functions without a server: in one process, with the rules of the engine, and with a clock that
//! goes only when the test lets it.
//!
//! ```
//! use system_bus_sdk::prelude::*;
//! use system_bus_testing::Kit;
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[event("shop/order.paid")]
//! struct OrderPaid { cents: u32 }
//!
//! #[function(id = "fulfil-order", on(OrderPaid, if = "event.data.cents > 0"))]
//! async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<u32> {
//!     let fee: u32 = ctx.step("fee", async |_io| Ok(order.cents / 10)).await?;
//!     ctx.sleep("cool-off", Duration::from_hours(72)).await?;
//!     ctx.step("charge", async |_io| Err(Error::stop("a test has no bank"))).await
//! }
//!
//! let mut kit = Kit::new();
//! kit.fail("charge", 1, Error::retry("the bank was away"));
//! kit.stub("charge", |asked| Ok(asked.attempt));
//!
//! let run = kit.start::<fulfil>(OrderPaid { cents: 100 });
//! kit.until_waiting();
//! assert_eq!(kit.look(run).waits_for(), ["cool-off"]);
//!
//! kit.advance(Duration::from_hours(72));
//! kit.until_waiting();
//! let run = kit.look(run);
//! assert_eq!(run.output::<u32>(), 1);
//! run.assert_steps(["fee", "cool-off", "charge"]);
//! assert_eq!(run.attempts("charge"), 2);
//! ```
//!
//! * [`Kit`] is the world of one test: functions, stubs, events and time. With [`test`] a test is given one.
//! * [`Run`] is a run as it stands, with assertions on its steps and its end.
//! * [`replay`] takes runs that were recorded elsewhere, and tells where the code parts from them.
//! * [`crash`] repeats a scenario with the worker killed at each boundary of a step, and tells what would have
//!   happened twice. [`Effects`] notes what happens outside.
//!
//! Functions run natively, as any Rust code in a test: what the sandbox of a component refuses is not refused here.
//! `docs/testing.md` compares this kit with `system_bus_sdk::testing::Harness`, and says what neither tests.

pub mod crash;

#[cfg(feature = "component")]
mod component;
mod effects;
mod journal;
mod kit;
mod native;
mod path;
mod recordings;
mod run;
mod served;
mod stage;
mod world;

pub use protocol::id::RunId;
/// Makes a function a test that is given a [`Kit`].
///
/// ```
/// use system_bus_testing::Kit;
///
/// #[system_bus_sdk::test]
/// fn nothing_happens_by_itself(kit: &mut Kit) {
///     kit.advance(std::time::Duration::from_hours(1));
///     assert!(kit.events().is_empty());
/// }
/// ```
///
/// With `crash = "everywhere"` the test runs once as it is, and then once for each boundary of a step that it came
/// by, with the worker killed there: see [`crash::everywhere`].
pub use system_bus_sdk::test;

pub use self::effects::{Effect, Effects};
pub use self::journal::SentEvent;
pub use self::kit::Kit;
pub use self::recordings::{Recording, Replayed, assert_follows, replay};
pub use self::run::{Run, RunStatus, Step};
pub use self::world::Asked;

/// Runs a test of [`test`].
#[doc(hidden)]
pub fn once(scenario: impl Fn(&mut Kit)) {
    scenario(&mut Kit::new());
}

/// Runs a test of [`test`] with crashes.
#[doc(hidden)]
pub fn everywhere(scenario: impl Fn(&mut Kit)) {
    crash::everywhere(scenario).assert_clean();
}
