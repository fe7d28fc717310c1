//! What the gate costs that every function of a capability stands behind: whether the call is in a step's body, and a
//! counter. A guest calls a function that does nothing, through the gate and past it.
//!
//! `cargo bench -p runtime --features measure --bench gate`

use std::sync::Arc;
use std::time::Duration;

use criterion::Criterion;
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::id::FunctionId;
use protocol::outcome::Outcome;
use protocol::replay::Rigour;
use protocol::signature::{Trust, verify};
use runtime::capability::Offer;
use runtime::placement::Capability;
use runtime::{CallState, Compilation, Component, Limits, Provider, Runtime};
use serde_json::json;
use wasmtime::component::{ComponentType, Lower};

#[path = "../../benches/fixture/cpu.rs"]
mod cpu;
#[path = "../../benches/fixture/nobody.rs"]
mod nobody;

use self::nobody::Nobody;

/// How often a guest calls in one step: so often that the call around it is nothing beside.
const TIMES: u32 = 20_000;

/// Why it was refused, as `wit/refusal.wit` says it.
#[derive(ComponentType, Lower)]
#[component(record)]
struct Refusal {
    reason: Reason,
    message: String,
}

#[derive(ComponentType, Lower, Clone, Copy)]
#[component(enum)]
#[repr(u8)]
#[allow(dead_code, reason = "the contract has them all")]
enum Reason {
    #[component(name = "denied")]
    Denied,
    #[component(name = "invalid")]
    Invalid,
    #[component(name = "missing")]
    Missing,
    #[component(name = "conflict")]
    Conflict,
    #[component(name = "exhausted")]
    Exhausted,
    #[component(name = "unavailable")]
    Unavailable,
    #[component(name = "late")]
    Late,
    #[component(name = "failed")]
    Failed,
}

/// What stands before the function.
#[derive(Debug, Clone, Copy)]
enum Before {
    /// Nothing.
    Nothing,
    /// The gate.
    Gate,
    /// The gate, and a grant that does not allow it: it is counted, and recorded for the operator.
    Denial,
}

/// A capability whose one function does nothing.
struct Idle(Before);

impl Provider for Idle {
    fn capability(&self) -> Capability {
        Capability::Redis
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut interface = offer.interface("system-bus:durable/redis")?;
        let there = |_: &mut CallState, (_key,): (String,)| Ok((Ok::<_, Refusal>(true),));
        match self.0 {
            Before::Nothing => interface.ungated("exists", there),
            Before::Gate => interface.at_once("exists", there),
            Before::Denial => {
                interface.at_once("exists", move |state: &mut CallState, arguments: (String,)| {
                    state.denied(Capability::Redis, "the key k");
                    there(state, arguments)
                })
            }
        }
    }
}

/// A call whose step calls the function [`TIMES`] times.
struct Made {
    component: Arc<Component>,
    function: FunctionId,
    call: Arc<Call>,
}

impl Made {
    async fn new(before: Before) -> Self {
        let limits = Limits { step: Duration::from_mins(5), ..Limits::default() };
        let providers: Vec<Arc<dyn Provider>> = vec![Arc::new(Idle(before))];
        let runtime =
            Runtime::with_providers(limits, Vec::new(), Compilation::default(), providers);
        let bytes = std::fs::read(guests::USES_GATE).expect("a built guest");
        let runtime = runtime.expect("an engine");
        let component = Component::load(&runtime, "uses-gate", bytes).await.expect("a component");
        Self { component, function: "asks".parse().expect("an id"), call: call() }
    }

    /// The CPU time of it.
    async fn time(&self) -> Duration {
        let began = cpu::now();
        let call = Arc::clone(&self.call);
        let ended =
            self.component.invoke(&self.function, call, Nobody::here(), Rigour::Lenient).await;
        let time = cpu::since(began);
        match ended.expect("it runs") {
            Outcome::StepRan { .. } => time,
            other => panic!("{other:?}"),
        }
    }
}

fn call() -> Arc<Call> {
    let data = json!({ "times": TIMES });
    let event = json!({ "name": "testing/gate.asked", "id": "e1", "ts": 1, "data": data });
    let body = json!({
        "ctx": {
            "run_id": "01M81GXW71CEV7JQT6T4T8NAKZ", "attempt": 0, "max_attempts": 1,
            "stack": { "current": 0, "stack": [] },
        },
        "event": event, "events": [event], "steps": {}, "version": 2,
    });
    let body = body.to_string().into();
    let verified = verify(None, body, Timestamp::UNIX_EPOCH, &Trust::Dev).expect("trusted");
    let route = Route { slug: "f".to_owned(), target: None };
    Arc::new(Call::decode(route, &verified).expect("a call"))
}

fn main() {
    let mut criterion =
        Criterion::default().with_measurement(cpu::ThreadTime).configure_from_args();
    let tokio =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    let [bare, gated, denied] = [Before::Nothing, Before::Gate, Before::Denial]
        .map(|before| tokio.block_on(Made::new(before)));

    for (name, made) in [("unchecked", &bare), ("checked", &gated), ("checked and denied", &denied)]
    {
        criterion.bench_function(&format!("a host call, {name}"), |bencher| {
            bencher.iter_custom(|times| {
                tokio.block_on(async {
                    let mut all = Duration::ZERO;
                    for _ in 0..times {
                        all += made.time().await;
                    }
                    all / TIMES
                })
            });
        });
    }
    // In turn, so that the machine's moods touch both. The sign is lost where the gate costs less than what is measured.
    criterion.bench_function("the gate alone", |bencher| {
        bencher.iter_custom(|times| {
            tokio.block_on(async {
                let (mut with, mut without) = (Duration::ZERO, Duration::ZERO);
                for _ in 0..times {
                    with += gated.time().await;
                    without += bare.time().await;
                }
                with.saturating_sub(without).max(Duration::from_nanos(1)) / TIMES
            })
        });
    });
    criterion.final_summary();
}
