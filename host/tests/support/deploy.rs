//! Deploying to a worker: the folders it lives on, and its routes for operators.

use std::collections::BTreeMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};
use tempfile::TempDir;

use crate::clone::Artifact;

/// The folders of a worker, or of several that share them.
pub(crate) struct Folders {
    root: TempDir,
    /// Where compiled code is kept; none where it may be what earlier tests have compiled.
    cache: Option<PathBuf>,
}

#[allow(dead_code, reason = "not all who deploy need all of it")]
impl Folders {
    /// Empty ones.
    pub(crate) fn new() -> Self {
        let folders = Self { root: tempfile::tempdir().expect("a folder"), cache: None };
        for folder in [folders.components(), folders.versions()] {
            std::fs::create_dir(folder).expect("a folder");
        }
        folders
    }

    /// These folders, with a cache in which no code is yet.
    pub(crate) fn with_own_cache(mut self) -> Self {
        self.cache = Some(self.root.path().join("cache"));
        self
    }

    /// These folders, with the cache of others.
    pub(crate) fn with_cache_of(mut self, other: &Self) -> Self {
        self.cache.clone_from(&other.cache);
        self
    }

    pub(crate) fn components(&self) -> PathBuf {
        self.root.path().join("components")
    }

    pub(crate) fn versions(&self) -> PathBuf {
        self.root.path().join("versions")
    }

    /// Writes a file of a worker's that is none of its folders.
    pub(crate) fn file(&self, name: &str, text: &str) -> PathBuf {
        let path = self.root.path().join(name);
        std::fs::write(&path, text).expect("written");
        path
    }

    /// Puts a component among those that a reload looks at; the moment in which it was renamed.
    pub(crate) fn place(&self, component: &Artifact, name: &str) -> Instant {
        component.place(&self.components(), name)
    }

    /// The arguments of a worker that lives on these folders and looks at components when it is asked to.
    pub(crate) fn arguments(&self) -> Vec<String> {
        self.arguments_with("off")
    }

    /// The same, where `on` says that it watches the folder of components.
    pub(crate) fn arguments_with(&self, watch: &str) -> Vec<String> {
        let folders = [
            ("--components", Some(self.components())),
            ("--versions", Some(self.versions())),
            ("--cache", self.cache.clone()),
        ];
        let mut arguments = vec!["--watch".to_owned(), watch.to_owned()];
        for (name, folder) in folders {
            if let Some(folder) = folder {
                arguments.extend([name.to_owned(), folder.to_string_lossy().into_owned()]);
            }
        }
        arguments
    }

    /// The lines of the activation log.
    pub(crate) fn activations(&self) -> Vec<Value> {
        lines(&self.versions().join("activations.jsonl"))
    }
}

fn lines(file: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(file).expect("the activation log");
    text.lines().map(|line| serde_json::from_str(line).expect("a line of JSON")).collect()
}

/// The routes of a worker for operators.
#[derive(Debug, Clone)]
pub(crate) struct Admin {
    origin: String,
    client: reqwest::Client,
}

/// What a reload has done, by component.
#[derive(Debug)]
pub(crate) struct Reloaded {
    pub(crate) body: Value,
    pub(crate) verdicts: BTreeMap<String, String>,
}

#[allow(dead_code, reason = "not all who deploy need all of it")]
impl Admin {
    pub(crate) fn of(worker: SocketAddr) -> Self {
        // Fails when it has been done, which is as good.
        drop(rustls::crypto::ring::default_provider().install_default());
        Self { origin: format!("http://{worker}"), client: reqwest::Client::new() }
    }

    /// Asks for a reload; what it has done with each component. `query` is what follows the `?`.
    pub(crate) async fn reload(&self, query: &str) -> Reloaded {
        let request = self.client.put(format!("{}/api/reload?{query}", self.origin));
        let (status, body) = answered(request).await;
        assert_eq!(status, 200, "the reload was refused: {body}");
        let components = body["components"].as_array().expect("components");
        let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
        let verdict = |component: &Value| (text(&component["name"]), text(&component["verdict"]));
        Reloaded { verdicts: components.iter().map(verdict).collect(), body }
    }

    /// What is active, and what was.
    pub(crate) async fn generations(&self) -> Value {
        let request = self.client.get(format!("{}/api/generations", self.origin));
        let (status, body) = answered(request).await;
        assert_eq!(status, 200, "the generations were refused: {body}");
        body
    }

    /// What is active for one function.
    pub(crate) async fn function(&self, function: &str) -> Value {
        let generations = self.generations().await;
        let functions = generations["functions"].as_array().expect("functions");
        let found = functions.iter().find(|found| found["function"] == function);
        found.unwrap_or_else(|| panic!("no function {function} in {generations}")).clone()
    }

    /// Goes back to an earlier generation, or to the one before.
    pub(crate) async fn rollback(&self, to: Option<u64>) -> (u16, Value) {
        let body = to.map_or_else(|| json!({}), |to| json!({ "to": to }));
        answered(self.client.post(format!("{}/api/rollback", self.origin)).json(&body)).await
    }
}

async fn answered(request: reqwest::RequestBuilder) -> (u16, Value) {
    let answer = request.send().await.expect("the worker answers");
    let status = answer.status().as_u16();
    let text = answer.text().await.expect("text");
    (status, serde_json::from_str(&text).unwrap_or(Value::String(text)))
}
