//! For tests: secrets, and deliveries signed as each provider signs.

use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ring::signature::{Ed25519KeyPair, KeyPair};

use crate::secrets::{Encoding, Secret, Secrets};
use crate::verify::Method;

/// Secrets that a test knows, and may change.
#[derive(Debug, Default)]
pub struct Known(Mutex<HashMap<String, String>>);

impl Known {
    /// By name.
    pub fn of(secrets: &[(&str, &str)]) -> Self {
        let each = secrets.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        Self(Mutex::new(each.collect()))
    }

    /// Changes one.
    pub fn set(&self, name: &str, value: &str) {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(name.to_owned(), value.to_owned());
    }
}

impl Secrets for Known {
    fn secret(&self, name: &str) -> Option<Secret> {
        let all = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        Secret::new(all.get(name)?.as_bytes())
    }
}

/// A delivery that is right.
#[derive(Debug, Clone)]
pub struct Signed {
    /// Its headers.
    pub headers: Vec<(&'static str, String)>,
    /// Its body.
    pub body: Vec<u8>,
    /// The header with the signature.
    pub header: &'static str,
    /// The header with the time, which may be the same.
    pub time: Option<&'static str>,
    /// The name of its secret.
    pub name: &'static str,
    /// Its secret.
    pub secret: String,
    /// One of the same form that is not its secret.
    pub other: &'static str,
    encoding: Encoding,
    before: String,
    signature: Vec<u8>,
}

impl Signed {
    /// The name of its secret, and the secret.
    pub fn secrets(&self) -> Vec<(&'static str, &str)> {
        vec![(self.name, self.secret.as_str())]
    }

    /// What stands in the header.
    pub fn signature(&self) -> &str {
        let mut own = self.headers.iter().filter(|(name, _)| *name == self.header);
        own.next().map_or("", |(_, value)| value)
    }

    /// The signature.
    pub fn bytes(&self) -> Vec<u8> {
        self.signature.clone()
    }

    /// The headers with another signature.
    pub fn with_signature(&self, bytes: &[u8]) -> Vec<(&'static str, String)> {
        let text = format!("{}{}", self.before, self.encoding.encode(bytes));
        let each = self.headers.iter().map(|(name, value)| {
            (*name, if *name == self.header { text.clone() } else { value.clone() })
        });
        each.collect()
    }
}

/// How a provider signs.
#[derive(Clone, Copy)]
struct Manner {
    header: &'static str,
    /// The header with the time, which may be the same.
    time: Option<&'static str>,
    /// What stands before the signature, with `{t}` for the time.
    before: &'static str,
    encoding: Encoding,
    method: Method,
    /// What is signed before the body, with `{t}` for the time.
    prefix: &'static str,
    secret: &'static str,
}

const fn manner(
    secret: &'static str,
    header: &'static str,
    before: &'static str,
    encoding: Encoding,
    method: Method,
) -> Manner {
    Manner { header, time: None, before, encoding, method, prefix: "", secret }
}

const fn timed(manner: Manner, time: &'static str, prefix: &'static str) -> Manner {
    Manner { time: Some(time), prefix, ..manner }
}

fn manner_of(provider: &str) -> Manner {
    use Encoding::{Base64, Hex};
    use Method::{Ed25519, HmacSha1, HmacSha256};
    match provider {
        "front" => manner("front_rules_webhook_secret", "x-front-signature", "", Base64, HmacSha1),
        "github" => {
            manner("github_webhook_secret", "x-hub-signature-256", "sha256=", Hex, HmacSha256)
        }
        "vercel" => manner("vercel_webhook_secret", "x-vercel-signature", "", Hex, HmacSha1),
        "todoist" => {
            manner("todoist_client_secret", "x-todoist-hmac-sha256", "", Base64, HmacSha256)
        }
        "joelclaw" => {
            manner("joelclaw_webhook_secret", "x-joelclaw-signature", "", Hex, HmacSha256)
        }
        "mux" => timed(
            manner("mux_webhook_secret", "mux-signature", "t={t},v1=", Hex, HmacSha256),
            "mux-signature",
            "{t}.",
        ),
        "stripe" => timed(
            manner("stripe_webhook_secret", "stripe-signature", "t={t},v1=", Hex, HmacSha256),
            "stripe-signature",
            "{t}.",
        ),
        "slack" => timed(
            manner("slack_signing_secret", "x-slack-signature", "v0=", Hex, HmacSha256),
            "x-slack-request-timestamp",
            "v0:{t}:",
        ),
        "standard" => timed(
            manner("standard_webhook_secret", "webhook-signature", "v1,", Base64, HmacSha256),
            "webhook-timestamp",
            "msg_1.{t}.",
        ),
        "telnyx" => timed(
            manner("telnyx_public_key", "telnyx-signature-ed25519", "", Base64, Ed25519),
            "telnyx-timestamp",
            "{t}|",
        ),
        other => panic!("nobody knows how {other} signs"),
    }
}

/// A body, signed as a provider that comes with this program signs, at a time in seconds since 1970.
pub fn signed(provider: &str, body: &[u8], seconds: i64) -> Signed {
    let text = "a secret of the tests";
    let Manner { header, time, before, encoding, method, prefix, secret: name } =
        manner_of(provider);
    let at = |text: &str| text.replace("{t}", &seconds.to_string());
    let before = at(before);
    let content = match provider {
        "front" => crate::verify::compact(body).unwrap_or_default(),
        _ => [at(prefix).as_bytes(), body].concat(),
    };
    let symmetric = || method.sign(text.as_bytes(), &content).unwrap_or_default();
    let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).expect("a key");
    let (secret, other, signature) = match (provider, method) {
        (_, Method::Ed25519) => (
            BASE64_STANDARD.encode(pair.public_key().as_ref()),
            "CeWoRu6jVXMmAt6QgaQzhhdyk/zuW3KLKZNMMPGX4Fs=",
            pair.sign(&content).as_ref().to_vec(),
        ),
        ("standard", _) => (
            format!("whsec_{}", BASE64_STANDARD.encode(text)),
            "whsec_bm90IHRoZSBzZWNyZXQ=",
            symmetric(),
        ),
        _ => (text.to_owned(), "not the secret", symmetric()),
    };
    let mut headers = Vec::new();
    if provider == "standard" {
        headers.push(("webhook-id", "msg_1".to_owned()));
    }
    if let Some(time) = time.filter(|time| *time != header) {
        headers.push((time, seconds.to_string()));
    }
    headers.push((header, format!("{before}{}", encoding.encode(&signature))));
    Signed {
        headers,
        body: body.to_vec(),
        header,
        time,
        name,
        secret,
        other,
        encoding,
        before,
        signature,
    }
}
