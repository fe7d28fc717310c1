//! Encrypting what a call reports, stores and sends.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::value::RawValue;

use super::key::Vault;
use super::marker::{Place, write};
use crate::call::Call;
use crate::event::NewEvent;
use crate::id::RunId;
use crate::op::{ErrorObject, Op, OpCode, Retry};
use crate::outcome::Outcome;

/// The member of an event's data whose value is encrypted. The rest stays readable for the server's conditions.
const ENCRYPTED: &str = "encrypted";

/// The largest result that the server stores, in bytes.
const LARGEST: usize = 4 << 20;

/// Encrypts for one run.
#[derive(Debug, Clone)]
pub struct Sealer {
    vault: Arc<Vault>,
    slug: String,
    run: RunId,
}

impl Sealer {
    /// Encrypts what this call reports.
    pub fn new(vault: Arc<Vault>, call: &Call) -> Self {
        Self { vault, slug: call.route.slug.clone(), run: call.run }
    }

    /// The outcome with its results encrypted. Errors stay readable: people look for them on the server.
    pub fn outcome(&self, outcome: Outcome) -> Outcome {
        match outcome {
            Outcome::Done(data) => match self.result(Place::Result, &data) {
                Ok(data) => Outcome::Done(data),
                Err(error) => Outcome::Failed { error, retry: Retry::Never },
            },
            Outcome::Planned(ops) => {
                Outcome::Planned(ops.into_iter().map(|op| self.op(op)).collect())
            }
            Outcome::StepRan { step, race, data, timing } => {
                match self.result(Place::Step { slug: &self.slug, step: &step.id }, &data) {
                    Ok(data) => Outcome::StepRan { step, race, data, timing },
                    Err(error) => {
                        Outcome::StepFailed { step, race, error, retry: Retry::Never, timing }
                    }
                }
            }
            other => other,
        }
    }

    /// The op with its result, or what it invokes a function with, encrypted.
    pub fn op(&self, op: Op) -> Op {
        let Op { step, race, code } = op;
        let code = match code {
            OpCode::StepRun { data, timing } => {
                match self.result(Place::Step { slug: &self.slug, step: &step.id }, &data) {
                    Ok(data) => OpCode::StepRun { data, timing },
                    Err(error) => OpCode::StepFailed { error, timing },
                }
            }
            OpCode::InvokeFunction(mut invoke) => {
                invoke.payload.data = self.member(invoke.payload.data);
                OpCode::InvokeFunction(invoke)
            }
            other => other,
        };
        Op { step, code, race }
    }

    /// Whether the server will take the op as it is when it is encrypted. Asked before a function goes on with a result:
    /// later calls must have the same.
    pub fn fits(&self, op: &Op) -> bool {
        !matches!(op.code, OpCode::StepRun { .. })
            || matches!(self.op(op.clone()).code, OpCode::StepRun { .. })
    }

    /// The events with their members `encrypted` encrypted.
    pub fn events(&self, events: &[NewEvent]) -> Vec<NewEvent> {
        let sealed = events.iter().cloned();
        sealed.map(|event| NewEvent { data: self.member(event.data), ..event }).collect()
    }

    /// A JSON object with its member `encrypted` encrypted; anything else as it is.
    pub fn member(&self, data: Box<RawValue>) -> Box<RawValue> {
        // Nothing else is worth reading the whole value for.
        if !data.get().contains(ENCRYPTED) {
            return data;
        }
        let Ok(mut members) = serde_json::from_str::<BTreeMap<String, Box<RawValue>>>(data.get())
        else {
            return data;
        };
        let Some(value) = members.get_mut(ENCRYPTED) else { return data };
        *value = raw(self.seal(Place::Event, value.get()));
        serde_json::value::to_raw_value(&members).expect("texts and values that were read")
    }

    /// A result; `null` says nothing that would be worth hiding.
    fn result(&self, place: Place<'_>, data: &RawValue) -> Result<Box<RawValue>, ErrorObject> {
        if data.get() == "null" {
            return Ok(data.to_owned());
        }
        let sealed = self.seal(place, data.get());
        if sealed.len() > LARGEST {
            return Err(ErrorObject::new(
                "EncryptedTooLarge",
                format!(
                    "the result takes {} bytes when it is encrypted, and the server stores {LARGEST}; \
                     return a reference to the value instead of the value",
                    sealed.len()
                ),
            ));
        }
        Ok(raw(sealed))
    }

    fn seal(&self, place: Place<'_>, value: &str) -> String {
        let key = self.vault.first();
        let sealed = key.seal(&self.run.to_bytes(), &place.bytes(), value.as_bytes());
        write(place, key.name(), &sealed)
    }
}

fn raw(json: String) -> Box<RawValue> {
    RawValue::from_string(json).expect("a marker is JSON")
}
