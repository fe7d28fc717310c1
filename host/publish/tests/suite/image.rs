//! Images.

use serde_json::json;

use crate::{REVISION, Site, TOKEN, code, program, said};

const SETTINGS: &str = "/api/v1/namespaces/system-bus/configmaps/settings";

/// The words of `publish image` for this site.
fn words<'a>(repository: &'a str, tag: &'a str, further: &[&'a str]) -> Vec<&'a str> {
    [&["--json", "image", "--repository", repository, "--tag", tag, "--timeout", "60"], further]
        .concat()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_image_is_built_pushed_rolled_out_and_looked_at() {
    let site = Site::start().await;
    site.rolls(&[]).await;
    let digest = site.registry.put("team/bus", "one", "{\"the\": \"first\"}");
    let repository = format!("{}/team/bus", site.registry.address);
    let output = site.publish(&words(&repository, "one", &[])).await;
    assert_eq!(code(&output), 0, "{output:?}");
    let image = format!("{repository}:one@{digest}");
    let result = &said(&output)["result"];
    assert_eq!((&result["image"], &result["deployed"]), (&json!(image), &json!(true)));
    assert_eq!((site.wanted(), &result["generation"]), (image.clone(), &json!(7)));
    assert!(site.api.object(SETTINGS).is_some(), "what is beside it is applied too");

    // In this order, for the other kind of processor, and with both tags (R69, R70, R72).
    let calls = site.lines("calls");
    let position = |part: &str| calls.iter().position(|call| call.contains(part)).expect(part);
    let order = [
        position("git rev-parse"),
        position("kubectl kustomize k8s/overlays/production"),
        position("docker login"),
        position("docker build --platform linux/arm64"),
        position(&format!("docker push {repository}:one")),
        position(&format!("docker push {repository}:latest")),
    ];
    assert!(order.is_sorted(), "{calls:?}");
    let build = &calls[order[3]];
    assert!(
        build.contains(&format!("REVISION={REVISION}")) && build.contains(":latest"),
        "{build}"
    );
    let asked: Vec<_> =
        site.api.asked().into_iter().map(|it| format!("{} {}", it.method, it.path)).collect();
    let applied = asked
        .iter()
        .position(|it| it.starts_with("PATCH") && it.ends_with("/deployments/system-bus-worker"));
    let probed = asked.iter().position(|it| it.ends_with(":3111/proxy/readyz"));
    assert!(applied.is_some() && applied < probed, "{asked:?}");
    let namespace = asked
        .iter()
        .position(|it| it.starts_with("PATCH") && it.ends_with("/namespaces/system-bus"));
    assert!(namespace.is_some() && namespace < applied, "{asked:?}");

    // The token is read and never said; the configuration was thrown away, and nobody's own was touched (R71).
    assert_eq!(site.lines("read"), [TOKEN]);
    let all = format!("{calls:?} {}", String::from_utf8_lossy(&output.stderr));
    assert!(!all.contains(TOKEN), "{all}");
    let configs = site.lines("configs");
    assert!(
        !configs.is_empty() && configs.iter().all(|it| !std::path::Path::new(it).exists()),
        "{configs:?}"
    );
    assert!(!site.folder.path().join(".docker").exists());

    // It is noted, and can be gone back to by its tag (R85).
    site.registry.put("team/bus", "two", "{\"the\": \"second\"}");
    let output = site.publish(&words(&repository, "two", &[])).await;
    assert_eq!(code(&output), 0, "{output:?}");
    assert_ne!(site.wanted(), image);
    let output = site.publish(&["--json", "rollback", "--timeout", "60"]).await;
    assert_eq!(code(&output), 0, "{output:?}");
    assert_eq!((site.wanted(), &said(&output)["result"]["image"]), (image.clone(), &json!(image)));
    let log = said(&site.publish(&["--json", "log"]).await);
    let log = log["result"]["published"].as_array().expect("a list");
    let log: Vec<_> = log.iter().map(|it| (it["what"].as_str(), it["tag"].as_str())).collect();
    let wanted = [("rollback", "one"), ("image", "two"), ("image", "one")];
    assert_eq!(log, wanted.map(|(what, tag)| (Some(what), Some(tag))));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_fails_is_rolled_back_or_says_that_it_is_not() {
    let site = Site::start().await;
    site.rolls(&["never"]).await;
    let repository = format!("{}/team/bus", site.registry.address);
    let before = site.wanted();
    // Pods that never come.
    site.registry.put("team/bus", "never", "{\"no\": 1}");
    let output = site.publish(&words(&repository, "never", &[])).await;
    let message = said(&output)["error"]["message"].to_string();
    assert_eq!((code(&output), site.wanted()), (1, before.clone()), "{output:?}");
    assert!(message.contains("rolled back") && message.contains("ImagePullBackOff"), "{message}");
    // Pods that are of something else.
    site.health.lock().expect("a lock")["revision"] = json!("another");
    site.registry.put("team/bus", "odd", "{\"odd\": 1}");
    let output = site.publish(&words(&repository, "odd", &[])).await;
    let message = said(&output)["error"]["message"].to_string();
    assert_eq!((code(&output), site.wanted()), (1, before.clone()), "{output:?}");
    assert!(message.contains("runs the revision another"), "{message}");
    // Going back fails as well: nobody knows what runs.
    site.api.put(crate::DEPLOYMENT, crate::deployment(&site.image("never-before")));
    while site.api.object(crate::DEPLOYMENT).expect("it is there")["status"]["observedGeneration"]
        .is_null()
    {
        tokio::task::yield_now().await;
    }
    let output = site.publish(&words(&repository, "odd", &[])).await;
    assert_eq!(code(&output), 3, "{output:?}");
    assert!(said(&output)["error"]["message"].to_string().contains("going back has failed too"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_cannot_be_done_changes_nothing() {
    let site = Site::start().await;
    site.rolls(&[]).await;
    let repository = format!("{}/team/bus", site.registry.address);
    let before = site.wanted();
    let fails = async |what: &str, further: &[&str]| {
        let output = site.publish(&words(&repository, "one", further)).await;
        let message = said(&output)["error"]["message"].to_string();
        assert_eq!((code(&output), site.wanted()), (1, before.clone()), "{output:?}");
        assert!(message.contains(what), "{message}");
        let left = site.lines("configs");
        assert!(left.iter().all(|it| !std::path::Path::new(it).exists()), "{left:?}");
    };
    // The registry refuses.
    program(site.folder.path(), "docker", "case $1 in push) exit 1;; esac");
    fails("docker push", &[]).await;
    program(site.folder.path(), "docker", "");
    // Something was not committed.
    program(
        site.folder.path(),
        "git",
        &format!("case $1 in rev-parse) echo {REVISION};; *) echo ' M a';; esac"),
    );
    fails("--allow-dirty", &[]).await;
    // Somebody else manages a field.
    site.registry.put("team/bus", "one", "{\"the\": \"first\"}");
    let map = json!({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "settings"}, "data": {"a": "2"}});
    let maps: kube::Api<k8s_openapi::api::core::v1::ConfigMap> =
        kube::Api::namespaced(site.api.client(), "system-bus");
    let by = kube::api::PatchParams::apply("kubectl");
    maps.patch("settings", &by, &kube::api::Patch::Apply(map)).await.expect("applied");
    fails("--force-conflicts", &["--allow-dirty"]).await;
    // Nobody may do this, any more.
    site.api.require_token("another");
    fails("Unauthorized", &["--allow-dirty"]).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_step_can_be_printed_and_typed() {
    let site = Site::start().await;
    let output = site
        .publish(&[
            "image",
            "--repository",
            "registry.example/team/bus",
            "--tag",
            "one",
            "--builder",
            "docker",
            "--print",
        ])
        .await;
    let config =
        "DOCKER_CONFIG=/tmp/publish-docker REGISTRY_AUTH_FILE=/tmp/publish-docker/config.json";
    let wanted = format!(
        "mkdir -m 700 /tmp/publish-docker
gh auth token | {config} docker login registry.example --username YOU --password-stdin
{config} docker build --platform linux/arm64 --build-arg REVISION=$(git rev-parse HEAD) --build-arg VERSION=one --tag registry.example/team/bus:one --tag registry.example/team/bus:latest .
{config} docker push registry.example/team/bus:one
{config} docker push registry.example/team/bus:latest
rm -r /tmp/publish-docker
kubectl kustomize k8s/overlays/production | kubectl apply --server-side --field-manager publish -f -
kubectl -n system-bus set image deployment/system-bus-worker '*=registry.example/team/bus:one'
kubectl -n system-bus rollout status deployment/system-bus-worker --timeout=180s
kubectl -n system-bus get pods
kubectl get --raw /api/v1/namespaces/system-bus/pods/POD:3111/proxy/readyz
# where that fails: kubectl -n system-bus rollout undo deployment/system-bus-worker
"
    );
    assert_eq!((String::from_utf8_lossy(&output.stdout).into_owned(), code(&output)), (wanted, 0));
    assert!(site.lines("calls").is_empty() && site.api.asked().is_empty(), "nothing was done");
}
