//! What capabilities keep for a run goes when the run is over, and not before.

use std::sync::{Arc, Mutex};

use protocol::id::RunId;
use protocol::signature::Trust;
use runtime::capability::{Offer, Provider};
use runtime::placement::Capability;
use runtime::{Compilation, Limits, Runtime};
use serde_json::{Value, json};

use crate::bus::{Bus, options};
use crate::call::{ATTEMPTS, CallTo, RUN};
use crate::deployed::Deployed;
use crate::server::Server;

/// A capability that keeps something for runs.
#[derive(Default)]
struct Keeper {
    ended: Mutex<Vec<RunId>>,
}

impl Keeper {
    fn ended(&self) -> Vec<String> {
        let mut ended = self.ended.lock().expect("nobody panicked");
        ended.drain(..).map(|run| run.to_string()).collect()
    }
}

impl Provider for Keeper {
    fn capability(&self) -> Capability {
        Capability::Fs
    }

    fn link(&self, _offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        Ok(())
    }

    fn run_ended(&self, run: RunId) {
        self.ended.lock().expect("nobody panicked").push(run);
    }
}

#[tokio::test]
async fn capabilities_hear_of_the_end_of_a_run_and_of_nothing_else() {
    let keeper = Arc::new(Keeper::default());
    let (limits, compilation) = (Limits::default(), Compilation::default());
    let providers: Vec<Arc<dyn Provider>> = vec![keeper.clone()];
    let runtime = Runtime::with_providers(limits, Vec::new(), compilation, providers);
    let deployed = Deployed::of(&runtime.expect("an engine"), &[guests::STEPS]).await;
    let server = Server::start();
    let bus = Bus::with(options(Trust::Dev, server.address), deployed).await.registered().await;

    let stored = |name, n| (name, json!({ "data": n }));
    let all = [("one", 1), ("two", 2), ("three", 3), ("four", 4), ("five", 5)];
    let all = all.map(|(name, n)| stored(name, n));
    let doomed: [(&str, Value); 1] =
        [("doomed", json!({ "error": { "name": "Doomed", "message": "no use" } }))];
    let call = CallTo::new;
    let last = |function| CallTo { attempt: ATTEMPTS - 1, ..call(function) };
    for (call, ends) in [
        (call("five"), false),
        (call("parallel"), false),
        (CallTo { target: Some("b"), ..call("parallel") }, false),
        (CallTo { memos: &all, ..call("five") }, true),
        (call("caught"), false),
        (last("caught"), false),
        (CallTo { memos: &doomed, ..call("uncaught") }, true),
        (call("fails"), false),
        (last("fails"), true),
        // No component has it: answered with an error, which is the run's own where it was the last attempt.
        (call("nobodys"), false),
        (last("nobodys"), true),
        (CallTo { target: Some("a"), ..last("nobodys") }, true),
    ] {
        bus.call(&call).await;
        let expected: &[&str] = if ends { &[RUN] } else { &[] };
        assert_eq!(keeper.ended(), expected, "{call:?}");
    }
    bus.end().await;
}
