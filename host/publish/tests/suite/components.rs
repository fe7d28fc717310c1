//! Components without a new image.

use protocol::digest::Digest;
use serde_json::{Value, json};

use crate::{Site, code, said};

const RELEASE: &str = "/api/v1/namespaces/system-bus/configmaps/system-bus-release";

fn release(site: &Site) -> String {
    let map = site.api.object(RELEASE).expect("there is a release");
    map["data"]["components"].as_str().expect("components").to_owned()
}

/// What workers that have these components say.
fn health(components: &[(&str, &[u8])]) -> Value {
    let told = |(name, bytes): &(&str, &[u8])| json!({"name": name, "digest": Digest::of(bytes).to_string()});
    let components: Vec<_> = components.iter().map(told).collect();
    json!({"generation": 2, "components": components, "refused": []})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn components_are_pushed_named_and_waited_for_and_go_back_where_they_are_refused() {
    let site = Site::start().await;
    site.rolls(&[]).await;
    let folder = site.folder.path().join("built");
    std::fs::create_dir(&folder).expect("a folder");
    let put = |name: &str, bytes: &[u8]| std::fs::write(folder.join(name), bytes).expect("written");
    put("billing.wasm", b"first");
    put("mail.wasm", b"mail");
    put(".half.wasm", b"half");
    *site.health.lock().expect("a lock") = health(&[("billing", b"first"), ("mail", b"mail")]);
    let repository = format!("{}/team/functions", site.registry.address);
    let words = [
        "--json",
        "components",
        "built",
        "--repository",
        &repository,
        "--tag",
        "one",
        "--timeout",
        "30",
    ];
    let output = site.publish(&words).await;
    assert_eq!(code(&output), 0, "{output:?}");
    let lines = release(&site);
    let names: Vec<_> = lines.lines().collect();
    assert_eq!(names.len(), 2, "{lines}");
    assert!(names[0].starts_with(&format!("{repository}/billing@sha256:")), "{lines}");
    // One layer, which is the component.
    let (_, digest) = names[0].split_once('@').expect("a digest");
    let manifest = site.registry.at(&format!("/v2/team/functions/billing/manifests/{digest}"));
    let manifest: Value = serde_json::from_slice(&manifest.expect("a manifest")).expect("JSON");
    let layers = manifest["layers"].as_array().expect("layers");
    assert_eq!(layers.len(), 1);
    assert_eq!(layers[0]["mediaType"], "application/wasm");
    let blob = layers[0]["digest"].as_str().expect("a digest");
    let blob = site.registry.at(&format!("/v2/team/functions/billing/blobs/{blob}"));
    assert_eq!(blob.as_deref(), Some(&b"first"[..]));
    assert_eq!(said(&output)["result"]["pods"].as_array().map(Vec::len), Some(2));

    // A worker refuses one: waiting would not help, and the earlier release is written again.
    put("billing.wasm", b"broken");
    site.health.lock().expect("a lock")["refused"] =
        json!(["component billing: it is no component"]);
    let output = site.publish(&words).await;
    assert_eq!((code(&output), release(&site)), (1, lines.clone()), "{output:?}");
    let message = said(&output)["error"]["message"].to_string();
    assert!(message.contains("it is no component") && message.contains("rolled back"), "{message}");

    // Workers that never come to it.
    site.health.lock().expect("a lock")["refused"] = json!([]);
    let short = [
        "--json",
        "components",
        "built",
        "--repository",
        &repository,
        "--tag",
        "two",
        "--timeout",
        "1",
    ];
    let output = site.publish(&short).await;
    assert_eq!((code(&output), release(&site)), (1, lines), "{output:?}");
    let message = said(&output)["error"]["message"].to_string();
    assert!(message.contains("does not serve yet: billing"), "{message}");

    let output =
        site.publish(&["--json", "components", "nowhere", "--repository", &repository]).await;
    assert_eq!(code(&output), 1, "{output:?}");
}
