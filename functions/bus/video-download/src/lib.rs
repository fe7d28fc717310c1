//! Fetches a video, keeps it, and asks for its transcript. See the README for the steps.

mod alias;
mod events;
mod fetch;
mod info;
mod settings;

use outside::{Note, Tell};
use serde_json::json;
use system_bus_sdk::prelude::*;

pub use self::alias::{Forwarded, video_download_legacy_alias};
pub use self::events::{TranscriptRequested, VideoDownloaded, VideoRequested};
use self::settings::Settings;

/// Who is named in records.
const COMPONENT: &str = "video-download";

/// Fetches a video and keeps it.
#[function(
    id = "video-download",
    name = "Video download",
    on(VideoRequested),
    retries = 2,
    concurrency(limit = 1)
)]
pub async fn video_download(ctx: Ctx, event: VideoRequested) -> Result<VideoDownloaded> {
    let url = event.url.trim();
    if !(url.starts_with("https://") || url.starts_with("http://")) {
        let why = "a video is asked for by its address";
        Note::of(COMPONENT, "video.invalid").failed(&ctx, why);
        return Err(Error::stop(why).named("Invalid"));
    }
    let (settings, now) = (Settings::read(&ctx), ctx.now());
    let lines = settings::quality(event.max_quality);
    let failed = |action: &str, error: &Error| {
        Note::of(COMPONENT, action).with("url", url).failed(&ctx, error);
    };

    let fetched = ctx
        .step("download", async |io| fetch::download(&io, url, lines, now).await)
        .await
        .inspect_err(|error| failed("video.download", error))?;
    Note::of(COMPONENT, "video.download")
        .with("url", url)
        .with("slug", &fetched.info.slug)
        .done(&ctx);
    let nas_path = ctx
        .step("transfer-to-nas", async |io| fetch::transfer(&io, &fetched, &settings).await)
        .await
        .inspect_err(|error| failed("video.transfer", error))?;
    Note::of(COMPONENT, "video.transfer").with("nasPath", &nas_path).done(&ctx);

    let tmp_dir = format!("{}/{}", settings.ingest, fetched.folder);
    let video = VideoDownloaded {
        slug: fetched.info.slug,
        title: fetched.info.title,
        channel: fetched.info.channel,
        url: url.to_owned(),
        published_date: fetched.info.published,
        duration: fetched.info.duration,
        nas_path,
        tmp_dir: tmp_dir.clone(),
    };
    let transcript = TranscriptRequested {
        source: "youtube".to_owned(),
        audio_path: format!("{tmp_dir}/{}", fetched.file),
        video: video.clone(),
        origin_session: event.origin_session.clone(),
    };
    ctx.send_all("emit-events", [Outgoing::of(&video), Outgoing::of(&transcript)]).await?;
    Note::of(COMPONENT, "video.announced").with("slug", &video.slug).done(&ctx);
    ctx.step("push-gateway-event", async |io| {
        let details = json!({
            "title": video.title,
            "channel": video.channel,
            "slug": video.slug,
            "nasPath": video.nas_path,
            "url": video.url,
        });
        Ok(Tell::notify("media.downloaded", details).by(&io))
    })
    .await?;
    Ok(video)
}

component![video_download, video_download_legacy_alias];

#[cfg(test)]
mod tests;
