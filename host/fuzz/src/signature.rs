//! Signatures: one fits the body that it was made for and no other, with the keys that are trusted and no other.
//!
//! An input is a header, a signing key and a time in seconds since 1970, each on a line, and a body behind them.

use jiff::Timestamp;
use protocol::signature::{Keys, SignatureError, SigningKey, TOLERANCE_SECONDS, Trust, verify};
use serde_json::Value;

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(4, |&byte| byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (header, key, seconds) = (line(), line(), line());
    let body = parts.next().unwrap_or_default();

    let Ok(key) = SigningKey::parse(&key) else { return };
    bearers(&key, &header);
    let Some(now) = seconds.parse().ok().and_then(at) else { return };
    given(&header, &key, now, body);
    own(&key, now, body);
}

fn at(seconds: i64) -> Option<Timestamp> {
    Timestamp::from_second(seconds).ok()
}

fn other() -> SigningKey {
    SigningKey::parse("signkey-other-00c0ffee00c0ffee00").expect("a key")
}

fn trust(primary: &SigningKey, fallback: Option<&SigningKey>) -> Trust {
    Trust::Signed(Keys { primary: primary.clone(), fallback: fallback.cloned() })
}

fn bearers(key: &SigningKey, text: &str) {
    assert_eq!(format!("{key:?}"), "SigningKey(…)");
    assert!(key.bearer().ends_with(&key.hash()));
    assert!(key.accepts_bearer(&key.bearer()) && key.accepts_bearer(&key.hash()));
    assert!(!other().accepts_bearer(&key.bearer()) || other().hash() == key.hash());
    if key.accepts_bearer(text) && !text.contains(&key.hash()) {
        // Then it is the key itself.
        let bare = SigningKey::parse(text).map(|said| said.hash());
        assert_eq!(bare, Ok(key.hash()), "{text:?}");
    }
}

/// A header that somebody sent is believed only where the key was in play.
fn given(header: &str, key: &SigningKey, now: Timestamp, body: &[u8]) {
    assert!(verify(None, body, now, &trust(key, None)).is_err());
    match verify(Some(header), body, now, &trust(&other(), Some(key))) {
        Err(SignatureError::Stale { seconds }) => {
            assert!(seconds > TOLERANCE_SECONDS.unsigned_abs());
        }
        Err(_) => {}
        Ok(verified) => {
            assert_eq!(verified.body(), &body, "the body is what was sent");
            let fitted = verified.key().expect("a key fitted");
            let canonical = canonical(body);
            let forms = || [Some(body), canonical.as_deref()].into_iter().flatten();
            let mut moments = (-TOLERANCE_SECONDS..=TOLERANCE_SECONDS)
                .filter_map(|away| at(now.as_second().checked_add(away)?));
            // The header may be percent-encoded. Without that, the digits stand in it as they are made.
            assert!(
                header.contains('%')
                    || moments.any(|moment| forms().any(|form| {
                        let made = fitted.sign(form, moment);
                        let digits = made.split_once("s=").expect("digits").1;
                        header.to_ascii_lowercase().contains(digits)
                    })),
                "nobody with the key has made {header:?}"
            );
        }
    }
}

/// What we sign is believed, within the tolerance, and as it is.
fn own(key: &SigningKey, now: Timestamp, body: &[u8]) {
    let header = key.sign(body, now);
    let believed =
        |body: &[u8], now, trust: &Trust| verify(Some(&header), body, now, trust).map(|_| ());
    for trust in [trust(key, None), trust(key, Some(&other())), trust(&other(), Some(key))] {
        for (away, fits) in [(0, true), (300, true), (-300, true), (301, false), (-301, false)] {
            let Some(moment) = now.as_second().checked_add(away).and_then(at) else { continue };
            let expected = if fits { Ok(()) } else { Err(SignatureError::Stale { seconds: 301 }) };
            assert_eq!(believed(body, moment, &trust), expected, "{away} seconds away");
        }
    }
    if key.hash() != other().hash() {
        let wrong = believed(body, now, &trust(&other(), None));
        assert_eq!(wrong, Err(SignatureError::Wrong), "with another key");
    }
    // Which digit, the input decides.
    let at = header.len() - 1 - body.len() % 64;
    let digit = if header.as_bytes()[at] == b'0' { "1" } else { "0" };
    let forged = format!("{}{digit}{}", &header[..at], &header[at + 1..]);
    let refused = verify(Some(&forged), body, now, &trust(key, None)).map(|_| ());
    assert_eq!(refused, Err(SignatureError::Wrong), "{forged:?} for {header:?}");
    let mut changed = body.to_vec();
    match changed.len() {
        0 => changed.push(b' '),
        // Which bit, the input decides.
        length => changed[usize::from(body[length - 1]) % length] ^= 1 << (length % 8),
    }
    let same = canonical(&changed).is_some_and(|canonical| canonical == body);
    let expected = if same { Ok(()) } else { Err(SignatureError::Wrong) };
    assert_eq!(believed(&changed, now, &trust(key, None)), expected, "{changed:?}");
}

/// The form of JSON in which the server signs what it sends in another one.
fn canonical(body: &[u8]) -> Option<Vec<u8>> {
    let value: Value = serde_json::from_slice(body).ok()?;
    serde_json_canonicalizer::to_vec(&value).ok()
}
