//! Spans that a guest opens.

use serde_json::{Value, json};

use super::Desk;

/// The spans around an event, the outermost first, by what the guest or its step calls them.
fn around(line: &Value) -> Vec<&str> {
    let spans = line["spans"].as_array().expect("spans");
    let name = |span: &Value| -> Option<&'static str> {
        ["first", "second", "outer", "inner"].into_iter().find(|name| span["called"] == **name)
    };
    spans.iter().map(|span| name(span).unwrap_or("?")).collect()
}

#[tokio::test]
async fn spans_stand_beneath_the_step_s_and_in_each_other_and_end_with_the_step() {
    let desk = Desk::new().await;
    assert_eq!(desk.site.run("leaves-spans", json!({})).await, "done 2");
    let records = desk.events("telemetry");
    assert_eq!(around(&records[0]), ["first", "outer", "inner"], "{}", records[0]);
    assert_eq!(around(&records[1]), ["second"], "what was left open is closed: {}", records[1]);
    // Lines of the log stand beneath the step: not every guest that logs has spans.
    assert_eq!(around(&desk.events("guest")[0]), ["first"]);
    assert_eq!(desk.spans("guest"), (2, 2));
}

#[tokio::test]
async fn thousands_of_open_spans_are_sixty_four_and_none_is_left() {
    let desk = Desk::new().await;
    assert_eq!(desk.site.run("floods", json!({})).await, "done 2000");
    assert_eq!(desk.spans("guest"), (64, 64));
}
