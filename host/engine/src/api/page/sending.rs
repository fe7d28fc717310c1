//! `GET /send` and `POST /send`: the form to send an event.

use std::collections::BTreeMap;

use axum::body::Bytes;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Redirect, Response};
use futures::future::join_all;
use page::document::View;
use page::html::encoded;
use page::sending::{self, Field, Sending};
use serde::Deserialize;
use serde_json::{Value, json};

use super::form::Form;
use super::functions::Told;
use super::{Refused, Shared, Workers, shown};
use crate::api::events::parse;
use crate::event::Event;
use crate::function::Trigger;
use crate::machine::{Incoming, Machine};
use crate::options::Sample;

/// With what the form begins.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    name: String,
    /// The id of an event whose data is wanted.
    event: String,
    /// The place of a sample.
    sample: Option<usize>,
    /// `json` asks for the data as JSON, even where its members are known.
    #[serde(rename = "as")]
    form: String,
}

pub(super) async fn show(
    State(shared): State<Shared>,
    Query(asked): Query<Asked>,
) -> Result<Response, Refused> {
    let (samples, raw) = (shared.page.samples.clone(), asked.form == "json");
    let read = move |machine: &Machine| {
        let sending = begin(machine, &samples, &asked);
        let called = called_for(machine, &sending.name);
        (sending, called)
    };
    let (mut sending, called) = shared.engine.read(read).await?;
    let fields = fields(&shared.page.workers, &called, &sending).await;
    sending.raw = raw && fields.is_some();
    sending.fields = fields.filter(|_| !raw).unwrap_or_default();
    Ok(form(&shared, StatusCode::OK, &sending))
}

pub(super) async fn send(State(shared): State<Shared>, body: Bytes) -> Result<Response, Refused> {
    let given = Form::read(&shared.page, &body)?;
    let name = given.member("name").trim().to_owned();
    let (data, fields) = match sending::read(given.members()) {
        None => (Ok(given.member("data").to_owned()), Vec::new()),
        Some(Ok(data)) => {
            // Were it refused for its name, they would be wanted again.
            let fields = sending::as_given(given.members());
            (Ok(Value::Object(data).to_string()), fields)
        }
        Some(Err(fields)) => (Err("Some of the data is not right."), fields),
    };
    let read = match &data {
        Ok(data) => read(&name, data),
        Err(problem) => Err((*problem).to_owned()),
    };
    let events = match read {
        Ok(events) => events,
        Err(problem) => {
            let starts = shared.engine.read(starts).await?;
            let (data, error) = (data.unwrap_or_default(), Some(problem));
            let sending = Sending { starts, name, data, fields, error, ..Sending::default() };
            return Ok(form(&shared, StatusCode::BAD_REQUEST, &sending));
        }
    };
    let ids = shared.engine.receive(Incoming { events, seed: None }).await?;
    let to = ids.first().map_or_else(|| "/events".to_owned(), |id| format!("/events/{id}"));
    Ok(Redirect::to(&to).into_response())
}

fn form(shared: &Shared, status: StatusCode, sending: &Sending) -> Response {
    let body = sending::view(sending, "", &shared.page.token);
    shown(status, &View { title: "Send an event".to_owned(), of: "/send", live: false, body })
}

/// Where the workers are called whose functions an event of this name starts.
fn called_for(machine: &Machine, name: &str) -> Vec<String> {
    let apps = machine.apps().filter(|app| {
        let mut triggers = app.functions.iter().flat_map(|function| &function.triggers);
        triggers.any(|trigger| matches!(trigger, Trigger::Event { pattern, .. } if pattern.to_string() == name))
    });
    apps.map(|app| app.registration.url.clone()).collect()
}

