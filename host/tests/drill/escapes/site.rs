//! A site that remembers what was asked of it: it echoes a header, sends on to elsewhere, and has answers without an end.

use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncBufReadExt, AsyncWriteExt, BufReader};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// The site, gone with this.
pub(super) struct Site {
    address: SocketAddr,
    heard: Heard,
    _serving: JoinSet<()>,
}

/// The heads of all requests.
type Heard = Arc<Mutex<Vec<String>>>;

impl Site {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Heard::default();
        let mut serving = JoinSet::new();
        serving.spawn(serve(listener, Arc::clone(&heard)));
        Self { address, heard, _serving: serving }
    }

    pub(super) fn port(&self) -> u16 {
        self.address.port()
    }

    pub(super) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.address)
    }

    /// Every request so far, or connection without one.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("no holder panics").clone()
    }
}

async fn serve(listener: TcpListener, heard: Heard) {
    let mut open = JoinSet::new();
    while let Ok((stream, _)) = listener.accept().await {
        // Who has gone away is no fault of the site.
        let heard = Arc::clone(&heard);
        open.spawn(async move { drop(answer(stream, &heard).await) });
        while open.try_join_next().is_some() {}
    }
}

async fn answer(stream: TcpStream, heard: &Heard) -> std::io::Result<()> {
    let mut reader = BufReader::new(stream);
    let mut request = String::new();
    while !request.ends_with("\r\n\r\n") {
        if reader.read_line(&mut request).await? == 0 {
            break;
        }
    }
    heard.lock().expect("no holder panics").push(request.clone());
    let mut stream = reader.into_inner();
    let target = request.split(' ').nth(1).unwrap_or_default();
    if let Some(to) = target.strip_prefix("/to=") {
        let found = format!("HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n");
        return stream.write_all(found.as_bytes()).await;
    }
    match target {
        "/drips" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(b".").await?;
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
        }
        "/floods" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await?;
            loop {
                stream.write_all(&[b'.'; 16 << 10]).await?;
            }
        }
        _ => {
            let key = request.lines().find_map(|line| line.strip_prefix("x-key: "));
            let key = key.unwrap_or_default();
            let length = key.len();
            let answer = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n{key}");
            stream.write_all(answer.as_bytes()).await
        }
    }
}
