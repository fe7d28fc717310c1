//! Whole backfills, with Slack and Typesense answered by the test.

mod batches;
mod channels;
mod pace;
mod tables;

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::rc::Rc;

use serde_json::{Value, json};
use system_bus_sdk::http::{Request, Response};
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

/// What Slack says, and what the index holds.
#[derive(Default)]
struct World {
    /// Pages of history.
    history: Vec<Vec<Value>>,
    /// Replies by the time of their thread.
    replies: BTreeMap<&'static str, Vec<Value>>,
    /// Pages of what the search finds.
    found: Vec<Vec<Value>>,
    /// Answers in place of the usual ones, each once: part of the URL, and the answer.
    instead: Vec<(&'static str, Response)>,
    /// The collection, once it is there: documents by their ids.
    documents: Option<BTreeMap<String, Value>>,
    /// The requests, in that order.
    asked: Vec<String>,
}

type Shared = Rc<RefCell<World>>;

fn world(kit: &mut Kit, world: World) -> Shared {
    let shared = Rc::new(RefCell::new(world));
    let answering = Rc::clone(&shared);
    kit.http(move |request| Ok(answering.borrow_mut().answer(request)));
    shared
}

fn message(ts: &str, user: &str) -> Value {
    json!({"type": "message", "ts": ts, "user": user, "text": format!("said at {ts}")})
}

fn ok(value: &Value) -> Response {
    Response::new(200).with_json(value)
}

impl World {
    fn answer(&mut self, request: &Request) -> Response {
        let line = format!("{} {}", request.method(), request.url());
        self.asked.push(line.clone());
        let (header, expected) = if line.contains("slack.com") {
            ("authorization", "Bearer <slack_user_token>")
        } else {
            ("X-TYPESENSE-API-KEY", "<typesense_api_key>")
        };
        let sent = request.headers().iter().find(|(name, _)| name == header);
        assert_eq!(sent.map(|(_, value)| value.as_str()), Some(expected), "{line}");
        if let Some(place) = self.instead.iter().position(|(part, _)| line.contains(part)) {
            return self.instead.remove(place).1;
        }
        let member = |name: &str| {
            let query = request.url().split('?').nth(1).unwrap_or_default();
            let mut members = query.split('&').filter_map(|member| member.split_once('='));
            members.find(|(key, _)| *key == name).map(|(_, value)| value.to_owned())
        };
        if line.contains("/conversations.history") {
            let page: usize = member("cursor").and_then(|cursor| cursor.parse().ok()).unwrap_or(0);
            let more = page + 1 < self.history.len();
            let messages = self.history.get(page).cloned().unwrap_or_default();
            return ok(&json!({"ok": true, "messages": messages, "has_more": more,
                "response_metadata": {"next_cursor": (page + 1).to_string()}}));
        }
        if line.contains("/conversations.replies") {
            let replies = self.replies.get(member("ts").unwrap_or_default().as_str());
            return ok(&json!({"ok": true, "messages": replies, "has_more": false}));
        }
        if line.contains("/users.info") {
            let user = member("user").unwrap_or_default();
            return ok(
                &json!({"ok": true, "user": {"name": "n", "profile": {"display_name": format!("name of {user}")}}}),
            );
        }
        if line.contains("/search.messages") {
            let page: usize = member("page").and_then(|page| page.parse().ok()).unwrap_or(1);
            let matches = self.found.get(page - 1).cloned().unwrap_or_default();
            return ok(&json!({"ok": true, "messages": {"matches": matches,
                "paging": {"pages": self.found.len()}}}));
        }
        self.index(request)
    }

    fn index(&mut self, request: &Request) -> Response {
        match (request.method(), &mut self.documents) {
            ("GET", None) => Response::new(404),
            ("GET", Some(_)) => ok(&json!({"name": "slack_messages"})),
            ("POST", None) => {
                self.documents = Some(BTreeMap::new());
                Response::new(201)
            }
            ("POST", Some(documents)) => {
                let body = String::from_utf8_lossy(request.body_bytes()).into_owned();
                let lines = body.lines().map(|line| {
                    let document: Value = serde_json::from_str(line).expect("a document");
                    let id = document["id"].as_str().expect("an id").to_owned();
                    documents.insert(id, document);
                    r#"{"success":true}"#
                });
                Response::new(200).with_body(lines.collect::<Vec<_>>().join("\n"))
            }
            other => panic!("nobody answers {other:?}"),
        }
    }

    fn ids(&self) -> Vec<&str> {
        self.documents.iter().flat_map(|all| all.keys().map(String::as_str)).collect()
    }

    fn count(&self, part: &str) -> usize {
        self.asked.iter().filter(|line| line.contains(part)).count()
    }
}

fn channel(range: &Value) -> Outgoing {
    let mut data = json!({"channelId": "C1", "channelName": "project-bus", "reason": "test"});
    for (name, value) in range.as_object().expect("an object") {
        data[name] = value.clone();
    }
    Outgoing::named("channel/slack.backfill.requested", &data)
}

/// A range that holds the messages of these tests.
fn range() -> Value {
    json!({"oldestTs": "1000", "latestTs": "9000"})
}
