//! Objects, their versions, and what changed.

use std::collections::{BTreeMap, VecDeque};

use jiff::Timestamp;
use serde_json::{Value, json};

use super::owners::Owners;
use super::path::{Key, Path};

/// So many changes are remembered.
const HISTORY: usize = 1000;

/// One change, for whoever watches.
#[derive(Debug, Clone)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) kind: &'static str,
    pub(super) key: Key,
    pub(super) object: Value,
}

/// All objects.
#[derive(Debug, Default)]
pub(super) struct Store {
    objects: BTreeMap<Key, Value>,
    /// Who applied which fields.
    pub(super) owners: BTreeMap<Key, Owners>,
    version: u64,
    history: VecDeque<Change>,
    /// Changes up to this version are forgotten.
    forgotten: u64,
    made: u64,
}

impl Store {
    /// Nothing. Its versions go on from those of any server before: whoever knew one of them has missed something.
    pub(super) fn new() -> Self {
        let begin = u64::try_from(Timestamp::now().as_millisecond()).unwrap_or(1);
        Self { version: begin, forgotten: begin, ..Self::default() }
    }

    /// The oldest version from which changes are known.
    pub(super) fn oldest(&self) -> u64 {
        self.forgotten
    }

    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn get(&self, key: &Key) -> Option<&Value> {
        self.objects.get(key)
    }

    pub(super) fn list(&self, at: &Path) -> Vec<&Value> {
        self.objects.iter().filter(|(key, _)| at.has(key)).map(|(_, object)| object).collect()
    }

    /// Puts an object in its place, with what the server adds to it. What has not changed stays as it is.
    pub(super) fn put(&mut self, key: Key, mut object: Value) -> Value {
        let before = self.objects.get(&key);
        object["metadata"]["name"] = json!(key.name);
        if let Some(namespace) = &key.namespace {
            object["metadata"]["namespace"] = json!(namespace);
        }
        let (uid, created, generation) = if let Some(before) = before {
            let old = &before["metadata"];
            let generation = old["generation"].as_u64().unwrap_or(1);
            let more = u64::from(before["spec"] != object["spec"]);
            (old["uid"].clone(), old["creationTimestamp"].clone(), generation + more)
        } else {
            self.made += 1;
            let uid = format!("00000000-0000-4000-8000-{:012}", self.made);
            let now = Timestamp::now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
            (json!(uid), json!(now), 1)
        };
        let metadata = &mut object["metadata"];
        metadata["uid"] = uid;
        metadata["creationTimestamp"] = created;
        metadata["generation"] = json!(generation);
        if let Some(before) = before {
            metadata["resourceVersion"] = before["metadata"]["resourceVersion"].clone();
            if *before == object {
                return object;
            }
        }
        let kind = if before.is_some() { "MODIFIED" } else { "ADDED" };
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.objects.insert(key.clone(), object.clone());
        self.note(kind, key, object.clone());
        object
    }

    /// Takes an object away, and answers with it.
    pub(super) fn delete(&mut self, key: &Key) -> Option<Value> {
        let mut object = self.objects.remove(key)?;
        self.owners.remove(key);
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        self.note("DELETED", key.clone(), object.clone());
        Some(object)
    }

    fn note(&mut self, kind: &'static str, key: Key, object: Value) {
        self.history.push_back(Change { version: self.version, kind, key, object });
        if self.history.len() > HISTORY
            && let Some(oldest) = self.history.pop_front()
        {
            self.forgotten = oldest.version;
        }
    }

    /// What changed after a version. None where that is forgotten.
    pub(super) fn since(&self, version: u64, at: &Path) -> Option<Vec<Change>> {
        if version < self.forgotten {
            return None;
        }
        let news = self.history.iter().filter(|change| change.version > version);
        Some(news.filter(|change| at.has(&change.key)).cloned().collect())
    }

    /// Forgets all changes, as time does.
    pub(super) fn forget(&mut self) {
        self.history.clear();
        // Whoever knows the newest version has missed nothing; whoever knows an older one may have.
        self.version += 1;
        self.forgotten = self.version;
    }
}
