//! Components without a new image: pushed one by one, then named together in the release that workers follow.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, bail};
use cluster::release::{Release, publish};
use jiff::Timestamp;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::Api;
use oci_client::client::{ClientConfig, ClientProtocol, Config, ImageLayer};
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use protocol::digest::Digest;
use serde_json::json;

use crate::cli::ComponentArgs;
use crate::deploy::{MANAGER, Target};
use crate::journal::{self, Published};
use crate::login::{Account, account};
use crate::{Ended, probe, say};

/// What a component's layer is.
const LAYER: &str = "application/wasm";
/// What an artifact of a component says of itself.
const CONFIG: &str = "application/vnd.wasm.config.v0+json";

/// `publish components`.
pub(crate) async fn run(args: ComponentArgs, json: bool) -> Result<(), Ended> {
    let found = components(&args.folder)?;
    let repository = &args.registry.repository;
    let registry = repository.split_once('/').map_or(repository.as_str(), |(registry, _)| registry);
    let target = Target::reach(&args.cluster).await?;
    let before = release(&target, &args.release).await?;
    let account = account(registry).await?;
    let tag = args.registry.tag.clone();
    let tag = tag.unwrap_or_else(|| Timestamp::now().strftime("%Y%m%d-%H%M%S").to_string());
    let mut references = Vec::new();
    for (name, bytes) in &found {
        let reference = push(repository, name, &tag, bytes, account.as_ref()).await?;
        say::progress(&format!("pushed {reference}"));
        references.push(reference);
    }
    let wanted: BTreeMap<&str, String> =
        found.iter().map(|(name, bytes)| (name.as_str(), Digest::of(bytes).to_string())).collect();
    let newer = Release { components: references.clone(), why: args.why.clone() };
    write(&target, &args, &newer, args.force_conflicts).await?;
    let mut published = Published {
        at: Timestamp::now(),
        what: "components".to_owned(),
        tag,
        references: references.clone(),
        revision: None,
        outcome: "deployed".to_owned(),
    };
    let served = served(&target, &wanted).await;
    let pods = match served {
        Ok(pods) => pods,
        Err(error) => {
            let ended = back(&target, &args, before, error).await;
            let (Ended::Failed(error) | Ended::Unknown(error)) = &ended;
            published.outcome = format!("failed: {error:#}");
            journal::note(&args.log.log, &published)?;
            return Err(ended);
        }
    };
    journal::note(&args.log.log, &published)?;
    let words = format!("{} components serve on {} pods", found.len(), pods.len());
    say::done(json, "components", &json!({"references": references, "pods": pods}), &words);
    Ok(())
}

/// The components of a folder, by their names.
fn components(folder: &Path) -> anyhow::Result<BTreeMap<String, Vec<u8>>> {
    let what = || format!("{}: build components there with `system-bus build`", folder.display());
    let mut found = BTreeMap::new();
    for entry in std::fs::read_dir(folder).with_context(what)? {
        let path = entry.with_context(what)?.path();
        let name = path.file_stem().and_then(|stem| stem.to_str()).unwrap_or_default();
        if path.extension().is_some_and(|it| it == "wasm") && !name.starts_with('.') {
            let bytes = std::fs::read(&path).with_context(|| path.display().to_string())?;
            found.insert(name.to_owned(), bytes);
        }
    }
    if found.is_empty() {
        bail!("there are no components in {}", what());
    }
    Ok(found)
}

fn client(registry: &str) -> Client {
    let host = registry.rsplit_once(':').map_or(registry, |(host, _)| host);
    let plain = matches!(host, "localhost" | "127.0.0.1" | "[::1]").then(|| registry.to_owned());
    Client::new(ClientConfig {
        protocol: ClientProtocol::HttpsExcept(plain.into_iter().collect()),
        ..ClientConfig::default()
    })
}

fn auth(account: Option<&Account>) -> RegistryAuth {
    account.map_or(RegistryAuth::Anonymous, |account| {
        RegistryAuth::Basic(account.user.clone(), account.token.clone())
    })
}

/// The digest that a registry has under a tag.
pub(crate) async fn digest_of(image: &str, account: Option<&Account>) -> anyhow::Result<String> {
    let reference: Reference = image.parse().with_context(|| image.to_owned())?;
    let client = client(reference.registry());
    client.fetch_manifest_digest(&reference, &auth(account)).await.with_context(|| image.to_owned())
}

