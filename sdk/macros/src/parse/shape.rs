//! The fields of an event, under the names that they have in JSON.

mod content;

use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Data, DeriveInput, Expr, ExprLit, Fields, Ident, Lit, LitStr, Meta, Result, Token,
    Type, parenthesized,
};

pub(crate) use self::content::Content;
use self::content::{argument, is_optional};
use crate::selector;

/// A field that a condition can name.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// What it holds; of an `Option<T>` the `T`.
    pub(crate) ty: Type,
    /// What it is called in JSON.
    pub(crate) name: String,
    pub(crate) selector: String,
    /// What its JSON is, as far as the name of its type tells.
    pub(crate) holds: Content,
    /// Whether it has to be there.
    pub(crate) required: bool,
    /// What its documentation says.
    pub(crate) description: String,
}

/// How much the fields of a type tell of its JSON.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Known {
    /// Nothing: it has none, or it is written some other way.
    Nothing,
    /// Members that it has; there may be others.
    Members,
    /// All members that it may have.
    Everything,
}

/// How much the fields of a type tell.
pub(super) fn known(item: &DeriveInput) -> Known {
    let serde = attributes(&item.attrs);
    match &item.data {
        Data::Struct(data) if matches!(data.fields, Fields::Named(_)) && !serde.other => {
            let flattened =
                data.fields.iter().any(|field| attributes(&field.attrs).place == Place::Flattened);
            if serde.closed && !flattened { Known::Everything } else { Known::Members }
        }
        _ => Known::Nothing,
    }
}

/// The fields of a struct; none for anything else.
pub(super) fn fields(item: &DeriveInput) -> Vec<Field> {
    let Data::Struct(data) = &item.data else { return Vec::new() };
    let Fields::Named(named) = &data.fields else { return Vec::new() };
    let Serde { rename_all: rule, default: all_default, .. } = attributes(&item.attrs);
    let field = |field: &syn::Field| {
        let ident = field.ident.clone()?;
        let Serde { rename, place, default, other, .. } = attributes(&field.attrs);
        if place != Place::Member {
            return None;
        }
        let plain = ident.to_string();
        let plain = plain.strip_prefix("r#").unwrap_or(&plain);
        let name = match (rename, &rule) {
            (Some(name), _) => name,
            (None, Some(rule)) => renamed(plain, rule)?,
            (None, None) => plain.to_owned(),
        };
        let selector = selector::of_member(&name)?;
        let optional = is_optional(&field.ty);
        let ty = if optional { argument(&field.ty, 0)? } else { &field.ty };
        Some(Field {
            ident,
            ty: ty.clone(),
            name,
            selector,
            holds: if other { Content::Any } else { Content::of(ty) },
            required: !(optional || default || all_default),
            description: documentation(&field.attrs),
        })
    };
    named.named.iter().filter_map(field).collect()
}

/// Where a field is in the JSON.
#[derive(Default, PartialEq, Eq)]
enum Place {
    /// Under a name of its own.
    #[default]
    Member,
    /// Its members are there instead.
    Flattened,
    Nowhere,
}

/// What serde is told about a type or a field, as far as names depend on it.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    place: Place,
    /// It may be missing.
    default: bool,
    /// No members but those that it knows.
    closed: bool,
    /// Its JSON is not that of its type.
    other: bool,
}

fn attributes(attributes: &[Attribute]) -> Serde {
    let mut serde = Serde::default();
    for attribute in attributes.iter().filter(|attribute| attribute.path().is_ident("serde")) {
        // What is wrong with it serde's own macro says.
        let _ = attribute.parse_nested_meta(|meta| {
            let name = meta.path.get_ident().map(ToString::to_string).unwrap_or_default();
            match name.as_str() {
                "rename" => serde.rename = name_given(&meta)?,
                "rename_all" => serde.rename_all = name_given(&meta)?,
                "skip" | "skip_serializing" | "skip_deserializing" => {
                    serde.place = Place::Nowhere;
                }
                "flatten" => serde.place = Place::Flattened,
                "deny_unknown_fields" => serde.closed = true,
                "default" => {
                    serde.default = true;
                    passed_over(&meta)?;
                }
                "with" | "serialize_with" | "deserialize_with" | "from" | "try_from" | "into"
                | "transparent" | "tag" | "remote" => {
                    serde.other = true;
                    passed_over(&meta)?;
                }
                _ => passed_over(&meta)?,
            }
            Ok(())
        });
    }
    serde
}

/// `= "name"`, or `(deserialize = "name", …)`.
fn name_given(meta: &ParseNestedMeta<'_>) -> Result<Option<String>> {
    if meta.input.peek(Token![=]) {
        return Ok(Some(meta.value()?.parse::<LitStr>()?.value()));
    }
    let mut name = None;
    meta.parse_nested_meta(|inner| {
        let given = inner.value()?.parse::<LitStr>()?.value();
        if inner.path.is_ident("deserialize") {
            name = Some(given);
        }
        Ok(())
    })?;
    Ok(name)
}

