//! Whether a roll-out has come to its end. Pure.

use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;

/// How far a roll-out is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Progress {
    /// It goes on.
    Going {
        /// New pods that are there.
        updated: i32,
        /// New pods that are to be there.
        wanted: i32,
    },
    /// All pods are new and ready, and the old ones are gone.
    Done,
    /// The cluster has given up.
    Failed(String),
}

/// What a Deployment's status says of its newest specification.
pub(crate) fn judge(deployment: &Deployment) -> Progress {
    let status = deployment.status.clone().unwrap_or_default();
    let wanted = deployment.spec.as_ref().and_then(|spec| spec.replicas).unwrap_or(1);
    let seen = status.observed_generation >= deployment.metadata.generation;
    let updated = status.updated_replicas.unwrap_or(0);
    if !seen {
        return Progress::Going { updated: 0, wanted };
    }
    let conditions = status.conditions.unwrap_or_default();
    let overdue = conditions.into_iter().find(|condition| {
        condition.type_ == "Progressing"
            && condition.reason.as_deref() == Some("ProgressDeadlineExceeded")
    });
    if let Some(overdue) = overdue {
        return Progress::Failed(overdue.message.unwrap_or_else(|| "no progress".to_owned()));
    }
    let available = status.available_replicas.unwrap_or(0);
    let all = status.replicas.unwrap_or(0);
    if updated >= wanted && all <= updated && available >= updated {
        Progress::Done
    } else {
        Progress::Going { updated, wanted }
    }
}

/// Whether a pod is ready.
pub(crate) fn is_ready(pod: &Pod) -> bool {
    let conditions = pod.status.as_ref().and_then(|status| status.conditions.as_ref());
    conditions.into_iter().flatten().any(|it| it.type_ == "Ready" && it.status == "True")
}

/// Why a pod is not ready, where its containers say so: `worker: ImagePullBackOff`.
pub(crate) fn trouble(pod: &Pod) -> Option<String> {
    let statuses = pod.status.as_ref()?.container_statuses.as_ref()?;
    statuses.iter().find_map(|container| {
        let state = container.state.as_ref().or(container.last_state.as_ref())?;
        let waiting = state.waiting.as_ref().and_then(|it| it.reason.clone());
        let ended = state.terminated.as_ref().and_then(|it| it.reason.clone());
        Some(format!("{}: {}", container.name, waiting.or(ended)?))
    })
}

/// The image of a pod's first container.
pub(crate) fn image(pod: &Pod) -> Option<&str> {
    pod.spec.as_ref()?.containers.first()?.image.as_deref()
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn deployment(status: &Value) -> Deployment {
        let deployment = json!({
            "metadata": {"generation": 2},
            "spec": {"replicas": 3, "selector": {}, "template": {}}, "status": status
        });
        serde_json::from_value(deployment).expect("a deployment")
    }

    #[test]
    fn a_roll_out_is_over_when_all_pods_are_new_and_there() {
        let going = |updated| Progress::Going { updated, wanted: 3 };
        for (status, progress) in [
            (json!({}), going(0)),
            // It has not been looked at since it was changed.
            (
                json!({"observedGeneration": 1, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}),
                going(0),
            ),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 2, "replicas": 4, "availableReplicas": 3}),
                going(2),
            ),
            // An old one still ends its calls.
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 4, "availableReplicas": 4}),
                going(3),
            ),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 2}),
                going(3),
            ),
            (
                json!({"observedGeneration": 2, "updatedReplicas": 3, "replicas": 3, "availableReplicas": 3}),
                Progress::Done,
            ),
            (
                json!({"observedGeneration": 2, "conditions": [{"type": "Progressing", "status": "False",
                    "reason": "ProgressDeadlineExceeded", "message": "too late"}]}),
                Progress::Failed("too late".to_owned()),
            ),
        ] {
            assert_eq!(judge(&deployment(&status)), progress, "{status}");
        }
    }

    #[test]
    fn a_pod_says_what_it_waits_for() {
        let pod = |state: &Value| -> Pod {
            let status = json!({"name": "worker", "image": "", "imageID": "", "ready": false, "restartCount": 0, "state": state});
            serde_json::from_value(json!({"status": {"containerStatuses": [status]}}))
                .expect("a pod")
        };
        let waiting = pod(&json!({"waiting": {"reason": "ImagePullBackOff"}}));
        assert_eq!(trouble(&waiting).as_deref(), Some("worker: ImagePullBackOff"));
        let ended = pod(&json!({"terminated": {"reason": "OOMKilled", "exitCode": 137}}));
        assert_eq!(trouble(&ended).as_deref(), Some("worker: OOMKilled"));
        assert_eq!(trouble(&pod(&json!({"running": {}}))), None);
    }
}
