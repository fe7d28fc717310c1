//! The arguments of `#[function(…)]` and `#[on_failure(…)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Error, Ident, LitInt, LitStr, Path, Result, Token, parenthesized};

use crate::duration::{MINUTE, SECOND};
use crate::parse::members::Members;
use crate::parse::options::{Options, TEXTS, WITH_MEMBERS};
use crate::parse::{Errors, EventName, Trigger};
use crate::{condition, names};

const MOST_TRIGGERS: usize = 10;

#[derive(Default)]
pub(super) struct Arguments {
    pub(super) id: Option<LitStr>,
    pub(super) name: Option<LitStr>,
    pub(super) retries: Option<LitInt>,
    pub(super) triggers: Vec<Trigger>,
    /// The function whose failures are handled.
    pub(super) of: Option<Path>,
    pub(super) options: Options,
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
        arguments.options.end(errors);
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
            Argument::On(key, event, mut members) => {
                if let EventName::Literal(name) = &event {
                    errors.check(name, names::trigger_event);
                }
                let condition = members.text("if", errors, condition::check);
                members.end(errors);
                self.trigger(&key, Trigger::Event { event, condition }, errors);
            }
            Argument::Cron(key, expression, mut members) => {
                errors.check(&expression, names::cron);
                let jitter = members.duration("jitter", &(SECOND..=5 * MINUTE), errors);
                members.end(errors);
                self.trigger(&key, Trigger::Cron { expression, jitter }, errors);
            }
            Argument::Of(of) => put(&mut self.of, of, errors),
            Argument::CancelOn(key, event, members) => {
                if let EventName::Literal(name) = &event {
                    errors.check(name, names::cancelling_event);
                }
                self.options.cancel_on(&key, event, members, errors);
            }
            Argument::Text(key, value) => self.options.text(&key, &value, errors),
            Argument::Members(key, members) => self.options.members(&key, members, errors),
        }
    }

    fn trigger(&mut self, key: &Ident, trigger: Trigger, errors: &mut Errors) {
        if self.triggers.iter().any(|known| same(known, &trigger)) {
            errors.push(key.span(), "this starts the function already");
        }
        self.triggers.push(trigger);
        if self.triggers.len() > MOST_TRIGGERS {
            errors.push(key.span(), "a function has ten triggers at most");
        }
    }
}

/// Whether the server takes two triggers for one; a jitter makes no difference to it.
fn same(left: &Trigger, right: &Trigger) -> bool {
    let text = |tokens: &dyn Fn(&mut TokenStream)| {
        let mut stream = TokenStream::new();
        tokens(&mut stream);
        stream.to_string()
    };
    match (left, right) {
        (Trigger::Cron { expression: left, .. }, Trigger::Cron { expression: right, .. }) => {
            left.value() == right.value()
        }
        (
            Trigger::Event { event: left, condition: one },
            Trigger::Event { event: right, condition: other },
        ) => {
            let name = |event: &EventName| match event {
                EventName::Type(path) => text(&|stream| path.to_tokens(stream)),
                EventName::Literal(name) => text(&|stream| name.to_tokens(stream)),
            };
            name(left) == name(right)
                && one.as_ref().map(LitStr::value) == other.as_ref().map(LitStr::value)
        }
        _ => false,
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
    On(Ident, EventName, Members),
    Cron(Ident, LitStr, Members),
    Of(Path),
    CancelOn(Ident, EventName, Members),
    Text(Ident, LitStr),
    Members(Ident, Members),
}

impl Parse for Argument {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let key: Ident = input.call(Ident::parse_any)?;
        let name = key.to_string();
        match name.as_str() {
            "id" => Ok(Self::Id(assigned(input)?)),
            "name" => Ok(Self::Name(assigned(input)?)),
            "retries" => Ok(Self::Retries(assigned(input)?)),
            "of" => Ok(Self::Of(assigned(input)?)),
            "on" => {
                let (event, members) = headed(&key, input)?;
                Ok(Self::On(key, event, members))
            }
            "cron" => {
                let (expression, members) = headed(&key, input)?;
                Ok(Self::Cron(key, expression, members))
            }
            "cancel_on" => {
                let (event, members) = headed(&key, input)?;
                Ok(Self::CancelOn(key, event, members))
            }
            text if TEXTS.contains(&text) && input.peek(Token![=]) => {
                Ok(Self::Text(key, assigned(input)?))
            }
            option if WITH_MEMBERS.contains(&option) => {
                let content;
                parenthesized!(content in input);
                let members = Members::parse(key.clone(), &content)?;
                Ok(Self::Members(key, members))
            }
            text if TEXTS.contains(&text) => Err(input.error(format!("write `{text} = \"…\"`"))),
            other => Err(Error::new(
                key.span(),
                format!(
                    "there is no `{other}`: known are `id`, `name`, `retries`, `on(…)`, `cron(…)`, \
                     `cancel_on(…)`, `{}(…)`, `priority`, `idempotency`, `mode` and `role`; `of` belongs to \
                     `#[on_failure]`",
                    WITH_MEMBERS.join("(…)`, `")
                ),
            )),
        }
    }
}

/// `(head, member = value, …)`.
fn headed<T: Parse>(key: &Ident, input: ParseStream<'_>) -> Result<(T, Members)> {
    let content;
    parenthesized!(content in input);
    let head = content.parse()?;
    if !content.is_empty() {
        content.parse::<Token![,]>()?;
    }
    Ok((head, Members::parse(key.clone(), &content)?))
}

impl Parse for EventName {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.peek(LitStr) {
            input.parse().map(Self::Literal)
        } else {
            input.parse().map(Self::Type)
        }
    }
}

fn assigned<T: Parse>(input: ParseStream<'_>) -> Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}
