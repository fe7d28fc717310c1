//! What the JSON of a type is, by its name alone: a macro sees no more.

use syn::{GenericArgument, PathArguments, Type};

/// What a member holds, as far as the name of its type tells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Content {
    String,
    DateTime,
    Integer,
    Natural,
    Number,
    Boolean,
    Array(Box<Content>),
    Object(Box<Content>),
    /// A type that is not known here.
    Any,
}

impl Content {
    /// What a type holds.
    pub(super) fn of(ty: &Type) -> Self {
        let array = |of: Option<&Type>| Self::Array(Box::new(of.map_or(Self::Any, Self::of)));
        match ty {
            Type::Path(path) => {
                let Some(segment) = path.path.segments.last() else { return Self::Any };
                let plain = segment.arguments.is_empty();
                match segment.ident.to_string().as_str() {
                    "String" | "char" if plain => Self::String,
                    "Timestamp" if plain => Self::DateTime,
                    "i8" | "i16" | "i32" | "i64" | "i128" | "isize" => Self::Integer,
                    "u8" | "u16" | "u32" | "u64" | "u128" | "usize" => Self::Natural,
                    "f32" | "f64" => Self::Number,
                    "bool" => Self::Boolean,
                    "Vec" | "VecDeque" | "HashSet" | "BTreeSet" if !plain => array(argument(ty, 0)),
                    "HashMap" | "BTreeMap" if !plain => {
                        let of = argument(ty, 1).map_or(Self::Any, Self::of);
                        Self::Object(Box::new(of))
                    }
                    "Box" | "Arc" | "Rc" if !plain => argument(ty, 0).map_or(Self::Any, Self::of),
                    _ => Self::Any,
                }
            }
            Type::Array(of) => array(Some(&of.elem)),
            Type::Slice(of) => array(Some(&of.elem)),
            _ => Self::Any,
        }
    }
}

/// Whether it is an `Option`.
pub(super) fn is_optional(ty: &Type) -> bool {
    let Type::Path(path) = ty else { return false };
    path.path.segments.last().is_some_and(|last| last.ident == "Option")
        && argument(ty, 0).is_some()
}

/// The type that stands at this place between the brackets of another.
pub(super) fn argument(ty: &Type, at: usize) -> Option<&Type> {
    let Type::Path(path) = ty else { return None };
    let PathArguments::AngleBracketed(arguments) = &path.path.segments.last()?.arguments else {
        return None;
    };
    let mut types = arguments.args.iter().filter_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    });
    types.nth(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_are_known_by_their_names() {
        let array = |of: Content| Content::Array(of.into());
        for (ty, expected) in [
            ("String", Content::String),
            ("std::string::String", Content::String),
            ("jiff::Timestamp", Content::DateTime),
            ("i64", Content::Integer),
            ("usize", Content::Natural),
            ("f32", Content::Number),
            ("bool", Content::Boolean),
            ("Vec<Vec<bool>>", array(array(Content::Boolean))),
            ("[u8; 4]", array(Content::Natural)),
            ("Box<str>", Content::Any),
            ("Box<String>", Content::String),
            ("BTreeMap<String, u8>", Content::Object(Content::Natural.into())),
            ("Vec<Line>", array(Content::Any)),
            ("Value", Content::Any),
            ("Line", Content::Any),
            ("(u8, u8)", Content::Any),
        ] {
            let parsed = syn::parse_str(ty).expect("a type");
            assert_eq!(Content::of(&parsed), expected, "{ty}");
        }
    }

    #[test]
    fn options_are_known_and_what_is_in_them() {
        for (ty, optional) in [
            ("Option<u8>", true),
            ("std::option::Option<u8>", true),
            ("Option", false),
            ("u8", false),
        ] {
            let parsed = syn::parse_str(ty).expect("a type");
            assert_eq!(is_optional(&parsed), optional, "{ty}");
        }
    }
}
