//! From what was meant to Rust.

mod options;

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::Ident;

use crate::check::DeclaredStep;
use crate::parse::{Content, EventName, EventType, Field, Function, InputType, Known, Trigger};

pub(crate) fn event(event: &EventType) -> TokenStream {
    let EventType { item, name, .. } = event;
    let ident = &item.ident;
    let (impl_generics, type_generics, where_clause) = item.generics.split_for_impl();
    let members = event.fields.iter().map(|field| &field.name);
    let shape = item.generics.params.is_empty().then(|| shape(ident, &event.fields));
    let schema = schema(&event.fields, event.known);
    quote! {
        impl #impl_generics ::system_bus_sdk::Event for #ident #type_generics #where_clause {
            const NAME: &'static str = #name;
            const MEMBERS: &'static [&'static str] = &[#(#members),*];
            const SCHEMA: ::core::option::Option<::system_bus_sdk::declare::Schema> = #schema;
        }
        #shape
    }
}

/// What the fields tell of its data.
fn schema(fields: &[Field], known: Known) -> TokenStream {
    let closed = match known {
        Known::Nothing => return quote!(::core::option::Option::None),
        Known::Members => false,
        Known::Everything => true,
    };
    let members = fields.iter().map(|field| {
        let Field { name, required, description, .. } = field;
        let holds = content(&field.holds);
        quote! {
            ::system_bus_sdk::declare::Member {
                name: #name, holds: #holds, required: #required, description: #description
            }
        }
    });
    quote! {
        ::core::option::Option::Some(::system_bus_sdk::declare::Schema {
            members: &[#(#members),*],
            closed: #closed,
        })
    }
}

fn content(content: &Content) -> TokenStream {
    let (name, inner) = match content {
        Content::String => ("String", None),
        Content::DateTime => ("DateTime", None),
        Content::Integer => ("Integer", None),
        Content::Natural => ("Natural", None),
        Content::Number => ("Number", None),
        Content::Boolean => ("Boolean", None),
        Content::Array(inner) => ("Array", Some(inner)),
        Content::Object(inner) => ("Object", Some(inner)),
        Content::Any => ("Any", None),
    };
    let name = format_ident!("{name}");
    let inner = inner.map(|inner| self::content(inner)).map(|inner| quote!((&#inner)));
    quote!(::system_bus_sdk::declare::Content::#name #inner)
}

/// The fields of an event, in a type that only its constant names.
fn shape(event: &Ident, fields: &[Field]) -> TokenStream {
    let names: Vec<_> = fields.iter().map(|field| &field.ident).collect();
    let types = fields.iter().map(|field| &field.ty);
    let selectors = fields.iter().map(|field| &field.selector);
    let all = format_ident!("{event}Fields");
    quote! {
        const _: () = {
            #[doc(hidden)]
            #[allow(missing_docs, unreachable_pub, reason = "named by a constant only")]
            #[allow(private_interfaces, reason = "a field may be of a private type")]
            #[derive(Clone, Copy, Debug)]
            pub struct #all {
                #(pub #names: ::system_bus_sdk::Field<#event, #types>,)*
            }

            impl ::system_bus_sdk::Shape for #event {
                type Fields = #all;

                const FIELDS: #all = #all {
                    #(#names: ::system_bus_sdk::Field::new(#selectors),)*
                };
            }
        };
    }
}

pub(crate) fn input(input: &InputType) -> TokenStream {
    let ident = &input.item.ident;
    let (impl_generics, type_generics, where_clause) = input.item.generics.split_for_impl();
    let variants: Vec<_> = input.variants.iter().map(|(variant, _)| variant).collect();
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
                // Whoever invokes a function gives no name: the first variant that fits is it.
                if event.is_invocation() {
                    #(
                        if let ::core::result::Result::Ok(data) = event.data() {
                            return ::core::result::Result::Ok(Self::#variants(data));
                        }
                    )*
                }
                ::core::result::Result::Err(
                    event.unexpected(&[#(<#types as ::system_bus_sdk::Event>::NAME),*])
                )
            }
        }

        #(
            impl #impl_generics ::system_bus_sdk::DataOf<#ident #type_generics> for #types
            #where_clause
            {
            }
        )*
    }
}

