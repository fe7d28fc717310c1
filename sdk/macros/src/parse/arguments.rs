//! The arguments of `#[function(…)]`.

use proc_macro2::TokenStream;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Ident, LitInt, LitStr, Result, Token, parenthesized};

use crate::names;
use crate::parse::{Errors, EventName, Trigger};

#[derive(Default)]
pub(super) struct Arguments {
    pub(super) id: Option<LitStr>,
    pub(super) name: Option<LitStr>,
    pub(super) retries: Option<LitInt>,
    pub(super) triggers: Vec<Trigger>,
    /// Whether all of them could be read, so that what is missing is missing.
    pub(super) complete: bool,
}

impl Arguments {
    pub(super) fn collect(tokens: TokenStream, errors: &mut Errors) -> Self {
        let mut arguments = Self { complete: true, ..Self::default() };
        let list = Punctuated::<Argument, Token![,]>::parse_terminated.parse2(tokens);
        match list {
            Ok(list) => list.into_iter().for_each(|argument| arguments.take(argument, errors)),
            Err(error) => {
                arguments.complete = false;
                errors.add(error);
            }
        }
        arguments
    }

    fn take(&mut self, argument: Argument, errors: &mut Errors) {
        match argument {
            Argument::Id(id) => {
                if id.value().trim().is_empty() {
                    errors.push(id.span(), "the id of a function must not be empty");
                }
                put(&mut self.id, id, errors);
            }
            Argument::Name(name) => put(&mut self.name, name, errors),
            Argument::Retries(retries) => {
                match retries.base10_parse::<u64>() {
                    Ok(1..=20) => {}
                    Ok(0) => errors.push(
                        retries.span(),
                        "retries must be 1 to 20: with 0, one lost connection fails the run",
                    ),
                    _ => errors
                        .push(retries.span(), "retries must be 1 to 20: the server refuses more"),
                }
                put(&mut self.retries, retries, errors);
            }
            Argument::On(event, condition) => {
                if let EventName::Literal(name) = &event {
                    errors.check(name, names::trigger_event);
                }
                self.triggers.push(Trigger::Event { event, condition });
            }
            Argument::Cron(expression) => {
                errors.check(&expression, names::cron);
                self.triggers.push(Trigger::Cron(expression));
            }
        }
    }
}

fn put<T: Spanned>(place: &mut Option<T>, value: T, errors: &mut Errors) {
    if place.is_some() {
        errors.push(value.span(), "this is given twice");
    }
    *place = Some(value);
}

enum Argument {
    Id(LitStr),
    Name(LitStr),
    Retries(LitInt),
    On(EventName, Option<LitStr>),
    Cron(LitStr),
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key: Ident = input.parse()?;
        match key.to_string().as_str() {
            "id" => Ok(Self::Id(assigned(input)?)),
            "name" => Ok(Self::Name(assigned(input)?)),
            "retries" => Ok(Self::Retries(assigned(input)?)),
            "on" => {
                let content;
                parenthesized!(content in input);
                let event = if content.peek(LitStr) {
                    EventName::Literal(content.parse()?)
                } else {
                    EventName::Type(content.parse()?)
                };
                let mut condition = None;
                if content.parse::<Option<Token![,]>>()?.is_some() && !content.is_empty() {
                    content.parse::<Token![if]>()?;
                    condition = Some(assigned(&content)?);
                    content.parse::<Option<Token![,]>>()?;
                }
                if !content.is_empty() {
                    return Err(content.error("expected the end of `on(…)`"));
                }
                Ok(Self::On(event, condition))
            }
            "cron" => {
                let content;
                parenthesized!(content in input);
                Ok(Self::Cron(content.parse()?))
            }
            other => Err(Error::new(
                key.span(),
                format!(
                    "there is no `{other}`: known are `id`, `name`, `on(…)`, `cron(…)` and `retries`"
                ),
            )),
        }
    }
}

fn assigned<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}
