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

/// A body, signed as a provider that comes with this program signs, at a time in seconds since 1970.
pub fn signed(provider: &str, body: &[u8], seconds: i64) -> Signed {
    let text = "a secret of the tests";
    let with = |before: &str| [before.as_bytes(), body].concat();
    let (header, before, encoding, method, content, name, extra): (
        _,
        String,
        _,
        _,
        Vec<u8>,
        _,
        Vec<(&'static str, String)>,
    ) = match provider {
        "front" => (
            "x-front-signature",
            String::new(),
            Encoding::Base64,
            Method::HmacSha1,
            crate::verify::compact(body).unwrap_or_default(),
            "front_rules_webhook_secret",
            vec![],
        ),
        "github" => (
            "x-hub-signature-256",
            "sha256=".to_owned(),
            Encoding::Hex,
            Method::HmacSha256,
            body.to_vec(),
            "github_webhook_secret",
            vec![],
        ),
        "vercel" => (
            "x-vercel-signature",
            String::new(),
            Encoding::Hex,
            Method::HmacSha1,
            body.to_vec(),
            "vercel_webhook_secret",
            vec![],
        ),
        "todoist" => (
            "x-todoist-hmac-sha256",
            String::new(),
            Encoding::Base64,
            Method::HmacSha256,
            body.to_vec(),
            "todoist_client_secret",
            vec![],
        ),
        "joelclaw" => (
            "x-joelclaw-signature",
            String::new(),
            Encoding::Hex,
            Method::HmacSha256,
            body.to_vec(),
            "joelclaw_webhook_secret",
            vec![],
        ),
        "mux" => (
            "mux-signature",
            format!("t={seconds},v1="),
            Encoding::Hex,
            Method::HmacSha256,
            with(&format!("{seconds}.")),
            "mux_webhook_secret",
            vec![],
        ),
        "stripe" => (
            "stripe-signature",
            format!("t={seconds},v1="),
            Encoding::Hex,
            Method::HmacSha256,
            with(&format!("{seconds}.")),
            "stripe_webhook_secret",
            vec![],
        ),
        "slack" => (
            "x-slack-signature",
            "v0=".to_owned(),
            Encoding::Hex,
            Method::HmacSha256,
            with(&format!("v0:{seconds}:")),
            "slack_signing_secret",
            vec![("x-slack-request-timestamp", seconds.to_string())],
        ),
        "standard" => (
            "webhook-signature",
            "v1,".to_owned(),
            Encoding::Base64,
            Method::HmacSha256,
            with(&format!("msg_1.{seconds}.")),
            "standard_webhook_secret",
            vec![("webhook-id", "msg_1".to_owned()), ("webhook-timestamp", seconds.to_string())],
        ),
        "telnyx" => (
            "telnyx-signature-ed25519",
            String::new(),
            Encoding::Base64,
            Method::Ed25519,
            with(&format!("{seconds}|")),
            "telnyx_public_key",
            vec![("telnyx-timestamp", seconds.to_string())],
        ),
        other => panic!("nobody knows how {other} signs"),
    };
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
            method.sign(text.as_bytes(), &content).expect("symmetric"),
        ),
        _ => (
            text.to_owned(),
            "not the secret",
            method.sign(text.as_bytes(), &content).expect("symmetric"),
        ),
    };
    let time = match provider {
        "mux" | "stripe" => Some(header),
        "slack" => Some("x-slack-request-timestamp"),
        "standard" => Some("webhook-timestamp"),
        "telnyx" => Some("telnyx-timestamp"),
        _ => None,
    };
    let mut headers = extra;
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
