//! Videos that are fetched and kept, that need a second attempt, and that are none.

mod alias;

use std::path::PathBuf;
use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::nas::Nas;
use super::programs::Programs;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const FUNCTION: &str = "video-download";
const KEPT: &str = "/volume1/home/joel/video";
const STEPS: [&str; 4] = ["download", "transfer-to-nas", "emit-events", "push-gateway-event"];

/// Writes what the real one writes, by the last part of the address: what is broken off goes on from its part.
const YT_DLP: &str = r#"
for url in "$@"; do :; done
name=${url##*/}
case "$name" in
gone) echo 'ERROR: the video is gone' >&2; exit 1 ;;
nothing) exit 0 ;;
broken-off)
    if [ ! -e video.mp4.part ]; then
        echo half > video.mp4.part
        echo 'ERROR: connection reset' >&2
        exit 1
    fi
    mv video.mp4.part video.mp4 ;;
esac
if [ "$name" != untold ]; then
    printf '{"id":"x-%s","title":"Tea: %s?","channel":"Leaves","upload_date":"20240229","duration":61.5}' \
        "$name" "$name" > video.info.json
fi
if [ "$name" = pictures ]; then exit 0; fi
echo "the film $name" > video.mp4
echo "the picture $name" > video.webp
: > video.mp4.part
"#;

struct Video {
    nas: Nas,
    programs: Programs,
    ingest: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let nas = Nas::on(stage);
    let programs = stage.program("yt-dlp", YT_DLP);
    let ingest = stage.root("video-ingest");
    stage.grant(&format!(
        r#"[components.video-download]
fs = [{{ root = "video-ingest", access = "read-write", bytes = "100GiB" }}]
shell = [
  {{ program = "yt-dlp", arguments = ["-f", "*", "--merge-output-format", "mp4", "--write-info-json", "--write-thumbnail", "--no-playlist", "-o", "*", "--", "*"], file = "50GiB", memory = "4GiB" }},
  {{ program = "ssh", arguments = ["-o", "BatchMode=yes", "*", "mkdir", "-p", "*"], within = "1m" }},
  {{ program = "scp", arguments = ["-q", "-o", "BatchMode=yes", "**"] }},
]
[components.video-download.config]
VIDEO_INGEST_ROOT = "{}/"
"#,
        ingest.display()
    ));
    Rc::new(Video { nas, programs, ingest })
}

#[async_trait::async_trait(?Send)]
impl Flow for Video {
    fn name(&self) -> &'static str {
        "video-download"
    }

    async fn play(&self, scene: &Scene) {
        self.kept(scene).await;
        self.invalid(scene).await;
        self.untold(scene).await;
        tokio::join!(
            self.twice(scene),
            self.again(scene),
            self.gone(scene),
            self.without_film(scene),
            self.nas_away(scene),
            self.nas_gone(scene),
            self.by_its_old_name(scene),
        );
    }
}

fn address(name: &str) -> String {
    format!("https://films.example/watch/{name}")
}

async fn fetch(scene: &Scene, name: &str) -> Ran {
    scene.run(FUNCTION, "pipeline/video.requested", &json!({"url": address(name)})).await
}

