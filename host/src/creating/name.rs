//! The name of a function.

/// A name that fits a package, a component, a function and an event: lowercase words of letters and digits, with single
/// hyphens between them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name(String);

/// Words that Rust keeps for itself, among those that one might choose, and names that cargo or the template need.
const TAKEN: [&str; 22] = [
    "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "fn",
    "for", "if", "impl", "in", "let", "loop", "match", "mod", "move", "test", "core",
];

/// The longest name: it becomes part of longer ones.
const LONGEST: usize = 64;

impl Name {
    /// Checks a name. The error says what fits.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let fits = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-';
        let rule = "write lowercase letters, digits and single hyphens, beginning with a letter, such as ship-order";
        if !text.starts_with(|c: char| c.is_ascii_lowercase()) || !text.chars().all(fits) {
            return Err(format!("a function cannot be called that; {rule}"));
        }
        if text.ends_with('-') || text.contains("--") {
            return Err(format!("a hyphen stands between two words; {rule}"));
        }
        if text.len() > LONGEST {
            return Err(format!(
                "a name has at most {LONGEST} characters; this one has {}",
                text.len()
            ));
        }
        if TAKEN.contains(&text) || is_keyword(text) {
            return Err(format!(
                "Rust keeps the word {text} for itself; add another word, such as {text}-order"
            ));
        }
        Ok(Self(text.to_owned()))
    }

    pub(crate) fn as_str(&self) -> &str {
        &self.0
    }

    /// A template with this name in its places.
    pub(crate) fn fill(&self, template: &str) -> String {
        template.replace("{{NAME}}", &self.0).replace("{{FUNCTION}}", &self.0.replace('-', "_"))
    }
}

fn is_keyword(text: &str) -> bool {
    const MORE: [&str; 30] = [
        "pub", "ref", "return", "self", "static", "struct", "super", "trait", "true", "false",
        "type", "unsafe", "use", "where", "while", "abstract", "become", "box", "do", "final",
        "gen", "macro", "override", "priv", "try", "typeof", "unsized", "virtual", "yield",
        "crate",
    ];
    MORE.contains(&text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_fit_or_are_refused_with_what_fits() {
        for good in ["hello", "ship-order", "a", "step-2-of-3", "x1"] {
            assert_eq!(Name::parse(good).as_ref().map(Name::as_str), Ok(good));
        }
        let long = "a".repeat(LONGEST + 1);
        assert!(Name::parse(&long[1..]).is_ok());
        for (bad, said) in [
            ("", "such as ship-order"),
            ("Hello", "lowercase"),
            ("1st", "beginning with a letter"),
            ("-a", "beginning with a letter"),
            ("a_b", "hyphens"),
            ("a b", "hyphens"),
            ("a/b", "hyphens"),
            ("../a", "hyphens"),
            ("ä", "lowercase"),
            ("a-", "between two words"),
            ("a--b", "between two words"),
            ("match", "keeps the word match"),
            ("yield", "yield-order"),
            ("test", "keeps the word test"),
            (&long, "at most 64"),
        ] {
            let fault = Name::parse(bad).expect_err(bad);
            assert!(fault.contains(said), "{bad}: {fault}");
        }
    }

    #[test]
    fn a_template_gets_the_name_in_both_forms() {
        let name = Name::parse("ship-order").expect("a name");
        assert_eq!(name.fill("{{NAME}} {{FUNCTION}} {{NAME}}"), "ship-order ship_order ship-order");
    }
}