pub(crate) fn function(function: &Function) -> TokenStream {
    let Function { item, retries, triggers, of, input, output, .. } = function;
    let (visibility, ident) = (&item.vis, &item.sig.ident);
    let (id, name) = identity(function);
    let retries = option(retries.as_ref());
    let steps = function.steps.iter().map(step);
    let events: Vec<_> = triggers.iter().filter_map(input_event).collect();
    let triggers = triggers.iter().map(trigger).chain(of.as_ref().map(|of| {
        quote! {
            ::system_bus_sdk::Trigger::Failure {
                failure_of: <#of as ::system_bus_sdk::Function>::DECLARATION.id,
            }
        }
    }));
    let not_twice = of.as_ref().map(|of| {
        quote! {
            const _: () = ::core::assert!(
                !<#of as ::system_bus_sdk::Function>::DECLARATION.handles_failures(),
                "a failure handler has no failure handler: the server reports no failure of it"
            );
        }
    });
    let options = options::options(function);
    let doc = match (&function.id, of) {
        (Some(id), _) => {
            format!("The durable function `{}`, for `component!` and tests.", id.value())
        }
        (None, Some(of)) => format!(
            "The failure handler of [`{0}`](struct@{0}), for `component!` and tests.",
            of.to_token_stream().to_string().replace(' ', "")
        ),
        (None, None) => unreachable!("one of them is given"),
    };
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
                options: #options,
                steps: &[#(#steps),*],
                input: &[#(#events),*],
            };

            fn call(
                ctx: ::system_bus_sdk::Ctx,
                input: Self::Input,
            ) -> impl ::core::future::Future<Output = ::system_bus_sdk::Result<Self::Output>> {
                #ident(ctx, input)
            }
        }

        #not_twice
    }
}

/// The id and the name; a failure handler takes them from its function.
fn identity(function: &Function) -> (TokenStream, TokenStream) {
    let declaration =
        function.of.as_ref().map(|of| quote!(<#of as ::system_bus_sdk::Function>::DECLARATION));
    let id = match (&function.id, &declaration) {
        (Some(id), _) => quote!(#id),
        (None, declaration) => quote!(::system_bus_sdk::__joined!(#declaration.id, "-failure")),
    };
    let name = match (&function.name, &function.id, &declaration) {
        (Some(name), ..) => quote!(#name),
        (None, _, Some(declaration)) => {
            quote!(::system_bus_sdk::__joined!(#declaration.name, " (failure)"))
        }
        (None, id, None) => quote!(#id),
    };
    (id, name)
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
                options: ::system_bus_sdk::declare::Options::NONE,
                steps: &[],
                input: &[],
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
            let event = event_name(event);
            let expression = option(condition.as_ref());
            quote!(::system_bus_sdk::Trigger::Event { event: #event, expression: #expression })
        }
        Trigger::Cron { expression, jitter } => {
            let jitter = option(jitter.as_ref());
            quote!(::system_bus_sdk::Trigger::Cron { cron: #expression, jitter: #jitter })
        }
    }
}

fn step(step: &DeclaredStep) -> TokenStream {
    let DeclaredStep { id, kind, keyed, alias } = step;
    let alias = option(alias.as_ref());
    quote! {
        ::system_bus_sdk::declare::DeclaredStep { id: #id, kind: #kind, keyed: #keyed, alias: #alias }
    }
}

/// What is known of an event that is given by its type.
fn input_event(trigger: &Trigger) -> Option<TokenStream> {
    let Trigger::Event { event: EventName::Type(path), .. } = trigger else { return None };
    Some(quote! {
        ::system_bus_sdk::declare::DeclaredEvent {
            event: <#path as ::system_bus_sdk::Event>::NAME,
            fields: <#path as ::system_bus_sdk::Event>::MEMBERS,
            schema: <#path as ::system_bus_sdk::Event>::SCHEMA,
        }
    })
}

fn event_name(event: &EventName) -> TokenStream {
    match event {
        EventName::Type(path) => quote!(<#path as ::system_bus_sdk::Event>::NAME),
        EventName::Literal(name) => quote!(#name),
    }
}

pub(crate) fn option(value: Option<&impl ToTokens>) -> TokenStream {
    value.map_or_else(
        || quote!(::core::option::Option::None),
        |value| quote!(::core::option::Option::Some(#value)),
    )
}
