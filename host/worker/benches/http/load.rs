//! The load: connections that are kept, each sending the same call again as soon as it is answered.

use std::fmt::Write as _;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::task::JoinSet;

use crate::process::Server;

/// What is sent, and how.
pub(crate) struct Load<'r> {
    pub(crate) request: &'r [u8],
    pub(crate) connections: usize,
    pub(crate) window: Duration,
}

/// What one window showed.
pub(crate) struct Measured {
    /// CPU time of the server's process per call, in microseconds.
    pub(crate) micros: f64,
    /// Calls answered in a second.
    pub(crate) a_second: f64,
}

/// What sends: one thread that never sleeps.
pub(crate) fn runtime() -> Runtime {
    // It looks for replies after this many of its tasks have moved.
    let runtime = Builder::new_current_thread().enable_all().event_interval(8).build();
    let runtime = runtime.expect("I/O");
    // There is always something to do, so it looks and does not wait.
    runtime.spawn(async {
        loop {
            tokio::task::yield_now().await;
        }
    });
    runtime
}

/// A whole request, ready to be sent.
pub(crate) fn request(query: &str, signature: Option<&str>, body: &[u8]) -> Vec<u8> {
    let mut head = format!(
        "POST {}?{query} HTTP/1.1\r\nhost: 127.0.0.1\r\nuser-agent: Go-http-client/1.1\r\n\
         content-type: application/json\r\naccept-encoding: gzip\r\nx-inngest-server-kind: dev\r\n\
         x-inngest-req-version: 2\r\ncontent-length: {}\r\n",
        worker::options::SERVE_PATH,
        body.len(),
    );
    if let Some(signature) = signature {
        write!(head, "x-inngest-signature: {signature}\r\n").expect("memory");
    }
    head.push_str("\r\n");
    [head.as_bytes(), body].concat()
}

impl Load<'_> {
    /// Measures one window.
    pub(crate) async fn on(&self, server: &Server) -> Measured {
        let mut connections = Vec::new();
        for _ in 0..self.connections {
            connections.push(Connection::open(server).await);
        }
        // Threads awake, instances warm, connections accepted.
        let (connections, _) = self.send(connections, self.window / 8).await;
        let (cpu, began) = (server.cpu(), Instant::now());
        let (_, calls) = self.send(connections, self.window).await;
        let (cpu, took) = (server.cpu().saturating_sub(cpu), began.elapsed());
        #[expect(clippy::cast_precision_loss, reason = "thousands")]
        let calls = calls as f64;
        Measured { micros: cpu.as_secs_f64() * 1e6 / calls, a_second: calls / took.as_secs_f64() }
    }

    async fn send(&self, connections: Vec<Connection>, time: Duration) -> (Vec<Connection>, u64) {
        let until = Instant::now() + time;
        let mut tasks = JoinSet::new();
        for mut connection in connections {
            let request = self.request.to_vec();
            tasks.spawn(async move {
                let mut calls = 0;
                while Instant::now() < until {
                    connection.call(&request).await;
                    calls += 1;
                }
                (connection, calls)
            });
        }
        let (mut connections, mut calls) = (Vec::new(), 0);
        for (connection, made) in tasks.join_all().await {
            connections.push(connection);
            calls += made;
        }
        (connections, calls)
    }
}

struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(server: &Server) -> Self {
        let stream = TcpStream::connect(server.address).await.expect("a connection");
        stream.set_nodelay(true).expect("a socket");
        Self { stream, buffer: Vec::with_capacity(4096) }
    }

    /// Sends the request and reads its reply, which must be one with ops.
    async fn call(&mut self, request: &[u8]) {
        self.stream.write_all(request).await.expect("it is sent");
        self.buffer.clear();
        while !self.is_whole() {
            let read = self.stream.read_buf(&mut self.buffer).await.expect("a reply");
            assert_ne!(read, 0, "the server closed the connection");
        }
        assert!(
            self.buffer.starts_with(b"HTTP/1.1 206 "),
            "{}",
            String::from_utf8_lossy(&self.buffer)
        );
    }

    fn is_whole(&self) -> bool {
        let Some(end) = self.buffer.windows(4).position(|four| four == b"\r\n\r\n") else {
            return false;
        };
        let head = std::str::from_utf8(&self.buffer[..end]).expect("a head is text");
        let length = head.lines().find_map(|line| line.strip_prefix("content-length: "));
        let length: usize = length.expect("a length").parse().expect("a number");
        self.buffer.len() >= end + 4 + length
    }
}
