//! The sync whose answer carries the functions: the server asks, and needs no second request.

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use url::Url;

use super::{Announced, FRAMEWORK, WireFunction, sorted};
use crate::SDK;
use crate::introspect::{Asked, Introspection};

/// Who made this worker, as the answer names it.
const AUTHOR: &str = "system-bus";

/// What the server asks with.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InBandRequest {
    /// Under which address the server reaches us, the markers of one request apart.
    pub url: Url,
}

/// The body of the answer to a sync in band.
#[derive(Debug, Clone, Serialize)]
pub struct InBand<'w> {
    app_id: &'w str,
    #[serde(rename = "appVersion", skip_serializing_if = "Option::is_none")]
    app_version: Option<&'w str>,
    capabilities: crate::introspect::Capabilities,
    env: Option<&'w str>,
    framework: &'static str,
    functions: Vec<WireFunction>,
    inspection: Box<RawValue>,
    platform: Option<&'w str>,
    sdk_author: &'static str,
    sdk_language: &'static str,
    sdk_version: &'static str,
    sdk: &'static str,
    url: String,
}

impl InBandRequest {
    /// Reads the body; the error says what is wrong with it.
    ///
    /// ```
    /// use protocol::sync::InBandRequest;
    /// let asked = InBandRequest::parse(br#"{"url":"https://w.example/api?deployId=d&x=1"}"#).unwrap();
    /// assert_eq!(asked.url.as_str(), "https://w.example/api?x=1");
    /// assert!(InBandRequest::parse(b"{}").is_err());
    /// ```
    pub fn parse(body: &[u8]) -> Result<Self, String> {
        #[derive(Deserialize)]
        struct Body {
            url: String,
        }
        let Body { url } = serde_json::from_slice(body)
            .map_err(|error| format!("the body of a sync in band cannot be read: {error}"))?;
        let url = Url::parse(&url)
            .ok()
            .filter(|url| matches!(url.scheme(), "http" | "https") && url.has_host());
        let url = url.ok_or("the url of a sync in band is not an address of HTTP")?;
        Ok(Self { url: without_markers(url) })
    }
}

/// The address without what marks one request only.
fn without_markers(mut url: Url) -> Url {
    let kept: Vec<(String, String)> = url
        .query_pairs()
        .filter(|(name, _)| name != "deployId" && name != "probe")
        .map(|(name, value)| (name.into_owned(), value.into_owned()))
        .collect();
    url.set_query(None);
    if !kept.is_empty() {
        url.query_pairs_mut().extend_pairs(kept);
    }
    url
}

impl<'w> InBand<'w> {
    /// The answer of a worker that is what `introspection` says, called at `url`.
    pub fn new(
        introspection: &Introspection<'w>,
        asked: Asked,
        version: Option<&'w str>,
        url: &Url,
        announced: &Announced,
    ) -> Self {
        let inspection = String::from_utf8(introspection.body(asked)).unwrap_or_default();
        Self {
            app_id: introspection.app.as_str(),
            app_version: version,
            capabilities: introspection.capabilities,
            env: introspection.env,
            framework: FRAMEWORK,
            functions: sorted(introspection.app, url, announced),
            inspection: RawValue::from_string(inspection).unwrap_or_default(),
            platform: None,
            sdk_author: AUTHOR,
            sdk_language: "rust",
            sdk_version: SDK.trim_start_matches("rust:v"),
            sdk: SDK,
            url: url.to_string(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_address_of_http_is_taken() {
        for (body, says) in [
            ("", "cannot be read"),
            ("{}", "missing field `url`"),
            (r#"{"url":7}"#, "cannot be read"),
            (r#"{"url":"/api"}"#, "not an address"),
            (r#"{"url":"ftp://h/"}"#, "not an address"),
        ] {
            let error = InBandRequest::parse(body.as_bytes()).expect_err(body);
            assert!(error.contains(says), "{body}: {error}");
        }
        let asked =
            InBandRequest::parse(br#"{"url":"http://h:1/a?probe=trust&deployId=1","more":1}"#);
        assert_eq!(asked.expect("an address").url.as_str(), "http://h:1/a");
    }
}
