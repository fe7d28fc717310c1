//! From tokens to what was meant, with all mistakes at once.

mod arguments;
mod members;
mod options;
mod shape;

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Attribute, Data, DeriveInput, Error, Fields, FnArg, GenericArgument, Ident, ItemFn, LitInt,
    LitStr, Pat, Path, PathArguments, Result, ReturnType, Type,
};

use crate::check::DeclaredStep;
use crate::parse::arguments::Arguments;
use crate::{check, names};

pub(crate) use self::options::{CancelOn, Options, Same};
pub(crate) use self::shape::{Content, Field, Known};

/// A type that is an event.
pub(crate) struct EventType {
    pub(crate) item: DeriveInput,
    pub(crate) name: LitStr,
    /// What conditions can name; none of a type with parameters.
    pub(crate) fields: Vec<Field>,
    /// How much of its JSON its fields tell.
    pub(crate) known: Known,
}

/// An enum of events.
pub(crate) struct InputType {
    pub(crate) item: DeriveInput,
    pub(crate) variants: Vec<(Ident, Type)>,
}

/// A durable function.
pub(crate) struct Function {
    pub(crate) item: ItemFn,
    /// Absent only where `of` is given, which it then follows.
    pub(crate) id: Option<LitStr>,
    pub(crate) name: Option<LitStr>,
    pub(crate) retries: Option<LitInt>,
    pub(crate) triggers: Vec<Trigger>,
    /// The function whose failures this one handles.
    pub(crate) of: Option<Path>,
    pub(crate) options: Options,
    /// The steps that can be read off its body.
    pub(crate) steps: Vec<DeclaredStep>,
    pub(crate) input: Type,
    pub(crate) output: Type,
}

/// What starts a function.
pub(crate) enum Trigger {
    Event { event: EventName, condition: Option<LitStr> },
    Cron { expression: LitStr, jitter: Option<LitStr> },
}

/// An event, by its type or by its name.
pub(crate) enum EventName {
    Type(Path),
    Literal(LitStr),
}

/// Collects mistakes.
#[derive(Default)]
pub(crate) struct Errors(Option<Error>);

impl Errors {
    pub(crate) fn push(&mut self, span: Span, message: impl std::fmt::Display) {
        self.add(Error::new(span, message));
    }

    pub(crate) fn add(&mut self, error: Error) {
        match &mut self.0 {
            Some(errors) => errors.combine(error),
            none => *none = Some(error),
        }
    }

    fn check(&mut self, literal: &LitStr, rule: fn(&str) -> std::result::Result<(), String>) {
        if let Err(message) = rule(&literal.value()) {
            self.push(literal.span(), message);
        }
    }

    pub(crate) fn end(self) -> Result<()> {
        self.0.map_or(Ok(()), Err)
    }
}

// === Derives ===

pub(crate) fn event(item: TokenStream) -> Result<EventType> {
    let item: DeriveInput = syn::parse2(item)?;
    let is_event = |attribute: &&Attribute| attribute.path().is_ident("event");
    let Some(attribute) = item.attrs.iter().find(is_event) else {
        let message = "an event needs its name: `#[event(\"domain/noun.verb\")]`";
        return Err(Error::new(item.ident.span(), message));
    };
    let name: LitStr = attribute.parse_args()?;
    let mut errors = Errors::default();
    errors.check(&name, names::own_event);
    if let Some(second) = item.attrs.iter().filter(is_event).nth(1) {
        errors.push(second.span(), "an event has one name");
    }
    errors.end()?;
    let (fields, known) = (shape::fields(&item), shape::known(&item));
    Ok(EventType { item, name, fields, known })
}

pub(crate) fn input(item: TokenStream) -> Result<InputType> {
    let item: DeriveInput = syn::parse2(item)?;
    let Data::Enum(data) = &item.data else {
        let message = "`Input` is derived on an enum whose variants hold one event type each";
        return Err(Error::new(item.ident.span(), message));
    };
    let mut errors = Errors::default();
    let mut variants = Vec::new();
    for variant in &data.variants {
        match &variant.fields {
            Fields::Unnamed(fields) if fields.unnamed.len() == 1 => {
                variants.push((variant.ident.clone(), fields.unnamed[0].ty.clone()));
            }
            _ => errors.push(variant.span(), "a variant holds one event type: `Paid(OrderPaid)`"),
        }
    }
    errors.end()?;
    Ok(InputType { item, variants })
}

