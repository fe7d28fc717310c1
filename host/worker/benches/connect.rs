//! What a call over Connect takes: from the gateway's request to the worker's reply, over loopback, with the gateway
//! in the same process, whose CPU time therefore holds both. The guest is the one of the other benchmarks; see
//! `docs/performance.md`.
//!
//! `cargo bench -p worker --bench connect`

#![allow(clippy::print_stdout, reason = "it reports to a terminal")]

use std::net::SocketAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::Router;
use axum::routing::post;
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use protocol::connect::SUBPROTOCOL;
use protocol::connect::book::REPLY_ACK;
use protocol::connect::frames::{
    ConnectMessage, ConnectionReady, ExecutorRequest, Kind, ReplyAck, SdkResponse, StartResponse,
};
use protocol::role::Role;
use protocol::signature::Trust;
use runtime::Limits;
use rustix::time::{ClockId, clock_gettime};
use tokio::net::{TcpListener, TcpStream};
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::{WebSocketStream, accept_hdr_async};
use worker::connect::{ConnectOptions, Transport};
use worker::{Access, Options, Running};

#[allow(dead_code, reason = "a frame has no query")]
#[path = "../../benches/fixture/fixture.rs"]
mod fixture;

#[path = "../tests/support/deployed.rs"]
mod deployed;

use self::deployed::Deployed;

/// How many calls are under way at once.
const DEPTHS: [usize; 2] = [1, 64];

/// How long one row is measured.
const WINDOW: Duration = Duration::from_secs(1);

const ANY_PORT: &str = "127.0.0.1:0";

type Socket = WebSocketStream<TcpStream>;

fn main() {
    let tokio = tokio::runtime::Builder::new_multi_thread().enable_all().build().expect("threads");
    tokio.block_on(async {
        let gateway = TcpListener::bind(ANY_PORT).await.expect("a port");
        let endpoint = format!("ws://{}/", gateway.local_addr().expect("an address"));
        let (running, _deployed) = worker(api(endpoint).await).await;
        let mut socket = connected(&gateway).await;
        println!(
            "| calls at once | memos | CPU time a call | round trip, median | 99th percentile | calls a second |"
        );
        println!("| ---: | ---: | ---: | ---: | ---: | ---: |");
        for depth in DEPTHS {
            for memos in fixture::MEMOS {
                println!("{}", row(&mut socket, depth, memos).await);
            }
        }
        drop(socket);
        running.shutdown().await;
    });
}

/// Keeps this many calls under way for a while.
async fn row(socket: &mut Socket, depth: usize, memos: usize) -> String {
    let body = bytes::Bytes::from(fixture::body(memos));
    let (mut sent, mut took) = (Vec::new(), Vec::new());
    let (cpu_begun, begun) = (cpu(), Instant::now());
    for _ in 0..depth {
        request(socket, &mut sent, memos, depth, &body).await;
    }
    while took.len() < sent.len() {
        let frame = hear(socket).await;
        if frame.kind() != Kind::WorkerReply {
            continue;
        }
        let reply = SdkResponse::decode(frame.payload).expect("a reply");
        let number = reply.request_id.rsplit('-').next().and_then(|text| text.parse().ok());
        let at: Instant = sent[number.unwrap_or(usize::MAX)];
        took.push(at.elapsed());
        let ack = ReplyAck { request_id: reply.request_id };
        say(socket, &ConnectMessage::around(Kind::WorkerReplyAck, &ack)).await;
        if begun.elapsed() < WINDOW {
            request(socket, &mut sent, memos, depth, &body).await;
        }
    }
    let (cpu, elapsed) = (cpu().saturating_sub(cpu_begun), begun.elapsed());
    let calls = u32::try_from(took.len()).expect("a second's worth");
    let (cpu, rate) = (cpu / calls, f64::from(calls) / elapsed.as_secs_f64());
    took.sort_unstable();
    let (median, late) = (took[took.len() / 2], took[took.len() * 99 / 100]);
    format!("| {depth} | {memos} | {cpu:.1?} | {median:.1?} | {late:.1?} | {rate:.0} |")
}

/// The CPU time that all threads of this process have used so far.
fn cpu() -> Duration {
    clock_gettime(ClockId::ProcessCPUTime).try_into().expect("time is not negative")
}

