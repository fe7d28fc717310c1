//! The attribute macros of `system-bus-sdk`; use them from there.
//!
//! They turn mistakes that would cost a run into errors of the compiler. All mistakes of one item
//! are reported at once, each at the token that is wrong.

mod check;
mod expand;
mod names;
mod parse;

use proc_macro::TokenStream;

/// Makes a type an event: `#[event("domain/noun.verb")]`.
///
/// The type has to be `Serialize` and `Deserialize` too. The name must not be empty, must not begin
/// with `inngest/`, which is reserved, and has a domain, a slash, and words with dots between them.
#[proc_macro_derive(Event, attributes(event))]
pub fn derive_event(item: TokenStream) -> TokenStream {
    finish(parse::event(item.into()).map(|event| expand::event(&event)))
}

/// Makes an enum the argument of a function with several triggers: each variant holds one type of
/// event, and the name of the event that came decides.
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
/// | `on(OrderPaid)`, `on("shop/order.paid")` | an event that starts it; may be repeated |
/// | `on(…, if = "event.data.total > 10")` | … where this CEL condition holds |
/// | `cron("TZ=Europe/Berlin 0 9 * * 1-5")` | a time that starts it; may be repeated |
/// | `retries = 4` | how often a failed attempt is repeated, 1 to 20 |
///
/// What the body does with its context is checked: ids of steps are literals and not used twice,
/// a step that can run more than once has a `.key(…)`, and no step is inside the body of another.
/// The check reads the function itself, not the functions that it calls.
#[proc_macro_attribute]
pub fn function(arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item = proc_macro2::TokenStream::from(item);
    match parse::function(arguments.into(), item.clone()) {
        Ok(function) => expand::function(&function).into(),
        Err(error) => expand::refused(&item, &error).into(),
    }
}

fn finish(expansion: syn::Result<proc_macro2::TokenStream>) -> TokenStream {
    expansion.unwrap_or_else(syn::Error::into_compile_error).into()
}
