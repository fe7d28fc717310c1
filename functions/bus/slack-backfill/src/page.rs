//! One page of a channel's history.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;
use system_bus_sdk::prelude::*;

use crate::events::BackfillRequested;
use crate::index::{Imported, Index};
use crate::message::{Document, Message};
use crate::range::Range;
use crate::slack::{Said, Slack, THREAD_GONE, next_cursor};

/// How many messages a page has.
const LIMIT: &str = "200";

/// Names of people by their ids.
pub(crate) type Names = BTreeMap<String, String>;

/// A page of messages.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Page {
    /// The messages, the latest first.
    pub messages: Vec<Message>,
    /// Where the next page begins, if there is one.
    pub next: Option<String>,
}

/// What came of a page, or of a part of it.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Processed {
    /// Messages and replies that were looked at.
    pub fetched: u64,
    /// Those that are worth finding.
    pub indexed: u64,
    /// Those that are not.
    pub skipped: u64,
    /// What the index said.
    pub imported: Imported,
    /// Names that were looked up.
    pub names: Names,
    /// With which message to go on, where Slack wants to be asked later.
    pub resume: Option<usize>,
    /// How long to wait before that.
    pub wait_ms: u64,
}

/// Fetches a page.
pub(crate) async fn fetch(io: &Io, channel: &str, range: &Range, cursor: &str) -> Result<Page> {
    let members = [
        ("channel", channel),
        ("limit", LIMIT),
        ("oldest", range.oldest_ts.as_str()),
        ("latest", range.latest_ts.as_str()),
        ("inclusive", "true"),
        ("cursor", cursor),
    ];
    let told = Slack::of(io).must("conversations.history", &members).await?;
    Ok(Page { messages: Message::all(&told), next: next_cursor(&told) })
}

/// Takes a page into the index, from one of its messages on, with replies and names. Where Slack
/// wants to be asked later, what is there already is kept, and the rest is for the next part.
pub(crate) async fn process(
    io: &Io,
    channel: &BackfillRequested,
    messages: &[Message],
    from: usize,
    known: &Names,
) -> Result<Processed> {
    let (slack, mut result, mut documents) = (Slack::of(io), Processed::default(), Vec::new());
    let mut names = known.clone();
    let now = Timestamp::now().as_second();
    for (place, message) in messages.iter().enumerate().skip(from) {
        let (mut all, mut slower) = (vec![message.clone()], None);
        if message.replies > 0 {
            slower = replies(&slack, &channel.channel_id, &message.ts, &mut all).await?;
        }
        for one in all.iter().filter(|one| one.counts()) {
            let Some(user) = one.user.as_ref().filter(|_| slower.is_none()) else { continue };
            if !names.contains_key(user) {
                match slack.ask("users.info", &[("user", user)]).await {
                    Ok(Said::Answer(told)) => {
                        names.insert(user.clone(), name(&told, user));
                    }
                    Ok(Said::Slower(after)) => slower = Some(after),
                    // Nobody by that name, or nobody who may be asked: the id has to do.
                    Err(error) if error.policy() == Retry::Never => {
                        names.insert(user.clone(), user.clone());
                    }
                    Err(error) => return Err(error),
                }
            }
        }
        if let Some(after) = slower {
            if place == from {
                return Err(Error::retry_after("Slack wants to be asked later", after));
            }
            result.resume = Some(place);
            result.wait_ms = u64::try_from(after.as_millis()).unwrap_or(u64::MAX);
            break;
        }
        result.fetched += all.len() as u64;
        for one in all.iter().filter(|one| one.counts()) {
            let name = one.user.as_ref().and_then(|user| names.get(user));
            let name = name.map_or("unknown", String::as_str);
            documents.push(Document::of(channel, one, name, now));
        }
    }
    result.indexed = documents.len() as u64;
    result.skipped = result.fetched - result.indexed;
    result.imported = Index::of(io).upsert(&documents).await?;
    names.retain(|user, _| !known.contains_key(user));
    result.names = names;
    Ok(result)
}

/// Adds the replies to a message; how long to wait where Slack wants to be asked later.
async fn replies(
    slack: &Slack<'_>,
    channel: &str,
    ts: &str,
    all: &mut Vec<Message>,
) -> Result<Option<Duration>> {
    let mut cursor = String::new();
    loop {
        let members = [("channel", channel), ("ts", ts), ("limit", LIMIT), ("cursor", &cursor)];
        let told = match slack.ask("conversations.replies", &members).await {
            Ok(Said::Answer(told)) => told,
            Ok(Said::Slower(after)) => return Ok(Some(after)),
            // It was there when the page was fetched; the other threads of the channel still are.
            Err(error) if error.name() == THREAD_GONE => return Ok(None),
            Err(error) => return Err(error),
        };
        // The first one is the message itself.
        all.extend(Message::all(&told).into_iter().filter(|reply| reply.ts != ts));
        match next_cursor(&told) {
            Some(next) if next != cursor => cursor = next,
            _ => return Ok(None),
        }
    }
}

fn name(told: &Value, user: &str) -> String {
    let names = [
        &told["user"]["profile"]["display_name"],
        &told["user"]["real_name"],
        &told["user"]["name"],
    ];
    let mut names = names.into_iter().filter_map(Value::as_str).map(str::trim);
    names.find(|name| !name.is_empty()).unwrap_or(user).to_owned()
}