// === Functions ===

/// Which attribute a function carries.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Role {
    /// `#[function(…)]`
    Function,
    /// `#[on_failure(…)]`
    FailureHandler,
}

pub(crate) fn function(role: Role, arguments: TokenStream, item: TokenStream) -> Result<Function> {
    let item: ItemFn = syn::parse2(item)?;
    let mut errors = Errors::default();
    let arguments = Arguments::collect(arguments, &mut errors);
    let signature = signature(&item, &mut errors);
    if arguments.complete {
        timed_and_quiet(&arguments, &mut errors);
        match role {
            Role::Function => started(&arguments, &mut errors),
            Role::FailureHandler => handling(&arguments, signature.as_ref(), &mut errors),
        }
    }
    let mut steps = Vec::new();
    if let Some(signature) = &signature {
        one_argument_for_all(&arguments.triggers, &signature.input, &mut errors);
        if arguments.options.has("batch") {
            several(&arguments.triggers, &signature.input, &mut errors);
        }
        if let Some(ctx) = &signature.ctx {
            steps = check::body(&item.block, ctx, &mut errors);
        }
    }
    cancelled_by_fields(&arguments, &mut errors);
    errors.end()?;
    let Some(Signature { input, output, .. }) = signature else {
        unreachable!("its lack was reported");
    };
    let Arguments { id, name, retries, triggers, of, options, .. } = arguments;
    Ok(Function { item, id, name, retries, triggers, of, options, steps, input, output })
}

/// What a function needs.
fn started(arguments: &Arguments, errors: &mut Errors) {
    if arguments.id.is_none() {
        errors.push(Span::call_site(), "a function needs an identity: `id = \"…\"`");
    }
    if let Some(of) = &arguments.of {
        errors.push(of.span(), "`of` belongs to `#[on_failure(of = …)]`");
    } else if arguments.triggers.is_empty() {
        let message = "nothing starts this function: add `on(EventType)`, \
                       `on(\"domain/noun.verb\")` or `cron(\"…\")`";
        errors.push(Span::call_site(), message);
    }
}

/// A time that starts a function and a wait for quiet do not go together.
fn timed_and_quiet(arguments: &Arguments, errors: &mut Errors) {
    let timed = arguments.triggers.iter().find_map(|trigger| match trigger {
        Trigger::Cron { expression, .. } => Some(expression.span()),
        Trigger::Event { .. } => None,
    });
    if let Some(span) = timed
        && arguments.options.has("debounce")
    {
        let message = "`cron` cannot stand beside `debounce`: the server repeats such runs; give the \
                       time a function of its own that sends the event";
        errors.push(span, message);
    }
}

/// What a failure handler needs.
fn handling(arguments: &Arguments, signature: Option<&Signature>, errors: &mut Errors) {
    if arguments.of.is_none() {
        let message = "a failure handler needs its function: `of = the_function`";
        errors.push(Span::call_site(), message);
    }
    if !arguments.triggers.is_empty() {
        let message = "a failure handler is started by the failure of its function and by nothing \
                       else: leave out `on(…)` and `cron(…)`";
        errors.push(Span::call_site(), message);
    }
    let Some(Signature { input, .. }) = signature else { return };
    let unit = matches!(input, Type::Tuple(tuple) if tuple.elems.is_empty());
    if !unit && !["Failed", "Incoming", "Value"].iter().any(|name| last_segment_is(input, name)) {
        let message = "a failure handler takes a `Failed<…>`, whose parameter is the data of the \
                       event that had started the run";
        errors.push(input.span(), message);
    }
}

