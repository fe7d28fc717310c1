//! Whole checks, with the server and the worker answered by the test.

mod flow;
mod tables;

use std::cell::RefCell;
use std::rc::Rc;

use serde_json::{Value, json};
use system_bus_sdk::http::Response;
use system_bus_testing::Kit;

/// What the server holds.
#[derive(Default)]
struct Server {
    /// The functions of the app, with their triggers.
    functions: Vec<Value>,
    /// Functions that come when the worker registers, each in the place of one that is there.
    coming: Vec<Value>,
    /// The schedules that the worker declares.
    declared: Vec<(&'static str, &'static str)>,
    /// The runs of each function.
    runs: Vec<(&'static str, Vec<Value>)>,
    /// The requests, in that order.
    asked: Vec<String>,
}

fn function(id: &str, triggers: &Value) -> Value {
    json!({"id": id, "slug": id, "name": id, "app": {"id": "app"}, "triggers": triggers})
}

fn cron(id: &str, cron: &str) -> Value {
    function(id, &json!([{"type": "CRON", "value": cron}, {"type": "EVENT", "value": "a/b"}]))
}

/// A run that a schedule began, or an event where there is none.
fn run(cron: Option<&str>, ended: &str) -> Value {
    let mut run = json!({"id": ended, "status": "COMPLETED", "queuedAt": ended, "endedAt": ended,
        "trigger": {"eventIds": []}});
    if let Some(cron) = cron {
        run["trigger"]["cronSchedule"] = json!(cron);
    }
    run
}

/// Serves the worker's functions `ids` and the server.
fn world(kit: &mut Kit, ids: &'static [&'static str], server: Server) -> Rc<RefCell<Server>> {
    let server = Rc::new(RefCell::new(server));
    let shared = Rc::clone(&server);
    kit.http(move |request| {
        let mut server = shared.borrow_mut();
        server.asked.push(format!("{} {}", request.method(), request.url()));
        let path = request.url().trim_start_matches("http://localhost:");
        let answer = match (request.method(), path.split('?').next().unwrap_or_default()) {
            ("GET", "3111/api/functions") => {
                let own = |id: &str| server.declared.iter().find(|(of, _)| *of == id);
                let ids = ids.iter().map(|id| match own(id) {
                    Some((_, schedule)) => cron(id, schedule),
                    None => json!({ "id": id }),
                });
                json!({"app": "app", "functions": ids.collect::<Vec<_>>()})
            }
            ("PUT", "3111/api/inngest") => {
                let coming = std::mem::take(&mut server.coming);
                server.functions.retain(|one| !coming.iter().any(|new| new["id"] == one["id"]));
                server.functions.extend(coming);
                json!({"modified": false})
            }
            ("GET", "8288/v2/apps") => page(&[json!({"id": "app"})], path),
            ("GET", "8288/v2/apps/app/functions") => page(&server.functions, path),
            ("GET", path_only) => {
                let runs = server.runs.iter().find(|(id, _)| {
                    path_only.ends_with(&format!("/functions/{}/runs", id.replace('/', "%2F")))
                });
                page(runs.map_or(&[], |(_, runs)| runs.as_slice()), path)
            }
            other => panic!("nobody answers {other:?}"),
        };
        Ok(Response::new(200).with_json(&answer))
    });
    server
}

/// A page of two, so that there are several.
fn page(items: &[Value], path: &str) -> Value {
    let cursor = path.split("cursor=").nth(1).and_then(|cursor| cursor.parse().ok());
    let begin: usize = cursor.unwrap_or(0);
    let end = items.len().min(begin + 2);
    let mut page = json!({"hasMore": end < items.len(), "limit": 2});
    if end < items.len() {
        page["cursor"] = json!(end.to_string());
    }
    json!({"data": items[begin..end], "page": page})
}
