//! Tables for the machine: time is passed in, the worker is a closure, the store is a map.

mod any;
mod batches;
mod cancel;
mod checkpoints;
mod errands;
mod flow;
mod flow_any;
mod histories;
mod invoke;
mod limits;
mod outlets;
mod rerun;
mod restart;
mod retries;
mod steps;
mod triggers;
mod versions;
mod waits;

use std::collections::{BTreeMap, VecDeque};

use bytes::Bytes;
use jiff::Timestamp;
use protocol::event::NewEvent;
use protocol::id::{RunId, StepId};
use serde_json::{Value, json};

use super::record::Table;
use super::{Incoming, Machine, Record, Settings};
use crate::activity::{Activity, Happening};
use crate::app::SyncRequest;
use crate::call::Order;
use crate::entropy::Counted;
use crate::event::EventId;
use crate::reply::{Answer, Reply};
use crate::request::{Request, Response};
use crate::run::{Errand, Run, Status};

pub(super) const START: &str = "2026-11-22T13:00:00Z";
const SETTINGS: Settings = Settings { retry_interval: None, call_concurrency: 100 };

pub(super) fn at(text: &str) -> Timestamp {
    text.parse().expect("a time")
}

/// A call as the worker of these tests sees it.
#[derive(Debug, Clone)]
pub(super) struct Call {
    pub(super) at: Timestamp,
    pub(super) slug: String,
    pub(super) target: Option<StepId>,
    pub(super) body: Value,
}

impl Call {
    fn of(order: &Order, at: Timestamp) -> Self {
        let query: BTreeMap<_, _> = order.url.query_pairs().collect();
        let body = serde_json::from_str(&order.body).expect("a call is JSON");
        let canonical = serde_json_canonicalizer::to_string(&body).expect("JSON");
        assert_eq!(canonical, order.body, "a call is canonical");
        let target = query["stepId"].parse().ok();
        Self { at, slug: query["fnId"].to_string(), target, body }
    }

    pub(super) fn has(&self, step: &str) -> bool {
        self.memo(step).is_some()
    }

    pub(super) fn memo(&self, step: &str) -> Option<&Value> {
        self.body["steps"].get(StepId::hash(step).to_string())
    }

    pub(super) fn targets(&self, step: &str) -> bool {
        self.target == Some(StepId::hash(step))
    }

    pub(super) fn attempt(&self) -> u64 {
        self.body["ctx"]["attempt"].as_u64().expect("an attempt")
    }

    /// The call in one line: function, target, attempt and whether it must plan.
    pub(super) fn line(&self, names: &[&str]) -> String {
        let name = |id: StepId| names.iter().find(|name| StepId::hash(name) == id).copied();
        let target = self.target.map_or("-", |id| name(id).unwrap_or("?"));
        let plan =
            if self.body["ctx"]["disable_immediate_execution"] == true { " plan" } else { "" };
        format!("{target} {}{plan}", self.attempt())
    }
}

pub(super) fn op(code: &str, name: &str, rest: &Value) -> Value {
    let mut op = json!({"op": code, "id": StepId::hash(name), "displayName": name, "name": name});
    for (key, value) in rest.as_object().expect("an object") {
        op[key] = value.clone();
    }
    op
}

pub(super) fn planned(name: &str) -> Value {
    op("StepPlanned", name, &json!({}))
}

pub(super) fn sleep(name: &str, duration: &str) -> Value {
    op("Sleep", name, &json!({"name": duration}))
}

pub(super) fn answer(status: u16, body: &Value) -> Answer {
    let body = Bytes::from(body.to_string());
    Answer { status, sdk: true, version: Some(2), body, ..Answer::default() }
}

pub(super) fn ops(ops: &[Value]) -> Answer {
    answer(206, &json!(ops))
}

pub(super) fn ran(name: &str) -> Answer {
    ops(&[op("StepRun", name, &json!({"data": name}))])
}

pub(super) fn erred(name: &str) -> Answer {
    ops(&[op("StepError", name, &json!({"error": {"name": "E", "message": name}}))])
}

/// A machine with everything around it.
pub(super) struct World {
    pub(super) machine: Machine,
    pub(super) now: Timestamp,
    pub(super) entropy: Counted,
    pub(super) store: BTreeMap<(Table, String), Vec<u8>>,
    pub(super) calls: Vec<Call>,
    pub(super) activity: Vec<Activity>,
    worker: Box<dyn Fn(&Call) -> Answer>,
    /// Replies to come, in reverse: the earliest call is answered first.
    pub(super) under_way: Vec<Order>,
    /// What others answer to requests.
    pub(super) others: Box<dyn Fn(&Request) -> Response>,
    /// Requests under way; each is answered before the next call.
    pub(super) errands: VecDeque<Errand>,
}

impl World {
    pub(super) fn new(worker: impl Fn(&Call) -> Answer + 'static) -> Self {
        Self {
            machine: Machine::new(SETTINGS),
            now: at(START),
            entropy: Counted::default(),
            store: BTreeMap::new(),
            calls: Vec::new(),
            activity: Vec::new(),
            worker: Box::new(worker),
            under_way: Vec::new(),
            others: Box::new(|_| Response::Failed("nobody answers".to_owned())),
            errands: VecDeque::new(),
        }
    }

    /// A world with one app, `app`, with one function, `app-f`, on the event `a/b`.
    pub(super) fn simple(worker: impl Fn(&Call) -> Answer + 'static) -> Self {
        let mut world = Self::new(worker);
        world.sync(&[function("app-f", &json!([{"event": "a/b"}]), 4)]);
        world
    }

