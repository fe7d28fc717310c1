//! The fields of an event, under the names that they have in JSON.

use syn::meta::ParseNestedMeta;
use syn::{
    Attribute, Data, DeriveInput, Expr, Fields, GenericArgument, Ident, LitStr, PathArguments,
    Result, Token, Type, parenthesized,
};

use crate::selector;

/// A field that a condition can name.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    /// What it holds; of an `Option<T>` the `T`.
    pub(crate) ty: Type,
    /// What it is called in JSON.
    pub(crate) name: String,
    pub(crate) selector: String,
}

/// The fields of a struct; none for anything else.
pub(super) fn fields(item: &DeriveInput) -> Vec<Field> {
    let Data::Struct(data) = &item.data else { return Vec::new() };
    let Fields::Named(named) = &data.fields else { return Vec::new() };
    let rule = attributes(&item.attrs).rename_all;
    let field = |field: &syn::Field| {
        let ident = field.ident.clone()?;
        let Serde { rename, hidden, .. } = attributes(&field.attrs);
        if hidden {
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
        Some(Field { ident, ty: inner(&field.ty).clone(), name, selector })
    };
    named.named.iter().filter_map(field).collect()
}

/// What serde is told about a type or a field, as far as names depend on it.
#[derive(Default)]
struct Serde {
    rename: Option<String>,
    rename_all: Option<String>,
    /// Not in the JSON under a name of its own.
    hidden: bool,
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
                "skip" | "skip_serializing" | "skip_deserializing" | "flatten" => {
                    serde.hidden = true;
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

/// `T` of `Option<T>`; anything else as it is.
fn inner(ty: &Type) -> &Type {
    if let Type::Path(path) = ty
        && let Some(segment) = path.path.segments.last()
        && segment.ident == "Option"
        && let PathArguments::AngleBracketed(arguments) = &segment.arguments
        && let Some(GenericArgument::Type(inner)) = arguments.args.first()
    {
        return inner;
    }
    ty
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
