//! HTTP requests that the engine makes in a worker's name, and what they leave behind.

use reqwest::Method;
use serde_json::value::RawValue;
use serde_json::{Value, json};
use url::Url;

use crate::event::canonical;

/// A request to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Request {
    pub(crate) kind: Kind,
    pub(crate) url: Url,
    pub(crate) method: Method,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: String,
}

/// What a request is for; it decides what counts as success.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// Any HTTP request: every answer is a success.
    Gateway,
    /// A question to a model: a status above 299 is a failure.
    Inference,
}

/// How a request ended.
#[derive(Debug, Clone)]
pub(crate) enum Response {
    Answered {
        status: u16,
        /// Names as in `Content-Type`; a repeated one has its values joined by commas.
        headers: Vec<(String, String)>,
        body: String,
    },
    /// Without an answer; the reason.
    Failed(String),
}

impl Request {
    /// What the options of a `Gateway` op ask for.
    pub(crate) fn gateway(opts: &Value) -> Result<Self, String> {
        // As on the real server, which posts when nothing is said.
        let method = opts["method"].as_str().filter(|text| !text.is_empty()).unwrap_or("POST");
        let method = Method::from_bytes(method.to_ascii_uppercase().as_bytes())
            .map_err(|_| format!("opts.method {method:?} is no HTTP method"))?;
        let body = match &opts["body"] {
            Value::Null => String::new(),
            Value::String(text) => text.clone(),
            other => return Err(format!("opts.body {other} is no text; encode it first")),
        };
        Ok(Self { kind: Kind::Gateway, url: url(opts)?, method, headers: headers(opts)?, body })
    }

    /// What the options of an `AIGateway` op ask for, with the key where the provider looks for it.
    pub(crate) fn inference(opts: &Value) -> Result<Self, String> {
        let (mut url, mut headers) = (url(opts)?, headers(opts)?);
        let mut add = |name: &str, value: String| {
            if !headers.iter().any(|(other, _)| other.eq_ignore_ascii_case(name)) {
                headers.push((name.to_owned(), value));
            }
        };
        add("content-type", "application/json".to_owned());
        let key = opts["auth_key"].as_str().filter(|key| !key.is_empty());
        match opts["format"].as_str().unwrap_or("openai-chat") {
            "anthropic" => {
                add("anthropic-version", "2023-06-01".to_owned());
                if let Some(key) = key {
                    add("x-api-key", key.to_owned());
                }
            }
            "gemini" => {
                if let Some(key) = key {
                    url.query_pairs_mut().append_pair("key", key);
                }
            }
            "openai-chat" | "bedrock" | "" => {
                if let Some(key) = key {
                    add("authorization", format!("Bearer {key}"));
                }
            }
            other => {
                return Err(format!(
                    "opts.format {other:?} is none of openai-chat, anthropic, gemini and bedrock"
                ));
            }
        }
        let body = opts["body"].to_string();
        Ok(Self { kind: Kind::Inference, url, method: Method::POST, headers, body })
    }

    /// What the step has become: its result, or its failure.
    pub(crate) fn outcome(&self, response: Response) -> Result<Box<RawValue>, Box<RawValue>> {
        match (self.kind, response) {
            (Kind::Gateway, Response::Answered { status, headers, body }) => {
                let headers: serde_json::Map<String, Value> =
                    headers.into_iter().map(|(name, value)| (name, value.into())).collect();
                Ok(canonical(&json!({
                    "url": self.url.as_str(), "status_code": status, "headers": headers, "body": body,
                })))
            }
            (Kind::Inference, Response::Answered { status, body, .. }) => {
                let told =
                    serde_json::from_str(&body).unwrap_or_else(|_| Value::from(body.as_str()));
                if status <= 299 {
                    return Ok(canonical(&told));
                }
                let message = format!("the provider answered with status {status}");
                let error = json!({"name": "AIGatewayError", "message": message, "data": told, "stack": body});
                Err(canonical(&error))
            }
            (kind, Response::Failed(reason)) => {
                let name = match kind {
                    Kind::Gateway => "GatewayError",
                    Kind::Inference => "AIGatewayError",
                };
                let message = format!("the request could not be made: {reason}");
                Err(canonical(&json!({"name": name, "message": message})))
            }
        }
    }
}