    pub(super) fn sync(&mut self, functions: &[Value]) -> bool {
        let body = json!({"appName": "app", "url": "http://w/", "functions": functions});
        let request = SyncRequest::parse(body.to_string().as_bytes()).expect("a payload");
        let modified = self.machine.sync(request, self.now).expect("a good payload");
        self.save();
        modified
    }

    pub(super) fn send(&mut self, event: &Value) -> EventId {
        let events = NewEvent::parse_all(event.to_string().as_bytes()).expect("an event");
        let incoming = Incoming { events, seed: None };
        let ids = self.machine.receive(&incoming, self.now, &mut self.entropy);
        self.save();
        ids[0]
    }

    /// Stores what changed.
    pub(super) fn save(&mut self) {
        for record in self.machine.take_records() {
            match record.value {
                Some(value) => self.store.insert((record.table, record.key), value),
                None => self.store.remove(&(record.table, record.key)),
            };
        }
        self.activity.extend(self.machine.take_activity());
        self.errands.extend(self.machine.take_errands());
    }

    /// Kills the machine and starts it again from what is stored; calls under way are lost.
    pub(super) fn restart(&mut self) {
        let records = self
            .store
            .iter()
            .map(|((table, key), value)| Record::put(*table, key.clone(), value.clone()));
        self.machine = Machine::restore(SETTINGS, records, self.now).expect("readable records");
        self.under_way.clear();
        self.errands.clear();
    }

    /// Does the next thing: answers a call under way, else makes the calls that are due, else lets time pass up to
    /// `until`. Nothing is left to do when it says so.
    pub(super) fn step(&mut self, until: Timestamp) -> bool {
        if let Some(errand) = self.errands.pop_front() {
            let response = (self.others)(&errand.request);
            self.machine.fetched(errand, response, self.now, &mut self.entropy);
            self.save();
            return true;
        }
        if let Some(order) = self.under_way.pop() {
            let call = Call::of(&order, self.now);
            let reply = Reply::Answered((self.worker)(&call));
            self.calls.push(call);
            self.machine.replied(order.call, reply, self.now, &mut self.entropy);
            self.save();
            return true;
        }
        self.machine.tick(self.now, &mut self.entropy);
        self.under_way = self.machine.dispatch(self.now, &mut self.entropy);
        self.under_way.reverse();
        self.save();
        if !self.under_way.is_empty() {
            return true;
        }
        match self.machine.next_due(self.now).filter(|due| *due <= until) {
            Some(due) => {
                self.now = due;
                true
            }
            None => false,
        }
    }

    /// Goes on until `until`.
    pub(super) fn go_until(&mut self, until: &str) {
        let until = at(until);
        for _ in 0..100_000 {
            if !self.step(until) {
                self.now = until;
                return;
            }
        }
        panic!("the world does not come to rest");
    }

    /// Goes on for an hour.
    pub(super) fn go(&mut self) {
        let until = self.now + jiff::SignedDuration::from_hours(1);
        self.go_until(&until.to_string());
    }

    pub(super) fn runs(&self) -> Vec<&Run> {
        let mut runs: Vec<&Run> = self.machine.runs().collect();
        runs.reverse();
        runs
    }

    pub(super) fn run(&self) -> &Run {
        let runs = self.runs();
        assert_eq!(runs.len(), 1, "one run");
        runs[0]
    }

    pub(super) fn output(&self) -> String {
        let run = self.run();
        assert_eq!(run.status, Status::Completed, "{run:?}");
        run.output.as_ref().map(ToString::to_string).expect("an output")
    }

    pub(super) fn lines(&self, names: &[&str]) -> Vec<String> {
        self.calls.iter().map(|call| call.line(names)).collect()
    }

    pub(super) fn events(&self) -> Vec<String> {
        self.activity
            .iter()
            .filter_map(|activity| match &activity.what {
                Happening::EventReceived { name, .. } => Some(name.clone()),
                _ => None,
            })
            .collect()
    }

    /// The names of what is told of runs, in order.
    pub(super) fn told(&self) -> Vec<String> {
        let told =
            self.activity.iter().map(|activity| serde_json::to_value(activity).expect("JSON"));
        told.map(|json| json["what"].as_str().expect("a name").to_owned()).collect()
    }

    pub(super) fn signal(&mut self, signal: &str, data: &Value) -> Option<RunId> {
        let data = crate::event::canonical(data);
        let run = self.machine.signal(signal, &data, self.now, &mut self.entropy);
        self.save();
        run
    }

    pub(super) fn cancel(&mut self, run: RunId) -> Option<Status> {
        let status = self.machine.cancel(run, self.now, &mut self.entropy);
        self.save();
        status
    }
}

/// A function with further options.
pub(super) fn configured(slug: &str, event: &str, options: &Value) -> Value {
    let mut function = function(slug, &json!([{"event": event}]), 4);
    for (key, value) in options.as_object().expect("an object") {
        function[key] = value.clone();
    }
    function
}

pub(super) fn function(slug: &str, triggers: &Value, retries: u32) -> Value {
    let url = format!("http://w/api?fnId={slug}&stepId=step");
    json!({"id": slug, "name": slug, "triggers": triggers,
        "steps": {"step": {"runtime": {"url": url}, "retries": {"attempts": retries}}}})
}
