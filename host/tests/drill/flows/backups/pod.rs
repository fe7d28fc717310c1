//! Typesense in its pod: what it answers, and where it writes.

use std::fs;
use std::path::{Path, PathBuf};

use crate::flows::kubectl;
use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// What Typesense wants to be told.
pub(super) const KEY: &str = crate::flows::stage::TYPESENSE_KEY;

/// Where it takes snapshots first.
pub(super) const ROOT: &str = "/data/snapshots";
/// Where it takes them otherwise.
pub(super) const SPARE: &str = "/data/spare";

/// The pod.
#[derive(Clone)]
pub(super) struct Pod {
    folder: PathBuf,
    pub(super) typesense: Site,
}

impl Pod {
    /// Puts Typesense, and the way into its pod, on the stage.
    pub(super) fn on(stage: &mut Stage) -> Self {
        let folder = kubectl::on(stage);
        let own = folder.clone();
        let typesense = stage.site(move |asked| answer(&own, asked));
        Self { folder, typesense }
    }

    /// Where something of the pod really is.
    pub(super) fn path(&self, path: &str) -> PathBuf {
        self.folder.join(path.trim_start_matches('/'))
    }

    /// Makes an older snapshot.
    pub(super) fn keeps(&self, path: &str) {
        fs::create_dir_all(self.path(path)).expect("a folder");
        fs::write(self.path(path).join("state"), "old").expect("written");
    }

    /// The requests for snapshots whose paths have these words, in their order.
    pub(super) fn asked(&self, words: &str) -> Vec<Asked> {
        let all = self.typesense.asked().into_iter();
        all.filter(|asked| asked.query["snapshot_path"].contains(words)).collect()
    }
}

/// Takes a snapshot, as the words in its name say: it is `refused`, it goes to the `spare` root only, it is `lost` as soon as
/// it is taken, or it is `hollow`.
fn answer(pod: &Path, asked: &Asked) -> Answer {
    let path = asked.query.get("snapshot_path").map_or("", String::as_str);
    if asked.header("x-typesense-api-key") != KEY {
        return Answer::text(401, "text/plain", "Forbidden");
    }
    if path.contains("refused") {
        return Answer::text(500, "text/plain", "the state cannot be written");
    }
    if path.contains("spare-only") && path.starts_with(ROOT) {
        return Answer::text(503, "text/plain", "not ready");
    }
    let folder = pod.join(path.trim_start_matches('/'));
    if !path.contains("lost") {
        fs::create_dir_all(&folder).expect("a folder");
    }
    if !path.contains("lost") && !path.contains("hollow") {
        fs::write(folder.join("state"), format!("all of {path}")).expect("written");
    }
    Answer::text(201, "application/json", r#"{"success": true}"#)
}
