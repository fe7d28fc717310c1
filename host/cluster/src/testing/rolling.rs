//! `Deployment`s and `StatefulSet`s that bring pods up: one at a time, none of the old ones down before a new one is ready.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::path::Key;
use super::{State, lock};

/// What becomes of a pod.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Fate {
    /// It is ready, and answers there.
    Ready(SocketAddr),
    /// It never is, for this reason: `ImagePullBackOff`.
    Never(String),
}

/// Starts pods.
pub trait Pods: Send + Sync + 'static {
    /// Starts one by its template; answers when it is clear what becomes of it.
    fn start(&self, name: &str, template: &Value) -> impl Future<Output = Fate> + Send;
}

impl<F, R> Pods for F
where
    F: Fn(String, Value) -> R + Send + Sync + 'static,
    R: Future<Output = Fate> + Send,
{
    fn start(&self, name: &str, template: &Value) -> impl Future<Output = Fate> + Send {
        self(name.to_owned(), template.clone())
    }
}

/// Brings up whatever is not as its specification says, until it is stopped.
pub(super) async fn run(state: Arc<State>, pods: impl Pods) {
    let mut news = state.news.subscribe();
    loop {
        news.borrow_and_update();
        while let Some((key, workload)) = outdated(&state) {
            roll(&state, &pods, key, workload).await;
        }
        if news.changed().await.is_err() {
            return;
        }
    }
}

/// A workload that nobody has looked at since it was changed.
fn outdated(state: &State) -> Option<(Key, Value)> {
    let store = lock(&state.store);
    ["deployments", "statefulsets"].into_iter().find_map(|plural| {
        let at = super::path::Path::parse(&format!("/apis/apps/v1/{plural}"))?;
        let object = store.list(&at).into_iter().find(|object| {
            object["status"]["observedGeneration"] != object["metadata"]["generation"]
        })?;
        let mut key = at.named(object["metadata"]["name"].as_str()?);
        key.namespace = object["metadata"]["namespace"].as_str().map(str::to_owned);
        Some((key, object.clone()))
    })
}

fn hash(template: &Value) -> String {
    let mut hasher = DefaultHasher::new();
    template.to_string().hash(&mut hasher);
    format!("{:010x}", hasher.finish() & 0xff_ffff_ffff)
}

