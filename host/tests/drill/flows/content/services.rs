//! Convex, which really keeps records, and the site, which is told what to read again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

/// What lets somebody write.
pub(super) const KEY: &str = crate::flows::stage::CONVEX_KEY;
/// What lets somebody tell the site.
pub(super) const SECRET: &str = "revalidate-drill-5b2c";

/// What Convex has, and how it is.
#[derive(Default)]
struct Kept {
    records: BTreeMap<String, Value>,
    /// Records that it refuses to change.
    refused: BTreeSet<String>,
    /// How many calls more it is away.
    away: u32,
}

pub(super) struct Convex {
    pub(super) site: Site,
    kept: Arc<Mutex<Kept>>,
}

impl Convex {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let shared = Arc::clone(&kept);
        let site = stage.site(move |asked| answer(&mut shared.lock().expect("nobody"), asked));
        Self { site, kept }
    }

    /// A record of an earlier time.
    pub(super) fn put(&self, id: &str, kind: &str, hash: &str) {
        let record = json!({"resourceId": id, "type": kind, "fields": {"contentHash": hash}});
        self.kept.lock().expect("nobody").records.insert(id.to_owned(), record);
    }

    pub(super) fn records(&self) -> BTreeMap<String, Value> {
        self.kept.lock().expect("nobody").records.clone()
    }

    pub(super) fn ids(&self) -> Vec<String> {
        self.records().into_keys().collect()
    }

    pub(super) fn forget(&self, id: &str) {
        self.kept.lock().expect("nobody").records.remove(id);
    }

    /// Refuses to change these records from now on, and no others.
    pub(super) fn refuses(&self, ids: &[&str]) {
        let ids = ids.iter().map(|id| (*id).to_owned()).collect();
        self.kept.lock().expect("nobody").refused = ids;
    }

    pub(super) fn is_away(&self, calls: u32) {
        self.kept.lock().expect("nobody").away = calls;
    }

    /// How often it was asked to change a record.
    pub(super) fn changes(&self, path: &str, id: &str) -> usize {
        let all = self.site.asked_at("/api/mutation");
        let own = |asked: &&Asked| {
            let call = asked.json();
            call["path"] == path && call["args"]["resourceId"] == id
        };
        all.iter().filter(own).count()
    }

    pub(super) fn assert_asked_with_the_key(&self) {
        for asked in self.site.asked() {
            assert_eq!(asked.method, "POST", "{asked:?}");
            assert_eq!(asked.header("authorization"), format!("Convex {KEY}"));
            assert!(!asked.header("idempotency-key").is_empty(), "{asked:?}");
            assert!(!asked.headers.contains_key("x-revalidation-secret"), "{asked:?}");
            assert_eq!(asked.json()["format"], "json");
        }
    }
}

fn answer(kept: &mut Kept, asked: &Asked) -> Answer {
    if kept.away > 0 {
        kept.away -= 1;
        return Answer::text(503, "text/plain", "away");
    }
    let call = asked.json();
    let (args, path) = (&call["args"], call["path"].as_str().unwrap_or_default());
    let id = args["resourceId"].as_str().unwrap_or_default();
    let done = |value: Value| Answer::json(200, &json!({"status": "success", "value": value}));
    let refused = |why: &str| Answer::json(200, &json!({"status": "error", "errorMessage": why}));
    match (asked.path.as_str(), path) {
        ("/api/query", "contentResources:listByType") => {
            let own = kept.records.values().filter(|record| record["type"] == args["type"]);
            done(own.cloned().collect())
        }
        ("/api/mutation", _) if kept.refused.contains(id) => refused("it is locked"),
        ("/api/mutation", "contentResources:upsert") => {
            kept.records.insert(id.to_owned(), args.clone());
            done(Value::Null)
        }
        ("/api/mutation", "contentResources:remove") => {
            kept.records.remove(id);
            done(Value::Null)
        }
        _ => refused("there is no such function"),
    }
}

/// The site.
pub(super) struct Pages {
    pub(super) site: Site,
    deaf: Arc<Mutex<u32>>,
}

impl Pages {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let deaf: Arc<Mutex<u32>> = Arc::default();
        let shared = Arc::clone(&deaf);
        let site = stage.site(move |_| {
            let mut deaf = shared.lock().expect("nobody");
            if *deaf > 0 {
                *deaf -= 1;
                return Answer::text(500, "text/plain", "deaf");
            }
            Answer::json(200, &json!({"revalidated": true}))
        });
        Self { site, deaf }
    }

    /// Does not listen to so many calls.
    pub(super) fn is_deaf(&self, calls: u32) {
        *self.deaf.lock().expect("nobody") = calls;
    }

    /// The tags that it was told of, call by call.
    pub(super) fn told(&self) -> Vec<Value> {
        let all = self.site.asked_at("/api/revalidate");
        all.iter().map(|asked| asked.json()["tags"].clone()).collect()
    }

    pub(super) fn assert_told_with_the_secret(&self) {
        for asked in self.site.asked() {
            assert_eq!((asked.method.as_str(), asked.path.as_str()), ("POST", "/api/revalidate"));
            assert_eq!(asked.header("x-revalidation-secret"), SECRET);
            assert!(!asked.headers.contains_key("authorization"), "{asked:?}");
        }
    }
}
