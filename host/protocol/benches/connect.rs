//! What the frames of Connect cost: reading a request, and writing its acknowledgement and its reply.
//!
//! `cargo bench -p protocol --bench connect`

use std::hint::black_box;
use std::time::Instant;

use bytes::Bytes;
use criterion::{BenchmarkId, Criterion, Throughput};
use prost::Message;
use protocol::connect::frames::{ConnectMessage, ConnectionReady, ExecutorRequest, Kind};
use protocol::connect::link::{Heard, Link};
use protocol::connect::request::Request;
use protocol::connect::response;
use protocol::reply::Reply;

use crate::cpu::ThreadTime;

#[path = "../../benches/fixture/cpu.rs"]
mod cpu;
#[path = "../../benches/fixture/fixture.rs"]
mod fixture;

/// A connection that is ready.
fn open() -> Link {
    let now = Instant::now();
    let mut link = Link::new(now);
    for frame in [
        ConnectMessage::empty(Kind::GatewayHello),
        ConnectMessage::around(Kind::GatewayConnectionReady, &ConnectionReady::default()),
    ] {
        link.hear(now, frame.encode_to_vec().into()).expect("a frame in its turn");
    }
    link
}

fn request(memos: usize) -> Bytes {
    let trace = Bytes::from_static(
        br#"{"traceparent":"00-840736a21018b13a9d4ca3b85b881d9f-13a0f7b8026fbf1f-01"}"#,
    );
    let request = ExecutorRequest {
        request_id: "01M81GAVVV25GHCPK7TR200CHJ".to_owned(),
        account_id: "00000000-0000-4000-a000-000000000000".to_owned(),
        env_id: "00000000-0000-4000-b000-000000000000".to_owned(),
        app_id: "7c9f919f-df62-5597-bb03-1aad4e8a37c6".to_owned(),
        app_name: "bench".to_owned(),
        function_id: "4b33776e-fc2b-5094-bc5d-2f1acf159a07".to_owned(),
        function_slug: "bench-replays".to_owned(),
        step_id: Some("step".to_owned()),
        request_payload: fixture::body(memos).into(),
        system_trace_ctx: trace.clone(),
        user_trace_ctx: trace,
        run_id: "01M81GAVHPSXC0YXVPXBAA272F".to_owned(),
        lease_id: "01M81GEH2NXAJFC1G2XF3K4RVH".to_owned(),
        job_id: "1v7iy6z2mudtr".to_owned(),
    };
    ConnectMessage::around(Kind::GatewayExecutorRequest, &request).encode_to_vec().into()
}

fn hear(link: &mut Link, frame: Bytes) -> Request {
    match link.hear(Instant::now(), frame) {
        Ok(Heard::Request(request)) => *request,
        heard => panic!("no request: {heard:?}"),
    }
}

fn decode(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("read a request's frame");
    let mut link = open();
    for memos in fixture::MEMOS {
        let frame = request(memos);
        group.throughput(Throughput::Bytes(frame.len() as u64));
        group.bench_function(BenchmarkId::new("memos", memos), |bencher| {
            bencher.iter(|| hear(&mut link, black_box(frame.clone())));
        });
    }
    group.finish();
}

fn encode(criterion: &mut Criterion<ThreadTime>) {
    let mut group = criterion.benchmark_group("write a frame");
    let Request { envelope, .. } = hear(&mut open(), request(0));
    group.bench_function("acknowledgement", |bencher| {
        bencher.iter(|| {
            ConnectMessage::around(Kind::WorkerRequestAck, &envelope.ack()).encode_to_vec()
        });
    });
    for bytes in [100, 10_000, 1_000_000] {
        let reply = Reply {
            status: 206,
            no_retry: None,
            retry_after: None,
            version: 2,
            body: vec![b'1'; bytes],
        };
        group.throughput(Throughput::Bytes(bytes as u64));
        group.bench_function(BenchmarkId::new("reply of bytes", bytes), |bencher| {
            bencher.iter(|| {
                response::frame(&envelope.respond(black_box(reply.clone()))).encode_to_vec()
            });
        });
    }
    group.finish();
}

fn main() {
    let mut criterion = Criterion::default().with_measurement(ThreadTime).configure_from_args();
    decode(&mut criterion);
    encode(&mut criterion);
    criterion.final_summary();
}
