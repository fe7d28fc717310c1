//! The `INNGEST_*` variables, as all SDKs of Inngest read them.

use std::sync::Arc;

use anyhow::{Context, bail};
use protocol::crypt::{self, Vault};
use protocol::signature::{Keys, SigningKey, Trust};
use url::Url;

/// What the environment says about our server.
#[derive(Debug, Clone)]
pub(crate) struct Inngest {
    pub(crate) trust: Trust,
    pub(crate) event_key: Option<String>,
    pub(crate) api_origin: Url,
    pub(crate) event_api_origin: Url,
    pub(crate) env: Option<String>,
    pub(crate) serve_origin: Option<Url>,
    pub(crate) serve_path: Option<String>,
    pub(crate) in_band_sync: bool,
    pub(crate) vault: Option<Arc<Vault>>,
}

/// Where Inngest itself is, when nothing says otherwise.
const CLOUD_API: &str = "https://api.inngest.com";
const CLOUD_EVENTS: &str = "https://inn.gs";
/// Where a development server is.
const DEV: &str = "http://localhost:8288";

impl Inngest {
    /// Reads the variables through `get`; an empty one counts as absent.
    pub(crate) fn parse(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        let get = |name: &str| {
            get(name).map(|value| value.trim().to_owned()).filter(|value| !value.is_empty())
        };
        let url = |name: &str| -> anyhow::Result<Option<Url>> {
            get(name).map(|text| parse_url(name, &text)).transpose()
        };
        let dev = match get("INNGEST_DEV").as_deref() {
            None | Some("0" | "false") => None,
            Some("1" | "true") => Some(parse_url("INNGEST_DEV", DEV)?),
            Some(origin) => Some(parse_url("INNGEST_DEV", origin)?),
        };
        let key = |name: &str| -> anyhow::Result<Option<SigningKey>> {
            get(name)
                .map(|text| SigningKey::parse(&text).with_context(|| name.to_owned()))
                .transpose()
        };
        let (primary, fallback) =
            (key("INNGEST_SIGNING_KEY")?, key("INNGEST_SIGNING_KEY_FALLBACK")?);
        let trust = match (&dev, primary) {
            (Some(_), _) => Trust::Dev,
            (None, Some(primary)) => Trust::Signed(Keys { primary, fallback }),
            (None, None) => bail!(
                "INNGEST_SIGNING_KEY is not set; set it to the server's signing key, or set INNGEST_DEV=1 \
                 (or INNGEST_DEV=http://host:port) for a development server"
            ),
        };
        let base = url("INNGEST_BASE_URL")?.or(dev);
        let origin = |own: Option<Url>, cloud: &str| -> anyhow::Result<Url> {
            match own.or_else(|| base.clone()) {
                Some(origin) => Ok(origin),
                None => parse_url("the default", cloud),
            }
        };
        let serve_origin = match url("INNGEST_SERVE_ORIGIN")? {
            Some(origin) => Some(origin),
            None => url("INNGEST_SERVE_HOST")?,
        };
        let serve_path = get("INNGEST_SERVE_PATH");
        if let Some(path) = &serve_path {
            let plain = |c: char| c.is_ascii_alphanumeric() || "/-_.~".contains(c);
            if path.len() < 2 || !path.starts_with('/') || !path.chars().all(plain) {
                bail!(
                    "INNGEST_SERVE_PATH is {path:?}; write a path such as /api/inngest: a slash, then letters, \
                     digits and any of / - _ . ~"
                );
            }
        }
        let in_band_sync = match get("INNGEST_ALLOW_IN_BAND_SYNC").as_deref() {
            None | Some("1" | "true") => true,
            Some("0" | "false") => false,
            Some(other) => bail!("INNGEST_ALLOW_IN_BAND_SYNC is {other:?}; write true or false"),
        };
        Ok(Self {
            trust,
            event_key: get("INNGEST_EVENT_KEY"),
            api_origin: origin(url("INNGEST_API_BASE_URL")?, CLOUD_API)?,
            event_api_origin: origin(url("INNGEST_EVENT_API_BASE_URL")?, CLOUD_EVENTS)?,
            env: get("INNGEST_ENV"),
            serve_origin,
            serve_path,
            in_band_sync,
            vault: vault(&get)?,
        })
    }
}

/// Where events go, and with which key: all that who only sends events has to know.
#[derive(Debug, Clone)]
pub(crate) struct Events {
    pub(crate) origin: Url,
    pub(crate) key: Option<String>,
    pub(crate) env: Option<String>,
}

impl Events {
    /// Reads the variables through `get`; an empty one counts as absent.
    pub(crate) fn parse(get: impl Fn(&str) -> Option<String>) -> anyhow::Result<Self> {
        // Whose signature is whose does not matter here.
        const ANY: &str = "signkey-any-00";
        let signed = |name: &str| match name {
            "INNGEST_SIGNING_KEY" => Some(ANY.to_owned()),
            name if name.starts_with("INNGEST_") && !name.starts_with("INNGEST_SIGNING") => {
                get(name)
            }
            _ => None,
        };
        let all = Inngest::parse(signed)?;
        if matches!(all.trust, Trust::Signed(_)) && all.event_key.is_none() {
            bail!(
                "INNGEST_EVENT_KEY is not set; set it to an event key of the server, or set INNGEST_DEV=1 \
                 (or INNGEST_DEV=http://host:port) for a development server"
            );
        }
        Ok(Self { origin: all.event_api_origin, key: all.event_key, env: all.env })
    }
}

