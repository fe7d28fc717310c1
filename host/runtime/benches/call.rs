//! What a call costs in this process: an instance, a memoized step, and all of it from the bytes of a call to the
//! bytes of its reply.
//!
//! `cargo bench -p runtime --bench call`

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion};
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::id::FunctionId;
use protocol::replay::Rigour;
use protocol::reply::Reply;
use protocol::signature::{Trust, verify};
use runtime::{Component, Limits, Runtime};

#[path = "../../benches/fixture/cpu.rs"]
mod cpu;
#[path = "../../benches/fixture/fixture.rs"]
mod fixture;
#[path = "../../benches/fixture/nobody.rs"]
mod nobody;

use self::nobody::Nobody;

/// One call that is made again and again.
struct Made {
    component: Arc<Component>,
    function: FunctionId,
    query: String,
    body: Bytes,
}

impl Made {
    fn new(component: &Arc<Component>, function: &str, memos: usize) -> Self {
        Self {
            component: Arc::clone(component),
            function: function.parse().expect("an id"),
            query: fixture::query(function),
            body: fixture::body(memos).into(),
        }
    }

    /// Decodes, runs and answers.
    async fn reply(&self) -> Reply {
        let verified = verify(None, self.body.clone(), Timestamp::now(), &Trust::Dev)
            .expect("a development server");
        let route = Route::parse(&self.query).expect("a route");
        let call = Call::decode(route, &verified).expect("a call");
        let terms = call.terms();
        let ended = self
            .component
            .invoke(&self.function, Arc::new(call), Nobody::here(), Rigour::Lenient)
            .await;
        Reply::of(ended.expect("it runs"), terms)
    }

    async fn many(&self, times: u64) -> Duration {
        let began = cpu::now();
        for _ in 0..times {
            self.reply().await;
        }
        cpu::since(began)
    }
}

fn main() {
    let mut criterion =
        Criterion::default().with_measurement(cpu::ThreadTime).configure_from_args();
    let tokio =
        tokio::runtime::Builder::new_current_thread().enable_all().build().expect("threads");
    let engine = Runtime::new(Limits::default(), Vec::new()).expect("an engine");
    let bytes = std::fs::read(guests::BENCH).expect("a built guest");
    let component = tokio.block_on(Component::load(&engine, "bench", bytes)).expect("a component");

    criterion.bench_function("instantiate and drop", |bencher| {
        bencher.iter_custom(|times| {
            tokio.block_on(async {
                let began = cpu::now();
                for _ in 0..times {
                    component.instantiate().await.expect("an instance");
                }
                cpu::since(began)
            })
        });
    });

    let mut group = criterion.benchmark_group("a call in process");
    let noop = Made::new(&component, "noop", 0);
    assert_eq!(tokio.block_on(noop.reply()).body, b"null");
    group.bench_function("no-op", |bencher| {
        bencher.iter_custom(|times| tokio.block_on(noop.many(times)));
    });
    for memos in fixture::MEMOS {
        let replays = Made::new(&component, "replays", memos);
        assert_eq!(tokio.block_on(replays.reply()).status, 206);
        group.bench_function(BenchmarkId::new("memos", memos), |bencher| {
            bencher.iter_custom(|times| tokio.block_on(replays.many(times)));
        });
    }
    group.finish();

    // What one memo more costs: calls with 200 and with 100 in turn, so that the machine's moods touch both.
    let (few, many) =
        (Made::new(&component, "replays", 100), Made::new(&component, "replays", 200));
    criterion.bench_function("one memoized step", |bencher| {
        bencher.iter_custom(|times| {
            let (mut longer, mut shorter) = (Duration::ZERO, Duration::ZERO);
            tokio.block_on(async {
                for _ in 0..times {
                    longer += many.many(1).await;
                    shorter += few.many(1).await;
                }
            });
            longer.saturating_sub(shorter) / 100
        });
    });
    criterion.final_summary();
}
