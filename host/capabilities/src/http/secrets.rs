//! Secrets in the places of their placeholders: in headers, and in bodies that are short and say so.

use http::header::{CONTENT_LENGTH, HeaderValue};
use http::{HeaderMap, Request};
use http_body_util::{BodyExt as _, Full, Limited};
use wasmtime_wasi_http::{Error, WasiBody};

use super::target::Origin;
use crate::refusal::{Reason, Refusal};
use crate::secrets::{Filler, Part};

/// The longest body that is looked through. Placeholders in longer ones, and in those that do not say how long they are,
/// leave as they stand.
const LONGEST: usize = 1 << 20;

/// Why a request was not sent.
pub(crate) struct Unsent {
    /// What `wasi:http` has to say of it.
    pub(crate) error: Error,
    /// The rest, where it was denied.
    pub(crate) message: Option<String>,
}

impl From<Error> for Unsent {
    fn from(error: Error) -> Self {
        Self { error, message: None }
    }
}

/// Fills in what goes to this server; sends nothing where a secret may not go there.
pub(crate) async fn fill(
    mut request: Request<WasiBody>,
    filler: &Filler,
    origin: &Origin,
) -> Result<Request<WasiBody>, Unsent> {
    let to = origin.to_string();
    for value in request.headers_mut().values_mut() {
        let replaced = filler.fill(Part::Header, &to, value.as_bytes());
        if let Some(secret) = replaced.map_err(refused)? {
            // The secret has a line end in it, or another byte that no header holds.
            let mut secret = HeaderValue::from_bytes(&secret)
                .map_err(|_| Error::HttpRequestHeaderSize { field_name: None, field_size: None })?;
            secret.set_sensitive(true);
            *value = secret;
        }
    }
    if length(request.headers()).is_none_or(|length| length > LONGEST) {
        return Ok(request);
    }
    let (mut head, body) = request.into_parts();
    let body = Limited::new(body, LONGEST).collect().await.map_err(|error| {
        match error.downcast::<Error>() {
            Ok(error) => *error,
            Err(_) => Error::HttpRequestBodySize(u64::try_from(LONGEST).ok()),
        }
    })?;
    let mut body = body.to_bytes();
    let replaced = filler.fill(Part::Body, &to, &body);
    if let Some(filled) = replaced.map_err(refused)? {
        head.headers.insert(CONTENT_LENGTH, HeaderValue::from(filled.len()));
        body = filled.into();
    }
    let body = Full::new(body).map_err(|never| match never {}).boxed_unsync();
    Ok(Request::from_parts(head, body))
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers.get(CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}

/// What is said of a refusal.
fn refused(Refusal { reason, message }: Refusal) -> Unsent {
    tracing::warn!(message, "a request was not sent");
    match reason {
        Reason::Unavailable => Error::InternalError(Some(message)).into(),
        _ => Unsent { error: Error::HttpRequestDenied, message: Some(message) },
    }
}
