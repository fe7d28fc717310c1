//! Signatures in both directions, against vectors made by another implementation (Python's `hmac` and `hashlib`).
//! The keys of the recordings are not known, so of those only the form of the header is checked.

use jiff::Timestamp;
use protocol::signature::{Keys, SignatureError, SigningKey, Trust, verify};
use serde::Deserialize;

use crate::read;

#[derive(Deserialize)]
struct Signatures {
    vectors: Vec<Vector>,
    bearers: Vec<Bearer>,
    recorded: Vec<String>,
}

#[derive(Deserialize)]
struct Vector {
    about: String,
    key: String,
    at: i64,
    sent: String,
    /// What the signature was made of, where that is not what was sent.
    signed: Option<String>,
    signature: String,
}

#[derive(Deserialize)]
struct Bearer {
    key: String,
    bearer: String,
}

fn vectors() -> Signatures {
    serde_json::from_str(&read("signatures.json")).expect("vectors")
}

fn key(text: &str) -> SigningKey {
    SigningKey::parse(text).expect("a key")
}

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_second(seconds).expect("a time")
}

/// Trusts a key, as the primary one or as the fallback behind another.
fn trusting(trusted: &SigningKey) -> [Trust; 2] {
    let other = key("ffff");
    [
        Trust::Signed(Keys { primary: trusted.clone(), fallback: None }),
        Trust::Signed(Keys { primary: other, fallback: Some(trusted.clone()) }),
    ]
}

#[test]
fn what_another_implementation_signs_is_believed_as_primary_and_as_fallback() {
    for Vector { about, key: text, at: seconds, sent, signature, .. } in vectors().vectors {
        for trust in trusting(&key(&text)) {
            let verified = verify(Some(&signature), sent.as_bytes(), at(seconds), &trust);
            let verified = verified.unwrap_or_else(|error| panic!("{about} {error}"));
            assert_eq!(verified.key(), Some(&key(&text)), "{about}");
        }
    }
}

#[test]
fn what_we_sign_is_what_another_implementation_signs() {
    for Vector { about, key: text, at: seconds, sent, signed, signature } in vectors().vectors {
        let signed = signed.unwrap_or(sent);
        assert_eq!(key(&text).sign(signed.as_bytes(), at(seconds)), signature, "{about}");
    }
}

#[test]
fn another_body_another_moment_and_another_key_are_not_believed() {
    for Vector { about, key: text, at: seconds, sent, signature, .. } in vectors().vectors {
        let [trust, _] = trusting(&key(&text));
        let check = |signature: &str, body: &str, now, trust: &Trust| {
            verify(Some(signature), body.as_bytes().to_vec(), at(now), trust).map(|_| ())
        };
        let said = check(&signature, &format!("{sent}x"), seconds, &trust);
        assert_eq!(said, Err(SignatureError::Wrong), "{about}");
        let later = signature.replace(&seconds.to_string(), &(seconds + 1).to_string());
        assert_eq!(check(&later, &sent, seconds, &trust), Err(SignatureError::Wrong), "{about}");
        let said = check(&signature, &sent, seconds + 301, &trust);
        assert_eq!(said, Err(SignatureError::Stale { seconds: 301 }), "{about}");
        let [stranger, _] = trusting(&key("ffff"));
        let said = check(&signature, &sent, seconds, &stranger);
        assert_eq!(said, Err(SignatureError::Wrong), "{about}");
    }
}

#[test]
fn bearers_hash_the_bytes_of_the_key() {
    for Bearer { key: text, bearer } in vectors().bearers {
        assert_eq!(key(&text).bearer(), bearer);
        assert!(key(&text).accepts_bearer(&bearer));
    }
}

#[test]
fn recorded_headers_have_the_form_we_read() {
    for header in vectors().recorded {
        let [stranger, _] = trusting(&key("ffff"));
        let said = verify(Some(&header), b"".as_slice(), at(1_795_347_592), &stranger).map(|_| ());
        assert_eq!(said, Err(SignatureError::Wrong), "{header}: well-formed, in time, not our key");
    }
}
