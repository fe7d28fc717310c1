//! Crashes everywhere: a scenario is repeated with the worker killed at each boundary of a step.
//!
//! A body runs again when its worker dies before its result is stored. That is how durable functions are, and no harm
//! where the world cannot tell: where the service at the other end is given the same idempotency key both times. This
//! module finds the bodies of which the world can tell, and says at which boundary.
//!
//! ```
//! use system_bus_sdk::prelude::*;
//! use system_bus_sdk::http::Response;
//! use system_bus_testing::{Kit, crash};
//!
//! #[derive(Event, Serialize, Deserialize)]
//! #[event("shop/order.paid")]
//! struct OrderPaid { order: u32 }
//!
//! #[function(id = "fulfil-order", on(OrderPaid))]
//! async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<()> {
//!     ctx.step("charge", async |io| {
//!         // Another key in each attempt: the bank cannot know that it is the same charge.
//!         let key = format!("{}-{}", order.order, io.attempt());
//!         io.http().post("https://bank.example/charges").header("idempotency-key", key).send().await?.ok()?;
//!         Ok(())
//!     })
//!     .await
//! }
//!
//! let report = crash::everywhere(|kit| {
//!     kit.http(|_| Ok(Response::new(201)));
//!     kit.run::<fulfil>(OrderPaid { order: 7 });
//! });
//! assert_eq!(report.boundaries.len(), 3);
//! assert_eq!(
//!     report.findings[0].boundary.to_string(),
//!     "after the body of step `charge` of `fulfil-order` and before its result was stored",
//! );
//! ```

mod boundary;
mod everywhere;
mod report;

pub use self::boundary::{Boundary, Phase};
pub use self::everywhere::everywhere;
pub use self::report::{Finding, Report, What};

pub(crate) use self::boundary::Watch;
pub(crate) use self::everywhere::message;
