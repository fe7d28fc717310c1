//! The old name of the event.

use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use super::world;
use crate::{Forwarded, VideoRequested, video_download, video_download_legacy_alias};

fn old() -> Outgoing {
    let sample: Value =
        serde_json::from_str(include_str!("../../events/video-download.json")).expect("it is JSON");
    assert_eq!(sample["name"], "pipeline/video.download");
    Outgoing::named("pipeline/video.download", &sample["data"]).id("old-1")
}

#[system_bus_sdk::test(crash = "everywhere")]
fn the_old_name_begins_the_same_download(kit: &mut Kit) {
    let world = world(&["video.mp4", "video.info.json"]);
    kit.serve::<video_download>();
    let run = kit.run::<video_download_legacy_alias>(old());
    run.assert_steps(["forward-to-video-requested"]);
    assert_eq!(run.output::<Forwarded>().forwarded_to, "pipeline/video.requested");
    kit.until_waiting();
    let sent: Vec<VideoRequested> = kit.sent();
    assert_eq!(
        (sent[0].max_quality, sent[0].url.as_str()),
        (Some(720), "https://video.example/watch?v=tea")
    );
    let downloads = kit.runs::<video_download>();
    assert_eq!((downloads.len(), downloads[0].status), (1, RunStatus::Completed));
    assert!(world.actions().contains(&"video.legacy-alias".to_owned()));
}

#[system_bus_sdk::test]
fn what_is_wrong_is_forwarded_and_fails_there(kit: &mut Kit) {
    world(&[]);
    kit.serve::<video_download>();
    let run = kit.run::<video_download_legacy_alias>(Outgoing::named(
        "pipeline/video.download",
        &json!({ "url": "no address" }),
    ));
    assert_eq!(run.status, RunStatus::Completed);
    kit.until_waiting();
    assert_eq!(kit.runs::<video_download>()[0].error().name(), "Invalid");
}
