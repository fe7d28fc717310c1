//! Makes the requests that workers hand to the server.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::Client;
use rustls_platform_verifier::BuilderVerifierExt;

use crate::caller::explain;
use crate::request::{Request, Response};

/// How long a request may take.
const LONGEST: Duration = Duration::from_hours(2);
/// The largest answer: as much as a step may leave behind.
const LARGEST: usize = 4 * 1024 * 1024;

/// Makes requests; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(crate) struct Requester {
    /// Made with the first request: it reads the machine's certificates, which most engines never need.
    client: Arc<OnceLock<Result<Client, String>>>,
}

impl Requester {
    /// Makes one request; however it ends, there is a response.
    pub(crate) async fn make(&self, request: &Request) -> Response {
        match self.attempt(request).await {
            Ok(response) => response,
            Err(reason) => Response::Failed(reason),
        }
    }

    async fn attempt(&self, request: &Request) -> Result<Response, String> {
        let client = self.client.get_or_init(client).as_ref().map_err(Clone::clone)?;
        let mut sending = client.request(request.method.clone(), request.url.clone());
        for (name, value) in &request.headers {
            sending = sending.header(name, value);
        }
        let mut response =
            sending.body(request.body.clone()).send().await.map_err(|error| explain(&error))?;
        let mut headers = BTreeMap::<String, Vec<String>>::new();
        for (name, value) in response.headers() {
            let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
            headers.entry(titled(name.as_str())).or_default().push(value);
        }
        let headers = headers.into_iter().map(|(name, values)| (name, values.join(","))).collect();
        let status = response.status().as_u16();
        let mut body = Vec::new();
        while let Some(chunk) = response.chunk().await.map_err(|error| explain(&error))? {
            if body.len() + chunk.len() > LARGEST {
                return Err("the answer is larger than 4 MiB".to_owned());
            }
            body.extend_from_slice(&chunk);
        }
        let body = String::from_utf8_lossy(&body).into_owned();
        Ok(Response::Answered { status, headers, body })
    }
}

/// A client that trusts whom this machine trusts.
fn client() -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("the machine's certificates cannot be used: {error}"))?
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .user_agent("Inngest")
        .timeout(LONGEST)
        .build()
        .map_err(|error| explain(&error))
}

/// A header's name as servers of this kind spell it: `Content-Type`.
fn titled(name: &str) -> String {
    let words = name.split('-').map(|word| {
        let mut letters = word.chars();
        let first = letters.next().map(|letter| letter.to_ascii_uppercase());
        first.into_iter().chain(letters).collect::<String>()
    });
    words.collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_headers_are_spelled_as_the_real_server_does() {
        for (name, expected) in
            [("content-type", "Content-Type"), ("etag", "Etag"), ("x--y", "X--Y")]
        {
            assert_eq!(titled(name), expected);
        }
    }
}
