//! The part of a server's keys that one component has: pure decisions about names.

use crate::refusal::{Answer, Refusal};

/// The longest a key, a channel, a field or a pattern may be, in bytes.
pub(super) const LONGEST: usize = 4096;

/// What stands before each key and each channel of one component.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Prefix(String);

impl Prefix {
    /// The operator's, or the component's own: its name and a colon.
    ///
    /// A colon within the name is written as `%3A`, a percent sign as `%25`. So the prefix of one component never begins
    /// with that of another one, whatever the two are called.
    pub(super) fn new(granted: Option<&str>, component: &str) -> Self {
        Self(match granted {
            Some(granted) => granted.to_owned(),
            None => format!("{}:", component.replace('%', "%25").replace(':', "%3A")),
        })
    }

    /// The name on the server of what the component calls so.
    pub(super) fn key(&self, own: &str) -> Answer<String> {
        fits("a key or channel", own)?;
        Ok(format!("{}{own}", self.0))
    }

    /// What the component calls it; none for what belongs to others.
    pub(super) fn own<'k>(&self, key: &'k str) -> Option<&'k str> {
        key.strip_prefix(self.0.as_str())
    }

    /// A pattern for `SCAN` that matches nothing but what begins with the prefix, whatever `own` is: the prefix stands
    /// first and matches only itself.
    pub(super) fn pattern(&self, own: &str) -> Answer<String> {
        fits("a pattern", own)?;
        let mut pattern = String::with_capacity(self.0.len() + own.len());
        for c in self.0.chars() {
            if matches!(c, '*' | '?' | '[' | ']' | '^' | '\\') {
                pattern.push('\\');
            }
            pattern.push(c);
        }
        pattern.push_str(own);
        Ok(pattern)
    }
}

/// Refuses text that is too long to be a name.
pub(super) fn fits(what: &str, text: &str) -> Answer<()> {
    if text.len() <= LONGEST {
        return Ok(());
    }
    let length = text.len();
    Err(Refusal::invalid(format!("{what} of {length} bytes is too long: use at most {LONGEST}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_component_has_a_prefix_within_that_of_another() {
        let names = ["a", "a:", "a:b", "a%3Ab", "a%", "a%25", "", ":", "*", "a*"];
        for one in names {
            for other in names {
                let (mine, theirs) = (Prefix::new(None, one), Prefix::new(None, other));
                assert_eq!(theirs.0.starts_with(&mine.0), one == other, "{one:?} and {other:?}");
            }
        }
    }

    #[test]
    fn keys_get_the_prefix_and_lose_it_again() {
        for (granted, component, own, key) in [
            (None, "shop", "orders", "shop:orders"),
            (None, "shop", "", "shop:"),
            (None, "a:b", "c", "a%3Ab:c"),
            (Some("t1/"), "shop", "orders", "t1/orders"),
            (Some(""), "shop", "orders", "orders"),
        ] {
            let prefix = Prefix::new(granted, component);
            assert_eq!(prefix.key(own).expect("short"), key);
            assert_eq!(prefix.own(key), Some(own));
        }
        assert_eq!(Prefix::new(None, "shop").own("shops:orders"), None);
    }

    #[test]
    fn patterns_begin_with_the_prefix_itself() {
        for (component, own, pattern) in [
            ("shop", "*", "shop:*"),
            ("*", "*", r"\*:*"),
            ("s?[a-z]^", "x?", r"s\?\[a-z\]\^:x?"),
            (r"a\", "*", r"a\\:*"),
        ] {
            let prefix = Prefix::new(None, component);
            assert_eq!(prefix.pattern(own).expect("short"), pattern);
        }
    }

    #[test]
    fn what_is_too_long_is_refused() {
        let prefix = Prefix::new(None, "shop");
        assert!(prefix.key(&"k".repeat(LONGEST)).is_ok());
        assert!(prefix.key(&"k".repeat(LONGEST + 1)).is_err());
        assert!(prefix.pattern(&"*".repeat(LONGEST + 1)).is_err());
    }
}