impl Video {
    async fn kept(&self, scene: &Scene) {
        // Its session listens, so it is told there.
        let _: i64 = scene.redis(&["SADD", "joelclaw:gateway:sessions", "films"]);
        let url = address("green");
        let asked = json!({"url": url, "maxQuality": 720, "originSession": "films"});
        let run = scene.run(FUNCTION, "pipeline/video.requested", &asked).await;
        run.assert_steps(&STEPS);
        let result = run.result();
        let folder = result["tmpDir"].as_str().expect("a folder").to_owned();
        let own = folder.strip_prefix(&format!("{}/", self.ingest.display())).expect("in the root");
        assert_eq!(own.len(), 36, "a UUID: {own}");
        let wanted = json!({
            "slug": "tea-green",
            "title": "Tea: green?",
            "channel": "Leaves",
            "url": url,
            "publishedDate": "2024-02-29",
            "duration": 61.5,
            "nasPath": format!("{KEPT}/2024/tea-green"),
            "tmpDir": folder,
        });
        assert_eq!(result, &wanted);
        self.programs_as_they_expect(&url);
        for (file, content) in
            [("video.mp4", "the film green\n"), ("video.webp", "the picture green\n")]
        {
            let kept = self.nas.kept(&format!("{KEPT}/2024/tea-green/{file}"));
            assert_eq!(kept.as_deref(), Some(content));
        }
        // The transcript is made of what stays here.
        assert_eq!(scene.read(format!("{folder}/video.mp4")), "the film green\n");

        let of = |data: &Value| data["url"] == url.as_str();
        let downloaded = scene.event("pipeline/video.downloaded", of).await;
        assert_eq!(downloaded["data"], wanted);
        let transcript = scene.event("pipeline/transcript.requested", of).await;
        let mut with = wanted.clone();
        with["source"] = json!("youtube");
        with["audioPath"] = json!(format!("{folder}/video.mp4"));
        with["originSession"] = json!("films");
        assert_eq!(transcript["data"], with);

        assert!(
            scene.told("media.downloaded", |payload| payload["slug"] == "tea-green").is_empty()
        );
        let told: Vec<String> = scene.redis(&["LRANGE", "joelclaw:events:films", "0", "-1"]);
        assert_eq!(told.len(), 1, "{told:?}");
        let told: Value = serde_json::from_str(&told[0]).expect("JSON");
        assert_eq!(
            (&told["type"], &told["source"]),
            (&json!("media.downloaded"), &json!("inngest/pipeline/video.requested"))
        );
        let payload = json!({
            "title": "Tea: green?",
            "channel": "Leaves",
            "slug": "tea-green",
            "nasPath": format!("{KEPT}/2024/tea-green"),
            "url": url,
        });
        assert_eq!(told["payload"], payload);
        assert_eq!(scene.actions(&run), ["video.download", "video.transfer", "video.announced"]);
    }

    fn programs_as_they_expect(&self, url: &str) {
        let calls = self.programs.calls("yt-dlp");
        let own: Vec<_> = calls.iter().filter(|call| call.iter().any(|it| it == url)).collect();
        assert_eq!(
            own,
            [&[
                "-f",
                "bestvideo[height<=720]+bestaudio/best[height<=720]",
                "--merge-output-format",
                "mp4",
                "--write-info-json",
                "--write-thumbnail",
                "--no-playlist",
                "-o",
                "video.%(ext)s",
                "--",
                url
            ]]
        );
        let path = format!("{KEPT}/2024/tea-green");
        let made = ["-o", "BatchMode=yes", "joel@three-body", "mkdir", "-p", &path];
        assert_eq!(self.nas.calls("ssh", "tea-green"), [made]);
        let target = format!("joel@three-body:{path}/");
        let files = ["video.info.json", "video.mp4", "video.webp"];
        let copied = [&["-q", "-o", "BatchMode=yes"][..], &files, &[&target]].concat();
        assert_eq!(self.nas.calls("scp", "tea-green"), [copied]);
    }

    async fn invalid(&self, scene: &Scene) {
        for url in ["--exec=true", "ftp://films.example/green", " "] {
            let before = self.programs.calls("yt-dlp").len();
            let run = scene.run(FUNCTION, "pipeline/video.requested", &json!({"url": url})).await;
            assert!(run.failure().contains("Invalid"), "{run:?}");
            run.assert_steps(&[]);
            assert_eq!(scene.actions(&run), ["video.invalid"]);
            assert_eq!(self.programs.calls("yt-dlp").len(), before);
        }
    }

    /// It succeeds and says nothing of the video: no attempt changes that.
    async fn untold(&self, scene: &Scene) {
        for name in ["untold", "nothing"] {
            let run = fetch(scene, name).await;
            assert!(run.failure().contains("NoInfo"), "{run:?}");
            run.assert_steps(&["download"]);
            assert_eq!((run.attempts("download"), self.asked(name)), (1, 1));
            assert_eq!(scene.actions(&run), ["video.download"]);
            nobody_heard(scene, name).await;
        }
    }

