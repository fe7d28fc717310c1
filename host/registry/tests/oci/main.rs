//! Components from OCI registries: a real client against a registry on loopback.

mod shelf;

use std::time::Duration;

use axum::http::StatusCode;
use protocol::digest::Digest;
use registry::folder::{Folder, FolderOptions};
use registry::oci::{Credentials, Oci, OciOptions};
use registry::source::{Found, Origin, Scan, Source, SourceError};
use serde_json::json;
use shelf::Shelf;

const PATIENCE: Duration = Duration::from_secs(20);

fn options(shelf: &Shelf, references: &[&str]) -> OciOptions {
    let full = |reference: &&str| match reference.split_once('=') {
        Some((name, place)) => format!("{name}={}/{place}", shelf.address),
        None => format!("{}/{reference}", shelf.address),
    };
    OciOptions {
        references: references
            .iter()
            .map(|reference| full(reference).parse().expect("a reference"))
            .collect(),
        every: Duration::from_millis(50),
        ..OciOptions::default()
    }
}

async fn until(oci: &Oci, wanted: impl Fn(&Scan) -> bool) -> Scan {
    let search = async {
        loop {
            let scan = oci.scan().await;
            if wanted(&scan) {
                return scan;
            }
            oci.changed().await;
        }
    };
    tokio::time::timeout(PATIENCE, search).await.expect("the wanted state")
}

fn is(scan: &Scan, name: &str, bytes: &[u8]) -> bool {
    scan.components.get(name).and_then(Found::digest) == Some(Digest::of(bytes))
}

async fn bytes_of(scan: &Scan, name: &str) -> Vec<u8> {
    match &scan.components[name] {
        Found::Ready { content, .. } => content.bytes().await.expect("bytes").to_vec(),
        other => panic!("{name} is {other:?}"),
    }
}

fn reason(scan: &Scan, name: &str) -> String {
    match &scan.components[name] {
        Found::Faulty { reason } => reason.clone(),
        other => panic!("{name} is {other:?}"),
    }
}

#[tokio::test]
async fn components_are_pulled_by_tag_and_by_digest() {
    let shelf = Shelf::start().await;
    shelf.push("team/check", "v1", b"by tag");
    let old = "application/vnd.wasm.content.layer.v1+wasm";
    let digest = shelf.push_as("team/audit", "v1", b"by digest", old);
    let pinned = format!("renamed=team/audit@{digest}");
    let oci = Oci::new(options(&shelf, &["team/check:v1", &pinned]));
    let scan = oci.scan().await;
    assert!(scan.troubles.is_empty(), "{scan:?}");
    assert_eq!(bytes_of(&scan, "check").await, b"by tag");
    assert_eq!(bytes_of(&scan, "renamed").await, b"by digest");
    let Found::Ready { origin, .. } = &scan.components["check"] else { panic!("{scan:?}") };
    assert_eq!(origin, &Origin::Reference(format!("{}/team/check:v1", shelf.address)));

    // Asked for again, the bytes are fetched again: nothing keeps them.
    drop(scan);
    assert_eq!(bytes_of(&oci.scan().await, "check").await, b"by tag");

    // The tag is asked for again and again, the digest was asked for once.
    let asked = shelf.asked("team/check/manifests/v1");
    let pinned = shelf.asked("team/audit/manifests/");
    let changed = tokio::time::timeout(Duration::from_millis(500), oci.changed()).await;
    assert!(changed.is_err(), "nothing has changed");
    assert!(shelf.asked("team/check/manifests/v1") > asked);
    assert_eq!(shelf.asked("team/audit/manifests/"), pinned);
}

#[tokio::test]
async fn a_tag_that_moves_is_a_change() {
    let shelf = Shelf::start().await;
    shelf.push("check", "live", b"one");
    let oci = Oci::new(options(&shelf, &["check:live"]));
    assert!(is(&oci.scan().await, "check", b"one"));
    shelf.push("check", "live", b"two");
    assert!(is(&oci.scan().await, "check", b"one"), "a scan asks nobody again");
    tokio::time::timeout(PATIENCE, oci.changed()).await.expect("a change");
    let scan = oci.scan().await;
    assert!(is(&scan, "check", b"two"));
    assert_eq!(bytes_of(&scan, "check").await, b"two");
    // Somebody who has just pushed need not wait.
    shelf.push("check", "live", b"three");
    oci.refresh().await;
    assert!(is(&oci.scan().await, "check", b"three"));
    // A run may still need the first.
    let digest = Digest::of(b"one");
    assert_eq!(oci.fetch(&digest).await.unwrap().as_deref(), Some(b"one".as_slice()));
}

