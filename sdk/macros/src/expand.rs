//! From what was meant to Rust.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};

use crate::parse::{EventName, EventType, Function, InputType, Trigger};

pub(crate) fn event(event: &EventType) -> TokenStream {
    let EventType { item, name } = event;
    let ident = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    quote! {
        impl #impl_generics ::system_bus_sdk::Event for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;
        }
    }
}

pub(crate) fn input(input: &InputType) -> TokenStream {
    let ident = &input.item.ident;
    let (impl_generics, type_generics, where_clause) = input.item.generics.split_for_impl();
    let variants = input.variants.iter().map(|(variant, _)| variant);
    let types: Vec<_> = input.variants.iter().map(|(_, ty)| ty).collect();
    quote! {
        impl #impl_generics ::system_bus_sdk::Input for #ident #type_generics #where_clause {
            fn decode(
                event: &::system_bus_sdk::Envelope<'_>,
            ) -> ::system_bus_sdk::Result<Self> {
                #(
                    if event.name == <#types as ::system_bus_sdk::Event>::NAME {
                        return event.data().map(Self::#variants);
                    }
                )*
                ::core::result::Result::Err(
                    event.unexpected(&[#(<#types as ::system_bus_sdk::Event>::NAME),*])
                )
            }
        }
    }
}

pub(crate) fn function(function: &Function) -> TokenStream {
    let Function { item, id, name, retries, triggers, input, output } = function;
    let (visibility, ident) = (&item.vis, &item.sig.ident);
    let name = name.as_ref().unwrap_or(id);
    let retries = option(retries.as_ref());
    let triggers = triggers.iter().map(trigger);
    let doc = format!("The durable function `{}`, for `component!` and for tests.", id.value());
    // With braces the type is in the type namespace only, and the function keeps its name.
    quote! {
        #[allow(clippy::unused_async, reason = "durable functions are async, steps or not")]
        #item

        #[doc = #doc]
        #[allow(non_camel_case_types, reason = "it has the name of the function")]
        #[derive(Clone, Copy, Debug)]
        #visibility struct #ident {}

        impl ::system_bus_sdk::Function for #ident {
            type Input = #input;
            type Output = #output;

            const DECLARATION: ::system_bus_sdk::Declaration = ::system_bus_sdk::Declaration {
                id: #id,
                name: #name,
                retries: #retries,
                triggers: &[#(#triggers),*],
            };

            fn call(
                ctx: ::system_bus_sdk::Ctx,
                input: Self::Input,
            ) -> impl ::core::future::Future<Output = ::system_bus_sdk::Result<Self::Output>> {
                #ident(ctx, input)
            }
        }
    }
}

/// What stands in for a function with mistakes, so that they are the only errors: whatever names
/// the function still finds it.
pub(crate) fn refused(item: &TokenStream, error: &syn::Error) -> TokenStream {
    let errors = error.to_compile_error();
    let Ok(function) = syn::parse2::<syn::ItemFn>(item.clone()) else {
        return quote!(#item #errors);
    };
    let (visibility, ident) = (&function.vis, &function.sig.ident);
    let id = ident.to_string();
    quote! {
        #item
        #errors

        #[allow(non_camel_case_types, reason = "it has the name of the function")]
        #visibility struct #ident {}

        impl ::system_bus_sdk::Function for #ident {
            type Input = ();
            type Output = ();

            const DECLARATION: ::system_bus_sdk::Declaration = ::system_bus_sdk::Declaration {
                id: #id,
                name: #id,
                retries: ::core::option::Option::None,
                triggers: &[],
            };

            async fn call(_: ::system_bus_sdk::Ctx, _: ()) -> ::system_bus_sdk::Result<()> {
                ::core::unreachable!("the crate does not compile")
            }
        }
    }
}

fn trigger(trigger: &Trigger) -> TokenStream {
    match trigger {
        Trigger::Event { event, condition } => {
            let event = match event {
                EventName::Type(path) => quote!(<#path as ::system_bus_sdk::Event>::NAME),
                EventName::Literal(name) => quote!(#name),
            };
            let expression = option(condition.as_ref());
            quote!(::system_bus_sdk::Trigger::Event { event: #event, expression: #expression })
        }
        Trigger::Cron(cron) => quote!(::system_bus_sdk::Trigger::Cron { cron: #cron }),
    }
}

fn option(value: Option<&impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}