    /// The same event is one request, however often it is sent.
    async fn twice(&self, scene: &Scene) {
        let asked = json!({"url": address("blue")});
        let first = scene.send_as("video-blue", "pipeline/video.requested", &asked).await;
        let run = scene.ended(FUNCTION, &first).await;
        assert_eq!(run.result()["slug"], "tea-blue");
        let second = scene.send_as("video-blue", "pipeline/video.requested", &asked).await;
        // What comes after it in the queue is over when this has ended.
        fetch(scene, "yellow").await.result();
        assert!(second == first || scene.begun_by(&second).await.is_empty(), "{second}");
        assert_eq!(self.asked("blue"), 1);
    }

    /// What was broken off goes on in the same folder.
    async fn again(&self, scene: &Scene) {
        let run = fetch(scene, "broken-off").await;
        run.assert_steps(&STEPS);
        assert_eq!((run.attempts("download"), self.asked("broken-off")), (2, 2));
        assert_eq!(run.result()["slug"], "tea-broken-off");
        // Nobody said how many lines: 1080.
        let calls = self.programs.calls("yt-dlp").into_iter();
        let own: Vec<_> = calls.filter(|call| call.contains(&address("broken-off"))).collect();
        assert!(
            own.iter()
                .all(|call| call[1] == "bestvideo[height<=1080]+bestaudio/best[height<=1080]")
        );
        assert_eq!(self.nas.calls("scp", "tea-broken-off").len(), 1);
    }

    async fn gone(&self, scene: &Scene) {
        let run = fetch(scene, "gone").await;
        let failure = run.failure();
        assert!(
            failure.contains("DownloadFailed") && failure.contains("the video is gone"),
            "{failure}"
        );
        run.assert_steps(&["download"]);
        assert_eq!((run.attempts("download"), self.asked("gone")), (3, 3));
        assert_eq!(scene.record(&run, "video.download")["success"], false);
        nobody_heard(scene, "gone").await;
    }

    async fn without_film(&self, scene: &Scene) {
        let run = fetch(scene, "pictures").await;
        assert!(run.failure().contains("has left no video"), "{run:?}");
        assert_eq!(self.asked("pictures"), 3);
        nobody_heard(scene, "pictures").await;
    }

    async fn nas_away(&self, scene: &Scene) {
        self.nas.fails("tea-black", 1);
        let run = fetch(scene, "black").await;
        run.assert_steps(&STEPS);
        // Fetched once, and taken there when it was back.
        assert_eq!((run.attempts("transfer-to-nas"), self.asked("black")), (2, 1));
        assert!(self.nas.kept(&format!("{KEPT}/2024/tea-black/video.mp4")).is_some());
        assert_eq!(scene.told("media.downloaded", |it| it["slug"] == "tea-black").len(), 1);
    }

    async fn nas_gone(&self, scene: &Scene) {
        self.nas.fails("tea-white", 100);
        let run = fetch(scene, "white").await;
        assert!(run.failure().contains("No route to host"), "{run:?}");
        run.assert_steps(&["download", "transfer-to-nas"]);
        assert_eq!((run.attempts("transfer-to-nas"), self.asked("white")), (3, 1));
        // Each attempt says again what came before it.
        let mut actions = scene.actions(&run);
        actions.dedup();
        assert_eq!(actions, ["video.download", "video.transfer"]);
        assert_eq!(scene.record(&run, "video.transfer")["success"], false);
        nobody_heard(scene, "white").await;
    }

    /// How often a video was fetched.
    fn asked(&self, name: &str) -> usize {
        let (calls, url) = (self.programs.calls("yt-dlp"), address(name));
        calls.iter().filter(|call| call.contains(&url)).count()
    }
}

async fn nobody_heard(scene: &Scene, name: &str) {
    let url = address(name);
    for event in ["pipeline/video.downloaded", "pipeline/transcript.requested"] {
        let events = scene.events(event).await;
        assert!(events.iter().all(|event| event["data"]["url"] != url.as_str()), "{event}");
    }
    assert!(scene.told("media.downloaded", |payload| payload["url"] == url.as_str()).is_empty());
}