#[tokio::test]
async fn an_old_component_is_found_in_any_repository() {
    let shelf = Shelf::start().await;
    shelf.push("a", "v1", b"a");
    shelf.push("b", "v1", b"b");
    let oci = Oci::new(options(&shelf, &["a:v1", "again=a:v1", "b:v1"]));
    let found = oci.fetch(&Digest::of(b"b")).await.unwrap();
    assert_eq!(found.as_deref(), Some(b"b".as_slice()));
    assert_eq!(shelf.asked("/v2/a/blobs/"), 1, "a repository is asked once");
    assert_eq!(oci.fetch(&Digest::of(b"nobody's")).await, Ok(None));
    // One that cannot be asked might have it.
    shelf.content().broken = Some(StatusCode::SERVICE_UNAVAILABLE);
    let error = oci.fetch(&Digest::of(b"b")).await.expect_err("nobody can be asked");
    assert!(
        matches!(&error, SourceError::Registry { reason, .. } if reason.contains("503")),
        "{error}"
    );
}

#[tokio::test]
async fn wrong_bytes_are_not_taken() {
    let shelf = Shelf::start().await;
    shelf.push("check", "v1", b"right");
    shelf.spoil("check", b"right", b"wrong");
    let oci = Oci::new(options(&shelf, &["check:v1"]));
    let scan = oci.scan().await;
    assert!(reason(&scan, "check").contains("check:v1 cannot be asked for"), "{scan:?}");
    assert!(oci.fetch(&Digest::of(b"right")).await.is_err());
    // It may have been the way; it is tried again.
    shelf.spoil("check", b"right", b"right");
    until(&oci, |scan| is(scan, "check", b"right") && scan.troubles.is_empty()).await;
}

#[tokio::test]
async fn what_is_no_component_is_faulty_with_the_reason() {
    let shelf = Shelf::start().await;
    shelf.push_as("image", "v1", b"layer", "application/vnd.oci.image.layer.v1.tar+gzip");
    shelf.push("large", "v1", &[7; 1_001]);
    shelf.push_manifest("old", "v1", &json!({"schemaVersion": 1}));
    let options = OciOptions {
        largest: 1_000,
        ..options(&shelf, &["image:v1", "large:v1", "old:v1", "absent:v1"])
    };
    let oci = Oci::new(options);
    let scan = oci.scan().await;
    assert!(reason(&scan, "image").contains("tar+gzip"), "{scan:?}");
    assert!(reason(&scan, "large").contains("too large: 1001 bytes"), "{scan:?}");
    assert!(reason(&scan, "old").contains("is no component"), "{scan:?}");
    assert!(reason(&scan, "absent").contains("there is none"), "{scan:?}");
    assert_eq!(shelf.asked("/blobs/"), 0, "nothing of that was downloaded");
}

#[tokio::test]
async fn a_layer_that_is_larger_than_it_says_is_not_read_to_its_end() {
    let shelf = Shelf::start().await;
    shelf.push("check", "v1", b"small");
    shelf.spoil("check", b"small", &vec![0; 1 << 20]);
    let oci = Oci::new(OciOptions { largest: 1_000, ..options(&shelf, &["check:v1"]) });
    let scan = oci.scan().await;
    assert!(reason(&scan, "check").contains("more than the 1000 bytes"), "{scan:?}");
}

#[tokio::test]
async fn an_index_leads_to_the_manifest_for_webassembly() {
    let shelf = Shelf::start().await;
    let amd = shelf.push("check", "amd", b"for another machine");
    let wasm = shelf.push("check", "wasm", b"for us");
    let entry = |digest: &str, architecture: &str| {
        json!({
            "mediaType": "application/vnd.oci.image.manifest.v1+json",
            "digest": digest, "size": 1,
            "platform": {"os": "linux", "architecture": architecture},
        })
    };
    let index = json!({
        "schemaVersion": 2,
        "mediaType": "application/vnd.oci.image.index.v1+json",
        "manifests": [entry(&amd, "amd64"), entry(&wasm, "wasm")],
    });
    shelf.push_manifest("check", "v1", &index);
    let oci = Oci::new(options(&shelf, &["check:v1"]));
    assert!(is(&oci.scan().await, "check", b"for us"));
}

#[tokio::test]
async fn a_registry_that_is_away_changes_nothing() {
    let shelf = Shelf::start().await;
    shelf.push("check", "live", b"one");
    let oci = Oci::new(options(&shelf, &["check:live"]));
    oci.scan().await;
    for status in [StatusCode::BAD_GATEWAY, StatusCode::TOO_MANY_REQUESTS, StatusCode::NOT_FOUND] {
        shelf.content().broken = Some(status);
        let scan =
            until(&oci, |scan| scan.troubles.iter().any(|t| t.contains(status.as_str()))).await;
        assert!(is(&scan, "check", b"one"), "{scan:?}");
        assert!(scan.troubles[0].contains("what was known of it stays in use"), "{scan:?}");
    }
    shelf.content().broken = None;
    shelf.push("check", "live", b"two");
    until(&oci, |scan| is(scan, "check", b"two") && scan.troubles.is_empty()).await;
}

