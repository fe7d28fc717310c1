//! Webhooks: what a sender did not sign is not believed, for any provider, and JSON is written in one form.
//!
//! An input is the name of a provider, a time in seconds since 1970, and the text of its signature header, each on a line, and
//! a body behind them.

use std::sync::LazyLock;

use bytes::Bytes;
use gateway::delivery::{Delivery, Headers};
use gateway::provider::{Provider, Trust};
use gateway::shape::{Read, shape};
use gateway::testing::{Known, signed};
use gateway::verify::{Check, Refused, compact, verify};
use gateway::{Providers, Secrets};
use jiff::Timestamp;
use serde_json::Value;

static PROVIDERS: LazyLock<Providers> = LazyLock::new(Providers::built_in);

/// `FUZZ_PROVIDER`: the one that is meant, whatever inputs say; so each can be given time of its own.
static ONLY: LazyLock<Option<String>> = LazyLock::new(|| {
    let name = std::env::var("FUZZ_PROVIDER").ok()?;
    assert!(PROVIDERS.get(&name).is_some(), "no provider is called {name}");
    Some(name)
});

/// Checks one input.
pub fn check(data: &[u8]) {
    let mut parts = data.splitn(4, |&byte| byte == b'\n');
    let mut line = || String::from_utf8_lossy(parts.next().unwrap_or_default());
    let (name, seconds, header) = (line(), line(), line());
    let name = ONLY.as_deref().unwrap_or(&name);
    let body = parts.next().unwrap_or_default();
    json(body);
    let Some(provider) = PROVIDERS.get(name) else { return };
    let Trust::Signed(checks) = &provider.trust else { return };
    let Some(seconds) = seconds.parse().ok().filter(|seconds| (1..1 << 35).contains(seconds))
    else {
        return;
    };
    own(provider, checks, seconds, &header, body);
    shaped(provider, body);
}

fn delivery(headers: &[(&str, String)], body: &[u8], seconds: i64) -> Delivery {
    Delivery {
        headers: Headers::new(headers.iter().map(|(name, value)| (*name, value.as_str()))),
        body: Bytes::copy_from_slice(body),
        at: Timestamp::from_second(seconds).expect("it is in range"),
        from: [127, 0, 0, 1].into(),
    }
}

fn refused(checks: &[Check], delivery: &Delivery, secrets: &dyn Secrets) -> Option<Refused> {
    verify(checks, delivery, secrets).err()
}

/// What is signed is believed, and nothing beside it.
fn own(provider: &Provider, checks: &[Check], seconds: i64, header: &str, body: &[u8]) {
    let signature = signed(&provider.name, body, seconds);
    let secrets = Known::of(&signature.secrets());
    // One signs what is JSON; the others any bytes. Where there is no JSON its signature is one of nothing, which is right
    // for an empty body.
    let can_sign = provider.name != "front" || body.is_empty() || compact(body).is_some();
    let right = delivery(&signature.headers, body, seconds);
    assert_eq!(refused(checks, &right, &secrets).is_none(), can_sign, "{}", provider.name);
    assert_eq!(
        refused(checks, &right, &Known::default()),
        Some(Refused::NoSecret),
        "{} without a secret",
        provider.name
    );
    let name = signature.secrets()[0].0;
    let other = Known::of(&[(name, signature.other)]);
    assert!(refused(checks, &right, &other).is_some(), "{} with another secret", provider.name);

    let mut changed = body.to_vec();
    changed.push(b'x');
    let changed = delivery(&signature.headers, &changed, seconds);
    assert!(refused(checks, &changed, &secrets).is_some(), "{} with another body", provider.name);

    // Whoever writes any header has not the secret, unless it is what was signed.
    let foreign: Vec<_> = signature
        .headers
        .iter()
        .map(|(known, value)| {
            let value = if *known == signature.header { header.to_owned() } else { value.clone() };
            (*known, value)
        })
        .collect();
    let made = signature.signature();
    let own = made.rsplit([',', '=', ' ']).find(|part| part.len() > 16).unwrap_or(made);
    if refused(checks, &delivery(&foreign, body, seconds), &secrets).is_none() {
        let (header, own) = (header.to_ascii_lowercase(), own.to_ascii_lowercase());
        assert!(header.contains(&own), "nobody with the secret has made {header:?}");
    }
}

/// Shaping what is believed never panics, and its events have names and ids.
fn shaped(provider: &Provider, body: &[u8]) {
    let Ok(parsed) = serde_json::from_slice::<Value>(body) else { return };
    let headers = [("x-github-event", "workflow_run".to_owned()), ("webhook-id", "m".to_owned())];
    let delivery = delivery(&headers, body, 1);
    let read = Read { delivery: &delivery, body: &parsed, id: None };
    let Ok(Some(shaped)) = shape(&provider.rules, read) else { return };
    if let Ok(event) = gateway::shape::event(&provider.name, &provider.prefix, shaped, &delivery) {
        let id = event.id.expect("every event has an id");
        assert!(!id.is_empty() && id.len() <= 255, "{id:?}");
        assert!(!event.name.as_str().starts_with("inngest/"));
    }
}

/// The form is one: written again it is the same, and it means what it was made of.
fn json(body: &[u8]) {
    let Some(form) = compact(body) else { return };
    assert_eq!(
        compact(&form).as_deref(),
        Some(form.as_slice()),
        "{:?}",
        String::from_utf8_lossy(&form)
    );
    let without_mark = body.strip_prefix("\u{feff}".as_bytes()).unwrap_or(body);
    // The other reader knows neither half characters nor numbers beyond all doubles.
    let (Ok(before), Ok(after)) =
        (serde_json::from_slice::<Value>(without_mark), serde_json::from_slice::<Value>(&form))
    else {
        return;
    };
    assert!(alike(&before, &after), "{before} became {after}");
}

fn alike(before: &Value, after: &Value) -> bool {
    match (before, after) {
        // Whole numbers beyond what doubles tell apart come back as the nearest double.
        (Value::Number(one), Value::Number(other)) => {
            let (one, other) = (one.as_f64(), other.as_f64());
            one == other
        }
        (Value::Array(one), Value::Array(other)) => {
            one.len() == other.len() && one.iter().zip(other).all(|(one, other)| alike(one, other))
        }
        (Value::Object(one), Value::Object(other)) => {
            one.len() == other.len()
                && one
                    .iter()
                    .all(|(name, value)| other.get(name).is_some_and(|other| alike(value, other)))
        }
        (one, other) => one == other,
    }
}
