//! A server that sends back the header `x-key`, and remembers what it was asked.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinSet;

/// A server on loopback, gone with this.
pub(super) struct Echo {
    address: SocketAddr,
    heard: Arc<Mutex<Vec<String>>>,
    _serving: JoinSet<()>,
}

impl Echo {
    pub(super) async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let heard = Arc::new(Mutex::new(Vec::new()));
        let mut serving = JoinSet::new();
        let shared = Arc::clone(&heard);
        serving.spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                if let Ok(request) = answer(stream).await {
                    shared.lock().expect("a lock").push(request);
                }
            }
        });
        Self { address, heard, _serving: serving }
    }

    pub(super) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Every request, head and body.
    pub(super) fn heard(&self) -> Vec<String> {
        self.heard.lock().expect("a lock").clone()
    }
}

async fn answer(mut stream: TcpStream) -> std::io::Result<String> {
    let (mut bytes, mut buffer) = (Vec::new(), [0; 4096]);
    let request = loop {
        let read = stream.read(&mut buffer).await?;
        bytes.extend_from_slice(&buffer[..read]);
        let text = String::from_utf8_lossy(&bytes).into_owned();
        if let Some((head, body)) = text.split_once("\r\n\r\n") {
            let length = header(head, "content-length").and_then(|text| text.parse().ok());
            if body.len() >= length.unwrap_or(0) {
                break text;
            }
        }
        if read == 0 {
            return Ok(text);
        }
    };
    let key = header(&request, "x-key").unwrap_or_default();
    let answer = format!(
        "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length: {}\r\n\r\n{key}",
        key.len()
    );
    stream.write_all(answer.as_bytes()).await?;
    Ok(request)
}

fn header<'r>(request: &'r str, name: &str) -> Option<&'r str> {
    let mut headers = request.lines().filter_map(|line| line.split_once(": "));
    headers.find(|(own, _)| own.eq_ignore_ascii_case(name)).map(|(_, value)| value)
}
