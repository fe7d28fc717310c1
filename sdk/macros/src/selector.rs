//! How CEL selects the members of an event.

/// Words of CEL that cannot be selected with a dot.
const RESERVED: [&str; 21] = [
    "as",
    "break",
    "const",
    "continue",
    "else",
    "false",
    "for",
    "function",
    "if",
    "import",
    "in",
    "let",
    "loop",
    "namespace",
    "null",
    "package",
    "return",
    "true",
    "var",
    "void",
    "while",
];

/// The selector of a member of an event's data; `None` where the name needs escapes, which no
/// field of a struct has.
pub(crate) fn of_member(name: &str) -> Option<String> {
    Some(format!(".data{}", member(name)?))
}

/// The selector of a path such as `data.order.id`.
pub(crate) fn of_path(path: &str) -> Result<String, String> {
    let selected = path
        .strip_prefix("data.")
        .and_then(|members| members.split('.').map(member).collect::<Option<String>>());
    selected.map(|members| format!(".data{members}")).ok_or_else(|| {
        format!("`{path}` is not a path in an event's data: write for instance `data.order_id`")
    })
}

fn member(name: &str) -> Option<String> {
    let word = name.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_')
        && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'_')
        && !RESERVED.contains(&name);
    if word {
        return Some(format!(".{name}"));
    }
    let plain = !name.is_empty() && !name.contains(|c: char| c.is_control() || "\"\\".contains(c));
    plain.then(|| format!("[\"{name}\"]"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn selectors() {
        assert_eq!(of_member("order_id").as_deref(), Some(".data.order_id"));
        assert_eq!(of_member("in").as_deref(), Some(r#".data["in"]"#));
        assert_eq!(of_member("order-id").as_deref(), Some(r#".data["order-id"]"#));
        assert_eq!(of_member("a\"b"), None);
        assert_eq!(of_path("data.a.b-c").as_deref(), Ok(r#".data.a["b-c"]"#));
        for bad in ["", "data", "data.", "order_id", "async.data.x", "data..x"] {
            assert!(of_path(bad).is_err(), "{bad}");
        }
    }
}
