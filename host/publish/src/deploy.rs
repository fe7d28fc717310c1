//! Rolling out: what is applied, how far it is, and the way back.

use anyhow::{Context, anyhow, bail};
use futures::StreamExt;
use k8s_openapi::api::apps::v1::Deployment;
use k8s_openapi::api::core::v1::Pod;
use kube::api::{ApiResource, DynamicObject, GroupVersionKind, ListParams, Patch, PatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client};
use serde_json::{Value, json};

use crate::cli::ClusterArgs;
use crate::rolling::{self, Progress};
use crate::{Ended, probe, say};

/// In whose name fields are applied.
pub(crate) const MANAGER: &str = "publish";

/// The workers of a cluster.
pub(crate) struct Target {
    pub(crate) client: Client,
    pub(crate) args: ClusterArgs,
}

impl Target {
    pub(crate) async fn reach(args: &ClusterArgs) -> anyhow::Result<Self> {
        let reached = cluster::reach(args.context.as_deref()).await?;
        Ok(Self { client: reached.client, args: args.clone() })
    }

    fn deployments(&self) -> Api<Deployment> {
        Api::namespaced(self.client.clone(), &self.args.namespace)
    }

    /// How the workers' pods are made now; none where there are no workers yet.
    pub(crate) async fn template(&self) -> anyhow::Result<Option<Value>> {
        let found = self.deployments().get_opt(&self.args.deployment).await;
        let found = found.with_context(|| format!("the Deployment {}", self.args.deployment))?;
        let template = found.and_then(|it| it.spec).map(|spec| spec.template);
        Ok(template.map(serde_json::to_value).transpose()?)
    }

    /// Applies objects, in the order in which they came.
    pub(crate) async fn apply(&self, objects: &[Value], force: bool) -> anyhow::Result<()> {
        let asked = PatchParams { force, ..PatchParams::apply(MANAGER) };
        for object in objects {
            let text = |member: &str| object[member].as_str().unwrap_or_default();
            let name = object["metadata"]["name"].as_str().unwrap_or_default();
            let what = || format!("{} {name}", text("kind"));
            let (group, version) =
                text("apiVersion").rsplit_once('/').unwrap_or(("", text("apiVersion")));
            let kind = GroupVersionKind::gvk(group, version, text("kind"));
            let resource = ApiResource::from_gvk(&kind);
            let objects: Api<DynamicObject> = match object["metadata"]["namespace"].as_str() {
                Some(namespace) => Api::namespaced_with(self.client.clone(), namespace, &resource),
                None => Api::all_with(self.client.clone(), &resource),
            };
            let applied = objects.patch(name, &asked, &Patch::Apply(object)).await;
            applied.map_err(|error| match error {
                kube::Error::Api(status) if status.code == 409 => anyhow!(
                    "{}: {}; `--force-conflicts` takes it from there",
                    what(),
                    status.message
                ),
                error => anyhow::Error::from(error).context(what()),
            })?;
            say::progress(&format!("applied {}", what()));
        }
        Ok(())
    }

    /// Waits until the newest pods serve and the others are gone; answers with one of them.
    pub(crate) async fn wait(&self) -> anyhow::Result<String> {
        let name = &self.args.deployment;
        let limit = self.args.timeout;
        match tokio::time::timeout(limit, self.rolled_out()).await {
            Ok(result) => result,
            Err(_) => {
                bail!("{name} is not rolled out within {} s{}", limit.as_secs(), self.why().await)
            }
        }
    }

    async fn rolled_out(&self) -> anyhow::Result<String> {
        let name = &self.args.deployment;
        let mut seen = Box::pin(watch_object(self.deployments(), name).default_backoff());
        let mut told = None;
        while let Some(next) = seen.next().await {
            let deployment = match next {
                Ok(Some(deployment)) => deployment,
                Ok(None) => bail!("there is no Deployment {name}"),
                // It looks again by itself, and the time is limited.
                Err(error) => {
                    say::progress(&format!("the cluster cannot be asked: {error}"));
                    continue;
                }
            };
            match rolling::judge(&deployment) {
                Progress::Done => return self.newest(&deployment).await,
                Progress::Failed(reason) => {
                    bail!("{name} is not rolled out: {reason}{}", self.why().await)
                }
                Progress::Going { updated, wanted } => {
                    if told.replace(updated) != Some(updated) {
                        say::progress(&format!("{updated} of {wanted} new pods are there"));
                    }
                }
            }
        }
        bail!("watching {name} has ended")
    }