async fn roll(state: &State, pods: &impl Pods, key: Key, workload: Value) {
    let template = workload["spec"]["template"].clone();
    let hash = hash(&template);
    let wanted = workload["spec"]["replicas"].as_u64().unwrap_or(1);
    let seen = workload["metadata"]["generation"].clone();
    let place = |plural: &str, version: &str, name: String| Key {
        version: version.to_owned(),
        plural: plural.to_owned(),
        namespace: key.namespace.clone(),
        name,
    };
    let set = place("replicasets", "apps/v1", format!("{}-{hash}", key.name));
    state.change(|store| {
        // Of a template that was there before, the set is there too, and becomes the newest again.
        let siblings = store.list(&super::path::Path {
            version: "apps/v1".to_owned(),
            namespace: key.namespace.clone(),
            plural: "replicasets".to_owned(),
            name: None,
            rest: None,
        });
        let revision = |set: &&Value| {
            let text = set["metadata"]["annotations"]["deployment.kubernetes.io/revision"].as_str();
            text.and_then(|text| text.parse::<u64>().ok()).unwrap_or(0)
        };
        let newest = siblings.iter().map(revision).max().unwrap_or(0);
        let mut labels = template["metadata"]["labels"].clone();
        labels["pod-template-hash"] = json!(hash);
        let set_object = json!({
            "apiVersion": "apps/v1", "kind": "ReplicaSet",
            "metadata": {
                "labels": labels,
                "annotations": {"deployment.kubernetes.io/revision": (newest + 1).to_string()},
                "ownerReferences": [{"apiVersion": "apps/v1", "kind": workload["kind"],
                    "name": key.name, "uid": workload["metadata"]["uid"], "controller": true}]
            },
            "spec": {"replicas": wanted, "template": template}
        });
        store.put(set.clone(), set_object);
        tell(store, &key, &seen, wanted, 0, None);
    });
    for number in 0..wanted {
        let name = format!("{}-{number}", set.name);
        let mut pod = json!({
            "apiVersion": "v1", "kind": "Pod",
            "metadata": {"labels": template["metadata"]["labels"]},
            "spec": template["spec"], "status": {"phase": "Pending"}
        });
        pod["metadata"]["labels"]["pod-template-hash"] = json!(hash);
        let at = place("pods", "v1", name.clone());
        if lock(&state.store).get(&at).is_some_and(|pod| pod["status"]["phase"] == "Running") {
            continue;
        }
        state.change(|store| drop(store.put(at.clone(), pod.clone())));
        match pods.start(&name, &template).await {
            Fate::Ready(address) => {
                let namespace = key.namespace.clone().unwrap_or_default();
                lock(&state.pods).insert((namespace, name), address);
                pod["status"] = json!({
                    "phase": "Running", "conditions": [{"type": "Ready", "status": "True"}],
                    "containerStatuses": [{"name": "worker", "ready": true, "restartCount": 0,
                        "image": "", "imageID": "", "state": {"running": {}}}]
                });
                state.change(|store| {
                    store.put(at, pod);
                    tell(store, &key, &seen, wanted, number + 1, None);
                    retire(store, &key, &hash, wanted - number - 1);
                });
            }
            Fate::Never(reason) => {
                pod["status"] = json!({
                    "phase": "Pending", "conditions": [{"type": "Ready", "status": "False"}],
                    "containerStatuses": [{"name": "worker", "ready": false, "restartCount": 0,
                        "image": "", "imageID": "", "state": {"waiting": {"reason": reason}}}]
                });
                state.change(|store| {
                    store.put(at, pod);
                    tell(store, &key, &seen, wanted, number, Some("ProgressDeadlineExceeded"));
                });
                return;
            }
        }
    }
    state.change(|store| {
        retire(store, &key, &hash, 0);
        tell(store, &key, &seen, wanted, wanted, Some("NewReplicaSetAvailable"));
    });
}

/// Takes old pods of a workload away until so many are left.
fn retire(store: &mut super::store::Store, key: &Key, hash: &str, left: u64) {
    let at = super::path::Path {
        version: "v1".to_owned(),
        namespace: key.namespace.clone(),
        plural: "pods".to_owned(),
        name: None,
        rest: None,
    };
    let prefix = format!("{}-", key.name);
    let old: Vec<_> = store
        .list(&at)
        .into_iter()
        .filter(|pod| pod["metadata"]["labels"]["pod-template-hash"] != json!(hash))
        .filter_map(|pod| pod["metadata"]["name"].as_str().map(str::to_owned))
        .filter(|name| name.starts_with(&prefix))
        .collect();
    let surplus = old.len().saturating_sub(usize::try_from(left).unwrap_or(usize::MAX));
    for name in old.into_iter().take(surplus) {
        store.delete(&at.named(&name));
    }
}

/// Writes the status of a workload.
fn tell(
    store: &mut super::store::Store,
    key: &Key,
    seen: &Value,
    wanted: u64,
    updated: u64,
    reason: Option<&str>,
) {
    let Some(mut object) = store.get(key).cloned() else { return };
    let reason = reason.unwrap_or("ReplicaSetUpdated");
    let fine = reason != "ProgressDeadlineExceeded";
    object["status"] = json!({
        "observedGeneration": seen, "replicas": wanted, "updatedReplicas": updated,
        "readyReplicas": if fine { wanted } else { updated }, "availableReplicas": wanted,
        "conditions": [
            {"type": "Progressing", "status": if fine { "True" } else { "False" }, "reason": reason,
                "message": format!("{} of {wanted} new pods are up", updated)},
            {"type": "Available", "status": "True", "reason": "MinimumReplicasAvailable"}
        ]
    });
    store.put(key.clone(), object);
}