/// Pushes one; answers with its reference by digest.
async fn push(
    repository: &str,
    name: &str,
    tag: &str,
    bytes: &[u8],
    account: Option<&Account>,
) -> anyhow::Result<String> {
    let place = format!("{repository}/{name}");
    let tagged = format!("{place}:{tag}");
    let reference: Reference = tagged.parse().with_context(|| tagged.clone())?;
    let client = client(reference.registry());
    let layer = ImageLayer::new(bytes.to_vec(), LAYER.to_owned(), None);
    let config = Config::new(b"{}".to_vec(), CONFIG.to_owned(), None);
    let pushed = client.push(&reference, &[layer], config, &auth(account), None).await;
    pushed.with_context(|| format!("{tagged} cannot be pushed"))?;
    let digest = digest_of(&tagged, account).await?;
    Ok(format!("{place}@{digest}"))
}

/// The release as it is now.
async fn release(target: &Target, name: &str) -> anyhow::Result<Option<Release>> {
    let maps: Api<ConfigMap> = Api::namespaced(target.client.clone(), &target.args.namespace);
    let map = maps.get_opt(name).await.with_context(|| format!("the ConfigMap {name}"))?;
    // One that says no release is not worth going back to.
    Ok(map.and_then(|map| Release::parse(&map.data.unwrap_or_default()).ok()))
}

async fn write(
    target: &Target,
    args: &ComponentArgs,
    release: &Release,
    force: bool,
) -> anyhow::Result<()> {
    let (client, namespace) = (target.client.clone(), &target.args.namespace);
    let written = publish(client, namespace, &args.release, release, MANAGER, force).await;
    let hint = if force { "" } else { "; `--force-conflicts` takes it from whoever manages it" };
    written.with_context(|| format!("the release {} is not written{hint}", args.release))?;
    say::progress(&format!("wrote the release {}", args.release));
    Ok(())
}

/// Waits until all ready workers serve these digests; answers with their pods.
async fn served(target: &Target, wanted: &BTreeMap<&str, String>) -> anyhow::Result<Vec<String>> {
    let limit = target.args.timeout;
    let waiting = std::cell::RefCell::new(String::new());
    let looked = async {
        loop {
            match missing(target, wanted).await? {
                Ok(pods) => return anyhow::Ok(pods),
                Err(news) => {
                    if waiting.replace(news.clone()) != news {
                        say::progress(&news);
                    }
                }
            }
            tokio::time::sleep(std::time::Duration::from_millis(500)).await;
        }
    };
    match tokio::time::timeout(limit, looked).await {
        Ok(result) => result,
        Err(_) => {
            bail!("not all workers serve it within {} s: {}", limit.as_secs(), waiting.borrow())
        }
    }
}

/// The pods, or what still differs. Fails where a worker has refused a component: waiting would not help.
async fn missing(
    target: &Target,
    wanted: &BTreeMap<&str, String>,
) -> anyhow::Result<Result<Vec<String>, String>> {
    let pods = target.ready().await?;
    if pods.is_empty() {
        return Ok(Err("no worker is ready".to_owned()));
    }
    for pod in &pods {
        let (namespace, port) = (&target.args.namespace, target.args.port);
        let health = match probe::health(&target.client, namespace, pod, port).await {
            Ok(health) => health,
            Err(error) => return Ok(Err(format!("{error:#}"))),
        };
        let serves = |name: &str, digest: &str| {
            health.components.iter().any(|it| it.name == name && it.digest == digest)
        };
        let late: Vec<_> = wanted
            .iter()
            .filter(|(name, digest)| !serves(name, digest))
            .map(|(name, _)| *name)
            .collect();
        let refused = health.refused.iter().find(|reason| {
            late.iter().any(|name| reason.starts_with(&format!("component {name}:")))
        });
        if let Some(refused) = refused {
            bail!("the pod {pod} refuses: {refused}");
        }
        if !late.is_empty() {
            return Ok(Err(format!("the pod {pod} does not serve yet: {}", late.join(", "))));
        }
    }
    Ok(Ok(pods))
}

/// Puts the earlier release back.
async fn back(
    target: &Target,
    args: &ComponentArgs,
    before: Option<Release>,
    error: anyhow::Error,
) -> Ended {
    let Some(before) = before else {
        return Ended::Unknown(
            error.context("there was no release before that could be gone back to"),
        );
    };
    say::progress(&format!("{error:#}"));
    match write(target, args, &before, true).await {
        Ok(()) => Ended::Failed(error.context("rolled back: the earlier release is written again")),
        Err(second) => {
            Ended::Unknown(error.context(format!("going back has failed too ({second:#})")))
        }
    }
}
