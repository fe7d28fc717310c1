//! What the host writes into its log because of a call: so much, and nothing that nobody may read.

use std::sync::Arc;

use capabilities::{grants, providers};
use runtime::capability::Used;
use runtime::placement::Capability;
use serde_json::json;
use tempfile::TempDir;

use crate::captured::Captured;
use crate::granted::surroundings;
use crate::site::Site;

const SECRET: &str = "hunter2-and-more";

/// A guest with all providers of these grants, and with a secret that nobody was granted.
async fn site(guest: &str, text: &str) -> (Site, Captured, TempDir) {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("key");
    std::fs::write(&file, SECRET).expect("written");
    let text = format!("secrets.key.file = '{}'\n{text}", file.display());
    let grants = Arc::new(grants::parse(&text).expect("sound grants"));
    let providers = providers(&grants, &surroundings(folder.path())).expect("providers");
    (Site::new(guest, providers).await, Captured::new(), folder)
}

/// That the log has a thousand lines with this in them, and one that says that there would be more.
fn is_bounded(log: &str, words: &str) {
    let lines = |words: &str| log.lines().filter(|line| line.contains(words)).count();
    assert_eq!(lines(words), 1000);
    assert_eq!(lines("the call has made more records than a call may"), 1);
}

#[tokio::test]
async fn a_flood_of_denied_calls_makes_so_many_records_and_is_counted_whole() {
    let (site, log, _folder) = site(guests::USES_FS, "").await;
    let one = json!(["write", "notes", "a.txt", "mine"]);
    let said = site.run("does", json!({ "do": vec![one; 1500] })).await;
    assert_eq!(said.matches("Denied: ").count(), 1500);
    is_bounded(&log.text(), "denied: its grant does not allow it");
    let used = site.runtime.usage()["uses-fs"].of(Capability::Fs);
    assert_eq!(used, Used { calls: 1500, denied: 1500 });
}

#[tokio::test]
async fn a_flood_of_what_nobody_hears_makes_so_many_records_and_is_counted_whole() {
    let (site, log, _folder) = site(guests::USES_GATEWAY, "").await;
    let said = site.run("notifies", json!({ "kind": "order.shipped", "count": 1500 })).await;
    assert_eq!(said, "done false");
    is_bounded(&log.text(), "lost: it could not be told");
    assert_eq!(site.runtime.usage()["uses-gateway"].lost(Capability::Gateway), 1500);
}

#[tokio::test]
async fn what_a_record_shows_of_a_component_s_text_is_no_longer_than_a_line() {
    let (site, log, _folder) = site(guests::USES_FS, "").await;
    let path = vec!["x".repeat(200); 4].join("/");
    let said = site.run("does", json!({ "do": [["write", "notes", path, "mine"]] })).await;
    assert!(said.contains("Denied: "), "{said}");
    let log = log.text();
    let line = log.lines().find(|line| line.contains("denied: its grant")).expect("a record");
    assert!(line.len() < 700 && line.contains("xxx…"), "{} bytes: {line}", line.len());
}

#[tokio::test]
async fn a_kind_that_is_too_long_or_has_control_characters_is_told_to_nobody() {
    let (site, log, _folder) = site(guests::USES_GATEWAY, "").await;
    for kind in ["k".repeat(129), "a\nb".to_owned(), "a\u{1b}[2J".to_owned()] {
        let said = site.run("notifies", json!({ "kind": kind })).await;
        assert_eq!(said, "done false");
    }
    let text = log.text();
    assert!(!text.contains(&"k".repeat(129)) && !text.contains('\u{1b}'), "{text}");
}

#[tokio::test]
async fn a_secret_is_in_no_record_of_a_question_or_a_message_that_came_to_nothing() {
    let (people, log, _folder) = site(guests::USES_GATEWAY, "").await;
    for (kind, message) in [(SECRET, "m"), ("progress", SECRET)] {
        people.run("notifies", json!({ "kind": kind, "message": message })).await;
    }
    let text = log.text();
    assert!(text.contains("[secret key]") && !text.contains("hunter2"), "{text}");
    drop(log);

    let models = "[[inference.providers]]\nkind = 'openai'\nurl = 'http://127.0.0.1:1/v1'\n\
                  model = 'm'\n[components.uses-inference.inference]\nmodels = ['hunter2-and-more']";
    let (models, log, _folder) = site(guests::USES_INFERENCE, models).await;
    let question = json!({
        "prompt": SECRET, "system": SECRET, "task": SECRET, "model": SECRET, "component": SECRET,
        "action": SECRET,
    });
    let said = models.run("asks", question).await;
    assert!(!said.starts_with("done") && !said.contains("hunter2"), "{said}");
    let text = log.text();
    assert!(text.contains("[secret key]") && !text.contains("hunter2"), "{text}");
}
