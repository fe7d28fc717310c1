//! The release: which components all workers run, as a `ConfigMap` says it. Whoever writes it there deploys.
//!
//! ```yaml
//! apiVersion: v1
//! kind: ConfigMap
//! metadata: { name: system-bus-release }
//! data:
//!   components: |
//!     registry.example/functions/billing@sha256:…
//!     registry.example/functions/mail:stable
//!   why: totals are rounded
//! ```
//!
//! Workers never lose a component because they cannot ask: while the API server is away, while the map is gone or says what
//! cannot be meant, the last release that was good stays.

use std::collections::BTreeMap;
use std::time::Duration;

use futures::StreamExt;
use k8s_openapi::api::core::v1::ConfigMap;
use kube::api::{ObjectMeta, Patch, PatchParams};
use kube::runtime::WatchStreamExt;
use kube::runtime::watcher::Error::WatchStartFailed;
use kube::runtime::watcher::watch_object;
use kube::{Api, Client};
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Where references stand, one a line.
const COMPONENTS: &str = "components";
/// Where it says why.
const WHY: &str = "why";

/// The pause before a watch begins anew.
const ANEW: Duration = Duration::from_millis(500);

/// What all workers are to run.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Release {
    /// References into OCI registries, as a worker's `--oci` takes them.
    pub components: Vec<String>,
    /// Why, for the activation log.
    pub why: Option<String>,
}

/// A map that says no release.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ReleaseError {
    /// There is something in it that nobody reads.
    #[error("{0:?} is no part of a release, which has `components` and `why`")]
    Unknown(String),
    /// It names no component at all. Workers without functions are never meant.
    #[error(
        "it names no components: write one reference into a registry on each line of `components`"
    )]
    Empty,
    /// A line that is no reference.
    #[error("{0:?} is no reference: it has a space in it")]
    Line(String),
    /// The same reference twice.
    #[error("{0:?} is there twice")]
    Twice(String),
}

impl Release {
    /// Reads the data of a `ConfigMap`. Lines that are empty or begin with `#` say nothing.
    ///
    /// # Errors
    /// Where it cannot be what somebody meant.
    pub fn parse(data: &BTreeMap<String, String>) -> Result<Self, ReleaseError> {
        if let Some(other) = data.keys().find(|key| ![COMPONENTS, WHY].contains(&key.as_str())) {
            return Err(ReleaseError::Unknown(other.clone()));
        }
        let lines = data.get(COMPONENTS).map(String::as_str).unwrap_or_default().lines();
        let mut components = Vec::new();
        for line in lines.map(str::trim).filter(|it| !it.is_empty() && !it.starts_with('#')) {
            if line.contains(char::is_whitespace) {
                return Err(ReleaseError::Line(line.to_owned()));
            }
            if components.iter().any(|known| known == line) {
                return Err(ReleaseError::Twice(line.to_owned()));
            }
            components.push(line.to_owned());
        }
        if components.is_empty() {
            return Err(ReleaseError::Empty);
        }
        let why = data.get(WHY).map(|why| why.trim()).filter(|why| !why.is_empty());
        Ok(Self { components, why: why.map(str::to_owned) })
    }

    /// The data of the `ConfigMap` that says it.
    pub fn data(&self) -> BTreeMap<String, String> {
        let lines = self.components.join("\n") + "\n";
        let why = self.why.iter().map(|why| (WHY.to_owned(), why.clone()));
        std::iter::once((COMPONENTS.to_owned(), lines)).chain(why).collect()
    }
}

/// What a watch knows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Known {
    /// Whether there was an answer at all, of whatever kind.
    pub looked: bool,
    /// The last release that was good.
    pub release: Option<Release>,
    /// The version of the map that it was read from.
    pub version: Option<String>,
    /// What keeps this from being up to date, and what helps.
    pub trouble: Option<String>,
}

/// Watches the release. Ends when it is stopped.
pub async fn follow(
    client: Client,
    namespace: &str,
    name: &str,
    known: watch::Sender<Known>,
    stop: CancellationToken,
) {
    let maps: Api<ConfigMap> = Api::namespaced(client, namespace);
    let place = format!("the ConfigMap {namespace}/{name}");
    // It looks again by itself: when a watch is cut, when it is told that what it knew is too old, and when it was refused.
    let mut seen = Box::pin(watch_object(maps.clone(), name).default_backoff());
    loop {
        let next = tokio::select! {
            () = stop.cancelled() => return,
            next = seen.next() => next,
        };
        let Some(next) = next else { return };
        if matches!(&next, Err(WatchStartFailed(kube::Error::Api(status))) if status.code == 410) {
            // Told before the watch has begun, it would ask for the same again for ever. A new one begins with a list.
            tokio::select! {
                () = stop.cancelled() => return,
                () = tokio::time::sleep(ANEW) => {}
            }
            seen = Box::pin(watch_object(maps.clone(), name).default_backoff());
            continue;
        }
        let told = match next {
            Ok(Some(map)) => take(&map).map_err(|error| {
                format!("{place} says no release: {error}; what it said before stays in use")
            }),
            Ok(None) => Err(format!(
                "{place} is not there; what it said before stays in use, and `publish components` makes it"
            )),
            Err(error) => Err(format!(
                "{place} cannot be watched: {}; what it said before stays in use",
                chain(&error)
            )),
        };
        known.send_if_modified(|known| learn(known, told));
    }
}

