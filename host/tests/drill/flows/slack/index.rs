//! Typesense, which really keeps what it is given.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::flows::site::{Answer, Asked, Site};
use crate::flows::stage::Stage;

pub(super) const KEY: &str = crate::flows::stage::TYPESENSE_KEY;

/// The collection, once it is there: its schema, and documents by their ids.
type Kept = Arc<Mutex<Option<(Value, BTreeMap<String, Value>)>>>;

pub(super) struct Index {
    pub(super) site: Site,
    kept: Kept,
}

impl Index {
    pub(super) fn on(stage: &mut Stage) -> Self {
        let kept = Kept::default();
        let shared = Arc::clone(&kept);
        Self { site: stage.site(move |asked| answer(&shared, asked)), kept }
    }

    /// The documents of a channel, by the times of their messages.
    pub(super) fn documents(&self, channel: &str) -> BTreeMap<String, Value> {
        let kept = self.kept.lock().expect("nobody panics");
        let all = kept.iter().flat_map(|(_, documents)| documents);
        let own = all.filter_map(|(id, document)| {
            let ts = id.strip_prefix(channel)?.strip_prefix(':')?;
            Some((ts.to_owned(), document.clone()))
        });
        own.collect()
    }

    pub(super) fn schema(&self) -> Value {
        let kept = self.kept.lock().expect("nobody panics");
        kept.as_ref().expect("a collection").0.clone()
    }

    pub(super) fn assert_asked_with_the_key(&self) {
        for asked in self.site.asked() {
            assert_eq!(asked.header("x-typesense-api-key"), KEY, "{asked:?}");
            assert!(!asked.headers.contains_key("authorization"), "{asked:?}");
        }
    }
}

fn answer(kept: &Kept, asked: &Asked) -> Answer {
    let mut kept = kept.lock().expect("nobody panics");
    match (asked.method.as_str(), asked.path.as_str()) {
        ("GET", "/collections/slack_messages") => match &*kept {
            Some((schema, _)) => Answer::json(200, schema),
            None => Answer::json(404, &json!({"message": "Not Found"})),
        },
        ("POST", "/collections") if kept.is_some() => {
            Answer::json(409, &json!({"message": "A collection with this name exists."}))
        }
        ("POST", "/collections") => {
            let schema = asked.json();
            *kept = Some((schema.clone(), BTreeMap::new()));
            Answer::json(201, &schema)
        }
        ("POST", "/collections/slack_messages/documents/import") => {
            let Some((_, documents)) = kept.as_mut() else {
                return Answer::json(404, &json!({"message": "Not Found"}));
            };
            assert_eq!(asked.query["action"], "upsert");
            let lines = asked.body.lines().map(|line| {
                let document: Value = serde_json::from_str(line).expect("a document");
                if document["text"] == "refused by the index" {
                    return json!({"success": false, "error": "Bad JSON."}).to_string();
                }
                let id = document["id"].as_str().expect("an id").to_owned();
                documents.insert(id, document);
                json!({"success": true}).to_string()
            });
            let lines: Vec<_> = lines.collect();
            Answer::text(200, "text/plain", &lines.join("\n"))
        }
        _ => Answer::json(404, &json!({"message": "Not Found"})),
    }
}
