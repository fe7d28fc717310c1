//! Calls to a worker as a server without a signing key sends them, for load without a server behind it.

use std::net::SocketAddr;
use std::time::{SystemTime, UNIX_EPOCH};

use protocol::id::StepId;
use serde_json::{Map, Value, json};

/// A run that only its caller knows of.
#[derive(Debug)]
pub(crate) struct LoneRun {
    url: String,
    id: String,
    memos: Vec<(&'static str, Value)>,
}

/// What a call was answered with.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Answer {
    /// A step has run, with this result.
    Ran(Value),
    /// The worker wants the server to do something: the op's name.
    Planned(String),
    /// The worker gives the call back, to be made once more.
    HandedBack,
    /// The function has ended, with this result.
    Done(Value),
    /// Anything else: the status and the body.
    Failed(u16, String),
}

impl LoneRun {
    /// A run that begins now.
    pub(crate) fn begin(worker: SocketAddr, app: &str, function: &str) -> Self {
        let now = SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970");
        let mut random = [0; 16];
        getrandom::fill(&mut random).expect("randomness");
        let millis = u64::try_from(now.as_millis()).expect("this age of the world");
        let id = ulid::Ulid::from_parts(millis, u128::from_be_bytes(random));
        Self {
            url: format!("http://{worker}/api/inngest?fnId={app}-{function}&stepId=step"),
            id: id.to_string(),
            memos: Vec::new(),
        }
    }

    /// What a step has left behind for the calls from now on.
    pub(crate) fn remember(&mut self, step: &'static str, result: Value) {
        self.memos.push((step, result));
    }

    /// Makes a call. An error is that of the connection.
    pub(crate) async fn call(&self, client: &reqwest::Client) -> Result<Answer, reqwest::Error> {
        let request = client.post(&self.url).header("content-type", "application/json");
        let answer = request.body(self.body().to_string()).send().await?;
        let (status, text) = (answer.status().as_u16(), answer.text().await?);
        let read = serde_json::from_str::<Value>(&text);
        Ok(match (status, read) {
            (200, Ok(result)) => Answer::Done(result),
            (206, Ok(ops)) => match ops[0]["op"].as_str() {
                Some("StepRun") => Answer::Ran(ops[0]["data"].clone()),
                Some("DiscoveryRequest") => Answer::HandedBack,
                Some(op @ ("StepPlanned" | "Sleep")) => Answer::Planned(op.to_owned()),
                _ => Answer::Failed(status, text),
            },
            _ => Answer::Failed(status, text),
        })
    }

    fn body(&self) -> Value {
        let hash = |step: &str| StepId::hash(step).to_string();
        let steps: Map<String, Value> =
            self.memos.iter().map(|(step, data)| (hash(step), json!({ "data": data }))).collect();
        let stack: Vec<_> = self.memos.iter().map(|(step, _)| hash(step)).collect();
        let event = json!({
            "name": "testing/alone", "id": "01M81GXW6ZCEV7JQT6T4T8NAKA", "ts": 1_795_347_640_545_u64, "data": {},
        });
        json!({
            "ctx": {
                "run_id": self.id, "attempt": 0, "max_attempts": 5, "disable_immediate_execution": false, "env": "dev",
                "fn_id": "5e7a0f4c-95a5-54ad-8ea8-6e9c7a7c9d0f", "qi_id": "01M81GXW71CEV7JQT6T4T8NAKQ",
                "stack": { "current": stack.len(), "stack": stack }, "step_id": "step", "use_api": false,
            },
            "event": event, "events": [event], "steps": steps, "use_api": false, "version": 2,
        })
    }
}
