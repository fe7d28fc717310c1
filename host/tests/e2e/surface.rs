//! Every kind of step and every option of a function, through a server: right results, each body run once for each
//! success, and nothing waited for that was not to be waited for.

mod options;
mod steps;

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::{Value, json};

use crate::counter::Counter;
use crate::server::Ended;
use crate::way::{Way, in_every_way};
use crate::{Server, folder_of, free_address};

in_every_way!(surface);

async fn surface(way: Way, server: Server) {
    let counter = Counter::start().await;
    let components = folder_of(&[guests::SURFACE]);
    let further = [&["--step-limit", "60s"], &way.arguments()[..]].concat();
    let _worker = server.worker_with(&components, free_address(), &further).await;
    let stage = Stage { server: &server, counter: &counter };
    tokio::join!(stage.steps(), stage.options());
}

/// The server, and where bodies report to.
struct Stage<'t> {
    server: &'t Server,
    counter: &'t Counter,
}

/// A text that no other run of these tests has.
fn unique() -> String {
    static NEXT: AtomicU64 = AtomicU64::new(0);
    let now = jiff::Timestamp::now().as_nanosecond();
    format!("{now}-{}", NEXT.fetch_add(1, Ordering::Relaxed))
}

impl Stage<'_> {
    /// Asks for a run of a function; the event's id.
    async fn ask(&self, function: &str, mut data: Value) -> String {
        data["count"] = self.counter.url(function).into();
        self.server.send(&format!("testing/{function}.requested"), &data).await
    }

    /// A run of a function, to its end.
    async fn run(&self, function: &str, data: Value) -> Ended {
        self.server.ended(&self.ask(function, data).await).await
    }

    /// A run that completes with this result, and these bodies.
    async fn completes(&self, function: &str, data: Value, result: Value, bodies: &[(&str, u32)]) {
        assert_eq!(self.run(function, data).await.result(), result, "{function}");
        self.bodies(function, bodies);
    }

    /// So often each body of a function has run, and no other.
    fn bodies(&self, function: &str, bodies: &[(&str, u32)]) {
        let expected: BTreeMap<String, u32> =
            bodies.iter().map(|(body, times)| ((*body).to_owned(), *times)).collect();
        assert_eq!(self.counter.counts(function), expected, "{function}");
    }

    /// Does something again and again until a run has ended: what it does may come before the run waits for it.
    async fn until_ended(&self, event: &str, mut act: impl AsyncFnMut()) -> Ended {
        let acting = async {
            loop {
                act().await;
                tokio::time::sleep(std::time::Duration::from_millis(300)).await;
            }
        };
        tokio::select! {
            ended = self.server.ended(event) => ended,
            () = acting => unreachable!("it acts for ever"),
        }
    }

    /// Gives answers with a key until a run has ended.
    async fn answered(&self, event: &str, key: &str, value: &Value) -> Ended {
        self.until_ended(event, async || {
            self.server.send("testing/answer.given", &json!({"key": key, "value": value})).await;
        })
        .await
    }
}
