//! The attribute macros of `system-bus-sdk`; use them from there.
//!
//! They turn mistakes that would cost a run into errors of the compiler. All mistakes of one item
//! are reported at once, each at the token that is wrong.

mod check;
mod condition;
mod duration;
mod expand;
mod names;
mod parse;
mod scenario;
mod selector;

use proc_macro::TokenStream;

use crate::parse::Role;

/// Makes a type an event: `#[event("domain/noun.verb")]`.
///
/// The type has to be `Serialize` and `Deserialize` too. The name must not be empty, must not begin
/// with `inngest/`, which is reserved, and has a domain, a slash, and words with dots between them.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(item: TokenStream) -> TokenStream {
    finish(parse::event(item.into()).map(|event| expand::event(&event)))
}

/// Makes an enum the argument of a function with several triggers: each variant holds one type of
/// event, and the name of the event that came decides. When the function is invoked there is no
/// such name, and the first variant that the data fits is taken.
#[proc_macro_derive(Input)]
pub fn derive_input(item: TokenStream) -> TokenStream {
    finish(parse::input(item.into()).map(|input| expand::input(&input)))
}

/// Makes an `async fn(ctx: Ctx, event: …) -> Result<…>` a durable function.
///
/// | argument | |
/// | --- | --- |
/// | `id = "…"` | its identity, for ever; required |
/// | `name = "…"` | what people call it; the id unless given |
/// | `on(OrderPaid)`, `on("shop/order.paid")`, `on("shop/*")` | an event that starts it; may be repeated |
/// | `on(…, if = "event.data.total > 10")` | … where this CEL condition holds |
/// | `cron("TZ=Europe/Berlin 0 9 * * 1-5")` | a time that starts it; may be repeated |
/// | `cron("…", jitter = "30s")` | … up to this much later, 1 s to 5 m |
/// | `retries = 4` | how often a failed attempt is repeated, 1 to 20 |
/// | `concurrency(limit = 10, key = "…", scope = "env")` | how many steps run at the same time; up to two; the scopes `env` and `account` need a key |
/// | `throttle(limit = 20, period = "1m", burst = 5, key = "…")` | how many runs begin in a time; more wait |
/// | `rate_limit(limit = 100, period = "1h", key = "…")` | … further events start nothing; a day at most |
/// | `debounce(period = "10s", timeout = "2m", key = "…")` | the last event starts a run when no other came for this long, 1 s to 7 d |
/// | `batch(max_size = 50, timeout = "5s", key = "…", if = "…")` | many events for one run, 2 to 100 |
/// | `priority = "event.data.vip ? 120 : 0"` | by how many seconds a run goes before others |
/// | `cancel_on(OrderCancelled, same = order_id, if = "…", timeout = "2h")` | an event that cancels a run; up to five |
/// | `timeouts(start = "30s", finish = "10m")` | after which times a run is cancelled |
/// | `idempotency = "event.data.order_id"` | a second event with the same value within a day starts nothing |
/// | `singleton(mode = "skip", key = "…")` | one run at a time; `cancel` ends the first one instead |
/// | `checkpoint = "off"`, `"every-step"`, `checkpoint(steps = 10, interval = "3s", max_runtime = "10s")` | when results are stored while the function goes on |
/// | `mode = "pinned"` | which version of the code a run goes on with: `latest-compatible` unless given, `pinned`, `latest` |
/// | `role = "host"` | where it runs although it could run elsewhere too |
///
/// Durations are whole numbers with `ms`, `s`, `m`, `h`, `d`, `w`; keys and conditions are CEL over
/// `event`. `batch` excludes `cancel_on`, `debounce`, `singleton` and `priority`; `idempotency`
/// excludes `rate_limit`. The manual of `system-bus-sdk` has an example of each.
///
/// What the body does with its context is checked: ids of steps are literals and not used twice,
/// a step that can run more than once has a `.key(…)`, an `.alias(…)` is no other step's id, and no
/// step is inside the body of another. What is found is in the manifest as the function's steps.
/// The check reads the function itself, not the functions that it calls.
#[proc_macro_attribute]
pub fn function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    durable(Role::Function, arguments, item)
}

/// Makes an `async fn(ctx: Ctx, failed: Failed<…>) -> Result<…>` the failure handler of another
/// function: `#[on_failure(of = fulfil, retries = 3)]`.
///
/// It is a durable function of its own, started when a run of the other one has failed for good,
/// and takes the arguments of [`macro@function`] other than `on` and `cron`. Its id is that of the
/// other function with `-failure` behind it unless given. It belongs into `component!` too.
#[proc_macro_attribute]
pub fn on_failure(arguments: TokenStream, item: TokenStream) -> TokenStream {
    durable(Role::FailureHandler, arguments, item)
}

/// Makes a `fn(kit: &mut Kit)` a test of functions, with the kit of the crate `system-bus-testing`, which is to be
/// among the dependencies for development.
///
/// ```ignore
/// #[system_bus_sdk::test(crash = "everywhere")]
/// fn an_order_is_charged_once(kit: &mut Kit) {
///     kit.stub("charge", |_| Ok(7));
///     assert_eq!(kit.run::<fulfil>(OrderPaid { cents: 700 }).output::<u32>(), 7);
/// }
/// ```
///
/// With `crash = "everywhere"` it runs once as it is, and then once for each boundary of a step that it came by, with the
/// worker killed there; it fails when something would have happened twice.
#[proc_macro_attribute]
pub fn test(arguments: TokenStream, item: TokenStream) -> TokenStream {
    finish(scenario::test(arguments.into(), item.into()))
}

fn durable(role: Role, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    match parse::function(role, arguments.into(), item.clone()) {
        Ok(function) => expand::function(&function).into(),
        Err(error) => expand::refused(&item, &error).into(),
    }
}

fn finish(expansion: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expansion.unwrap_or_else(syn::Error::into_compile_error).into()
}
