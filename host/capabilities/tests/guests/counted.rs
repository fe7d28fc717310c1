//! What a grant has allowed is counted line by line, and what is counted is enough to go on with less.

use std::sync::Arc;

use axum::Router;
use axum::routing::any;
use capabilities::{grants, providers};
use runtime::capability::LineUsed;
use runtime::placement::Capability;
use serde_json::{Value, json};
use tempfile::TempDir;

use crate::granted::surroundings;
use crate::redis_server::RedisServer;
use crate::site::Site;

/// A guest with all providers of these grants, whose uses are counted. The folder has the roots, and goes last.
async fn site(guest: &str, text: &str, folder: &TempDir) -> Site {
    let grants = Arc::new(grants::parse(text).expect("sound grants"));
    let providers = providers(&grants, &surroundings(folder.path())).expect("providers");
    Site::granting(guest, providers, grants.granted()).await
}

/// What was used of each line of a capability, and what would have been enough of those that were.
fn used(site: &Site, capability: Capability) -> Vec<(LineUsed, Option<String>)> {
    let component = site.component.name();
    let used = site.runtime.usage()[component].lines(capability);
    let lines = site.runtime.granted().lines(component, capability);
    let used = lines.iter().zip(used);
    used.map(|(line, used)| (used.clone(), line.narrowed(&used.parts))).collect()
}

fn line(calls: u64, parts: &[u64], enough: Option<&str>) -> (LineUsed, Option<String>) {
    (LineUsed { calls, parts: parts.to_vec() }, enough.map(str::to_owned))
}

/// A server that answers everything with `fine`; its origin.
async fn server() -> String {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let origin = format!("http://{}", listener.local_addr().expect("an address"));
    let app = Router::new().fallback(any(|| async { "fine" }));
    // It ends with the test's runtime.
    tokio::spawn(async move { axum::serve(listener, app).await });
    origin
}

#[tokio::test]
async fn roots_are_counted_by_reading_and_writing() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[roots.notes]\npath = {0:?}\n[roots.old]\npath = {0:?}\n[components.uses-fs]\n\
         fs = [{{ root = 'notes', access = 'read-write' }}, {{ root = 'old' }}, {{ root = 'scratch' }}]",
        folder.path()
    );
    let site = site(guests::USES_FS, &text, &folder).await;
    site.run("does", json!({ "do": [["list", "notes", ""], ["list", "gone", ""]] })).await;
    let read_only = "{ root = 'notes', access = \"read\" }";
    let none = || line(0, &[0, 0], None);
    assert_eq!(used(&site, Capability::Fs), [line(1, &[1, 0], Some(read_only)), none(), none()]);
    let more = json!({ "do": [["write", "notes", "a", "1"], ["write", "old", "a", "1"], ["write", "scratch", "a", "1"]] });
    site.run("does", more).await;
    // What was denied was allowed by no line.
    let then = [line(2, &[1, 1], None), none(), line(1, &[0, 1], None)];
    assert_eq!(used(&site, Capability::Fs), then);
}

#[tokio::test]
async fn programs_are_counted_with_the_root_that_they_run_in() {
    let folder = tempfile::tempdir().expect("a folder");
    let text = format!(
        "[roots.notes]\npath = {:?}\n[programs.echo]\npath = '/bin/echo'\n[components.uses-shell]\n\
         fs = [{{ root = 'notes' }}]\n\
         shell = [{{ program = 'echo' }}, {{ program = 'echo', arguments = ['*'] }}]",
        folder.path()
    );
    let site = site(guests::USES_SHELL, &text, &folder).await;
    let echo = json!({ "program": "echo", "arguments": ["hello"], "folder": ["notes", ""] });
    assert_eq!(site.run("tells", echo).await, "done \"hello\\n|\"");
    assert_eq!(used(&site, Capability::Shell), [line(0, &[], None), line(1, &[], None)]);
    assert_eq!(used(&site, Capability::Fs), [line(1, &[0, 0], None)]);
}

#[tokio::test]
async fn destinations_are_counted_by_method_and_secrets_by_where_they_went() {
    let (folder, origin) = (tempfile::tempdir().expect("a folder"), server().await);
    let secret = folder.path().join("key");
    std::fs::write(&secret, "correct horse battery").expect("written");
    let text = format!(
        "[secrets.key]\nfile = {secret:?}\n[components.uses-secrets]\n\
         http = [{{ to = 'https://a.test' }}, {{ to = '{origin}', private = true }}]\n\
         secrets = [{{ name = 'key', to = ['https://a.test', '{origin}'], in = ['header', 'body'] }}]"
    );
    let site = site(guests::USES_SECRETS, &text, &folder).await;
    assert_eq!(site.run("sends", json!({ "to": format!("{origin}/") })).await, "done 200");
    let get = format!("{{ to = '{origin}', private = true, methods = [\"GET\"] }}");
    assert_eq!(
        used(&site, Capability::Http),
        [line(0, &[0; 8], None), line(1, &[1, 0, 0, 0, 0, 0, 0, 0], Some(&get))]
    );
    let header = format!("{{ name = 'key', to = [\"{origin}\"], in = [\"header\"] }}");
    // Two placeholders, and the header that one of them was put into.
    assert_eq!(used(&site, Capability::Secrets), [line(3, &[0, 1, 1, 0], Some(&header))]);
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_are_counted_by_reading_and_writing_and_buckets_by_their_names() {
    let (folder, server) = (tempfile::tempdir().expect("a folder"), RedisServer::start());
    let text = format!("[redis]\nurl = {:?}\n[components.uses-redis]\nredis = {{}}", server.url());
    let redis = site(guests::USES_REDIS, &text, &folder).await;
    assert_eq!(redis.run("get", json!({ "key": "k" })).await, "done null");
    let read_only = "{ read_only = true }";
    assert_eq!(used(&redis, Capability::Redis), [line(1, &[1, 0], Some(read_only))]);
    redis.run("put", json!({ "key": "k", "value": "v" })).await;
    assert_eq!(used(&redis, Capability::Redis), [line(2, &[1, 1], None)]);

    let text =
        "[components.uses-keyvalue]\nkeyvalue = { buckets = ['own', 'spare'], shared = ['all'] }";
    let values = site(guests::USES_KEYVALUE, text, &folder).await;
    assert_eq!(values.run("reads-one", json!({ "bucket": "own" })).await, "done null");
    let own = "{ buckets = [\"own\"], shared = ['all'] }";
    assert_eq!(used(&values, Capability::Keyvalue), [line(1, &[1, 0, 0], Some(own))]);
}

#[tokio::test]
async fn models_are_counted_by_their_names() {
    let (folder, origin) = (tempfile::tempdir().expect("a folder"), server().await);
    let text = format!(
        "[inference]\nattempts = 1\n[[inference.providers]]\nkind = 'openai'\nurl = '{origin}'\nmodel = 'small'\n\
         [components.uses-inference]\ninference = {{ models = ['small', 'large'] }}"
    );
    let site = site(guests::USES_INFERENCE, &text, &folder).await;
    // What comes back is no answer of a model; it was allowed to be asked.
    let asked: Value = json!({ "prompt": "how many?", "model": "small" });
    let said = site.run("asks", asked).await;
    assert!(said.starts_with("ask failed with ") && !said.contains("Denied"), "{said}");
    let small = "{ models = [\"small\"] }";
    assert_eq!(used(&site, Capability::Inference), [line(1, &[1, 0], Some(small))]);
}