fn passed_over(meta: &ParseNestedMeta<'_>) -> Result<()> {
    if meta.input.peek(Token![=]) {
        meta.value()?.parse::<Expr>()?;
    } else if meta.input.peek(syn::token::Paren) {
        let content;
        parenthesized!(content in meta.input);
        content.parse::<proc_macro2::TokenStream>()?;
    }
    Ok(())
}

/// A field's name under one of serde's rules; `None` for a rule that serde does not know.
fn renamed(name: &str, rule: &str) -> Option<String> {
    let pascal = || {
        let capital = |word: &str| {
            let mut letters = word.chars();
            letters
                .next()
                .map(|first| first.to_ascii_uppercase())
                .into_iter()
                .chain(letters)
                .collect::<String>()
        };
        name.split('_').map(capital).collect::<String>()
    };
    Some(match rule {
        "lowercase" | "snake_case" => name.to_owned(),
        "UPPERCASE" | "SCREAMING_SNAKE_CASE" => name.to_ascii_uppercase(),
        "PascalCase" => pascal(),
        "camelCase" => {
            let pascal = pascal();
            pascal[..1].to_ascii_lowercase() + &pascal[1..]
        }
        "kebab-case" => name.replace('_', "-"),
        "SCREAMING-KEBAB-CASE" => name.to_ascii_uppercase().replace('_', "-"),
        _ => return None,
    })
}

/// What a field's documentation says, its lines joined as Markdown joins them.
fn documentation(attributes: &[Attribute]) -> String {
    let lines = attributes.iter().filter_map(|attribute| match &attribute.meta {
        Meta::NameValue(meta) if meta.path.is_ident("doc") => match &meta.value {
            Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => Some(text.value().trim().to_owned()),
            _ => None,
        },
        _ => None,
    });
    lines.filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;

    use super::*;

    #[test]
    fn fields_have_their_names_in_json() {
        let item = syn::parse_quote! {
            #[serde(rename_all = "camelCase", deny_unknown_fields)]
            struct E {
                order_id: String,
                #[serde(default = "none", rename(serialize = "x", deserialize = "y"))]
                other: Option<u32>,
                #[serde(skip_serializing_if = "Option::is_none", rename = "a-b")]
                r#type: Vec<u8>,
                #[serde(flatten)]
                rest: Map,
                #[serde(with = "m", skip)]
                gone: u8,
            }
        };
        let all: Vec<_> = fields(&item)
            .into_iter()
            .map(|field| {
                format!("{} {} {}", field.ident, field.ty.to_token_stream(), field.selector)
            })
            .collect();
        assert_eq!(
            all,
            [
                "order_id String .data.orderId",
                "other u32 .data.y",
                r#"r#type Vec < u8 > .data["a-b"]"#
            ]
        );
    }

    #[test]
    fn members_are_told_as_far_as_serde_writes_them_as_they_are() {
        let item = syn::parse_quote! {
            struct E {
                /// Which one.
                ///
                /// As printed.
                order_id: String,
                note: Option<std::vec::Vec<f64>>,
                #[serde(default)]
                tries: u8,
                #[serde(with = "m")]
                odd: u8,
            }
        };
        let all: Vec<_> = fields(&item)
            .into_iter()
            .map(|field| (field.name, field.holds, field.required, field.description))
            .collect();
        let member = |name: &str, holds, required, description: &str| {
            (name.to_owned(), holds, required, description.to_owned())
        };
        assert_eq!(
            all,
            [
                member("order_id", Content::String, true, "Which one. As printed."),
                member("note", Content::Array(Content::Number.into()), false, ""),
                member("tries", Content::Natural, false, ""),
                member("odd", Content::Any, true, ""),
            ]
        );
        let all_default = syn::parse_quote! { #[serde(default)] struct E { a: u8 } };
        assert!(!fields(&all_default)[0].required);
    }

    #[test]
    fn how_much_is_known_depends_on_the_type() {
        for (item, expected) in [
            (syn::parse_quote! { struct E { a: u8 } }, Known::Members),
            (
                syn::parse_quote! { #[serde(deny_unknown_fields)] struct E { a: u8 } },
                Known::Everything,
            ),
            (
                syn::parse_quote! {
                    #[serde(deny_unknown_fields)] struct E { #[serde(flatten)] a: Map }
                },
                Known::Members,
            ),
            (syn::parse_quote! { #[serde(try_from = "X")] struct E { a: u8 } }, Known::Nothing),
            (syn::parse_quote! { struct E(u8); }, Known::Nothing),
            (syn::parse_quote! { enum E { A { a: u8 } } }, Known::Nothing),
        ] {
            assert_eq!(known(&item), expected);
        }
    }

    #[test]
    fn rules_of_serde() {
        for (rule, expected) in [
            ("lowercase", "order_id"),
            ("UPPERCASE", "ORDER_ID"),
            ("PascalCase", "OrderId"),
            ("camelCase", "orderId"),
            ("snake_case", "order_id"),
            ("SCREAMING_SNAKE_CASE", "ORDER_ID"),
            ("kebab-case", "order-id"),
            ("SCREAMING-KEBAB-CASE", "ORDER-ID"),
        ] {
            assert_eq!(renamed("order_id", rule).as_deref(), Some(expected));
        }
        assert_eq!(renamed("a", "Weird"), None);
    }
}
