//! Everything runs: what a flow does to it, and what it looks at afterwards.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::time::Duration;

use serde_json::{Value, json};
use tempfile::TempDir;

use super::stage::{ROLES, app_of, log_of};
use crate::process::Process;
use crate::server::Server;
use crate::store::Store;

/// An engine, a worker with all functions, and what they need.
pub(crate) struct Scene {
    // First, so that none outlives what it needs.
    workers: Vec<Process>,
    server: Server,
    store: Store,
    folder: TempDir,
    /// How many runs of each function were looked at.
    seen: Mutex<BTreeMap<String, usize>>,
}

/// A run that has ended.
#[derive(Debug, Clone)]
pub(crate) struct Ran {
    pub(crate) id: String,
    pub(crate) status: String,
    pub(crate) output: Value,
    /// The names of its steps, in the order in which they ended.
    pub(crate) steps: Vec<String>,
    /// What each of its steps ended with, and after how many attempts.
    spans: Vec<Value>,
}

impl Ran {
    /// Its result, where it completed.
    #[track_caller]
    pub(crate) fn result(&self) -> &Value {
        assert_eq!(self.status, "Completed", "{self:?}");
        &self.output
    }

    /// Panics unless these were its steps.
    #[track_caller]
    pub(crate) fn assert_steps(&self, steps: &[&str]) {
        assert_eq!(self.steps, steps, "{self:?}");
    }

    /// What a step ended with.
    #[track_caller]
    pub(crate) fn result_of(&self, step: &str) -> &Value {
        let output = &self.span(step)["output"];
        // What is no object has one around it.
        let inner = output.as_object().filter(|all| all.len() == 1).and_then(|it| it.get("data"));
        inner.unwrap_or(output)
    }

    /// After how many attempts a step ended.
    #[track_caller]
    pub(crate) fn attempts(&self, step: &str) -> u64 {
        self.span(step)["attempts"].as_u64().unwrap_or_else(|| panic!("none: {self:?}"))
    }

    #[track_caller]
    fn span(&self, step: &str) -> &Value {
        let found = self.spans.iter().find(|span| span["name"] == step);
        found.unwrap_or_else(|| panic!("no step {step}: {self:?}"))
    }

    /// What it failed of, where it failed.
    #[track_caller]
    pub(crate) fn failure(&self) -> String {
        assert_eq!(self.status, "Failed", "{self:?}");
        self.output.to_string()
    }
}

impl Scene {
    pub(super) fn new(
        workers: Vec<Process>,
        server: Server,
        store: Store,
        folder: TempDir,
    ) -> Self {
        Self { workers, server, store, folder, seen: Mutex::default() }
    }

    /// The functions that the workers serve, with their roles.
    pub(crate) async fn functions(&self) -> Vec<(String, &'static str)> {
        let mut all = Vec::new();
        for (role, worker) in ROLES.into_iter().zip(&self.workers) {
            let health = self.server.health(worker.address).await;
            let ids = health["functions"].as_array().cloned().unwrap_or_default();
            all.extend(ids.iter().filter_map(|id| Some((id.as_str()?.to_owned(), role))));
        }
        all
    }

    /// How many runs of each function were looked at so far.
    pub(crate) fn seen(&self) -> BTreeMap<String, usize> {
        self.seen.lock().expect("nobody panics with it").clone()
    }

    /// Where the workers are.
    pub(crate) fn addresses(&self) -> impl Iterator<Item = std::net::SocketAddr> {
        self.workers.iter().map(|worker| worker.address)
    }

    /// Where webhooks are posted to.
    pub(crate) fn gateway(&self) -> std::net::SocketAddr {
        self.workers[ROLES.len() - 1].address
    }

    /// Where the engine is.
    pub(crate) fn engine(&self) -> &str {
        self.server.origin()
    }

