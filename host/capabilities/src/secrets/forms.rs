//! Finding secrets in bytes, in the forms that they take on their way: as they are, escaped, encoded.

use std::collections::BTreeSet;

use aho_corasick::{AhoCorasick, MatchKind};
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use runtime::capability::Secret;
use zeroize::Zeroizing;

use super::value::Value;
use crate::grants::Name;

/// Finds every form of some secrets.
pub(super) struct Finder {
    forms: Option<AhoCorasick>,
    /// Whose form each pattern is.
    names: Vec<Name>,
    longest: usize,
    longest_over_lines: usize,
}

impl Finder {
    /// Finds these values, each under its name. A name may have several: the present one and the one before it.
    pub(super) fn new<'v>(values: impl IntoIterator<Item = (&'v Name, &'v Value)>) -> Self {
        let (mut patterns, mut names) = (Vec::new(), Vec::new());
        for (name, value) in values {
            for form in forms(value.bytes()) {
                patterns.push(form);
                names.push(name.clone());
            }
        }
        let longest = patterns.iter().map(Vec::len).max().unwrap_or(0);
        let over_lines = patterns.iter().filter(|form| form.contains(&b'\n'));
        let longest_over_lines = over_lines.map(Vec::len).max().unwrap_or(0);
        let forms = (!patterns.is_empty()).then(|| {
            // The longest: a secret that begins like another one is replaced whole.
            AhoCorasick::builder()
                .match_kind(MatchKind::LeftmostLongest)
                .build(&patterns)
                .expect("some hundred patterns of at most 64 KiB fit into an automaton")
        });
        Self { forms, names, longest, longest_over_lines }
    }

    /// Where they stand: in order, without overlaps.
    pub(super) fn find(&self, bytes: &[u8]) -> Vec<Secret> {
        let Some(forms) = &self.forms else { return Vec::new() };
        let found = forms.find_iter(bytes);
        found
            .map(|found| Secret {
                at: found.range(),
                name: self.names[found.pattern().as_usize()].to_string(),
            })
            .collect()
    }

    /// How long the longest form is, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// The same of those with a line break in them.
    pub(super) fn longest_over_lines(&self) -> usize {
        self.longest_over_lines
    }
}

/// How a value may look: as it is; within a JSON text; percent-encoded; in hexadecimal digits; and in base64, alone or as
/// a part of something longer.
fn forms(value: &[u8]) -> BTreeSet<Vec<u8>> {
    let mut forms = BTreeSet::new();
    let mut add = |form: Vec<u8>| {
        // What is cut off a short value's base64 may leave less than can be told from chance.
        if form.len() >= Value::SHORTEST {
            forms.insert(form);
        }
    };
    add(value.to_vec());
    if let Ok(text) = std::str::from_utf8(value)
        && let Ok(json) = serde_json::to_string(text)
    {
        add(json.as_bytes()[1..json.len() - 1].to_vec());
    }
    for (digits, plus) in
        [(b"0123456789ABCDEF", false), (b"0123456789abcdef", false), (b"0123456789ABCDEF", true)]
    {
        add(percent(value, digits, plus, |byte| {
            byte.is_ascii_alphanumeric() || b"-._~".contains(&byte)
        }));
        // What JavaScript's encodeURI and many clients leave alone.
        add(percent(value, digits, plus, |byte| {
            byte.is_ascii_alphanumeric() || b"-._~!*'();/?:@&=+$,#".contains(&byte)
        }));
    }
    add(hex::encode(value).into_bytes());
    add(hex::encode_upper(value).into_bytes());
    for shift in 0..3 {
        add(inner(&STANDARD_NO_PAD, value, shift));
        add(inner(&URL_SAFE_NO_PAD, value, shift));
    }
    forms
}

/// Percent-encoded, but for the bytes that are left alone; a space as `+` in forms.
fn percent(value: &[u8], digits: &[u8; 16], plus: bool, plain: impl Fn(u8) -> bool) -> Vec<u8> {
    let mut encoded = Vec::with_capacity(value.len());
    for &byte in value {
        match byte {
            b' ' if plus => encoded.push(b'+'),
            byte if plain(byte) => encoded.push(byte),
            byte => encoded.extend([
                b'%',
                digits[usize::from(byte >> 4)],
                digits[usize::from(byte & 15)],
            ]),
        }
    }
    encoded
}