/// The keys for what the server stores; a key to decrypt with is of no use without one to encrypt with.
fn vault(get: &impl Fn(&str) -> Option<String>) -> anyhow::Result<Option<Arc<Vault>>> {
    let fallback = get(crypt::FALLBACK);
    match get(crypt::KEY) {
        Some(key) => Ok(Some(Arc::new(Vault::parse(&key, fallback.as_deref())?))),
        None if fallback.is_some() => {
            bail!("{} is set without {}; set both", crypt::FALLBACK, crypt::KEY)
        }
        None => Ok(None),
    }
}

fn parse_url(name: &str, text: &str) -> anyhow::Result<Url> {
    let url = Url::parse(text)
        .ok()
        .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
    url.with_context(|| {
        format!("{name} is {text:?}; write an address such as http://127.0.0.1:8288")
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(set: &[(&str, &str)]) -> anyhow::Result<Inngest> {
        let set: Vec<(String, String)> =
            set.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Inngest::parse(move |name| {
            set.iter().find(|(n, _)| n == name).map(|(_, value)| value.clone())
        })
    }

    #[test]
    fn dev_mode_is_on_off_or_an_address() {
        for (value, origin) in [
            ("1", "http://localhost:8288/"),
            ("true", "http://localhost:8288/"),
            ("http://127.0.0.1:9", "http://127.0.0.1:9/"),
        ] {
            let inngest = parse(&[("INNGEST_DEV", value)]).expect(value);
            assert_eq!(inngest.trust, Trust::Dev, "{value}");
            assert_eq!(inngest.api_origin.as_str(), origin, "{value}");
            assert_eq!(inngest.event_api_origin.as_str(), origin, "{value}");
        }
        for value in ["0", "false", ""] {
            let error = parse(&[("INNGEST_DEV", value)]).expect_err("no key").to_string();
            assert!(error.contains("INNGEST_SIGNING_KEY is not set"), "{error}");
        }
    }

    #[test]
    fn a_self_hosted_server_needs_a_key_and_an_address() {
        let inngest = parse(&[
            ("INNGEST_SIGNING_KEY", "signkey-prod-12345678"),
            ("INNGEST_SIGNING_KEY_FALLBACK", "abcd"),
            ("INNGEST_BASE_URL", "http://inngest:8288"),
            ("INNGEST_EVENT_API_BASE_URL", "http://events:9999"),
            ("INNGEST_EVENT_KEY", "key"),
            ("INNGEST_SERVE_HOST", "http://worker:3111"),
        ])
        .expect("valid");
        assert!(matches!(inngest.trust, Trust::Signed(Keys { fallback: Some(_), .. })));
        assert_eq!(inngest.api_origin.as_str(), "http://inngest:8288/");
        assert_eq!(inngest.event_api_origin.as_str(), "http://events:9999/");
        assert_eq!(inngest.serve_origin.expect("set").as_str(), "http://worker:3111/");
    }

    #[test]
    fn values_are_encrypted_with_a_key_and_only_with_one() {
        let (dev, key) = (("INNGEST_DEV", "1"), "ab".repeat(32));
        assert!(parse(&[dev]).expect("no key").vault.is_none());
        let one = ("SYSTEM_BUS_ENCRYPTION_KEY", key.as_str());
        let more = ("SYSTEM_BUS_ENCRYPTION_KEY_FALLBACK", key.as_str());
        assert!(parse(&[dev, one]).expect("a key").vault.is_some());
        assert!(parse(&[dev, one, more]).expect("two keys").vault.is_some());
        for set in [vec![dev, more], vec![dev, ("SYSTEM_BUS_ENCRYPTION_KEY", "secret")]] {
            let error = format!("{:#}", parse(&set).expect_err("no key"));
            assert!(
                error.contains("SYSTEM_BUS_ENCRYPTION_KEY") && !error.contains("secret"),
                "{error}"
            );
        }
    }

    #[test]
    fn syncs_in_band_are_answered_unless_forbidden() {
        let dev = ("INNGEST_DEV", "1");
        for (value, allowed) in
            [("", true), ("true", true), ("1", true), ("false", false), ("0", false)]
        {
            let inngest = parse(&[dev, ("INNGEST_ALLOW_IN_BAND_SYNC", value)]).expect(value);
            assert_eq!(inngest.in_band_sync, allowed, "{value}");
        }
    }

    #[test]
    fn what_cannot_be_read_names_its_variable_and_no_secret() {
        let key = ("INNGEST_SIGNING_KEY", "not-hexadecimal");
        for (set, says) in [
            (vec![key], "INNGEST_SIGNING_KEY"),
            (vec![("INNGEST_DEV", "localhost")], "INNGEST_DEV"),
            (vec![("INNGEST_DEV", "1"), ("INNGEST_BASE_URL", "ftp://x")], "INNGEST_BASE_URL"),
            (vec![("INNGEST_DEV", "1"), ("INNGEST_SERVE_PATH", "api")], "INNGEST_SERVE_PATH"),
            (
                vec![("INNGEST_DEV", "1"), ("INNGEST_ALLOW_IN_BAND_SYNC", "maybe")],
                "INNGEST_ALLOW_IN_BAND_SYNC",
            ),
            (vec![("INNGEST_DEV", "1"), ("INNGEST_SERVE_PATH", "/")], "INNGEST_SERVE_PATH"),
            (vec![("INNGEST_DEV", "1"), ("INNGEST_SERVE_PATH", "/a/{b")], "INNGEST_SERVE_PATH"),
        ] {
            let error = format!("{:#}", parse(&set).expect_err(says));
            assert!(error.contains(says) && !error.contains("not-hexadecimal"), "{error}");
        }
    }
}
