//! The options of a function other than what starts it: the rules of each, and what it becomes.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;

use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::spanned::Spanned;
use syn::{Expr, Ident, LitStr};

use crate::duration::{DAY, LONGEST, MINUTE, SECOND};
use crate::expand::option;
use crate::parse::members::{Members, literal};
use crate::parse::{Errors, EventName};
use crate::{condition, selector};

/// The names of the options with members.
pub(super) const WITH_MEMBERS: [&str; 8] = [
    "concurrency",
    "throttle",
    "rate_limit",
    "debounce",
    "batch",
    "timeouts",
    "singleton",
    "checkpoint",
];
/// The names of the options that are a text.
pub(super) const TEXTS: [&str; 5] = ["priority", "idempotency", "checkpoint", "mode", "role"];

const ANY: RangeInclusive<u64> = SECOND..=LONGEST;
const POSITIVE: RangeInclusive<u32> = 1..=u32::MAX;
const WEEK: RangeInclusive<u64> = SECOND..=7 * DAY;
const HOUR: u64 = 60 * MINUTE;
const MOST_CANCELS: usize = 5;
const MOST_LIMITS: usize = 2;

/// Pairs that the server takes no function with, and why.
const EXCLUSIVE: [(&str, &str, &str); 5] = [
    ("batch", "cancel_on", "a batch cannot be cancelled by an event"),
    ("batch", "debounce", "both hold events back"),
    ("batch", "singleton", "a batch has no single event to tell runs apart by"),
    ("batch", "priority", "a batch has no single event to be judged by"),
    ("idempotency", "rate_limit", "the server makes a rate limit of it, in place of yours"),
];

/// What a function asks for beside its triggers.
#[derive(Default)]
pub(crate) struct Options {
    pub(crate) concurrency: Vec<TokenStream>,
    pub(crate) cancel_on: Vec<CancelOn>,
    /// The others, by their names: the expression for each.
    pub(crate) single: BTreeMap<&'static str, TokenStream>,
    /// Where each option was given first.
    places: BTreeMap<&'static str, Span>,
}

/// An event that cancels a run.
pub(crate) struct CancelOn {
    pub(crate) event: EventName,
    pub(crate) condition: Option<LitStr>,
    pub(crate) same: Option<Same>,
    pub(crate) timeout: Option<LitStr>,
}

/// What has the same value in both events.
pub(crate) enum Same {
    /// A field of both types.
    Field(Ident),
    /// A path, as a selector.
    Selector(String),
}

