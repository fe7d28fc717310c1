//! What is deployed changes while calls come: through the routes for operators, with real components on real folders.

mod access;
mod deadline;
mod duplicates;
mod grants;
mod listing;
mod logs;
mod missing;
mod modes;
mod moves;
mod reload;
mod retire;
mod retired;
mod rollback;
mod swap;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use protocol::signature::Trust;
use registry::RegistryOptions;
use reqwest::Method;
use serde_json::{Value, json};
use tokio_util::sync::{CancellationToken, DropGuard};

use crate::bus::{Bus, options, runtime};
use crate::call::{Answer, CallTo, Request};
use crate::clone::Artifact;
use crate::deployed::Deployed;
use crate::server::Server;

/// A worker that its server has, with a registry that looks after itself.
struct Field {
    server: Server,
    bus: Bus,
    _keeper: DropGuard,
}

/// The first version of the guest `versioned`, whose step bodies say which version they are of.
fn versioned(version: &str) -> Artifact {
    Artifact::read(guests::VERSIONED).version(version)
}

/// A result as the server stores it.
fn data(value: impl Into<Value>) -> Value {
    json!({"data": value.into()})
}

fn reload(query: &str) -> Request {
    Request::new(Method::PUT, &format!("/api/reload{query}"))
}

fn post(route: &str, body: &Value) -> Request {
    let body = body.to_string().into_bytes();
    Request { body, ..Request::new(Method::POST, route) }
}

impl Field {
    /// With the first version of `versioned`, as generation 1.
    async fn start() -> Self {
        Self::with(|_| {}).await
    }

    /// The same, with a registry that differs.
    async fn with(change: impl FnOnce(&mut RegistryOptions)) -> Self {
        let deployed = Deployed::empty(runtime().await, change);
        deployed.place_as("versioned", versioned("1").bytes());
        deployed.reload().await;
        Self::of(deployed, |_| {}).await
    }

    async fn of(deployed: Deployed, change: impl FnOnce(&mut worker::Options)) -> Self {
        let server = Server::start();
        let mut options = options(Trust::Dev, server.address);
        change(&mut options);
        let stop = CancellationToken::new();
        let registry = Arc::clone(&deployed.registry);
        tokio::spawn(registry.keep_current(None, stop.clone()));
        let bus = Bus::with(options, deployed).await.registered().await;
        Self { server, bus, _keeper: stop.drop_guard() }
    }

    /// Puts a component there and asks for a reload, which has to succeed; its report.
    async fn deploy(&self, name: &str, component: &Artifact) -> Value {
        self.bus.deployed.place_as(name, component.bytes());
        let answer = self.bus.send(reload("")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    async fn generations(&self) -> Value {
        let answer = self.bus.send(Request::new(Method::GET, "/api/generations")).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()
    }

    /// The present generation.
    fn number(&self) -> u64 {
        self.bus.deployed.registry.present().number()
    }

    /// The result of the step that a call of this function runs first.
    async fn says(&self, function: &str, run: &str, memos: &[(&str, Value)]) -> String {
        let answer = self.bus.call(&CallTo { memos, run, ..CallTo::new(function) }).await;
        said(&answer)
    }

    async fn end(self) {
        self.bus.running.shutdown().await;
        crate::secrets::assert_kept_in_log();
    }
}

/// The result of the step that a call has run.
fn said(answer: &Answer) -> String {
    answer.op()["data"].as_str().unwrap_or_else(|| panic!("no step ran: {answer:?}")).to_owned()
}

/// The id of a run that begins now, after everything that was activated so far.
async fn begin() -> String {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    // Ids have whole milliseconds.
    tokio::time::sleep(Duration::from_millis(5)).await;
    let now = u64::try_from(jiff::Timestamp::now().as_millisecond()).expect("after 1970");
    let number = NEXT.fetch_add(1, Ordering::Relaxed);
    ulid::Ulid::from_parts(now, number.into()).to_string()
}

/// What a report says of each component.
fn verdicts(report: &Value) -> Vec<(&str, &str)> {
    let components = report["components"].as_array().expect("components").iter();
    components
        .map(|one| (one["name"].as_str().expect("text"), one["verdict"].as_str().expect("text")))
        .collect()
}
