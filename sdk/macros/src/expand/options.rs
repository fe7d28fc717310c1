//! The options of a function as a constant.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::{Ident, Path};

use crate::expand::{event_name, option};
use crate::parse::{CancelOn, EventName, Function, Same, Trigger};

pub(super) fn options(function: &Function) -> TokenStream {
    let options = &function.options;
    let concurrency = &options.concurrency;
    let cancel_on = options.cancel_on.iter().map(|cancel| cancel_on(cancel, &function.triggers));
    let names = options.single.keys().map(|name| format_ident!("{name}"));
    let values = options.single.values();
    quote! {
        ::system_bus_sdk::declare::Options {
            concurrency: &[#(#concurrency),*],
            cancel_on: &[#(#cancel_on),*],
            #(#names: ::core::option::Option::Some(#values),)*
            ..::system_bus_sdk::declare::Options::NONE
        }
    }
}

fn cancel_on(cancel: &CancelOn, triggers: &[Trigger]) -> TokenStream {
    let event = event_name(&cancel.event);
    let timeout = option(cancel.timeout.as_ref());
    let same = cancel.same.as_ref().map(|same| match (same, &cancel.event) {
        (Same::Selector(selector), _) => quote!("event", #selector, " == async", #selector),
        (Same::Field(field), EventName::Type(cancelling)) => fields(field, cancelling, triggers),
        (Same::Field(_), EventName::Literal(_)) => unreachable!("this was reported"),
    });
    let condition = match (same, &cancel.condition) {
        (None, condition) => option(condition.as_ref()),
        (Some(same), None) => option(Some(&quote!(::system_bus_sdk::__joined!(#same)))),
        (Some(same), Some(condition)) => {
            option(Some(&quote!(::system_bus_sdk::__joined!(#same, " && (", #condition, ")"))))
        }
    };
    quote! {
        ::system_bus_sdk::declare::CancelOn {
            event: #event,
            condition: #condition,
            timeout: #timeout,
        }
    }
}

/// A field that has the same value in both events; the compiler looks it up in the type of each.
fn fields(field: &Ident, cancelling: &Path, triggers: &[Trigger]) -> TokenStream {
    let starting = triggers.iter().filter_map(|trigger| match trigger {
        Trigger::Event { event: EventName::Type(path), .. } => Some(path),
        _ => None,
    });
    let selector = |ty: &Path| quote!(<#ty as ::system_bus_sdk::Shape>::FIELDS.#field.selector());
    let mut starting = starting.map(selector);
    let first = starting.next();
    let cancelling = selector(cancelling);
    quote! {
        "event",
        {
            #(::core::assert!(
                ::system_bus_sdk::declare::equal(#first, #starting),
                "the triggers of this function call the field differently in JSON: write `if = …`"
            );)*
            #first
        },
        " == async",
        #cancelling
    }
}
