//! Videos that a test plays.

mod alias;

use outside::testing::{World, ended, said};
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::{Kit, RunStatus};

use crate::settings::{Settings, quality};
use crate::{TranscriptRequested, VideoDownloaded, VideoRequested, video_download};

fn asked() -> VideoRequested {
    let sample: Value =
        serde_json::from_str(include_str!("../events/video-requested.json")).expect("it is JSON");
    assert_eq!(sample["name"], "pipeline/video.requested");
    serde_json::from_value(sample["data"].clone()).expect("it fits")
}

/// A yt-dlp that leaves these files, and an ssh and an scp that succeed.
fn world(files: &'static [&'static str]) -> World {
    let world = World::begin();
    world.programs(move |program| {
        if program.name() == "yt-dlp" {
            let (root, folder) = program.place().expect("a folder of its own");
            let info = json!({
                "id": "tea", "title": "Tea & Time", "channel": "Kettle", "upload_date": "20250301",
                "duration": 61.5,
            });
            for file in files {
                // The world is within reach of what stands in for a program.
                World::put(root, &format!("{folder}/{file}"), &info.to_string());
            }
        }
        said("")
    });
    world
}

#[system_bus_sdk::test(crash = "everywhere")]
fn a_video_is_kept_and_announced_once(kit: &mut Kit) {
    let world = world(&["video.mp4", "video.info.json", "video.webp", "video.f1.mp4.part"]);
    let run = kit.run::<video_download>(asked());
    run.assert_steps(["download", "transfer-to-nas", "emit-events", "push-gateway-event"]);
    let video: VideoDownloaded = run.output();
    assert_eq!((video.slug.as_str(), video.channel.as_str()), ("tea-time", "Kettle"));
    assert_eq!(video.nas_path, "/volume1/home/joel/video/2025/tea-time");
    assert_eq!(video.published_date.as_deref(), Some("2025-03-01"));

    let lines = world.lines();
    // However often it ran, it worked in one folder, and did the same.
    let fetches: Vec<_> = world.ran().into_iter().filter(|one| one.name() == "yt-dlp").collect();
    assert!(fetches.iter().all(|one| *one == fetches[0]));
    assert_eq!(
        lines[0],
        "yt-dlp -f bestvideo[height<=720]+bestaudio/best[height<=720] --merge-output-format mp4 \
         --write-info-json --write-thumbnail --no-playlist -o video.%(ext)s -- \
         https://video.example/watch?v=tea"
    );
    let last = &lines[lines.len() - 2..];
    assert_eq!(
        last,
        [
            "ssh -o BatchMode=yes joel@three-body mkdir -p /volume1/home/joel/video/2025/tea-time",
            "scp -q -o BatchMode=yes video.info.json video.mp4 video.webp \
             joel@three-body:/volume1/home/joel/video/2025/tea-time/",
        ]
    );

    assert_eq!(kit.sent::<VideoDownloaded>(), std::slice::from_ref(&video));
    let transcripts = kit.sent::<TranscriptRequested>();
    assert_eq!(transcripts.len(), 1);
    assert_eq!(transcripts[0].audio_path, format!("{}/video.mp4", video.tmp_dir));
    assert!(video.tmp_dir.starts_with("/tmp/video-ingest/"));
    assert_eq!(world.kinds(), ["media.downloaded"]);
    assert_eq!(world.actions(), ["video.download", "video.transfer", "video.announced"]);
}

#[system_bus_sdk::test]
fn a_video_without_its_description_fails_for_good(kit: &mut Kit) {
    let world = world(&["video.mp4"]);
    let run = kit.run::<video_download>(asked());
    assert_eq!(run.error().name(), "NoInfo");
    assert_eq!(run.attempts("download"), 1);
    assert_eq!(world.actions(), ["video.download!"]);
    assert!(kit.events().is_empty());
}

#[system_bus_sdk::test]
fn a_video_that_is_not_there_is_fetched_again(kit: &mut Kit) {
    let world = world(&["video.info.json"]);
    let run = kit.run::<video_download>(asked());
    assert_eq!(run.error().name(), "DownloadFailed");
    assert_eq!((run.attempts("download"), world.ran().len()), (3, 3));
}

#[system_bus_sdk::test]
fn a_program_that_fails_is_no_success(kit: &mut Kit) {
    let world = World::begin();
    world.programs(|program| ended(program.name(), 1, "warning\nHTTP Error 429"));
    let run = kit.run::<video_download>(asked());
    assert_eq!(run.attempts("download"), 3);
    assert!(run.error().message().ends_with("HTTP Error 429"), "{:?}", run.error());
}

#[system_bus_sdk::test]
fn a_nas_that_is_away_is_tried_again_and_nothing_is_announced(kit: &mut Kit) {
    let world = world(&["video.mp4", "video.info.json"]);
    kit.run::<video_download>(asked());
    let sent = kit.events().len();
    world.programs(|program| match program.name() {
        "yt-dlp" => {
            let (root, folder) = program.place().expect("a folder");
            World::put(root, &format!("{folder}/video.mp4"), "x");
            World::put(root, &format!("{folder}/video.info.json"), "{}");
            said("")
        }
        name => ended(name, 255, "no route to host"),
    });
    let run = kit.run::<video_download>(asked());
    assert_eq!((run.status, run.attempts("transfer-to-nas")), (RunStatus::Failed, 3));
    assert_eq!(kit.events().len(), sent);
    assert!(world.actions().contains(&"video.transfer!".to_owned()));
}

#[system_bus_sdk::test]
fn what_is_no_address_fails_at_once_and_a_deaf_gateway_nothing(kit: &mut Kit) {
    let world = world(&["video.mp4", "video.info.json"]);
    for url in ["", "--exec=x", "file:///etc/passwd"] {
        let run = kit.run::<video_download>(VideoRequested { url: url.to_owned(), ..asked() });
        assert_eq!(run.error().name(), "Invalid", "{url}");
    }
    assert!(world.ran().is_empty());
    world.gateway_down();
    assert_eq!(kit.run::<video_download>(asked()).status, RunStatus::Completed);
}

#[test]
fn settings_and_quality_have_defaults_and_bounds() {
    for (asked, lines) in [
        (None, 1080),
        (Some(720), 720),
        (Some(0), 1080),
        (Some(-5), 1080),
        (Some(9), 144),
        (Some(i64::MAX), 4320),
    ] {
        assert_eq!(quality(asked), lines, "{asked:?}");
    }
    for (host, found) in [
        (None, "joel@three-body"),
        (Some("me@nas"), "me@nas"),
        (Some("-oProxyCommand=x"), "joel@three-body"),
        (Some("a b"), "joel@three-body"),
        (Some(""), "joel@three-body"),
    ] {
        let settings =
            Settings::of(|key| host.filter(|_| key == "NAS_SSH_HOST").map(str::to_owned));
        assert_eq!(settings.host, found, "{host:?}");
    }
    let folder =
        Settings::of(|key| (key == "VIDEO_NAS_ROOT").then(|| "/srv/x; rm".to_owned())).folder;
    assert_eq!(folder, "/volume1/home/joel/video");
}