    /// A file or folder of the stage.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// A file of the stage, read.
    #[track_caller]
    pub(crate) fn read(&self, name: impl AsRef<Path>) -> String {
        let path = self.folder.path().join(name);
        std::fs::read_to_string(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()))
    }

    /// Sends an event; the server's id for it.
    pub(crate) async fn send(&self, name: &str, data: &Value) -> String {
        self.server.send(name, data).await
    }

    /// Sends an event with an id of its own; the server's id for it.
    pub(crate) async fn send_as(&self, id: &str, name: &str, data: &Value) -> String {
        let client = reqwest::Client::new();
        let event = json!({"id": id, "name": name, "data": data});
        let url = format!("{}/e/key", self.server.origin());
        let answer = client.post(url).json(&event).send().await.expect("an answer");
        let answer: Value = answer.json().await.expect("JSON");
        answer["ids"][0].as_str().unwrap_or_else(|| panic!("not sent: {answer}")).to_owned()
    }

    /// Sends an event, and waits for the end of the run of a function that it begins.
    pub(crate) async fn run(&self, function: &str, name: &str, data: &Value) -> Ran {
        let event = self.send(name, data).await;
        self.ended(function, &event).await
    }

    /// Waits for the end of the run of a function that an event has begun.
    pub(crate) async fn ended(&self, function: &str, event: &str) -> Ran {
        let what = format!("the run of {function} by {event} has ended");
        crate::eventually(&what, async || self.look(function, event).await).await
    }

    /// Waits for the end of a run of a function that any event of this name begins whose data pass.
    pub(crate) async fn follows(
        &self,
        function: &str,
        name: &str,
        passes: impl Fn(&Value) -> bool,
    ) -> Ran {
        let event = self.event(name, passes).await;
        self.ended(function, event["internal_id"].as_str().expect("an id")).await
    }

    /// Waits for an event of this name whose data pass.
    pub(crate) async fn event(&self, name: &str, passes: impl Fn(&Value) -> bool) -> Value {
        crate::eventually(&format!("an event {name}"), async || {
            self.events(name).await.into_iter().find(|event| passes(&event["data"]))
        })
        .await
    }

    /// The server's id of the event of this name in whose data these words are.
    pub(crate) async fn id_of(&self, name: &str, words: &str) -> String {
        let event = self.event(name, |data| data.to_string().contains(words)).await;
        event["internal_id"].as_str().expect("an id").to_owned()
    }

    /// The latest events of this name, at most a hundred.
    pub(crate) async fn events(&self, name: &str) -> Vec<Value> {
        let events = self.get(&format!("v1/events?limit=100&name={name}")).await;
        events["data"].as_array().cloned().unwrap_or_default()
    }

    /// The runs that an event has begun so far.
    pub(crate) async fn begun_by(&self, event: &str) -> Vec<Value> {
        let runs = self.get(&format!("v1/events/{event}/runs")).await;
        runs["data"].as_array().cloned().unwrap_or_default()
    }

    /// Sends an event again and again, until the run of a function that another one has begun ends: what waits for an event
    /// only takes what comes after it has begun to wait.
    pub(crate) async fn ended_by(
        &self,
        function: &str,
        event: &str,
        (name, data): (&str, &Value),
    ) -> Ran {
        let sending = async {
            loop {
                self.send(name, data).await;
                tokio::time::sleep(Duration::from_millis(500)).await;
            }
        };
        tokio::select! {
            ran = self.ended(function, event) => ran,
            () = sending => unreachable!("it never ends"),
        }
    }

    async fn look(&self, function: &str, event: &str) -> Option<Ran> {
        let slugs = ROLES.map(|role| format!("{}-{function}", app_of(role)));
        let runs = self.begun_by(event).await;
        let own = |run: &&Value| slugs.iter().any(|slug| run["function_slug"] == slug.as_str());
        let run = runs.iter().find(own)?;
        run["ended_at"].as_str()?;
        let id = run["run_id"].as_str()?.to_owned();
        let trace = self.get(&format!("v2/runs/{id}/trace?includeOutput=true")).await;
        let spans = trace["data"]["rootSpan"]["children"].as_array()?.clone();
        let steps = spans.iter().filter_map(|step| step["name"].as_str().map(str::to_owned));
        let mut seen = self.seen.lock().expect("nobody panics with it");
        *seen.entry(function.to_owned()).or_default() += 1;
        Some(Ran {
            steps: steps.collect(),
            spans,
            status: run["status"].as_str()?.to_owned(),
            output: run["output"].clone(),
            id,
        })
    }

    async fn get(&self, path: &str) -> Value {
        let answer = reqwest::get(format!("{}/{path}", self.server.origin())).await;
        answer.expect("an answer").json().await.unwrap_or_default()
    }

    /// The records that a run has left so far, in their order.
    pub(crate) fn records(&self, run: &Ran) -> Vec<Value> {
        let log = self.log();
        let lines = log.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
        let records = lines.filter(|line| line["target"] == "telemetry").filter_map(|line| {
            serde_json::from_str::<Value>(line["fields"]["record"].as_str()?).ok()
        });
        records.filter(|record| record["metadata"]["run"] == run.id.as_str()).collect()
    }

    /// The actions of these records.
    pub(crate) fn actions(&self, run: &Ran) -> Vec<String> {
        let records = self.records(run);
        records.iter().filter_map(|it| it["action"].as_str().map(str::to_owned)).collect()
    }

    /// The one record of this action that a run has left.
    #[track_caller]
    pub(crate) fn record(&self, run: &Ran, action: &str) -> Value {
        let all = self.records(run);
        let mut own = all.iter().filter(|record| record["action"] == action);
        match (own.next(), own.next()) {
            (Some(record), None) => record.clone(),
            _ => panic!("not one record {action} of {}: {all:?}", run.id),
        }
    }

    /// Panics where a secret's value is in what the engine has of a run, in the log, or in what people were told.
    #[track_caller]
    pub(crate) fn hides(&self, secret: &str, runs: &[&Ran]) {
        for run in runs {
            assert!(!format!("{run:?}").contains(secret), "{}: {:?}", run.id, run.steps);
        }
        assert!(!self.log().contains(secret), "it is in the log");
        let told: Vec<String> = self.redis(&["LRANGE", "joelclaw:events:main", "0", "-1"]);
        assert!(!told.concat().contains(secret), "people were told of it");
    }

    /// All that the workers have logged.
    pub(crate) fn log(&self) -> String {
        let logs = ROLES.map(|role| std::fs::read_to_string(self.path(&log_of(role))));
        logs.map(|log| log.expect("a log")).concat()
    }

    /// What Redis answers to a command.
    #[track_caller]
    pub(crate) fn redis<T: redis::FromRedisValue>(&self, words: &[&str]) -> T {
        let client = redis::Client::open(self.store.url()).expect("an address");
        let mut connection = client.get_connection().expect("a running server");
        let mut command = redis::cmd(words[0]);
        command.arg(&words[1..]);
        command.query(&mut connection).unwrap_or_else(|error| panic!("{words:?}: {error}"))
    }

    /// What people were told of this type whose payload passes, in the order in which it was said.
    pub(crate) fn told(&self, kind: &str, passes: impl Fn(&Value) -> bool) -> Vec<Value> {
        let pushes: Vec<String> = self.redis(&["LRANGE", "joelclaw:events:main", "0", "-1"]);
        let pushes = pushes.iter().rev().filter_map(|text| serde_json::from_str(text).ok());
        let own = |push: &Value| push["type"] == kind && passes(&push["payload"]);
        pushes.filter(own).collect()
    }
}
