//! `#[test]`: a function that is given the kit becomes a test.

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::Parser;
use syn::{Error, ItemFn, LitStr, Result, ReturnType};

use crate::parse::Errors;

/// How often the test runs.
enum Crash {
    /// Once, as it is.
    Nowhere,
    /// And once for each boundary of a step.
    Everywhere,
}

pub(crate) fn test(arguments: TokenStream, item: TokenStream) -> Result<TokenStream> {
    let crash = crash(arguments)?;
    let function: ItemFn = syn::parse2(item)?;
    let signature = &function.sig;
    let mut errors = Errors::default();
    let mut refuse = |message: &str| errors.add(Error::new_spanned(signature, message));
    if signature.asyncness.is_some() {
        refuse("a test lets the time pass by itself and is not async: take the `async` away");
    }
    if signature.inputs.len() != 1 || !signature.generics.params.is_empty() {
        refuse("a test takes the kit and nothing else: `fn name(kit: &mut Kit)`");
    }
    if !matches!(signature.output, ReturnType::Default) {
        refuse("a test returns nothing: use `expect` for what may fail");
    }
    errors.end()?;
    let run = match crash {
        Crash::Nowhere => quote!(once),
        Crash::Everywhere => quote!(everywhere),
    };
    let (name, attributes) = (&signature.ident, &function.attrs);
    let scenario =
        ItemFn { attrs: Vec::new(), vis: syn::Visibility::Inherited, ..function.clone() };
    Ok(quote! {
        #(#attributes)*
        #[::core::prelude::v1::test]
        fn #name() {
            #scenario
            ::system_bus_testing::#run(#name)
        }
    })
}

fn crash(arguments: TokenStream) -> Result<Crash> {
    let mut crash = Crash::Nowhere;
    let parser = syn::meta::parser(|meta| {
        if !meta.path.is_ident("crash") {
            return Err(meta.error("there is one argument: `crash = \"everywhere\"`"));
        }
        let value: LitStr = meta.value()?.parse()?;
        if value.value() != "everywhere" {
            return Err(Error::new(
                value.span(),
                "write `crash = \"everywhere\"`, or leave it out",
            ));
        }
        crash = Crash::Everywhere;
        Ok(())
    });
    parser.parse2(arguments)?;
    Ok(crash)
}