/// A batch brings more than the one event that a type stands for.
fn several(triggers: &[Trigger], input: &Type, errors: &mut Errors) {
    let wanted = input.to_token_stream().to_string();
    for trigger in triggers {
        if let Trigger::Event { event: EventName::Type(path), .. } = trigger
            && path.to_token_stream().to_string() == wanted
        {
            let message = format!("a batch brings several events: take `Vec<Incoming<{wanted}>>`");
            errors.push(input.span(), message);
        }
    }
}

/// A field that both events have can be looked up in types only.
fn cancelled_by_fields(arguments: &Arguments, errors: &mut Errors) {
    let typed = |event: &EventName| matches!(event, EventName::Type(_));
    let started = arguments.triggers.iter().any(|trigger| match trigger {
        Trigger::Event { event, .. } => typed(event),
        Trigger::Cron { .. } => false,
    });
    for cancel in &arguments.options.cancel_on {
        if let Some(Same::Field(field)) = &cancel.same
            && !(started && typed(&cancel.event))
        {
            let message = format!(
                "the field `{field}` is looked up in the types of both events, and one of them is \
                 given by name: write `same = \"data.{field}\"`"
            );
            errors.push(field.span(), message);
        }
    }
}

struct Signature {
    /// What the body calls its context; `None` where it ignores it.
    ctx: Option<Ident>,
    input: Type,
    output: Type,
}

fn signature(item: &ItemFn, errors: &mut Errors) -> Option<Signature> {
    const FORM: &str =
        "a durable function has the form `async fn name(ctx: Ctx, event: …) -> Result<…>`";
    let signature = &item.sig;
    if signature.asyncness.is_none() {
        errors.push(
            signature.fn_token.span,
            "a durable function is an `async fn`: its steps are futures",
        );
    }
    if !signature.generics.params.is_empty() {
        errors.push(signature.generics.span(), format!("{FORM}, without generics"));
    }
    let output = result_of(&signature.output);
    if output.is_none() {
        let span = match &signature.output {
            ReturnType::Default => signature.ident.span(),
            ReturnType::Type(_, ty) => ty.span(),
        };
        errors.push(span, format!("{FORM}: it returns a `Result`"));
    }
    let mut inputs = signature.inputs.iter();
    let (Some(FnArg::Typed(ctx)), Some(FnArg::Typed(event)), None) =
        (inputs.next(), inputs.next(), inputs.next())
    else {
        errors.push(signature.ident.span(), format!("{FORM}: it takes two arguments"));
        return None;
    };
    if !last_segment_is(&ctx.ty, "Ctx") {
        errors.push(ctx.ty.span(), format!("{FORM}: its first argument is a `Ctx`, by value"));
    }
    let name = match &*ctx.pat {
        Pat::Ident(pattern) => Some(pattern.ident.clone()),
        _ => None,
    };
    Some(Signature { ctx: name, input: (*event.ty).clone(), output: output? })
}

fn last_segment_is(ty: &Type, name: &str) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|segment| segment.ident == name)
}

/// `T` of `Result<T>`.
fn result_of(output: &ReturnType) -> Option<Type> {
    let ReturnType::Type(_, ty) = output else { return None };
    let Type::Path(path) = &**ty else { return None };
    let segment = path.path.segments.last().filter(|segment| segment.ident == "Result")?;
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else { return None };
    match arguments.args.first()? {
        GenericArgument::Type(ty) => Some(ty.clone()),
        _ => None,
    }
}

/// One event type cannot be what several different triggers bring.
fn one_argument_for_all(triggers: &[Trigger], input: &Type, errors: &mut Errors) {
    let wanted = input.to_token_stream().to_string();
    let is_input = |trigger: &Trigger| match trigger {
        Trigger::Event { event: EventName::Type(path), .. } => {
            path.to_token_stream().to_string() == wanted
        }
        _ => false,
    };
    if triggers.iter().any(is_input) && !triggers.iter().all(is_input) {
        let message = "other triggers start this function too: take an enum with \
                       `#[derive(Input)]`, or `Incoming<Value>`";
        errors.push(input.span(), message);
    }
}
