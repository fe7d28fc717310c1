//! What is looked at over the network.

use std::time::Duration;

use outside::Store;
use serde_json::Value;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;

use crate::report::LAST_CHECK;
use crate::resolve::{Seen, resolve, success};
use crate::settings::Settings;
use crate::typesense::Typesense;

/// Redis is up if it answers a question.
pub(super) fn redis(io: &Io) -> Seen {
    match Store::of(io).get(LAST_CHECK) {
        Ok(_) => Seen::up("it answers"),
        Err(refused) => Seen::down(refused.to_string()),
    }
}

pub(super) async fn webhooks(io: &Io, settings: &Settings) -> Seen {
    let url = &settings.webhooks;
    let request = io.http().get(url).redirects(0).timeout(Duration::from_secs(3));
    match request.send().await {
        Err(error) => Seen::down(error.to_string()),
        Ok(answer) => match success(&answer) {
            Ok(()) => Seen::up(format!("{url} answered with status {}", answer.status)),
            Err(reason) => Seen::down(format!("{url}: {reason}")),
        },
    }
}

pub(super) async fn typesense(io: &Io, settings: &Settings) -> Seen {
    let is_ok = |answer: &Response| {
        success(answer)?;
        match answer.json::<Value>() {
            Ok(body) if body["ok"] == true => Ok(()),
            _ => Err("does not say that it is well".to_owned()),
        }
    };
    resolve(io, settings, &settings.typesense, &["/health"], is_ok).await
}

/// The index of mails is well while mails come into it.
pub(super) async fn front(io: &Io, settings: &Settings, now: Timestamp) -> Seen {
    let Some(front) = &settings.front else { return Seen::up("nobody says where it is") };
    let sort = format!("{}:desc", front.field);
    let query = [("q", "*"), ("per_page", "1"), ("sort_by", &sort)];
    let found = match (Typesense { io, settings }).search(&front.collection, &query).await {
        Ok(found) => found,
        Err(error) => return Seen::down(error.to_string()),
    };
    let Some(newest) = found["hits"][0]["document"][&front.field].as_i64() else {
        return Seen::down(format!("{} holds no mail with a time", front.collection));
    };
    // Some write seconds, some milliseconds.
    let newest = if newest < 100_000_000_000 { newest.saturating_mul(1000) } else { newest };
    let age = u64::try_from(now.as_millisecond().saturating_sub(newest)).unwrap_or(0);
    let minutes = age / 60_000;
    if Duration::from_millis(age) > front.max_age {
        return Seen::down(format!("the newest mail is {minutes} minutes old"));
    }
    Seen::up(format!("the newest mail is {minutes} minutes old"))
}
