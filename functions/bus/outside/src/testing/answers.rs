//! What stands in for the host.

use serde_json::Value;
use system_bus_sdk::{Reason, Refused};

use super::{Heard, Redis, with};
use crate::{Answer, Ask, Note, Told};

pub(crate) fn asked(ask: &Ask) -> Answer<Value> {
    let model = with(|state| state.model.clone());
    model.map_or_else(
        || Err(Refused::new(Reason::Unavailable, "there is no model")),
        |model| model(ask),
    )
}

pub(crate) fn redis<T>(then: impl FnOnce(&mut Redis) -> T) -> Answer<T> {
    with(|state| {
        if state.redis_down {
            return Err(Refused::new(Reason::Unavailable, "Redis is away"));
        }
        Ok(then(&mut state.redis))
    })
}

pub(crate) fn token(name: &str) -> Answer<String> {
    with(|state| {
        if state.missing.contains(name) {
            let message = format!("the secret `{name}` is not granted");
            return Err(Refused::new(Reason::Denied, message));
        }
        Ok(format!("<{name}>"))
    })
}

pub(crate) fn told(step: &str, kind: &str, payload: Value) -> Told {
    with(|state| {
        let kind = kind.to_owned();
        if state.gateway_down {
            let error = Some("the gateway is away".to_owned());
            return Told { kind, error, ..Told::default() };
        }
        let heard =
            Heard { kind: kind.clone(), payload, id: crate::uuid(&format!("{step}:{kind}")) };
        let event_id = Some(heard.id.clone());
        if !state.heard.iter().any(|known| known.id == heard.id) {
            state.heard.push(heard);
        }
        Told { pushed: true, event_id, kind, ..Told::default() }
    })
}

pub(crate) fn noted(note: Note) {
    with(|state| {
        if !state.notes.contains(&note) {
            state.notes.push(note);
        }
    });
}
