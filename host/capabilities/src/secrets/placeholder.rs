//! What stands for a secret within a component: a token of one call.

use std::fmt::Write as _;
use std::ops::Range;
use std::sync::{Arc, Mutex, PoisonError};

use crate::grants::Name;

/// How every token begins.
const PREFIX: &str = "sb-secret-";

/// How many digits follow: 128 bits.
const DIGITS: usize = 32;

/// The tokens of one call, each for a secret.
#[derive(Debug, Clone, Default)]
pub(super) struct Tokens(Arc<Mutex<Vec<(String, Name)>>>);

impl Tokens {
    /// The token of a secret; made now if there is none.
    ///
    /// Fails when the system has no randomness.
    pub(super) fn of(&self, name: &Name) -> Result<String, getrandom::Error> {
        let mut tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((token, _)) = tokens.iter().find(|(_, own)| own == name) {
            return Ok(token.clone());
        }
        let token = make()?;
        tokens.push((token.clone(), name.clone()));
        Ok(token)
    }

    /// The secret that a token stands for, in this call.
    pub(super) fn secret(&self, token: &[u8]) -> Option<Name> {
        let tokens = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        tokens.iter().find(|(own, _)| own.as_bytes() == token).map(|(_, name)| name.clone())
    }
}

fn make() -> Result<String, getrandom::Error> {
    let mut random = [0; DIGITS / 2];
    getrandom::fill(&mut random)?;
    let mut token = String::with_capacity(PREFIX.len() + DIGITS);
    token.push_str(PREFIX);
    for byte in random {
        write!(token, "{byte:02x}").expect("memory");
    }
    Ok(token)
}

/// Where something stands that looks like a token of any call, in order.
pub(super) fn tokens_in(bytes: &[u8]) -> impl Iterator<Item = Range<usize>> {
    memchr::memmem::find_iter(bytes, PREFIX).filter_map(|at| {
        let end = at + PREFIX.len() + DIGITS;
        let digits = bytes.get(at + PREFIX.len()..end)?;
        digits.iter().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')).then_some(at..end)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_is_the_same_within_a_call_and_another_one_in_the_next() {
        let name: std::collections::BTreeMap<String, Name> =
            toml::from_str("a = 'a'\nb = 'b'").expect("names");
        let (one, other) = (Tokens::default(), Tokens::default());
        let a = one.of(&name["a"]).expect("a token");
        assert_eq!(one.of(&name["a"]).expect("a token"), a);
        assert_ne!(one.of(&name["b"]).expect("a token"), a);
        assert_ne!(other.of(&name["a"]).expect("a token"), a);
        assert_eq!(one.secret(a.as_bytes()), Some(name["a"].clone()));
        assert_eq!(other.secret(a.as_bytes()), None);
        assert!(tokens_in(a.as_bytes()).eq(std::iter::once(0..42)));
    }

    #[test]
    fn tokens_are_found_by_their_form() {
        let token = format!("{PREFIX}{}", "0af9".repeat(8));
        for (text, found) in [
            (String::new(), &[][..]),
            (token.clone(), &[(0, 42)][..]),
            (format!("Bearer {token}"), &[(7, 49)][..]),
            (format!("{token}{token}"), &[(0, 42), (42, 84)][..]),
            (format!("{token}a"), &[(0, 42)][..]),
            (token[..41].to_owned(), &[][..]),
            (token.to_uppercase(), &[][..]),
            (format!("{PREFIX}{token}"), &[(10, 52)][..]),
        ] {
            let places: Vec<_> =
                tokens_in(text.as_bytes()).map(|place| (place.start, place.end)).collect();
            assert_eq!(places, found, "{text}");
        }
    }
}
