//! The host's side.

use super::{Question, Reply, Tokens};
use crate::guest::bindings::system_bus::durable::inference;
use crate::refusal::Refused;

pub(super) fn ask(question: Question) -> Result<Reply, Refused> {
    let Question { prompt, system, task, model, component, action, schema, within } = question;
    let within = within.map(|time| u64::try_from(time.as_millis()).unwrap_or(u64::MAX));
    let asked =
        inference::Question { prompt, system, task, model, component, action, schema, within };
    let inference::Reply { text, data, model, provider, usage, attempt } = inference::ask(&asked)?;
    let usage =
        usage.map(|usage| Tokens { input: usage.input_tokens, output: usage.output_tokens });
    Ok(Reply { text, model, provider, usage, attempt, json: data })
}