/// A field for each member of the event's data, where a worker knows its schema. What is no object begins with none.
async fn fields(workers: &Workers, called: &[String], sending: &Sending) -> Option<Vec<Field>> {
    let asked = called.iter().map(|url| workers.ask::<Told>(url, "/api/functions", None));
    let told = join_all(asked).await.into_iter().filter_map(Result::ok);
    let mut known = told.flat_map(|told| told.functions).flat_map(|function| function.input);
    let takes = known.find(|takes| takes.event == sending.name && takes.schema.is_some())?;
    let data = serde_json::from_str(&sending.data).unwrap_or_default();
    sending::of_schema(takes.schema.as_ref()?, &takes.fields, &data)
}

/// The event that a form asks for, or what is wrong with it.
fn read(name: &str, data: &str) -> Result<Vec<protocol::event::NewEvent>, String> {
    let text = if data.trim().is_empty() { "{}" } else { data };
    let data: Value =
        serde_json::from_str(text).map_err(|error| format!("The data is no JSON: {error}."))?;
    if !data.is_object() {
        return Err("The data is not an object: put it between { and }.".to_owned());
    }
    let (events, problem) = parse(json!({"name": name, "data": data}).to_string().as_bytes());
    problem.map_or(Ok(events), Err)
}

fn begin(machine: &Machine, samples: &[Sample], asked: &Asked) -> Sending {
    let sample = asked.sample.and_then(|at| samples.get(at));
    let event = asked.event.parse().ok().and_then(|id| machine.event(id));
    let starts = starts(machine);
    let name = match (sample, event) {
        (Some(sample), _) => sample.name.clone(),
        (None, Some(event)) => event.name.clone(),
        (None, None) if asked.name.is_empty() => {
            starts.first().map(|(name, _)| name.clone()).unwrap_or_default()
        }
        (None, None) => asked.name.clone(),
    };
    let of_name = samples.iter().find(|sample| sample.name == name);
    let last = machine.last_event(&name);
    let (data, from) = match (sample, event) {
        (Some(sample), _) => (sample.data.clone(), Some(sample.from.clone())),
        (None, Some(event)) => (data_of(event), Some(format!("the event {}", event.id))),
        (None, None) => match (of_name, last) {
            (Some(sample), _) => (sample.data.clone(), Some(sample.from.clone())),
            (None, Some(last)) => {
                (data_of(last), Some(format!("the last such event, {}", last.id)))
            }
            (None, None) => ("{\n}".to_owned(), None),
        },
    };
    let mut others: Vec<(String, String)> = samples
        .iter()
        .enumerate()
        .map(|(at, sample)| (format!("{}, {}", sample.name, sample.from), format!("sample={at}")))
        .collect();
    if let Some(last) = last {
        let words = format!("the last {name}, {}", last.id);
        others.push((words, format!("event={}", encoded(&last.id.to_string()))));
    }
    Sending { starts, name, data, from, others, ..Sending::default() }
}

fn data_of(event: &Event) -> String {
    serde_json::to_string_pretty(&event.json()["data"]).unwrap_or_default()
}

/// The names that start a function, and the functions.
fn starts(machine: &Machine) -> Vec<(String, Vec<String>)> {
    let mut starts = BTreeMap::<String, Vec<String>>::new();
    for function in machine.apps().flat_map(|app| &app.functions) {
        for trigger in &function.triggers {
            if let Trigger::Event { pattern, .. } = trigger {
                starts.entry(pattern.to_string()).or_default().push(function.slug.clone());
            }
        }
    }
    starts.into_iter().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_sent_is_refused_with_the_reason() {
        for (name, data, problem) in [
            ("a/b", r#"{"n":1}"#, None),
            ("a/b", "  ", None),
            ("a/b", "{", Some("no JSON")),
            ("a/b", "[1]", Some("not an object")),
            ("", "{}", Some("name")),
        ] {
            match (read(name, data), problem) {
                (Ok(events), None) => assert_eq!(events.len(), 1),
                (Err(said), Some(problem)) => assert!(said.contains(problem), "{said}"),
                (other, _) => panic!("{name} {data}: {other:?}"),
            }
        }
    }
}
