//! Durable functions for `system-bus`, as plain async Rust.
//!
//! A function runs from its top in every call. What it did before is not done again: each step that
//! has ended gives back what it ended with, and the function goes on where nothing has ended yet.
//! So everything outside of steps has to come out the same each time, which the host enforces as
//! far as it can, and everything that touches the world belongs into the body of a step.
//!
//! ```
//! use system_bus_sdk::prelude::*;
//!
//! #[derive(Event, Serialize, Deserialize, Clone, Debug)]
//! #[event("shop/order.paid")]
//! pub struct OrderPaid { pub order_id: String, pub contacts: Vec<String> }
//!
//! #[derive(Event, Serialize, Deserialize, Clone, Debug)]
//! #[event("shop/order.shipped")]
//! pub struct OrderShipped { pub order_id: String, pub label: String }
//!
//! /// Ships what was paid.
//! #[function(id = "fulfil-order", on(OrderPaid, if = "event.data.total > 10"), retries = 4)]
//! pub async fn fulfil(ctx: Ctx, order: OrderPaid) -> Result<String> {
//!     // Side by side, each in a call of its own.
//!     let (charge, label) = futures::try_join!(
//!         ctx.step("charge", async |io| {
//!             let key = io.idempotency_key();
//!             let request = io.http().post("https://pay.example/charges").header("key", key);
//!             Ok(request.json(&order.order_id).send().await?.ok()?.text()?)
//!         }),
//!         ctx.step("label", async |_io| Ok(format!("to {}", order.order_id))),
//!     )?;
//!     ctx.sleep("cool-off", Duration::from_hours(1)).await?;
//!     for contact in &order.contacts {
//!         ctx.step("notify", async |_io| {
//!             log::info!("{contact}: {charge}");
//!             Ok(())
//!         })
//!         .key(contact)
//!         .await?;
//!     }
//!     let shipped = OrderShipped { order_id: order.order_id, label: label.clone() };
//!     ctx.send("announce", shipped).await?;
//!     Ok(label)
//! }
//!
//! component![fulfil];
//! ```
//!
//! The [`manual`] has every kind of step and every option, each with an example.
//!
//! * [`Ctx`] makes steps, [`Io`] is the world inside of one, [`struct@Error`] says what the server
//!   shall do about a failure.
//! * [`Event`], [`Incoming`], [`Input`] and [`Failed`] are what a function is called with,
//!   [`Outgoing`] is what it sends.
//! * [`step`] has the kinds of steps and their settings, [`declare`] what a component tells of its
//!   functions, [`cel`] the conditions that steps wait for.
//! * [`testing`] runs functions in ordinary tests; [`fs`], [`http`], [`secrets`] and [`log`] are what
//!   their names say.
//! * [`testing`] runs functions in ordinary tests; [`http`], [`redis`], [`gateway`] and [`log`] are
//!   what their names say.
//!
//! Built for `wasm32-wasip2` a crate with a [`component!`] is a component. Built natively it is a
//! library that can be tested. Do not let what a function does depend on the order in which a
//! `HashMap` is iterated over: it differs between the first call and the next one.

pub mod cel;
pub mod declare;
pub mod fs;
pub mod gateway;
#[cfg(target_family = "wasm")]
#[doc(hidden)]
pub mod guest;
pub mod http;
pub mod inference;
pub mod keyvalue;
pub mod log;
pub mod manual;
pub mod redis;
pub mod secrets;
pub mod shell;
pub mod step;
pub mod telemetry;
#[cfg(not(target_family = "wasm"))]
pub mod testing;

mod call;
mod config;
mod context;
mod error;
mod event;
mod executor;
mod io;
mod refusal;
// Natively the test kit plays the host, and needs what only the guest needs otherwise.
#[cfg_attr(target_family = "wasm", expect(unreachable_pub, reason = "public in native builds"))]
mod replay;

pub use self::call::{DataOf, Envelope, Input};
pub use self::context::Ctx;
pub use self::declare::{Declaration, Function, Trigger, distinct, manifest};
pub use self::error::{Error, Failure, Result, ResultExt, Retry};
pub use self::event::{Cron, Event, Failed, Field, Holds, Incoming, Outgoing, Place, Shape};
pub use self::io::Io;
pub use self::refusal::{Reason, Refused};
pub use system_bus_sdk_macros::{Event, Input, function, on_failure, test};

/// Makes the crate a component with these functions.
///
/// In a native build it checks the functions and makes nothing, so that they can be tested.
#[macro_export]
macro_rules! component {
    ($($function:path),+ $(,)?) => {
        const _: () = {
            const FUNCTIONS: &[$crate::Declaration] =
                &[$(<$function as $crate::Function>::DECLARATION),+];
            assert!(
                $crate::distinct(FUNCTIONS),
                "two functions of this component have the same id"
            );

            #[cfg(target_family = "wasm")]
            struct Component;

            #[cfg(target_family = "wasm")]
            impl $crate::guest::Guest for Component {
                fn describe() -> ::std::string::String {
                    $crate::manifest(FUNCTIONS)
                }

                fn invoke(
                    function: ::std::string::String,
                    call: ::std::string::String,
                ) -> ::std::result::Result<::std::string::String, $crate::guest::Failure> {
                    $(
                        if function == <$function as $crate::Function>::DECLARATION.id {
                            return $crate::guest::run::<$function>(call);
                        }
                    )+
                    $crate::guest::unknown(&function)
                }
            }

            #[cfg(target_family = "wasm")]
            $crate::guest::bindings::export!(Component with_types_in $crate::guest::bindings);
        };
    };
}

/// Everything that functions use.
pub mod prelude {
    #[doc(no_inline)]
    pub use std::time::Duration;

    #[doc(no_inline)]
    pub use jiff::Timestamp;
    #[doc(no_inline)]
    pub use serde::{Deserialize, Serialize};
    #[doc(no_inline)]
    pub use serde_json::Value;

    pub use crate::http::{HttpError, HttpErrorKind};
    pub use crate::log;
    pub use crate::step::Inference;
    pub use crate::{
        Cron, Ctx, Error, Event, Failed, Failure, Incoming, Input, Io, Outgoing, Result, ResultExt,
        Retry, Shape, component, function, on_failure,
    };
}
