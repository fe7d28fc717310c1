//! What a function's body does with its context, as far as it can be read off the code.

use std::collections::BTreeMap;

use proc_macro2::Span;
use syn::parse::Parser;
use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{
    Block, Expr, ExprClosure, ExprForLoop, ExprLit, ExprLoop, ExprMethodCall, ExprWhile, Ident,
    Item, Lit, LitStr, Macro, Token,
};

use crate::parse::Errors;

/// The methods of a context that make steps, and the kind of each. The first argument is the step's id.
const STEPS: [(&str, &str); 13] = [
    ("step", "run"),
    ("sleep", "sleep"),
    ("sleep_until", "sleep-until"),
    ("send", "send-event"),
    ("send_all", "send-event"),
    ("wait_for", "wait-for-event"),
    ("wait_for_event", "wait-for-event"),
    ("wait_for_signal", "wait-for-signal"),
    ("send_signal", "send-signal"),
    ("invoke", "invoke"),
    ("invoke_by_id", "invoke"),
    ("fetch", "fetch"),
    ("infer", "infer"),
];

/// A step that can be read off a function's body.
pub(crate) struct DeclaredStep {
    pub(crate) id: LitStr,
    pub(crate) kind: &'static str,
    pub(crate) keyed: bool,
    pub(crate) alias: Option<LitStr>,
}

/// Reports every misuse of the context called `ctx`, and tells which steps there are.
pub(crate) fn body(block: &Block, ctx: &Ident, errors: &mut Errors) -> Vec<DeclaredStep> {
    let mut checker = Checker {
        ctx,
        errors,
        seen: BTreeMap::new(),
        declared: Vec::new(),
        body_of: None,
        repeats: false,
        settings: Settings::default(),
    };
    checker.visit_block(block);
    checker.declared
}

/// What stands behind a step's call.
#[derive(Clone, Default)]
struct Settings {
    /// Whether there is a `.key(…)`.
    keyed: bool,
    /// What `.alias(…)` was given.
    alias: Option<Expr>,
}

struct Checker<'a> {
    ctx: &'a Ident,
    errors: &'a mut Errors,
    /// Where each id was used first.
    seen: BTreeMap<String, Span>,
    /// The step in whose body we are.
    body_of: Option<String>,
    /// Whether the code around can run more than once in a call.
    repeats: bool,
    /// What stands behind the call about to be visited.
    settings: Settings,
    declared: Vec<DeclaredStep>,
}

impl Checker<'_> {
    /// The kind of step that a call makes, if it makes one.
    fn kind(&self, call: &ExprMethodCall) -> Option<&'static str> {
        let Expr::Path(receiver) = &*call.receiver else { return None };
        let known = STEPS.iter().find(|(name, _)| call.method == name);
        known.filter(|_| receiver.path.is_ident(self.ctx)).map(|(_, kind)| *kind)
    }

    fn step(&mut self, call: &ExprMethodCall, kind: &'static str, settings: &Settings) {
        let id = call.args.first().and_then(literal);
        if let Some(outer) = &self.body_of {
            let message = format!(
                "`{}.{}` is inside the body of step `{outer}`: a body runs at most once and \
                 cannot hold steps, so move it out",
                self.ctx, call.method
            );
            self.errors.push(call.method.span(), message);
        } else if let Some(id) = id {
            self.unique(id);
            let alias = self.alias(settings.alias.as_ref());
            let keyed = settings.keyed;
            self.declared.push(DeclaredStep { id: id.clone(), kind, keyed, alias });
            if self.repeats && !keyed {
                let message =
                    format!("step `{}` can run more than once here: add `.key(value)`", id.value());
                self.errors.push(id.span(), message);
            }
        } else if let Some(id) = call.args.first() {
            let message = "a step id must be a literal; in a loop write `.key(value)`";
            self.errors.push(syn::spanned::Spanned::span(id), message);
        }

        let outer = self.body_of.clone();
        let mut arguments = call.args.iter();
        arguments.next();
        for argument in arguments {
            match argument {
                Expr::Closure(closure) if call.method == "step" => {
                    let id = id.map_or_else(|| "?".to_owned(), LitStr::value);
                    self.body_of = Some(outer.clone().unwrap_or(id));
                    self.visit_expr(&closure.body);
                    self.body_of.clone_from(&outer);
                }
                other => self.visit_expr(other),
            }
        }
    }

    fn alias(&mut self, given: Option<&Expr>) -> Option<LitStr> {
        let given = given?;
        let Some(alias) = literal(given) else {
            let message = "an alias is the literal id that the step had before";
            self.errors.push(syn::spanned::Spanned::span(given), message);
            return None;
        };
        if alias.value().trim().is_empty() {
            self.errors.push(alias.span(), "an alias must not be empty");
        }
        self.unique(alias);
        Some(alias.clone())
    }

    fn unique(&mut self, id: &LitStr) {
        let Some(first) = self.seen.insert(id.value(), id.span()) else { return };
        self.seen.insert(id.value(), first);
        let message = format!(
            "step id `{}` is used twice (lines {} and {}): ids are identity across deploys, so \
             give each step its own",
            id.value(),
            first.unwrap().line(),
            id.span().unwrap().line()
        );
        self.errors.push(id.span(), message);
    }

    /// Visits what can run more than once.
    fn repeated(&mut self, visit: impl FnOnce(&mut Self)) {
        let outer = std::mem::replace(&mut self.repeats, true);
        visit(self);
        self.repeats = outer;
    }
}

impl<'ast> Visit<'ast> for Checker<'_> {
    fn visit_expr_method_call(&mut self, call: &'ast ExprMethodCall) {
        let mut settings = std::mem::take(&mut self.settings);
        if let Some(kind) = self.kind(call) {
            self.step(call, kind, &settings);
            return;
        }
        // They may come in any order.
        settings.keyed |= call.method == "key";
        if call.method == "alias" {
            settings.alias = call.args.first().cloned();
        }
        self.settings = settings;
        self.visit_expr(&call.receiver);
        self.settings = Settings::default();
        for argument in &call.args {
            self.visit_expr(argument);
        }
    }

    fn visit_expr_for_loop(&mut self, each: &'ast ExprForLoop) {
        self.visit_expr(&each.expr);
        self.repeated(|this| this.visit_block(&each.body));
    }

    fn visit_expr_while(&mut self, each: &'ast ExprWhile) {
        self.repeated(|this| visit::visit_expr_while(this, each));
    }

    fn visit_expr_loop(&mut self, each: &'ast ExprLoop) {
        self.repeated(|this| visit::visit_expr_loop(this, each));
    }

    // A closure that is not a step's body is most often given to an iterator.
    fn visit_expr_closure(&mut self, closure: &'ast ExprClosure) {
        self.repeated(|this| visit::visit_expr_closure(this, closure));
    }

    // `join!` and its kin take expressions; what takes something else is left to the runtime.
    fn visit_macro(&mut self, call: &'ast Macro) {
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(arguments) = list.parse2(call.tokens.clone()) {
            for argument in &arguments {
                // The tree is ours, so it is visited by hand and not for `'ast`.
                Visit::visit_expr(self, argument);
            }
        }
    }

    // Functions inside the function have contexts of their own.
    fn visit_item(&mut self, _item: &'ast Item) {}
}

fn literal(expression: &Expr) -> Option<&LitStr> {
    match expression {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Some(literal),
        Expr::Group(group) => literal(&group.expr),
        Expr::Paren(paren) => literal(&paren.expr),
        _ => None,
    }
}
