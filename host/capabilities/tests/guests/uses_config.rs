//! A real guest that reads its settings.

use std::sync::Arc;

use capabilities::config::Provider;
use runtime::placement::Capability;
use serde_json::json;

use crate::site::Site;

async fn site(text: &str) -> Site {
    let grants = Arc::new(capabilities::grants::parse(text).expect("grants"));
    Site::new(guests::USES_CONFIG, vec![Arc::new(Provider::new(grants))]).await
}

#[tokio::test]
async fn settings_are_read_in_steps_and_outside_of_them() {
    let site = site(
        "[components.uses-config.config]\ngreeting = 'grüß dich'\nempty = ''\n\
         [components.other.config]\nsecret-plan = 'world'",
    )
    .await;
    for (key, read) in [
        ("greeting", "[\"grüß dich\",\"grüß dich\"]"),
        ("empty", "[\"\",\"\"]"),
        ("missing", "[null,null]"),
        // Another component's.
        ("secret-plan", "[null,null]"),
    ] {
        assert_eq!(site.run("reads", json!({"key": key})).await, format!("done {read}"), "{key}");
    }
    assert_eq!(site.runtime.usage()["uses-config"].of(Capability::Config).calls, 8);
}

#[tokio::test]
async fn a_component_without_settings_reads_none() {
    let site = site("").await;
    assert_eq!(site.run("reads", json!({"key": "greeting"})).await, "done [null,null]");
}

#[tokio::test]
async fn settings_have_every_name_that_is_deployed() {
    let site = site("components.uses-config.config = { a = '1', b = '2' }").await;
    let said = site.run("reads-by-other-names", json!({"key": "b"})).await;
    let one = r#"["2",[["a","1"],["b","2"]]]"#;
    assert_eq!(said, format!("done [{one},{one},{one}]"));
}
