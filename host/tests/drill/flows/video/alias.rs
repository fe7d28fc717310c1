//! The event's old name, which leads to the same film.

use serde_json::json;

use super::{FUNCTION, KEPT, Video, address};
use crate::flows::scene::Scene;

const ALIAS: &str = "video-download-legacy-alias";
const OLD: &str = "pipeline/video.download";
const NEW: &str = "pipeline/video.requested";

impl Video {
    pub(super) async fn by_its_old_name(&self, scene: &Scene) {
        let asked = json!({"url": address("red"), "maxQuality": 480});
        let run = scene.run(ALIAS, OLD, &asked).await;
        run.assert_steps(&["forward-to-video-requested"]);
        assert_eq!(run.result(), &json!({"status": "forwarded", "forwardedTo": NEW}));
        assert_eq!(scene.actions(&run), ["video.legacy-alias"]);
        let film = scene.follows(FUNCTION, NEW, |data| data["url"] == asked["url"]).await;
        assert_eq!(film.result()["nasPath"], format!("{KEPT}/2024/tea-red"));
        let calls = self.programs.calls("yt-dlp");
        let mut own = calls.iter().filter(|call| call.contains(&address("red")));
        let format = "bestvideo[height<=480]+bestaudio/best[height<=480]";
        assert_eq!(own.next().map(|call| call[1].as_str()), Some(format));
        assert!(own.next().is_none(), "{calls:?}");
    }
}