    /// A ready pod of the newest template.
    async fn newest(&self, deployment: &Deployment) -> anyhow::Result<String> {
        let containers = deployment.spec.as_ref().and_then(|spec| spec.template.spec.as_ref());
        let image = containers.and_then(|spec| spec.containers.first()?.image.clone());
        let pods = self.pods(deployment).await?;
        let new = pods
            .into_iter()
            .find(|pod| rolling::is_ready(pod) && rolling::image(pod) == image.as_deref());
        new.and_then(|pod| pod.metadata.name)
            .context("no new pod is ready, although the roll-out is over")
    }

    /// The pods of the workers.
    async fn pods(&self, deployment: &Deployment) -> anyhow::Result<Vec<Pod>> {
        let labels = deployment.spec.as_ref().and_then(|spec| spec.selector.match_labels.clone());
        let labels: Vec<_> = labels
            .unwrap_or_default()
            .into_iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let pods: Api<Pod> = Api::namespaced(self.client.clone(), &self.args.namespace);
        let listed = pods.list(&ListParams::default().labels(&labels.join(","))).await;
        Ok(listed.context("the workers' pods")?.items)
    }

    /// The names of the workers' pods that are ready.
    pub(crate) async fn ready(&self) -> anyhow::Result<Vec<String>> {
        let deployment = self.deployments().get(&self.args.deployment).await;
        let deployment =
            deployment.with_context(|| format!("the Deployment {}", self.args.deployment))?;
        let pods = self.pods(&deployment).await?;
        Ok(pods.into_iter().filter(rolling::is_ready).filter_map(|pod| pod.metadata.name).collect())
    }

    /// What pods wait for, as an end of a sentence.
    async fn why(&self) -> String {
        let found = async {
            let deployment = self.deployments().get(&self.args.deployment).await.ok()?;
            let pods = self.pods(&deployment).await.ok()?;
            pods.iter().find_map(|pod| {
                let name = pod.metadata.name.as_deref()?;
                Some(format!("; the pod {name} is not ready ({})", rolling::trouble(pod)?))
            })
        };
        found.await.unwrap_or_default()
    }

    /// Makes the workers' pods by this template from now on.
    pub(crate) async fn put_template(&self, template: &Value) -> anyhow::Result<()> {
        let patch = Patch::Merge(json!({"spec": {"template": template}}));
        let asked =
            PatchParams { field_manager: Some(MANAGER.to_owned()), ..PatchParams::default() };
        let name = &self.args.deployment;
        let patched = self.deployments().patch(name, &asked, &patch).await;
        patched.map(drop).with_context(|| format!("the Deployment {name} is not changed"))
    }

    /// Waits and looks; where that fails, puts the earlier template back and waits for that.
    pub(crate) async fn settle(
        &self,
        before: Option<Value>,
        revision: Option<&str>,
    ) -> Result<u64, Ended> {
        let looked = async {
            let pod = self.wait().await?;
            say::progress(&format!("looking at the pod {pod}"));
            let (namespace, port) = (&self.args.namespace, self.args.port);
            probe::check(&self.client, namespace, &pod, port, revision).await
        };
        let error = match looked.await {
            Ok(health) => return Ok(health.generation),
            Err(error) => error,
        };
        let Some(before) = before else {
            return Err(Ended::Unknown(
                error.context("there was nothing before that could be gone back to"),
            ));
        };
        say::progress(&format!("{error:#}"));
        say::progress("going back to what ran before");
        let back = async {
            self.put_template(&before).await?;
            self.wait().await
        };
        match back.await {
            Ok(_) => Err(Ended::Failed(error.context("rolled back"))),
            Err(second) => Err(Ended::Unknown(error.context(format!(
                "going back has failed too ({second:#}); see `kubectl -n {} rollout status deployment/{}`",
                self.args.namespace, self.args.deployment
            )))),
        }
    }
}
