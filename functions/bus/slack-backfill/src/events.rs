//! The events that start a backfill.

use system_bus_sdk::prelude::*;

/// The history of several channels is wanted.
#[derive(Event, Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[event("channel/slack.backfill.batch.requested")]
#[serde(rename_all = "camelCase")]
pub struct BatchRequested {
    /// Which channels.
    pub channels: Vec<Channel>,
    /// From when on, as Slack writes times; sixty days back unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ts: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// A channel.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Channel {
    /// Its id.
    #[serde(default)]
    pub id: String,
    /// What people call it.
    #[serde(default)]
    pub name: String,
}

/// The history of a channel is wanted.
#[derive(Event, Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
#[event("channel/slack.backfill.requested")]
#[serde(rename_all = "camelCase")]
pub struct BackfillRequested {
    /// The channel's id.
    #[serde(default)]
    pub channel_id: String,
    /// What people call it.
    #[serde(default)]
    pub channel_name: String,
    /// From when on; sixty days back unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub oldest_ts: Option<String>,
    /// Until when; now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latest_ts: Option<String>,
    /// Why.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
