//! What senders ask before they send anything: whether this address is ours.

use serde_json::json;
use subtle::ConstantTimeEq;

use crate::provider::{Provider, Trust};
use crate::secrets::Secrets;
use crate::shape::{Path, Read, Template};
use crate::verify::{Check, Method};

/// The longest text that is given back.
const LONGEST: usize = 1024;
/// The longest text that is signed for whoever asks.
const LONGEST_TOKEN: usize = 200;

/// A question of a sender.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Handshake {
    /// A delivery, signed like any other, whose answer has something of it: Slack's and Front's.
    Echo {
        /// What has to be where.
        when: Vec<(Path, Vec<String>)>,
        /// The answer.
        answer: Template,
    },
    /// A GET whose query has a text that is to be signed with our secret: X's.
    Crc {
        /// The parameter.
        query: String,
    },
    /// A GET with a token that we and the sender know, and a text to give back: Meta's and `WebSub`'s.
    Hub {
        /// The names of the secrets with the token.
        secrets: Vec<String>,
    },
}

impl Provider {
    /// The answer to a verified delivery that is a handshake and no event.
    pub fn echo(&self, read: Read<'_>) -> Option<String> {
        self.handshakes.iter().find_map(|handshake| {
            let Handshake::Echo { when, answer } = handshake else { return None };
            let is = |(path, values): &(Path, Vec<String>)| {
                let found = path.value(read);
                // No values: that it is there at all.
                found.is_some_and(|found| {
                    values.is_empty()
                        || found.as_str().is_some_and(|text| values.iter().any(|v| v == text))
                })
            };
            if !when.iter().all(is) {
                return None;
            }
            answer.text(read).filter(|text| text.len() <= LONGEST)
        })
    }

    /// The answer to a GET with these parameters: its type and text; none where it asks nothing that we answer.
    pub fn challenge(
        &self,
        query: &[(String, String)],
        secrets: &dyn Secrets,
    ) -> Option<(&'static str, String)> {
        let one = |name: &str| {
            let value = query.iter().find(|(known, _)| known == name).map(|(_, value)| value);
            value.filter(|value| !value.is_empty() && value.len() <= LONGEST)
        };
        self.handshakes.iter().find_map(|handshake| match handshake {
            Handshake::Echo { .. } => None,
            Handshake::Crc { query } => {
                let check = self.symmetric()?;
                let key = check.keys(secrets).into_iter().next()?;
                // Anybody may ask, and what is signed here has the form of a delivery's signature: nothing that could be
                // a delivery is signed.
                let token = one(query).filter(|token| is_token(token))?;
                let signed = check.method.sign(key.bytes(), token.as_bytes())?;
                let token = format!("{}{}", check.before, check.encoding.encode(&signed));
                Some(("application/json", json!({ "response_token": token }).to_string()))
            }
            Handshake::Hub { secrets: names } => {
                if one("hub.mode")? != "subscribe" {
                    return None;
                }
                let token = one("hub.verify_token")?;
                let known = names.iter().filter_map(|name| secrets.secret(name));
                // Hashes have one length, so how far a guess goes tells nothing.
                let hash = |bytes: &[u8]| *blake3::hash(bytes).as_bytes();
                let fits = known.fold(subtle::Choice::from(0), |fits, secret| {
                    fits | hash(secret.bytes()).ct_eq(&hash(token.as_bytes()))
                });
                bool::from(fits)
                    .then(|| Some(("text/plain; charset=utf-8", one("hub.challenge")?.clone())))?
            }
        })
    }

    fn symmetric(&self) -> Option<&Check> {
        let Trust::Signed(checks) = &self.trust else { return None };
        checks.iter().find(|check| check.method != Method::Ed25519)
    }
}

/// Whether a text is a token, and neither JSON with anything in it nor a time with a body.
fn is_token(text: &str) -> bool {
    let of_token = |byte: u8| byte.is_ascii_alphanumeric() || b"-_+/=".contains(&byte);
    text.len() <= LONGEST_TOKEN && text.bytes().all(of_token)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_that_could_be_a_delivery_is_signed_for_anybody() {
        for (text, is) in [
            ("NGRmZTI0MTIt-_+/=", true),
            ("{\"name\":\"a/b\"}", false),
            ("[1]", false),
            ("\"text\"", false),
            ("1790000000.{}", false),
            ("1790000000:1", false),
            ("a b", false),
        ] {
            assert_eq!(is_token(text), is, "{text}");
        }
        assert!(!is_token(&"a".repeat(201)));
    }
}
