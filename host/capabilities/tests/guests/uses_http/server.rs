//! A server on loopback that answers by path, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;

/// A server, gone with this.
pub(super) struct Server {
    pub(super) address: SocketAddr,
    seen: Arc<Seen>,
    _serving: JoinSet<()>,
}

/// What came.
#[derive(Default)]
struct Seen {
    requests: Mutex<Vec<Received>>,
    connections: AtomicUsize,
    open: AtomicUsize,
    most_open: AtomicUsize,
    redirect: Mutex<String>,
}

/// One request.
#[derive(Debug, Clone)]
pub(super) struct Received {
    /// On which connection, by number.
    pub(super) connection: usize,
    pub(super) line: String,
    headers: Vec<(String, String)>,
    pub(super) body: String,
}

impl Received {
    pub(super) fn header(&self, name: &str) -> Option<&str> {
        let mut own = self.headers.iter().filter(|(own, _)| own.eq_ignore_ascii_case(name));
        own.next().map(|(_, value)| value.as_str())
    }
}

impl Server {
    pub(super) async fn start() -> Self {
        Self::with(None).await
    }

    /// One that speaks TLS, or does not.
    pub(super) async fn with(tls: Option<TlsAcceptor>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let seen = Arc::new(Seen::default());
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&seen);
        serving.spawn(async move {
            let mut connections = JoinSet::new();
            while let Ok((stream, _)) = listener.accept().await {
                let seen = Arc::clone(&shared);
                let tls = tls.clone();
                let number = seen.connections.fetch_add(1, Ordering::SeqCst);
                connections.spawn(async move {
                    let open = seen.open.fetch_add(1, Ordering::SeqCst) + 1;
                    seen.most_open.fetch_max(open, Ordering::SeqCst);
                    // A connection that breaks is the client's to explain.
                    let _ = match tls {
                        None => converse(stream, number, &seen).await,
                        Some(tls) => match tls.accept(stream).await {
                            Ok(stream) => converse(stream, number, &seen).await,
                            Err(error) => Err(error),
                        },
                    };
                    seen.open.fetch_sub(1, Ordering::SeqCst);
                });
            }
        });
        Self { address, seen, _serving: serving }
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Where `/redirect` leads.
    pub(super) fn redirect(&self, to: &str) {
        to.clone_into(&mut self.seen.redirect.lock().expect("a lock"));
    }

    pub(super) fn requests(&self) -> Vec<Received> {
        self.seen.requests.lock().expect("a lock").clone()
    }

    pub(super) fn connections(&self) -> usize {
        self.seen.connections.load(Ordering::SeqCst)
    }

    pub(super) fn most_open(&self) -> usize {
        self.seen.most_open.load(Ordering::SeqCst)
    }

    /// Waits until no connection is open any more.
    pub(super) async fn until_all_are_closed(&self) {
        for _ in 0..500 {
            if self.seen.open.load(Ordering::SeqCst) == 0 {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
        panic!("{} connections are still open", self.seen.open.load(Ordering::SeqCst));
    }
}

async fn converse<S>(stream: S, connection: usize, seen: &Seen) -> std::io::Result<()>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let mut stream = BufReader::new(stream);
    while let Some(request) = receive(&mut stream, connection).await? {
        let path = request.line.split(' ').nth(1).unwrap_or_default().to_owned();
        seen.requests.lock().expect("a lock").push(request);
        let closes = answer(stream.get_mut(), &path, seen).await?;
        if closes {
            return Ok(());
        }
    }
    Ok(())
}

async fn receive<S>(
    stream: &mut BufReader<S>,
    connection: usize,
) -> std::io::Result<Option<Received>>
where
    S: AsyncRead + Unpin,
{
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).await? == 0 {
            return Ok(None);
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let headers: Vec<_> = lines[1..]
        .iter()
        .filter_map(|line| line.split_once(": "))
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    let mut received =
        Received { connection, line: lines[0].clone(), headers, body: String::new() };
    let length = received.header("content-length").and_then(|text| text.parse().ok()).unwrap_or(0);
    let mut body = vec![0; length];
    stream.read_exact(&mut body).await?;
    received.body = String::from_utf8_lossy(&body).into_owned();
    Ok(Some(received))
}

/// Answers one request; whether the connection is closed now, without a word about it.
async fn answer<S>(stream: &mut S, path: &str, seen: &Seen) -> std::io::Result<bool>
where
    S: AsyncRead + AsyncWrite + Unpin,
{
    let (path, count) = path.split_once('=').unwrap_or((path, "0"));
    let count: usize = count.parse().unwrap_or(0);
    let endless = b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n";
    match path {
        // So many bytes, announced.
        "/bytes" => {
            let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {count}\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
            stream.write_all(&vec![b'x'; count]).await?;
        }
        // So many bytes, not announced.
        "/chunks" => {
            stream.write_all(endless).await?;
            for _ in 0..count {
                stream.write_all(b"1\r\nx\r\n").await?;
            }
            stream.write_all(b"0\r\n\r\n").await?;
        }
        // Bytes without end, as fast as they are taken.
        "/flood" => {
            stream.write_all(endless).await?;
            loop {
                stream.write_all(b"10\r\nxxxxxxxxxxxxxxxx\r\n").await?;
            }
        }
        // A byte now and then, without end.
        "/drip" => {
            stream.write_all(endless).await?;
            loop {
                stream.write_all(b"1\r\nx\r\n").await?;
                tokio::time::sleep(Duration::from_millis(20)).await;
            }
        }
        // Nothing, until the client goes.
        "/silence" => {
            stream.read_u8().await?;
        }
        "/headers" => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\nx-large: {}\r\n\r\n",
                "x".repeat(count)
            );
            stream.write_all(head.as_bytes()).await?;
        }
        "/many-headers" => {
            let head = format!(
                "HTTP/1.1 200 OK\r\ncontent-length: 0\r\n{}\r\n",
                "x-one: 1\r\n".repeat(count)
            );
            stream.write_all(head.as_bytes()).await?;
        }
        "/redirect" => {
            let to = seen.redirect.lock().expect("a lock").clone();
            let status = if count == 0 { 302 } else { count };
            let head =
                format!("HTTP/1.1 {status} Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
            stream.write_all(head.as_bytes()).await?;
        }
        "/slowly" => {
            tokio::time::sleep(Duration::from_millis(50)).await;
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
        }
        // Cuts the answer off.
        "/half" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 9\r\n\r\nhalf").await?;
            return Ok(true);
        }
        // Answers, and goes without saying so.
        "/leave" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?;
            return Ok(true);
        }
        _ => stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await?,
    }
    Ok(false)
}