/// A release and its version.
fn take(map: &ConfigMap) -> Result<(Release, Option<String>), ReleaseError> {
    let nothing = BTreeMap::new();
    let release = Release::parse(map.data.as_ref().unwrap_or(&nothing))?;
    Ok((release, map.metadata.resource_version.clone()))
}

/// Takes news in; says whether they are any.
fn learn(known: &mut Known, told: Result<(Release, Option<String>), String>) -> bool {
    let before = known.clone();
    known.looked = true;
    match told {
        Ok((release, version)) => {
            known.trouble = None;
            // The version changes with labels too: it is news only with a release.
            if known.release.as_ref() != Some(&release) {
                tracing::info!(
                    components = release.components.len(),
                    "there is a release to follow"
                );
                *known = Known { looked: true, release: Some(release), version, trouble: None };
            }
        }
        Err(trouble) => {
            if known.trouble.as_ref() != Some(&trouble) {
                tracing::warn!("{trouble}");
            }
            known.trouble = Some(trouble);
        }
    }
    *known != before
}

/// An error with what caused it, to the last.
fn chain(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    let mut said: Vec<String> = causes.map(ToString::to_string).collect();
    // Some repeat their causes in their own words.
    said.dedup_by(|later, earlier| earlier.contains(later.as_str()));
    said.join(": ")
}

/// Writes a release, by server-side apply in the name of `manager`.
///
/// # Errors
/// As the API server refuses it: a conflict where somebody else manages it, unless `force` is set.
pub async fn publish(
    client: Client,
    namespace: &str,
    name: &str,
    release: &Release,
    manager: &str,
    force: bool,
) -> Result<ConfigMap, kube::Error> {
    let map = ConfigMap {
        metadata: ObjectMeta { name: Some(name.to_owned()), ..ObjectMeta::default() },
        data: Some(release.data()),
        ..ConfigMap::default()
    };
    let asked = PatchParams { force, ..PatchParams::apply(manager) };
    Api::<ConfigMap>::namespaced(client, namespace).patch(name, &asked, &Patch::Apply(&map)).await
}

#[cfg(test)]
mod tests {
    use super::*;

    fn data(members: &[(&str, &str)]) -> BTreeMap<String, String> {
        members.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    #[test]
    fn a_release_is_read_as_it_is_written() {
        let text = "\n# ours\n a/b@sha256:1 \nc/d:stable\n";
        let release = Release::parse(&data(&[("components", text), ("why", " because ")]));
        let release = release.expect("a release");
        assert_eq!(release.components, ["a/b@sha256:1", "c/d:stable"]);
        assert_eq!(release.why.as_deref(), Some("because"));
        assert_eq!(Release::parse(&release.data()), Ok(release));
    }

    #[test]
    fn what_nobody_can_mean_is_refused() {
        for (members, error) in [
            (&[][..], ReleaseError::Empty),
            (&[("components", "# none\n\n")][..], ReleaseError::Empty),
            (&[("components", "a b")], ReleaseError::Line("a b".to_owned())),
            (&[("components", "a\na")], ReleaseError::Twice("a".to_owned())),
            (&[("component", "a")], ReleaseError::Unknown("component".to_owned())),
        ] {
            assert_eq!(Release::parse(&data(members)), Err(error), "{members:?}");
        }
    }

    #[test]
    fn what_was_good_stays_whatever_comes() {
        let mut known = Known::default();
        let release = Release { components: vec!["a".to_owned()], why: None };
        assert!(learn(&mut known, Ok((release.clone(), Some("1".to_owned())))));
        assert!(!learn(&mut known, Ok((release.clone(), Some("2".to_owned())))));
        assert!(learn(&mut known, Err("away".to_owned())));
        assert!(!learn(&mut known, Err("away".to_owned())));
        assert_eq!(
            (known.release.as_ref(), known.trouble.as_deref()),
            (Some(&release), Some("away"))
        );
        assert!(learn(&mut known, Ok((release, Some("3".to_owned())))));
        assert_eq!(known.trouble, None);
    }
}
