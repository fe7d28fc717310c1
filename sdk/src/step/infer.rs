//! The step in which the server asks a model.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::{self, Debug};
use std::marker::PhantomData;

use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::value::{RawValue, to_raw_value};

use crate::error::{Error, Result};
use crate::executor::encode;
use crate::replay::Memo;
use crate::step::hosted::invalid;
use crate::step::{Kind, decode};

/// A question to a model, in the form of its provider. The body is the provider's own JSON: any
/// value that serializes to it.
///
/// ```
/// use system_bus_sdk::prelude::*;
///
/// # async fn example(ctx: Ctx, text: String, key: String) -> Result<Value> {
/// let body = serde_json::json!({
///     "model": "gpt-4o-mini",
///     "messages": [{ "role": "user", "content": text }],
/// });
/// let answer: Value = ctx.infer("summarize", Inference::openai(&body).auth_key(key)).await?;
/// Ok(answer["choices"][0]["message"]["content"].clone())
/// # }
/// ```
#[derive(Clone)]
#[must_use = "a question is asked by `ctx.infer`"]
pub struct Inference {
    url: String,
    format: &'static str,
    headers: BTreeMap<String, String>,
    auth_key: Option<String>,
    body: Result<Box<RawValue>>,
}

impl Inference {
    fn new(format: &'static str, url: String, body: &(impl Serialize + ?Sized)) -> Self {
        let body = to_raw_value(body).map_err(invalid);
        Self { url, format, headers: BTreeMap::new(), auth_key: None, body }
    }

    /// The chat API of `OpenAI`, and of the many that speak it: give those their own
    /// [`url`](Self::url).
    pub fn openai(body: &(impl Serialize + ?Sized)) -> Self {
        Self::new("openai-chat", "https://api.openai.com/v1/chat/completions".to_owned(), body)
    }

    /// The messages API of Anthropic.
    pub fn anthropic(body: &(impl Serialize + ?Sized)) -> Self {
        Self::new("anthropic", "https://api.anthropic.com/v1/messages".to_owned(), body)
            .header("anthropic-version", "2023-06-01")
    }

    /// The API of Gemini, where the model is part of the URL.
    pub fn gemini(model: &str, body: &(impl Serialize + ?Sized)) -> Self {
        let models = "https://generativelanguage.googleapis.com/v1beta/models";
        Self::new("gemini", format!("{models}/{model}:generateContent"), body)
    }

    /// The API of Bedrock, where region and model are part of the URL.
    pub fn bedrock(url: impl Into<String>, body: &(impl Serialize + ?Sized)) -> Self {
        Self::new("bedrock", url.into(), body)
    }

    /// Another address than the provider's own.
    pub fn url(mut self, url: impl Into<String>) -> Self {
        self.url = url.into();
        self
    }

    /// The key, which the server puts where the provider wants it.
    pub fn auth_key(mut self, key: impl Into<String>) -> Self {
        self.auth_key = Some(key.into());
        self
    }

    /// Adds a header. A second one of the same name takes the place of the first.
    pub fn header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.insert(name.into().to_ascii_lowercase(), value.into());
        self
    }
}

impl Debug for Inference {
    // Without the key and the body, which do not belong in logs.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inference")
            .field("url", &self.url)
            .field("format", &self.format)
            .finish_non_exhaustive()
    }
}

/// A model being asked, as [`Ctx::infer`](crate::Ctx::infer) makes it. Ends with the provider's
/// answer as a `T`, or fails with the name [`Error::INFERENCE`] and the provider's words in
/// [`Error::data`].
pub struct Infer<T> {
    asked: Inference,
    answer: PhantomData<fn() -> T>,
}

impl<T> Infer<T> {
    pub(crate) fn new(asked: Inference) -> Self {
        Self { asked, answer: PhantomData }
    }
}

impl<T: DeserializeOwned> Kind for Infer<T> {
    type Output = T;

    fn name(&self) -> &'static str {
        "infer"
    }

    fn options(&self) -> Result<Cow<'static, str>> {
        let Inference { url, format, headers, auth_key, body } = &self.asked;
        let body = body.as_deref().map_err(Error::clone)?;
        if !body.get().starts_with('{') {
            return Err(invalid("the body of a question to a model is an object"));
        }
        let auth_key = auth_key.as_deref();
        encode(&Options { url, format, headers, auth_key, body }, "a question").map(Cow::Owned)
    }

    fn end(&self, stored: Memo) -> Result<T> {
        decode(stored)
    }
}

impl<T> Debug for Infer<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Infer").field(&self.asked).finish()
    }
}

#[derive(Serialize)]
struct Options<'a> {
    url: &'a str,
    format: &'a str,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    headers: &'a BTreeMap<String, String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    auth_key: Option<&'a str>,
    body: &'a RawValue,
}