async fn request(
    socket: &mut Socket,
    sent: &mut Vec<Instant>,
    memos: usize,
    depth: usize,
    body: &bytes::Bytes,
) {
    let request = ExecutorRequest {
        request_id: format!("{depth}-{memos}-{}", sent.len()),
        function_slug: "bench-replays".to_owned(),
        step_id: Some("step".to_owned()),
        request_payload: body.clone(),
        run_id: "01M81GXW71CEV7JQT6T4T8NAKZ".to_owned(),
        lease_id: "01M81GEH2NXAJFC1G2XF3K4RVH".to_owned(),
        ..ExecutorRequest::default()
    };
    sent.push(Instant::now());
    say(socket, &ConnectMessage::around(Kind::GatewayExecutorRequest, &request)).await;
}

async fn say(socket: &mut Socket, frame: &ConnectMessage) {
    socket.send(Message::Binary(frame.encode_to_vec().into())).await.expect("sent");
}

/// The next frame; heartbeats are answered.
async fn hear(socket: &mut Socket) -> ConnectMessage {
    loop {
        let message = socket.next().await.expect("an open connection").expect("a message");
        let Message::Binary(bytes) = message else { continue };
        let frame = ConnectMessage::decode(bytes).expect("a frame");
        if frame.kind() != Kind::WorkerHeartbeat {
            return frame;
        }
        say(socket, &ConnectMessage::empty(Kind::GatewayHeartbeat)).await;
    }
}

/// The worker's connection, ready for calls.
async fn connected(gateway: &TcpListener) -> Socket {
    let (stream, _) = gateway.accept().await.expect("a connection");
    stream.set_nodelay(true).expect("an option");
    #[expect(clippy::result_large_err, reason = "the library's signature")]
    let choose = |_: &Request, mut answer: Response| -> Result<Response, ErrorResponse> {
        let chosen = HeaderValue::from_static(SUBPROTOCOL);
        answer.headers_mut().insert("sec-websocket-protocol", chosen);
        Ok(answer)
    };
    let mut socket = accept_hdr_async(stream, choose).await.expect("a WebSocket");
    say(&mut socket, &ConnectMessage::empty(Kind::GatewayHello)).await;
    hear(&mut socket).await;
    let ready = ConnectionReady {
        heartbeat_interval: "10s".to_owned(),
        extend_lease_interval: "30s".to_owned(),
        status_interval: "0s".to_owned(),
    };
    say(&mut socket, &ConnectMessage::around(Kind::GatewayConnectionReady, &ready)).await;
    socket
}

/// The one route of the API that a connection needs.
async fn api(gateway_endpoint: String) -> SocketAddr {
    let start = StartResponse { gateway_endpoint, ..StartResponse::default() }.encode_to_vec();
    let router = Router::new().route("/v0/connect/start", post(move || async move { start }));
    let listener = TcpListener::bind(ANY_PORT).await.expect("a port");
    let address = listener.local_addr().expect("an address");
    tokio::spawn(async move { axum::serve(listener, router).await });
    address
}

async fn worker(api: SocketAddr) -> (Running, Deployed) {
    let runtime = deployed::engine(Limits::default(), Vec::new());
    let deployed = Deployed::of(&runtime, &[guests::BENCH]).await;
    let origin: url::Url = format!("http://{api}").parse().expect("a URL");
    let connect = ConnectOptions {
        instance: "bench".parse().expect("an id"),
        gateway: None,
        concurrency: NonZeroU32::new(runtime::INSTANCES).expect("instances"),
        state_dir: None,
        reply_ack: REPLY_ACK,
    };
    let options = Options {
        role: Role::Cluster,
        access: Access::nobody(),
        app: "bench".parse().expect("an id"),
        app_version: None,
        listen: ANY_PORT.parse().expect("an address"),
        trust: Trust::Dev,
        event_key: None,
        api_origin: origin.clone(),
        event_api_origin: origin,
        env: None,
        serve_origin: None,
        serve_path: None,
        in_band_sync: false,
        body_limit: worker::options::BODY_LIMIT,
        checkpoints: false,
        neighbours: Vec::new(),
        vault: None,
        look_again: Duration::from_mins(10),
        elected: None,
        transport: Transport::Connect(connect),
        drain: worker::options::DRAIN,
    };
    let registry = Arc::clone(&deployed.registry);
    (Running::start(options, registry).await.expect("a worker"), deployed)
}
