//! Meetings that a test plays.

mod analyses;
mod backfills;
mod checks;
mod tables;

use std::cell::RefCell;
use std::rc::Rc;

use outside::testing::{World, ended, said};
use serde_json::json;
use system_bus_sdk::http::Response;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::{granola_list, meeting_analyze};

/// What Granola says in place of the usual, each once: the beginning of a line, and the answer.
type Instead = Rc<RefCell<Vec<(&'static str, Value)>>>;

/// The meetings of a span of time.
fn listed(range: &str) -> Value {
    let meeting = |id: &str, title: &str| json!({ "id": id, "title": title, "date": "2026-03-01T10:00:00Z", "participants": ["Ann"] });
    let meetings = match range {
        "today" | "this_week" => vec![meeting("m-one", "Plans"), meeting("m-two", "Money")],
        "last_week" => vec![meeting("m-two", "Money"), meeting("m-three", "Past")],
        "last_30_days" => vec![],
        _ => {
            vec![meeting("m-old", "Long ago"), json!({ "id": "--all", "title": "none" }), json!({})]
        }
    };
    json!({ "meetings": meetings })
}

/// A Granola, a model, a Todoist.
fn world(kit: &mut Kit) -> (World, Instead) {
    let (world, instead) = (World::begin(), Instead::default());
    let once = Rc::clone(&instead);
    world.programs(move |program| {
        assert_eq!(program.name(), "granola");
        assert_eq!(program.time(), Some(Duration::from_secs(30)));
        let line = program.line();
        let mut once = once.borrow_mut();
        if let Some(place) = once.iter().position(|(begins, _)| line.starts_with(begins)) {
            let (_, answer) = once.remove(place);
            return match answer["code"].as_i64() {
                Some(code) => ended("granola", i32::try_from(code).expect("a code"), "no network"),
                None => said(answer.to_string()),
            };
        }
        let words = program.arguments();
        let result = match words[0].as_str() {
            "meetings" => listed(&words[2]),
            _ if words.len() == 3 => json!({ "transcript": format!("Ann spoke in {}", words[1]) }),
            _ => json!({ "date": "2026-03-01T10:00:00Z" }),
        };
        said(json!({ "ok": true, "result": result }).to_string())
    });
    world.model(|ask| {
        assert_eq!(ask.task, "meeting-analyze");
        assert!(ask.prompt.contains("Ann spoke in m-"), "{}", ask.prompt);
        Ok(json!({
            "action_items": [
                { "task": "Send the plan to Ann", "owner": "Joel", "deadline": "tomorrow" },
                { "task": "Think about it", "owner": "Ann" },
                { "task": "What about the money?", "owner": "us" },
            ],
            "decisions": ["Go on"], "follow_ups": ["Ask again"], "people": ["Ann"],
        }))
    });
    kit.http(|request| {
        assert_eq!(request.url(), "https://api.todoist.com/api/v1/tasks");
        let header =
            |name: &str| request.headers().iter().find(|(known, _)| known == name).cloned();
        let token = header("authorization").map(|(_, value)| value);
        assert_eq!(token.as_deref(), Some("Bearer <todoist_api_token>"));
        assert!(header("x-request-id").is_some());
        Ok(Response::new(200).with_json(&json!({ "id": "t1" })))
    });
    kit.serve::<granola_list>().serve::<meeting_analyze>();
    (world, instead)
}

/// How many analyses are under way.
fn under_way(kit: &Kit) -> usize {
    kit.runs::<meeting_analyze>().iter().filter(|run| !run.status.is_final()).count()
}
