//! What the wire costs: decoding a call, and checking its signature.
//!
//! `cargo bench -p protocol`

use std::hint::black_box;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use jiff::Timestamp;
use protocol::call::{Call, Route};
use protocol::signature::{Keys, SigningKey, Trust, verify};

use crate::cpu::ThreadTime;

#[path = "../../benches/fixture/cpu.rs"]
mod cpu;
#[path = "../../benches/fixture/fixture.rs"]
mod fixture;

fn decode(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("decode a call");
    let query = fixture::query("replays");
    for memos in fixture::MEMOS {
        let body = Bytes::from(fixture::body(memos));
        group.throughput(Throughput::Bytes(body.len() as u64));
        let verified =
            verify(None, body, Timestamp::now(), &Trust::Dev).expect("a development server");
        group.bench_function(BenchmarkId::new("memos", memos), |bencher| {
            bencher.iter(|| {
                let route = Route::parse(black_box(&query)).expect("a route");
                Call::decode(route, &verified).expect("a call")
            });
        });
    }
    group.finish();
}

fn signature(criterion: &mut Criterion<ThreadTime>) {
    let key = SigningKey::parse("signkey-test-0123456789abcdef0123456789abcdef").expect("a key");
    let trust = Trust::Signed(Keys { primary: key.clone(), fallback: None });
    let now = Timestamp::now();
    let mut group = criterion.benchmark_group("check a signature");
    for memos in fixture::MEMOS {
        let body = Bytes::from(fixture::body(memos));
        let header = key.sign(&body, now);
        group.throughput(Throughput::Bytes(body.len() as u64));
        group.bench_function(BenchmarkId::new("memos", memos), |bencher| {
            bencher.iter(|| {
                verify(Some(black_box(&header)), body.clone(), now, &trust).expect("it fits")
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(ThreadTime).configure_from_args();
    decode(&mut criterion);
    signature(&mut criterion);
    criterion.final_summary();
}
