//! Any address that speaks like `OpenAI`'s: chat completions over HTTP.

use std::sync::{Arc, OnceLock};

use reqwest::{Client, Response, StatusCode, Url};
use serde::Deserialize;
use serde_json::{Value, json};

use super::answer::{Failed, LARGEST, Said, excerpt};
use super::question::Question;
use crate::bindings::system_bus::durable::inference::Usage;

/// Makes the requests; cheap to clone.
#[derive(Debug, Clone, Default)]
pub(super) struct Caller {
    /// Made with the first question: it reads the machine's certificates.
    client: Arc<OnceLock<Result<Client, String>>>,
}

#[derive(Deserialize)]
struct Completion {
    model: Option<String>,
    choices: Vec<Choice>,
    usage: Option<Tokens>,
}

#[derive(Deserialize)]
struct Choice {
    message: Message,
    finish_reason: Option<String>,
}

#[derive(Deserialize)]
struct Message {
    content: Option<String>,
}

#[derive(Deserialize)]
struct Tokens {
    #[serde(default)]
    prompt_tokens: u64,
    #[serde(default)]
    completion_tokens: u64,
}

/// Where questions of a provider go: its address with `/chat/completions`.
pub(super) fn endpoint(url: &str) -> Result<Url, String> {
    let url: Url = format!("{}/chat/completions", url.trim_end_matches('/'))
        .parse()
        .map_err(|problem| format!("it cannot be read: {problem}"))?;
    if !matches!(url.scheme(), "http" | "https") || url.query().is_some() {
        return Err("it is no http or https address without a query".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("it holds a password: name a secret instead".to_owned());
    }
    Ok(url)
}

impl Caller {
    /// Asks. Dropping the future closes the connection.
    pub(super) async fn ask(
        &self,
        endpoint: Url,
        key: Option<&str>,
        model: &str,
        question: &Question,
    ) -> Result<Said, Failed> {
        let client = self.client.get_or_init(client).as_ref();
        let client = client.map_err(|problem| Failed::Unavailable(problem.clone()))?;
        let mut request = client.post(endpoint).json(&body(model, question));
        if let Some(key) = key {
            request = request.bearer_auth(key);
        }
        let response = request.send().await.map_err(|error| unreached(&error))?;
        let status = response.status();
        let body = content(response).await?;
        // Some servers quote the key that they do not like.
        let body = key.map_or_else(|| body.clone(), |key| body.replace(key, "[the key]"));
        if !status.is_success() {
            return Err(refused(status, &body));
        }
        said(&body, model)
    }
}

fn body(model: &str, question: &Question) -> Value {
    let system = question.system.iter().map(|text| json!({"role": "system", "content": text}));
    let prompt = json!({"role": "user", "content": question.prompt});
    let messages: Vec<_> = system.chain([prompt]).collect();
    let mut body = json!({"model": model, "messages": messages});
    if let Some(schema) = &question.schema {
        body["response_format"] = json!({
            "type": "json_schema",
            "json_schema": {"name": "answer", "schema": schema.as_json()},
        });
    }
    body
}

async fn content(mut response: Response) -> Result<String, Failed> {
    let mut bytes = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(|error| unreached(&error))? {
        bytes.extend_from_slice(&chunk);
        if bytes.len() as u64 > LARGEST {
            return Err(Failed::Unfit(format!("its answer is larger than {LARGEST} bytes")));
        }
    }
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

fn said(body: &str, model: &str) -> Result<Said, Failed> {
    let completion: Completion = serde_json::from_str(body).map_err(|problem| {
        Failed::Unavailable(format!("it does not answer as OpenAI does: {problem}"))
    })?;
    let Some(Choice { message, finish_reason }) = completion.choices.into_iter().next() else {
        return Err(Failed::Unfit("it answered with nothing".to_owned()));
    };
    if finish_reason.as_deref() == Some("length") {
        return Err(Failed::Unfit("its answer is cut off: it ran out of tokens".to_owned()));
    }
    Ok(Said {
        text: message.content.unwrap_or_default(),
        model: completion.model.unwrap_or_else(|| model.to_owned()),
        usage: completion.usage.map(|tokens| Usage {
            input_tokens: tokens.prompt_tokens,
            output_tokens: tokens.completion_tokens,
        }),
    })
}

/// A status that is no answer. What the question is to blame for says nothing of the provider.
fn refused(status: StatusCode, body: &str) -> Failed {
    let message = format!("it answered {status}: {}", excerpt(body));
    match status.as_u16() {
        400 | 413 | 422 => Failed::Unfit(message),
        _ => Failed::Unavailable(message),
    }
}

fn unreached(error: &reqwest::Error) -> Failed {
    let mut words = error.to_string();
    let mut cause = std::error::Error::source(error);
    while let Some(deeper) = cause {
        words = format!("{words}: {deeper}");
        cause = deeper.source();
    }
    Failed::Unavailable(words)
}

/// A client that trusts whom this machine trusts, and goes nowhere but where it is sent.
fn client() -> Result<Client, String> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let tls = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .and_then(rustls_platform_verifier::BuilderVerifierExt::with_platform_verifier)
        .map_err(|error| format!("the machine's certificates cannot be used: {error}"))?
        .with_no_client_auth();
    Client::builder()
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(|error| format!("no client for requests can be made: {error}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_http_without_a_query_or_a_password() {
        for (url, expected) in [
            ("http://a/v1", Some("http://a/v1/chat/completions")),
            ("https://a:1/v1/", Some("https://a:1/v1/chat/completions")),
            ("ftp://a", None),
            ("https://a?x=", None),
            ("https://me:secret@a", None),
            ("a", None),
        ] {
            let found = endpoint(url).ok();
            assert_eq!(found.as_ref().map(Url::as_str), expected, "{url}");
        }
    }

    #[test]
    fn only_a_status_that_is_the_providers_own_fault_makes_it_unavailable() {
        for (status, unavailable) in
            [(400, false), (401, true), (413, false), (429, true), (500, true), (302, true)]
        {
            let status = StatusCode::from_u16(status).expect("a status");
            let failed = refused(status, "no");
            assert_eq!(matches!(failed, Failed::Unavailable(_)), unavailable, "{status}");
        }
    }
}
