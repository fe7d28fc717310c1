//! What the search of Slack finds in a channel, beside its history.

use serde::{Deserialize, Serialize};
use system_bus_sdk::prelude::*;

use crate::events::BackfillRequested;
use crate::index::{Imported, Index};
use crate::message::{Document, Message};
use crate::range::Range;
use crate::slack::Slack;

/// How many pages are looked at.
const PAGES: u64 = 5;

/// What came of a search.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Found {
    /// Pages that were looked at.
    pub pages: u64,
    /// Messages of the channel within the range.
    pub matches: u64,
    /// What the index said.
    pub imported: Imported,
    /// Why nothing was looked for.
    pub skipped: Option<String>,
}

/// Takes what is found into the index. A token that may not search is no failure: the history is in.
pub(crate) async fn index(io: &Io, channel: &BackfillRequested, range: &Range) -> Result<Found> {
    let (slack, mut found, mut documents) = (Slack::of(io), Found::default(), Vec::new());
    let query = format!("in:#{}", channel.channel_name);
    let now = Timestamp::now().as_second();
    for page in 1..=PAGES {
        let number = page.to_string();
        let members =
            [("query", query.as_str()), ("count", "100"), ("page", &number), ("sort", "timestamp")];
        let told = match slack.must("search.messages", &members).await {
            Err(error) if ["missing_scope", "not_allowed_token_type"].contains(&error.name()) => {
                found.skipped = Some(error.message().to_owned());
                break;
            }
            told => told?,
        };
        found.pages = page;
        for told in told["messages"]["matches"].as_array().into_iter().flatten() {
            let message = Message::of(told);
            let here = told["channel"]["id"] == channel.channel_id.as_str();
            if here && message.counts() && range.holds(&message.ts) {
                let name = told["username"].as_str().filter(|name| !name.trim().is_empty());
                let name = name.or(message.user.as_deref()).unwrap_or("unknown").to_owned();
                documents.push(Document::of(channel, &message, &name, now));
            }
        }
        let pages = told["messages"]["paging"]["pages"].as_u64().unwrap_or(0);
        if page >= pages {
            break;
        }
    }
    found.matches = documents.len() as u64;
    found.imported = Index::of(io).upsert(&documents).await?;
    Ok(found)
}
