//! Every kind of step and every option of a function, through a server: right results, each body run once for each
//! success, and nothing waited for that was not to be waited for.

mod flow;
mod options;
mod steps;

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use super::way::Way;
use super::{Stage, Tally};
use crate::server::{Ended, Server};

pub(crate) async fn surface(way: Way, server: Server) -> Tally {
    let stage = Stage::start(guests::SURFACE, way, server).await;
    tokio::join!(steps::all(&stage), options::all(&stage));
    stage.tally(&[]).await
}

/// A text that no other run of these tests has.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("{now}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

/// Gives answers with a key until a run has ended.
async fn answered(stage: &Stage, event: &str, key: &str, value: &Value) -> Ended {
    let answer = json!({"key": key, "value": value});
    let answering = stage.until_ended(event, async || {
        stage.server.send("testing/answer.given", &answer).await;
    });
    answering.await
}
