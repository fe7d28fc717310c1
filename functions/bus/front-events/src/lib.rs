//! Says what deliveries of Front mean: one event for each that means anything. See the README.

mod comment;
mod conversation;
mod delivery;
mod kind;
mod message;
mod text;

use system_bus_sdk::prelude::*;

use self::delivery::Delivery;
pub use self::kind::Kind;

/// A delivery of Front, as the webhook gateway hands it on: verified, and otherwise as it came.
#[derive(Event, Serialize, Deserialize, Clone, Debug)]
#[event("front/webhook.received")]
pub struct WebhookReceived {
    /// What Front sent, of a rule or of an application.
    pub delivery: Value,
}

/// What became of a delivery.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase", tag = "status")]
pub enum Meaning {
    /// An event was sent.
    Sent {
        /// Its name.
        name: String,
        /// Its id: the same for the same happening, however often it is told.
        id: String,
    },
    /// It is of a kind that nobody wants to hear of.
    Ignored {
        /// Which.
        kind: String,
    },
}

/// Sends the event that a delivery means.
#[function(id = "front-events", name = "Front: events", on(WebhookReceived), retries = 3)]
pub async fn front_events(ctx: Ctx, event: Incoming<WebhookReceived>) -> Result<Meaning> {
    let delivery = Delivery::new(&event.data.delivery);
    let Some(kind) = delivery.kind() else {
        let kind = delivery.type_name().to_owned();
        log::info!("front told of {kind:?}, which means nothing here");
        return Ok(Meaning::Ignored { kind });
    };
    let (name, data) = kind.event(&delivery);
    let id = delivery.id(event.id.as_deref().unwrap_or_else(|| ctx.run_id()));
    ctx.send("send-front-event", Outgoing::named(name, &data).id(id.clone())).await?;
    Ok(Meaning::Sent { name: name.to_owned(), id })
}

component![front_events];

#[cfg(test)]
mod tests;
