//! A Typesense, a dashboard and a personal data server in memory.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use outside::testing::World;
use serde_json::{Value, json};
use system_bus_sdk::http::{Request, Response};
use system_bus_testing::Kit;

use super::{ANSWER, said};

/// What they hold, and what they refuse.
#[derive(Default)]
pub(crate) struct Site {
    pub(crate) documents: BTreeMap<String, Value>,
    pub(crate) dashboard: BTreeMap<String, Value>,
    pub(crate) records: BTreeMap<String, Value>,
    pub(crate) asked: Vec<String>,
    /// Addresses with one of these in them answer 503.
    pub(crate) down: Vec<&'static str>,
    /// Whether the import refuses every line.
    pub(crate) refuses: bool,
    /// What the maker of embeddings answers.
    pub(crate) embeddings: Value,
}

pub(crate) type Shared = Rc<RefCell<Site>>;

/// A world with a model that answers.
pub(crate) fn world(kit: &mut Kit) -> (World, Shared) {
    let world = World::begin();
    world.model(|ask| {
        assert_eq!((ask.task.as_str(), ask.within.as_secs()), ("memory-observe", 90));
        said(ANSWER)
    });
    let site = Shared::default();
    let shared = Rc::clone(&site);
    kit.http(move |request| Ok(shared.borrow_mut().answer(request)));
    (world, site)
}

impl Site {
    fn answer(&mut self, request: &Request) -> Response {
        let url = request.url().to_owned();
        self.asked.push(url.clone());
        if self.down.iter().any(|part| url.contains(part)) {
            return Response::new(503);
        }
        let header = |name: &str| {
            let found = request.headers().iter().find(|(known, _)| known == name);
            found.map(|(_, value)| value.clone()).unwrap_or_default()
        };
        let body = || request.body_json::<Value>().expect("JSON");
        if url == "http://embed.test/embeddings" {
            return Response::new(200).with_json(&self.embeddings);
        }
        if url == "https://convex.test/api/mutation" {
            assert_eq!(header("authorization"), "Convex <convex_deploy_key>");
            let args = &body()["args"];
            let id = args["resourceId"].as_str().expect("an id").to_owned();
            self.dashboard.insert(id, args["fields"].clone());
            return Response::new(200).with_json(&json!({ "status": "success" }));
        }
        if url == "https://pds.test/xrpc/com.atproto.repo.putRecord" {
            assert_eq!(header("authorization"), "Bearer <pds_access_token>");
            let body = body();
            assert_eq!(body["repo"], "did:plc:me");
            let id = body["rkey"].as_str().expect("a key").to_owned();
            self.records.insert(id, body["record"].clone());
            return Response::new(200).with_json(&json!({}));
        }
        assert_eq!(header("X-TYPESENSE-API-KEY"), "<typesense_api_key>");
        match url.strip_prefix("http://localhost:8108").expect("Typesense") {
            "/multi_search" => {
                let body = body();
                let searches = body["searches"].as_array().expect("searches").iter();
                let results: Vec<_> = searches.map(|search| self.search(search)).collect();
                Response::new(200).with_json(&json!({ "results": results }))
            }
            "/collections/memory_observations/documents/import?action=upsert" => {
                let text = String::from_utf8_lossy(request.body_bytes()).into_owned();
                let lines = text.lines().map(|line| self.import(line)).collect::<Vec<_>>();
                Response::new(200).with_body(lines.join("\n"))
            }
            other => panic!("nobody answers {other}"),
        }
    }

    fn import(&mut self, line: &str) -> String {
        let document: Value = serde_json::from_str(line).expect("a document");
        if self.refuses {
            return json!({ "success": false, "error": "no" }).to_string();
        }
        self.documents.insert(document["id"].as_str().expect("an id").to_owned(), document);
        json!({ "success": true }).to_string()
    }

    /// The nearest document, where its cosine is at least a half.
    fn search(&self, search: &Value) -> Value {
        let query = search["vector_query"].as_str().expect("a query");
        assert!(query.ends_with("k:1, distance_threshold:0.5)"), "{query}");
        let numbers = query.split(['[', ']']).nth(1).expect("numbers");
        let numbers: Vec<f64> =
            numbers.split(',').map(|text| text.parse().expect("a number")).collect();
        assert_eq!(numbers.len(), 384);
        let near = |document: &&Value| {
            let own = document["embedding"].as_array().expect("an embedding").iter();
            own.zip(&numbers).map(|(one, other)| one.as_f64().unwrap_or(0.0) * other).sum::<f64>()
        };
        let best = self.documents.values().max_by(|one, other| near(one).total_cmp(&near(other)));
        let hits: Vec<_> = best
            .filter(|best| near(best) >= 0.5)
            .map(|document| json!({ "document": document }))
            .into_iter()
            .collect();
        json!({ "hits": hits })
    }

    pub(crate) fn count(&self, part: &str) -> usize {
        self.asked.iter().filter(|url| url.contains(part)).count()
    }

    /// The text and the verdict of each document, sorted.
    pub(crate) fn texts(&self) -> Vec<(String, String)> {
        let text = |value: &Value| value.as_str().expect("a text").to_owned();
        let one = |one: &Value| (text(&one["observation"]), text(&one["write_verdict"]));
        let mut texts: Vec<_> = self.documents.values().map(one).collect();
        texts.sort();
        texts
    }
}