fn url(opts: &Value) -> Result<Url, String> {
    let text = opts["url"].as_str().unwrap_or_default();
    let url = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"));
    url.ok_or_else(|| format!("opts.url {text:?} is no URL of http or https"))
}

fn headers(opts: &Value) -> Result<Vec<(String, String)>, String> {
    let Some(headers) = opts["headers"].as_object() else { return Ok(Vec::new()) };
    let text = |(name, value): (&String, &Value)| match value.as_str() {
        Some(value) => Ok((name.clone(), value.to_owned())),
        None => Err(format!("the header {name} is {value}, which is no text")),
    };
    headers.iter().map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_gateway_request_is_what_the_options_say() {
        let opts = json!({"url": "http://h/p?x=1", "method": "put", "headers": {"accept": "a/b"}, "body": "text"});
        let request = Request::gateway(&opts).expect("a request");
        assert_eq!((request.method.as_str(), request.url.as_str()), ("PUT", "http://h/p?x=1"));
        assert_eq!(request.headers, [("accept".to_owned(), "a/b".to_owned())]);
        assert_eq!(request.body, "text");
        let plain = Request::gateway(&json!({"url": "https://h/"})).expect("a request");
        assert_eq!((plain.method.as_str(), plain.body.as_str()), ("POST", ""));
        for (opts, says) in [
            (json!({}), "is no URL"),
            (json!({"url": "ftp://h/"}), "is no URL of http"),
            (json!({"url": "http://h/", "body": {}}), "is no text"),
            (json!({"url": "http://h/", "method": "GE T"}), "no HTTP method"),
            (json!({"url": "http://h/", "headers": {"a": 1}}), "the header a"),
        ] {
            let error = Request::gateway(&opts).expect_err(says);
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn each_provider_gets_its_key_where_it_looks_for_it() {
        for (format, url, name, value) in [
            ("openai-chat", "https://h/v1", "authorization", Some("Bearer k")),
            ("bedrock", "https://h/v1", "authorization", Some("Bearer k")),
            ("anthropic", "https://h/v1", "x-api-key", Some("k")),
            ("gemini", "https://h/v1?key=k", "authorization", None),
        ] {
            let opts = json!({"url": "https://h/v1", "format": format, "auth_key": "k", "body": {"model": "m"}});
            let request = Request::inference(&opts).expect("a request");
            let found = request.headers.iter().find(|(other, _)| other == name);
            assert_eq!(
                (request.url.as_str(), found.map(|(_, v)| v.as_str())),
                (url, value),
                "{format}"
            );
            assert_eq!(
                (request.method.as_str(), request.body.as_str()),
                ("POST", r#"{"model":"m"}"#)
            );
        }
        let error =
            Request::inference(&json!({"url": "https://h/", "format": "x"})).expect_err("x");
        assert!(error.contains("none of"), "{error}");
    }

    #[test]
    fn answers_become_memos() {
        let opts = json!({"url": "http://h/"});
        let gateway = Request::gateway(&opts).expect("a request");
        let model = Request::inference(&opts).expect("a request");
        let answer = |status, body: &str| Response::Answered {
            status,
            headers: vec![("k".to_owned(), "v1,v2".to_owned())],
            body: body.to_owned(),
        };
        let told = |outcome: Result<Box<RawValue>, Box<RawValue>>| match outcome {
            Ok(data) => format!("data {data}"),
            Err(error) => format!("error {error}"),
        };
        for (outcome, expected) in [
            (
                gateway.outcome(answer(404, "no")),
                r#"data {"body":"no","headers":{"k":"v1,v2"},"status_code":404,"url":"http://h/"}"#,
            ),
            (model.outcome(answer(200, r#"{"b":1,"a":2}"#)), r#"data {"a":2,"b":1}"#),
            (
                model.outcome(answer(429, r#"{"slow":1}"#)),
                concat!(
                    r#"error {"data":{"slow":1},"message":"the provider answered with status 429","#,
                    r#""name":"AIGatewayError","stack":"{\"slow\":1}"}"#
                ),
            ),
            (
                gateway.outcome(Response::Failed("refused".to_owned())),
                r#"error {"message":"the request could not be made: refused","name":"GatewayError"}"#,
            ),
        ] {
            assert_eq!(told(outcome), expected);
        }
    }
}