/// The characters of base64 that only `value` decides, where it stands `shift` bytes into a group of three.
fn inner(engine: &impl base64::Engine, value: &[u8], shift: usize) -> Vec<u8> {
    let mut bytes = Zeroizing::new(vec![0; shift]);
    bytes.extend_from_slice(value);
    let encoded = engine.encode(bytes.as_slice()).into_bytes();
    // Characters are 6 bits each: those that share bits with what stands before or behind are not known.
    let first = (shift * 8).div_ceil(6);
    let last = bytes.len() * 8 / 6;
    encoded[first..last].to_vec()
}

#[cfg(test)]
mod tests {
    use base64::Engine as _;

    use super::*;

    fn name(text: &str) -> Name {
        toml::from_str::<std::collections::BTreeMap<String, Name>>(&format!("n = {text:?}"))
            .expect("a name")
            .remove("n")
            .expect("it is there")
    }

    fn finder(values: &[(&str, &str)]) -> Finder {
        let values: Vec<_> = values
            .iter()
            .map(|(own, value)| {
                (name(own), Value::parse(value.as_bytes().to_vec()).expect("a value"))
            })
            .collect();
        Finder::new(values.iter().map(|(name, value)| (name, value)))
    }

    const PLAIN: &str = "hunter2-hunter2";
    const ODD: &str = "pa\"ss wö/rd\\+&n\n!";

    #[test]
    fn every_form_is_found() {
        let finder = finder(&[("plain", PLAIN), ("odd", ODD)]);
        let base = |text: &str| STANDARD_NO_PAD.encode(text);
        for (text, found) in [
            (format!("token {PLAIN}."), Some("plain")),
            (format!("a{ODD}b"), Some("odd")),
            (serde_json::json!({"a": ODD}).to_string(), Some("odd")),
            ("?k=pa%22ss%20w%C3%B6%2Frd%5C%2B%26n%0A%21".to_owned(), Some("odd")),
            ("?k=pa%22ss%20w%c3%b6%2frd%5c%2b%26n%0a%21".to_owned(), Some("odd")),
            ("?k=pa%22ss+w%C3%B6%2Frd%5C%2B%26n%0A%21".to_owned(), Some("odd")),
            (hex::encode(PLAIN), Some("plain")),
            (hex::encode_upper(ODD), Some("odd")),
            (base(PLAIN), Some("plain")),
            (base(&format!("u:{PLAIN}")), Some("plain")),
            (base(&format!("me:{PLAIN}:more")), Some("plain")),
            (base(&format!("abc:{ODD}!")), Some("odd")),
            (URL_SAFE_NO_PAD.encode(format!("x{ODD}")), Some("odd")),
            ("hunter2-hunter".to_owned(), None),
            (String::new(), None),
        ] {
            let names: Vec<_> = finder.find(text.as_bytes()).into_iter().map(|f| f.name).collect();
            assert_eq!(names.first().map(String::as_str), found, "{text}");
        }
    }

    #[test]
    fn the_longer_of_two_that_begin_alike_is_found_whole() {
        let finder = finder(&[("short", "abcdef"), ("long", "abcdefghi")]);
        let found = finder.find(b"1abcdefghi2abcdef3");
        let found: Vec<_> = found.into_iter().map(|found| (found.name, found.at)).collect();
        assert_eq!(found, [("long".to_owned(), 1..10), ("short".to_owned(), 11..17)]);
    }

    #[test]
    fn nothing_is_found_where_there_is_no_secret() {
        let finder = finder(&[]);
        assert_eq!((finder.find(b"anything").len(), finder.longest()), (0, 0));
    }

    proptest::proptest! {
        #[test]
        fn base64_of_anything_around_it_is_found(
            before in proptest::collection::vec(proptest::num::u8::ANY, 0..8),
            value in proptest::collection::vec(proptest::num::u8::ANY, 12..40),
            after in proptest::collection::vec(proptest::num::u8::ANY, 0..8),
        ) {
            // A line end after it is not part of it.
            let value: Vec<u8> = value.into_iter().map(|byte| byte | 1).filter(|&b| b != b'\r').collect();
            proptest::prop_assume!(value.len() >= 12 && value.last() != Some(&b'\n'));
            let parsed = Value::parse(value.clone()).expect("long enough");
            let own = name("it");
            let finder = Finder::new([(&own, &parsed)]);
            let whole = [before, value, after].concat();
            for text in [STANDARD_NO_PAD.encode(&whole), URL_SAFE_NO_PAD.encode(&whole)] {
                proptest::prop_assert_eq!(finder.find(text.as_bytes()).len(), 1);
            }
        }
    }
}