impl Options {
    /// Takes an option that is a text.
    pub(super) fn text(&mut self, name: &Ident, value: &LitStr, errors: &mut Errors) {
        if name == "checkpoint" {
            let preset = match value.value().as_str() {
                "off" => quote!(Off),
                "every-step" => quote!(EveryStep),
                _ => {
                    let message = "`checkpoint` is `\"off\"`, `\"every-step\"`, or \
                                   `checkpoint(steps = 10, interval = \"3s\")`";
                    errors.push(value.span(), message);
                    return;
                }
            };
            self.put(name, quote!(::system_bus_sdk::declare::Checkpoint::#preset), errors);
            return;
        }
        if name == "mode" || name == "role" {
            self.word(name, value, errors);
            return;
        }
        errors.check(value, condition::check);
        self.put(name, quote!(#value), errors);
    }

    /// Takes an option that is one of a few words.
    fn word(&mut self, name: &Ident, value: &LitStr, errors: &mut Errors) {
        let word = match (name.to_string().as_str(), value.value().as_str()) {
            ("mode", "latest-compatible") => quote!(Mode::LatestCompatible),
            ("mode", "pinned") => quote!(Mode::Pinned),
            ("mode", "latest") => quote!(Mode::Latest),
            ("role", "host") => quote!(Role::Host),
            ("mode", _) => {
                let message =
                    "`mode` is one of `\"latest-compatible\"`, `\"pinned\"`, `\"latest\"`";
                errors.push(value.span(), message);
                return;
            }
            _ => {
                let message = "`role` is `\"host\"` or left out: otherwise what the component imports \
                               decides where it runs";
                errors.push(value.span(), message);
                return;
            }
        };
        self.put(name, quote!(::system_bus_sdk::declare::#word), errors);
    }

    /// Takes an option with members.
    pub(super) fn members(&mut self, name: &Ident, mut members: Members, errors: &mut Errors) {
        let members_of = match name.to_string().as_str() {
            "concurrency" => concurrency,
            "throttle" => throttle,
            "rate_limit" => rate_limit,
            "debounce" => debounce,
            "batch" => batch,
            "timeouts" => timeouts,
            "singleton" => singleton,
            _ => checkpoint,
        };
        let value = members_of(&mut members, errors);
        members.end(errors);
        let value = quote!(::system_bus_sdk::declare::#value);
        if name != "concurrency" {
            self.put(name, value, errors);
            return;
        }
        self.places.entry("concurrency").or_insert(name.span());
        self.concurrency.push(value);
        if self.concurrency.len() > MOST_LIMITS {
            errors.push(name.span(), "a function has two limits of `concurrency` at most");
        }
    }

    /// Takes an event that cancels.
    pub(super) fn cancel_on(
        &mut self,
        name: &Ident,
        event: EventName,
        mut members: Members,
        errors: &mut Errors,
    ) {
        let condition = members.text("if", errors, condition::cancelling);
        let timeout = members.duration("timeout", &ANY, errors);
        let same = members.take("same", errors).and_then(|value| same(&value, errors));
        members.end(errors);
        self.places.entry("cancel_on").or_insert(name.span());
        self.cancel_on.push(CancelOn { event, condition, same, timeout });
        if self.cancel_on.len() > MOST_CANCELS {
            errors.push(name.span(), "a function has five events that cancel it at most");
        }
    }

    /// Whether an option was given.
    pub(super) fn has(&self, name: &str) -> bool {
        self.places.contains_key(name)
    }

    /// Reports options that exclude each other.
    pub(super) fn end(&self, errors: &mut Errors) {
        for (one, other, why) in EXCLUSIVE {
            if let (Some(_), Some(place)) = (self.places.get(one), self.places.get(other)) {
                errors.push(*place, format!("`{other}` cannot stand beside `{one}`: {why}"));
            }
        }
    }

    fn put(&mut self, name: &Ident, value: TokenStream, errors: &mut Errors) {
        let all = WITH_MEMBERS.iter().chain(&TEXTS);
        let known = all.copied().find(|known| name == known).expect("only these are asked for");
        if self.single.insert(known, value).is_some() {
            errors.push(name.span(), "this is given twice");
        }
        self.places.entry(known).or_insert(name.span());
    }
}

fn concurrency(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let limit = members.number("limit", &POSITIVE, errors);
    let key = members.text("key", errors, condition::check);
    let scope = members.text("scope", errors, one_of("scope", &["fn", "env", "account"]));
    members.required("limit", limit.as_ref(), errors);
    let wide = scope.as_ref().filter(|scope| scope.value() != "fn");
    if let (Some(scope), None) = (wide, &key) {
        let message = format!(
            "the scope `{}` needs `key = \"…\"`: it says what the functions share",
            scope.value()
        );
        errors.push(scope.span(), message);
    }
    let scope = scope.map(|scope| match scope.value().as_str() {
        "env" => quote!(::system_bus_sdk::declare::Scope::Env),
        "account" => quote!(::system_bus_sdk::declare::Scope::Account),
        _ => quote!(::system_bus_sdk::declare::Scope::Fn),
    });
    let (key, scope) = (option(key.as_ref()), option(scope.as_ref()));
    quote!(Concurrency { limit: #limit, key: #key, scope: #scope })
}

fn throttle(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let limit = members.number("limit", &POSITIVE, errors);
    let period = members.duration("period", &ANY, errors);
    let burst = members.number("burst", &(0..=u32::MAX), errors);
    let key = members.text("key", errors, condition::check);
    members.required("limit", limit.as_ref(), errors);
    members.required("period", period.as_ref(), errors);
    let (burst, key) = (option(burst.as_ref()), option(key.as_ref()));
    quote!(Throttle { limit: #limit, period: #period, burst: #burst, key: #key })
}

fn rate_limit(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let limit = members.number("limit", &POSITIVE, errors);
    let period = members.duration("period", &(SECOND..=DAY), errors);
    let key = members.text("key", errors, condition::check);
    members.required("limit", limit.as_ref(), errors);
    members.required("period", period.as_ref(), errors);
    let key = option(key.as_ref());
    quote!(RateLimit { limit: #limit, period: #period, key: #key })
}

fn debounce(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let period = members.duration("period", &WEEK, errors);
    let timeout = members.duration("timeout", &WEEK, errors);
    let key = members.text("key", errors, condition::check);
    members.required("period", period.as_ref(), errors);
    let (timeout, key) = (option(timeout.as_ref()), option(key.as_ref()));
    quote!(Debounce { period: #period, timeout: #timeout, key: #key })
}

fn batch(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let size = members.number("max_size", &(2..=100), errors);
    let timeout = members.duration("timeout", &WEEK, errors);
    let key = members.text("key", errors, condition::check);
    let condition = members.text("if", errors, condition::check);
    members.required("max_size", size.as_ref(), errors);
    members.required("timeout", timeout.as_ref(), errors);
    let (key, condition) = (option(key.as_ref()), option(condition.as_ref()));
    quote!(Batch { max_size: #size, timeout: #timeout, key: #key, condition: #condition })
}

fn timeouts(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let start = members.duration("start", &ANY, errors);
    let finish = members.duration("finish", &ANY, errors);
    if start.is_none() {
        members.required("finish", finish.as_ref(), errors);
    }
    let (start, finish) = (option(start.as_ref()), option(finish.as_ref()));
    quote!(Timeouts { start: #start, finish: #finish })
}

fn singleton(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let mode = members.text("mode", errors, one_of("mode", &["skip", "cancel"]));
    let key = members.text("key", errors, condition::check);
    members.required("mode", mode.as_ref(), errors);
    let cancels = mode.is_some_and(|mode| mode.value() == "cancel");
    let mode = if cancels { quote!(Cancel) } else { quote!(Skip) };
    let key = option(key.as_ref());
    quote!(Singleton { mode: ::system_bus_sdk::declare::SingletonMode::#mode, key: #key })
}

fn checkpoint(members: &mut Members, errors: &mut Errors) -> TokenStream {
    let steps = members.number("steps", &(1..=1_000), errors);
    let interval = members.duration("interval", &(1..=HOUR), errors);
    let runtime = members.duration("max_runtime", &(SECOND..=HOUR), errors);
    if interval.is_none() && runtime.is_none() {
        members.required("steps", steps.as_ref(), errors);
    }
    let steps = option(steps.as_ref());
    let (interval, runtime) = (option(interval.as_ref()), option(runtime.as_ref()));
    quote!(Checkpoint::Batched { steps: #steps, interval: #interval, max_runtime: #runtime })
}

fn same(value: &Expr, errors: &mut Errors) -> Option<Same> {
    if let Some(path) = literal(value) {
        return match selector::of_path(&path.value()) {
            Ok(selector) => Some(Same::Selector(selector)),
            Err(problem) => {
                errors.push(path.span(), problem);
                None
            }
        };
    }
    if let Expr::Path(path) = value
        && let Some(field) = path.path.get_ident()
    {
        return Some(Same::Field(field.clone()));
    }
    let message = "`same` is a field of both events, `same = order_id`, or a path in both, \
                   `same = \"data.order.id\"`";
    errors.push(value.span(), message);
    None
}

fn one_of(name: &str, allowed: &[&str]) -> impl Fn(&str) -> Result<(), String> {
    move |text| {
        if allowed.contains(&text) {
            return Ok(());
        }
        Err(format!("`{name}` is one of `\"{}\"`", allowed.join("\"`, `\"")))
    }
}
