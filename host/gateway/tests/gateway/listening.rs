//! Connections of people who send nothing.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use gateway::listen::{Bounds, serve};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

struct Listening {
    address: SocketAddr,
    stop: oneshot::Sender<()>,
    served: JoinHandle<()>,
}

async fn listening(bounds: Bounds) -> Listening {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
    let address = listener.local_addr().expect("an address");
    let slow = get(async || {
        tokio::time::sleep(Duration::from_millis(300)).await;
        "slept"
    });
    let router = Router::new().route("/", get(async || "here")).route("/slow", slow);
    let (stop, stopped) = oneshot::channel();
    let stopped = async { drop(stopped.await) };
    let served = tokio::spawn(serve(listener, router, bounds, stopped));
    Listening { address, stop, served }
}

async fn connect(address: SocketAddr, words: &str) -> TcpStream {
    let mut stream = TcpStream::connect(address).await.expect("connected");
    stream.write_all(words.as_bytes()).await.expect("written");
    stream
}

/// What comes until the connection is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut text = String::new();
    // A connection that is reset has ended as well.
    drop(stream.read_to_string(&mut text).await);
    text
}

const WHOLE: &str = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
const PART: &str = "GET / HTTP/1.1\r\nHost: a\r\nX-Half: ";

#[tokio::test]
async fn headers_that_do_not_come_end_a_connection() {
    let bounds = Bounds { headers: Duration::from_millis(200), ..Bounds::default() };
    let listening = listening(bounds).await;
    let mut silent = connect(listening.address, "").await;
    let mut slow = connect(listening.address, PART).await;
    for stream in [&mut silent, &mut slow] {
        let told = tokio::time::timeout(Duration::from_secs(20), rest(stream)).await;
        let told = told.expect("it is closed");
        assert!(!told.contains("here"), "{told}");
    }
    // One that was used and says nothing more is closed too.
    let mut used = connect(listening.address, "GET / HTTP/1.1\r\nHost: a\r\n\r\n").await;
    let told = tokio::time::timeout(Duration::from_secs(20), rest(&mut used)).await;
    assert!(told.expect("it is closed").ends_with("here"));
}

#[tokio::test]
async fn an_address_has_half_of_all_connections_and_gets_them_back() {
    let bounds =
        Bounds { connections: 4, headers: Duration::from_millis(1500), ..Bounds::default() };
    let listening = listening(bounds).await;
    let (first, second) =
        (connect(listening.address, "").await, connect(listening.address, "").await);
    let mut third = connect(listening.address, WHOLE).await;
    assert_eq!(rest(&mut third).await, "", "it has no place");
    drop((first, second));
    for _ in 0..200 {
        let mut again = connect(listening.address, WHOLE).await;
        if rest(&mut again).await.ends_with("here") {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the places are still taken");
}

#[tokio::test]
async fn what_is_under_way_at_the_end_is_answered() {
    let listening = listening(Bounds::default()).await;
    let request = WHOLE.replace("GET / ", "GET /slow ");
    let mut stream = connect(listening.address, &request).await;
    tokio::time::sleep(Duration::from_millis(100)).await;
    listening.stop.send(()).expect("it listens");
    assert!(rest(&mut stream).await.ends_with("slept"));
    listening.served.await.expect("no panic");
    assert!(TcpStream::connect(listening.address).await.is_err(), "nobody listens");
}
