//! What a test says about the world.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::Deserialize;
use serde_json::{Value, json};

use crate::config::stub::Settings;
use crate::error::{Error, Result};
use crate::http::{Request, stub};

/// What answers for a body, by the id of the step.
pub(super) type Body = Box<dyn Fn(&str) -> Result<String>>;
/// What answers for a function, by the data it is invoked with.
pub(super) type Invoked = Box<dyn Fn(&Value) -> Result<String>>;
/// What answers for a model, by the whole question; an error is the provider's words.
pub(super) type Model = Box<dyn Fn(&Value) -> Result<Value, Value>>;

#[derive(Default)]
pub(crate) struct World {
    pub(super) stubs: BTreeMap<String, Body>,
    pub(super) failures: BTreeMap<String, (u32, Error)>,
    pub(super) durations: BTreeMap<String, Duration>,
    pub(super) functions: BTreeMap<String, Invoked>,
    pub(super) model: Option<Model>,
    pub(super) http: Option<stub::Stub>,
    pub(super) settings: Settings,
    pub(super) arrivals: Vec<(Duration, Arrival)>,
    pub(super) now: Timestamp,
}

/// What comes from outside while a run waits.
#[derive(Clone)]
pub(super) enum Arrival {
    Event(Value),
    Signal(String, Value),
}

#[derive(Deserialize)]
struct Fetch {
    url: String,
    method: String,
    #[serde(default)]
    headers: BTreeMap<String, String>,
    #[serde(default)]
    body: String,
}

impl World {
    /// What stands in for an attempt of a step, counted from 0.
    pub(super) fn replacement(&self, id: &str, attempt: u32) -> Option<Result<String>> {
        if let Some((times, error)) = named(&self.failures, id)
            && attempt < *times
        {
            return Some(Err(error.clone()));
        }
        named(&self.stubs, id).map(|body| body(id))
    }

    /// How long an attempt of a step takes.
    pub(super) fn duration(&self, id: &str) -> Duration {
        named(&self.durations, id).copied().unwrap_or_default()
    }

    /// Answers for an invoked function.
    pub(super) fn invoke(&self, function: &str, data: &Value) -> Result<String> {
        let Some(answer) = self.functions.get(function) else {
            panic!(
                "this test does not answer for the function `{function}`: give its harness \
                 `.invoked(..)` or `.invoked_by_id(\"{function}\", ..)`"
            );
        };
        answer(data)
    }

    /// Answers for the server's request.
    pub(super) fn fetch(&self, options: &str) -> Result<String> {
        let asked: Fetch = serde_json::from_str(options).expect("the SDK wrote it");
        let Some(answer) = &self.http else {
            panic!("this test answers no requests: give its harness `.http(..)`");
        };
        let mut request = Request::new(asked.method, asked.url).body(asked.body);
        for (name, value) in asked.headers {
            request = request.header(name, value);
        }
        let response = answer(&request).map_err(|error| Error::retry(error).named(Error::FETCH))?;
        let mut headers = BTreeMap::<&str, String>::new();
        for (name, value) in &response.headers {
            let all = headers.entry(name).or_default();
            let comma = if all.is_empty() { "" } else { "," };
            *all = format!("{all}{comma}{value}");
        }
        let body = String::from_utf8_lossy(response.bytes());
        let answer = json!({
            "url": request.url(), "status_code": response.status, "headers": headers, "body": body,
        });
        Ok(answer.to_string())
    }

    /// Answers for the model.
    pub(super) fn infer(&self, options: &str) -> Result<String> {
        let Some(model) = &self.model else {
            panic!("this test answers for no model: give its harness `.model(..)`");
        };
        let question = serde_json::from_str(options).expect("the SDK wrote it");
        model(&question).map(|answer| answer.to_string()).map_err(|words| {
            Error::retry(format!("the provider refused: {words}"))
                .named(Error::INFERENCE)
                .with_data(words)
        })
    }
}

/// The entry of a step, or the one for all keys of it.
fn named<'a, T>(entries: &'a BTreeMap<String, T>, id: &str) -> Option<&'a T> {
    entries.get(id).or_else(|| entries.get(id.split('[').next()?))
}
