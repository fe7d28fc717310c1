//! The old name of the event.

use outside::Note;
use system_bus_sdk::prelude::*;

use crate::COMPONENT;

/// What an event is called now.
const NAME: &str = "pipeline/video.requested";

/// Where an event went.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
#[serde(rename_all = "camelCase")]
pub struct Forwarded {
    /// `forwarded`.
    pub status: String,
    /// The name that it has now.
    pub forwarded_to: String,
}

/// Sends an event of the old name on under the new one, as it is: what is wrong with it, the other function says.
#[function(
    id = "video-download-legacy-alias",
    name = "Video download by its old name",
    on("pipeline/video.download"),
    retries = 3
)]
pub async fn video_download_legacy_alias(ctx: Ctx, event: Incoming<Value>) -> Result<Forwarded> {
    let of = event.id.as_deref().unwrap_or(ctx.run_id());
    let forwarded = Outgoing::named(NAME, &event.data).id(format!("video-requested-{of}"));
    ctx.send("forward-to-video-requested", forwarded).await?;
    // Whoever uses the old name can be found.
    Note::of(COMPONENT, "video.legacy-alias").with("event", &event.id).done(&ctx);
    Ok(Forwarded { status: "forwarded".to_owned(), forwarded_to: NAME.to_owned() })
}