#[tokio::test]
async fn a_start_does_not_wait_for_a_slow_registry() {
    let shelf = Shelf::start().await;
    shelf.push("check", "v1", b"one");
    shelf.content().slow = Some(Duration::from_hours(1));
    let oci = Oci::new(OciOptions {
        patience: Duration::from_millis(100),
        limit: Duration::from_millis(200),
        ..options(&shelf, &["check:v1"])
    });
    let scan = tokio::time::timeout(PATIENCE, oci.scan()).await.expect("a scan");
    assert!(matches!(scan.components["check"], Found::Unsettled), "{scan:?}");
    let scan = until(&oci, |scan| !scan.troubles.is_empty()).await;
    assert!(reason(&scan, "check").contains("no answer within 200ms"), "{scan:?}");
    shelf.content().slow = None;
    until(&oci, |scan| is(scan, "check", b"one")).await;
}

#[tokio::test]
async fn a_registry_that_nobody_listens_for_is_told() {
    let shelf = Shelf::start().await;
    let options = options(&shelf, &["check:v1"]);
    drop(shelf);
    let oci = Oci::new(options);
    let scan = until(&oci, |scan| matches!(scan.components["check"], Found::Faulty { .. })).await;
    assert!(!scan.troubles.is_empty(), "{scan:?}");
}

#[tokio::test]
async fn a_token_is_fetched_with_the_login_and_renewed_when_refused() {
    let shelf = Shelf::start().await;
    shelf.push("check", "live", b"one");
    let login = |token: &str| Some(("me".to_owned(), "secret".to_owned(), token.to_owned()));
    shelf.content().login = login("first");
    let registry = shelf.address.to_string();

    let stranger = Oci::new(options(&shelf, &["check:live"]));
    let scan = stranger.scan().await;
    assert!(reason(&scan, "check").contains("it wants a login"), "{scan:?}");

    let config = json!({"auths": {&registry: {"username": "me", "password": "secret"}}});
    let credentials = Credentials::from_docker_config(&config.to_string()).unwrap();
    let oci = Oci::new(OciOptions { credentials, ..options(&shelf, &["check:live"]) });
    assert!(is(&oci.scan().await, "check", b"one"));
    shelf.content().login = login("second");
    shelf.push("check", "live", b"two");
    until(&oci, |scan| is(scan, "check", b"two") && scan.troubles.is_empty()).await;
}

#[tokio::test]
async fn plain_http_is_for_this_machine_and_where_it_is_asked_for() {
    let oci = |plain_http: &[&str]| {
        Oci::new(OciOptions {
            references: vec!["registry.invalid:5000/check:v1".parse().unwrap()],
            plain_http: plain_http.iter().map(|&registry| registry.to_owned()).collect(),
            ..OciOptions::default()
        })
    };
    // The name leads nowhere, so the address that was tried is told.
    let told = reason(&oci(&["other.invalid"]).scan().await, "check");
    assert!(told.contains("https://registry.invalid:5000/"), "{told}");
    let told = reason(&oci(&["registry.invalid:5000"]).scan().await, "check");
    assert!(told.contains("http://registry.invalid:5000/"), "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_folder_and_a_registry_are_one_source() {
    let shelf = Shelf::start().await;
    shelf.push("remote", "v1", b"remote");
    shelf.push("both", "v1", b"remote both");
    let dir = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(dir.path().join(name), bytes).unwrap();
    write("local.wasm", b"local");
    write("both.wasm", b"local both");
    let folder = Folder::new(dir.path(), FolderOptions::default());
    let oci = Oci::new(options(&shelf, &["remote:v1", "both:v1"]));
    let source = Source::new(Some(folder), Some(oci));
    let scan = source.scan().await;
    assert!(is(&scan, "local", b"local") && is(&scan, "remote", b"remote"), "{scan:?}");
    assert!(reason(&scan, "both").starts_with("two components are called both"), "{scan:?}");
    for bytes in [b"local".as_slice(), b"remote"] {
        let fetched = source.fetch(&Digest::of(bytes)).await.unwrap();
        assert_eq!(fetched.as_deref(), Some(bytes));
    }
    std::fs::remove_file(dir.path().join("both.wasm")).unwrap();
    tokio::time::timeout(PATIENCE, source.changed()).await.expect("a change of the folder");
    assert!(is(&source.scan().await, "both", b"remote both"));
    shelf.push("remote", "v1", b"newer");
    tokio::time::timeout(PATIENCE, source.changed()).await.expect("a change of the registry");
    assert!(is(&source.scan().await, "remote", b"newer"));
}
