//! A system of which parts can be down.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use outside::Program;
use outside::testing::{World, ended, late, said};
use serde_json::{Value, json};
use system_bus_sdk::http::{HttpError, HttpErrorKind, Request, Response};
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use crate::{Report, check_system_health};

/// What is wrong in it, and what it was asked.
#[derive(Default)]
pub(crate) struct System {
    /// URLs that nothing listens at, by their beginnings.
    pub(crate) closed: BTreeSet<String>,
    /// URLs that answer otherwise than they should.
    pub(crate) answers: BTreeMap<String, Response>,
    /// Programs that end with a code, by their lines.
    pub(crate) failing: BTreeMap<String, i32>,
    /// What a search finds, by a part of its URL.
    pub(crate) found: Vec<(&'static str, Value)>,
    /// The URLs that were asked.
    pub(crate) asked: Vec<String>,
    /// The records of Convex.
    pub(crate) convex: BTreeMap<String, Value>,
}

pub(crate) type Shared = Rc<RefCell<System>>;

/// A system in which all is well.
pub(crate) fn well(kit: &mut Kit) -> (World, Shared) {
    // Noon on the Pacific coast.
    kit.at("2026-03-01T20:00:00Z".parse().expect("a time"));
    let (world, system) = (World::begin(), Shared::default());
    world.file("gateway", "gateway.pid", "4711\n").file("gateway", "gateway.ws.port", "3018\n");
    let shared = Rc::clone(&system);
    world.programs(move |program| {
        let line = Program::line(program);
        match shared.borrow().failing.get(&line) {
            Some(124) => late(program.name()),
            Some(code) => ended(program.name(), *code, "no"),
            None if program.name() == "colima" => said("{\"address\":\"192.168.64.9\"}\n"),
            None => said("ok\n"),
        }
    });
    let shared = Rc::clone(&system);
    kit.http(move |request| answer(&mut shared.borrow_mut(), request));
    kit.config("CONVEX_URL", "https://convex.test");
    (world, system)
}

fn answer(system: &mut System, request: &Request) -> Result<Response, HttpError> {
    let url = request.url();
    system.asked.push(url.to_owned());
    if system.closed.iter().any(|closed| url.starts_with(closed)) {
        return Err(HttpError::new(HttpErrorKind::Refused, url, ""));
    }
    if let Some((_, answer)) = system.answers.iter().find(|(begin, _)| url.starts_with(*begin)) {
        return Ok(answer.clone());
    }
    if url.starts_with("https://convex.test") {
        let body: Value = request.body_json()?;
        let args = body["args"].clone();
        let id = args["resourceId"].as_str().expect("an id").to_owned();
        system.convex.insert(id, args);
        return Ok(Response::new(200).with_json(&json!({ "status": "success", "value": null })));
    }
    if url.contains("/documents/search?") {
        let key = ("X-TYPESENSE-API-KEY".to_owned(), "<typesense_api_key>".to_owned());
        assert!(
            request.headers().iter().any(|(n, v)| n.eq_ignore_ascii_case(&key.0) && *v == key.1)
        );
        let found = system.found.iter().find(|(part, _)| url.contains(part));
        let found = found.map_or_else(|| json!({ "found": 0, "hits": [] }), |one| one.1.clone());
        return Ok(Response::new(200).with_json(&found));
    }
    if url == "http://127.0.0.1:3018/" {
        return Ok(Response::new(426));
    }
    if url.ends_with(":8108/health") {
        return Ok(Response::new(200).with_json(&json!({ "ok": true })));
    }
    Ok(Response::new(200))
}

impl System {
    /// All places of the server and of the worker.
    pub(crate) fn close_port(&mut self, port: u16) {
        for host in ["localhost", "192.168.64.9"] {
            self.closed.insert(format!("http://{host}:{port}"));
        }
        for name in ["inngest-svc", "system-bus-worker", "typesense"] {
            self.closed.insert(format!("http://{name}.joelclaw.svc.cluster.local:{port}"));
        }
    }
}

/// One check from its event to its end.
pub(crate) fn check(kit: &mut Kit, event: &'static str, data: &Value) -> Report {
    kit.run::<check_system_health>(Outgoing::named(event, data)).output()
}

/// One check as the heartbeat asks for it, and a quarter of an hour.
pub(crate) fn pass(kit: &mut Kit) -> Report {
    let data = json!({ "mode": "core", "source": "heartbeat-15m" });
    let report = check(kit, "system/health.requested", &data);
    kit.advance(Duration::from_mins(15));
    report
}
