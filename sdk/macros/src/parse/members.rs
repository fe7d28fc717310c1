//! The members of an option: `throttle(limit = 20, period = "1m")`.

use std::ops::RangeInclusive;

use proc_macro2::Span;
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream};
use syn::punctuated::Punctuated;
use syn::spanned::Spanned;
use syn::{Expr, ExprLit, Ident, Lit, LitInt, LitStr, Result, Token};

use crate::duration;
use crate::parse::Errors;

/// What is written between the brackets of an option.
pub(super) struct Members {
    option: Ident,
    given: Vec<Member>,
    /// The names that were asked for.
    known: Vec<&'static str>,
}

struct Member {
    name: Ident,
    value: Expr,
}

impl Parse for Member {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![=]>()?;
        Ok(Self { name, value: input.parse()? })
    }
}

impl Members {
    /// Reads members to the end of the brackets.
    pub(super) fn parse(option: Ident, content: ParseStream<'_>) -> Result<Self> {
        let given = Punctuated::<Member, Token![,]>::parse_terminated(content)?;
        Ok(Self { option, given: given.into_iter().collect(), known: Vec::new() })
    }

    /// The option as it was written, for errors.
    pub(super) fn span(&self) -> Span {
        self.option.span()
    }

    /// Takes a member as it was written.
    pub(super) fn take(&mut self, name: &'static str, errors: &mut Errors) -> Option<Expr> {
        self.known.push(name);
        let mut found = None;
        while let Some(at) = self.given.iter().position(|member| member.name == name) {
            let member = self.given.remove(at);
            if found.is_some() {
                errors.push(member.name.span(), "this is given twice");
            }
            found = Some(member.value);
        }
        found
    }

    /// A text that keeps a rule.
    pub(super) fn text(
        &mut self,
        name: &'static str,
        errors: &mut Errors,
        rule: impl FnOnce(&str) -> std::result::Result<(), String>,
    ) -> Option<LitStr> {
        let value = self.take(name, errors)?;
        let Some(literal) = literal(&value) else {
            errors.push(value.span(), format!("`{name}` is a text: `{name} = \"…\"`"));
            return None;
        };
        if let Err(problem) = rule(&literal.value()) {
            errors.push(literal.span(), problem);
        }
        Some(literal.clone())
    }

    /// A duration within these bounds, in milliseconds.
    pub(super) fn duration(
        &mut self,
        name: &'static str,
        bounds: &RangeInclusive<u64>,
        errors: &mut Errors,
    ) -> Option<LitStr> {
        self.text(name, errors, |text| duration::check(text, bounds))
    }

    /// A whole number within these bounds.
    pub(super) fn number(
        &mut self,
        name: &'static str,
        bounds: &RangeInclusive<u32>,
        errors: &mut Errors,
    ) -> Option<LitInt> {
        let value = self.take(name, errors)?;
        let number = match &value {
            Expr::Lit(ExprLit { lit: Lit::Int(number), .. }) => Some(number.clone()),
            _ => None,
        };
        let fits = |number: &LitInt| {
            number.base10_parse().is_ok_and(|number: u32| bounds.contains(&number))
        };
        if !number.as_ref().is_some_and(fits) {
            let problem = match *bounds.end() {
                u32::MAX => format!("`{name}` is a whole number, {} or more", bounds.start()),
                most => format!("`{name}` is a whole number, {} to {most}", bounds.start()),
            };
            errors.push(value.span(), problem);
        }
        number
    }

    /// Reports a member that has to be there and is not.
    pub(super) fn required<T>(&self, name: &str, value: Option<&T>, errors: &mut Errors) {
        if value.is_none() && !self.given.iter().any(|member| member.name == name) {
            errors.push(self.span(), format!("`{}` needs `{name} = …`", self.option));
        }
    }

    /// Reports what nobody asked for.
    pub(super) fn end(self, errors: &mut Errors) {
        for member in self.given {
            let known = self.known.join("`, `");
            let message =
                format!("`{}` has no `{}`: known are `{known}`", self.option, member.name);
            errors.push(member.name.span(), message);
        }
    }
}

pub(super) fn literal(value: &Expr) -> Option<&LitStr> {
    match value {
        Expr::Lit(ExprLit { lit: Lit::Str(literal), .. }) => Some(literal),
        Expr::Group(group) => literal(&group.expr),
        _ => None,
    }
}
