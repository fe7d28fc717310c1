//! One worker's connection: the handshake, frames in both directions, the end.

use std::time::Duration;

use axum::http::{HeaderValue, StatusCode, header};
use futures::stream::{SplitSink, SplitStream};
use futures::{SinkExt, StreamExt};
use jiff::Timestamp;
use prost::Message as _;
use protocol::connect::frames::{
    ConnectMessage, ExtendLease, Kind, RequestAck, SdkResponse, SystemError,
};
use protocol::connect::{LARGEST_FRAME, SUBPROTOCOL};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio_tungstenite::tungstenite::handshake::server::{ErrorResponse, Request, Response};
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{Error, Message};
use tokio_tungstenite::{WebSocketStream, accept_hdr_async_with_config};
use ulid::Ulid;

use super::board::{ConnectionId, Hello};
use super::refusal::Refusal;
use super::{Gateway, Hub, Push};
use crate::api::is_local;

/// Where workers dial.
const PATH: &str = "/v0/connect";
/// How long a worker has for its first frame, and for the WebSocket handshake before it.
const HELLO: Duration = Duration::from_secs(5);
/// How long a worker has for taking a frame.
const SEND: Duration = Duration::from_secs(10);
/// How long is waited for a worker's side of a close.
const LINGER: Duration = Duration::from_secs(1);

type Socket = WebSocketStream<TcpStream>;

/// How a connection ends.
#[derive(Debug, PartialEq, Eq)]
enum End {
    /// The worker has closed it, or it broke.
    Left,
    /// Without a close frame.
    Cut,
    /// With one.
    Refused(Refusal),
}

/// Serves one connection until it ends.
pub(super) async fn serve(stream: TcpStream, hub: Hub, closing: bool) {
    // Frames are small and somebody waits for each.
    let _ = stream.set_nodelay(true);
    let config = WebSocketConfig::default()
        .read_buffer_size(16 * 1024)
        .max_message_size(Some(LARGEST_FRAME))
        .max_frame_size(Some(LARGEST_FRAME));
    let accepted = accept_hdr_async_with_config(stream, negotiate, Some(config));
    let Ok(Ok(mut socket)) = tokio::time::timeout(HELLO, accepted).await else { return };
    if closing {
        return finish(socket, End::Refused(Refusal::Closing)).await;
    }
    let welcomed = tokio::select! {
        welcomed = shake_hands(&mut socket, &hub) => welcomed,
        () = hub.gateway.closing.cancelled() => Err(End::Refused(Refusal::Closing)),
    };
    let hello = match welcomed {
        Ok(hello) => hello,
        Err(end) => return finish(socket, end).await,
    };
    let (sink, stream) = socket.split();
    let (sink, stream, end) = converse(sink, stream, hello, &hub.gateway).await;
    if let Ok(socket) = sink.reunite(stream) {
        finish(socket, end).await;
    }
}

/// Answers the WebSocket handshake: one path, the subprotocol if it is asked for, and no page from elsewhere.
#[expect(clippy::result_large_err, reason = "the type is the WebSocket library's")]
fn negotiate(request: &Request, mut response: Response) -> Result<Response, ErrorResponse> {
    let refuse = |status: StatusCode, message: &str| {
        let mut refusal = ErrorResponse::new(Some(message.to_owned()));
        *refusal.status_mut() = status;
        Err(refusal)
    };
    let text =
        |name| request.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    if request.uri().path() != PATH {
        return refuse(StatusCode::NOT_FOUND, "workers connect to /v0/connect");
    }
    if request.headers().contains_key(header::ORIGIN) && !text(header::ORIGIN).is_some_and(is_local)
    {
        let message = "the development engine takes no requests from pages of other machines";
        return refuse(StatusCode::FORBIDDEN, message);
    }
    let asked = text(header::SEC_WEBSOCKET_PROTOCOL).unwrap_or_default();
    if asked.split(',').any(|one| one.trim() == SUBPROTOCOL) {
        let subprotocol = HeaderValue::from_static(SUBPROTOCOL);
        response.headers_mut().insert(header::SEC_WEBSOCKET_PROTOCOL, subprotocol);
    }
    Ok(response)
}

/// Greets a worker, waits for what it says, and registers its apps.
async fn shake_hands(socket: &mut Socket, hub: &Hub) -> Result<Hello, End> {
    send(socket, ConnectMessage::empty(Kind::GatewayHello)).await?;
    let first = tokio::time::timeout(HELLO, next(socket)).await.map_err(|_| End::Cut)??;
    let applicant = hub.gateway.door.admit(first, Timestamp::now());
    let mut refused = match applicant {
        Ok(applicant) => {
            for sync in applicant.syncs {
                match hub.engine.sync(sync).await {
                    Ok(Ok(_)) => {}
                    Ok(Err(error)) => return reject(socket, error.to_string()).await,
                    Err(_) => return Err(End::Refused(Refusal::Closing)),
                }
            }
            return Ok(applicant.hello);
        }
        Err(refused) => refused,
    };
    if let Refusal::NotSynced(problem) = &mut refused {
        return reject(socket, std::mem::take(problem)).await;
    }
    Err(End::Refused(refused))
}

/// Says why the apps were not registered.
async fn reject(socket: &mut Socket, message: String) -> Result<Hello, End> {
    let error = SystemError { message: message.clone(), ..SystemError::default() };
    send(socket, ConnectMessage::around(Kind::SyncFailed, &error)).await?;
    Err(End::Refused(Refusal::NotSynced(message)))
}

/// Reads and writes frames until one side ends it.
async fn converse(
    mut sink: SplitSink<Socket, Message>,
    mut stream: SplitStream<Socket>,
    hello: Hello,
    gateway: &Gateway,
) -> (SplitSink<Socket, Message>, SplitStream<Socket>, End) {
    let name = hello.connection.clone();
    let (id, outbox) = gateway.join(hello);
    // However this ends, a panic and a stop included, the board learns of it.
    let _leaving = Leaving { id, gateway };
    tracing::debug!(connection = %name, "a worker is connected");
    let end = if gateway.closing.is_cancelled() {
        // It came too late to be told over its outbox.
        End::Refused(Refusal::Closing)
    } else {
        tokio::select! {
            end = write(&mut sink, outbox) => end,
            end = read(&mut stream, id, gateway) => end,
        }
    };
    tracing::debug!(connection = %name, ?end, "a worker's connection ends");
    (sink, stream, end)
}

struct Leaving<'g> {
    id: ConnectionId,
    gateway: &'g Gateway,
}

impl Drop for Leaving<'_> {
    fn drop(&mut self) {
        self.gateway.leave(self.id);
    }
}

async fn write(
    sink: &mut SplitSink<Socket, Message>,
    mut outbox: mpsc::UnboundedReceiver<Push>,
) -> End {
    while let Some(push) = outbox.recv().await {
        match push {
            Push::Frame(frame) => {
                if let Err(end) = send(sink, frame).await {
                    return end;
                }
            }
            Push::Cut => return End::Cut,
            Push::Close(refusal) => return End::Refused(refusal),
        }
    }
    End::Cut
}

async fn read(stream: &mut SplitStream<Socket>, id: ConnectionId, gateway: &Gateway) -> End {
    loop {
        match next(stream).await {
            Ok(frame) => {
                if let Err(refusal) = take(frame, id, gateway) {
                    return End::Refused(refusal);
                }
            }
            Err(end) => return end,
        }
    }
}

/// Lets a frame act. What only the gateway sends, what is unknown, and a second hello change nothing.
fn take(frame: ConnectMessage, id: ConnectionId, gateway: &Gateway) -> Result<(), Refusal> {
    match Kind::try_from(frame.kind) {
        Ok(Kind::WorkerHeartbeat) => gateway.heard(id),
        Ok(Kind::WorkerReady) => gateway.ready(id),
        Ok(Kind::WorkerPause) => gateway.pause(id),
        Ok(Kind::WorkerRequestAck) => {
            let ack = RequestAck::decode(frame.payload).map_err(|_| Refusal::InvalidAck)?;
            gateway.acknowledge(&ack.request_id);
        }
        Ok(Kind::WorkerRequestExtendLease) => {
            let asked = ExtendLease::decode(frame.payload).map_err(|_| Refusal::InvalidLease)?;
            let held = Ulid::from_string(&asked.lease_id).map_err(|_| Refusal::InvalidLease)?;
            gateway.extend(id, asked, held);
        }
        Ok(Kind::WorkerReply) => {
            let reply = SdkResponse::decode(frame.payload).map_err(|_| Refusal::InvalidReply)?;
            gateway.reply(id, reply);
        }
        _ => {}
    }
    Ok(())
}

/// The next frame.
async fn next(
    stream: &mut (impl StreamExt<Item = Result<Message, Error>> + Unpin),
) -> Result<ConnectMessage, End> {
    loop {
        match stream.next().await {
            Some(Ok(Message::Binary(bytes))) => {
                return ConnectMessage::decode(bytes)
                    .map_err(|_| End::Refused(Refusal::NotProtobuf));
            }
            Some(Ok(Message::Text(_)) | Err(Error::Utf8(_))) => {
                return Err(End::Refused(Refusal::NotProtobuf));
            }
            Some(Err(Error::Capacity(_))) => return Err(End::Refused(Refusal::TooLarge)),
            // Pings are answered by the library, and so is a close: reading on lets it.
            Some(Ok(_)) => {}
            Some(Err(_)) | None => return Err(End::Left),
        }
    }
}

async fn send(
    sink: &mut (impl SinkExt<Message, Error = Error> + Unpin),
    frame: ConnectMessage,
) -> Result<(), End> {
    let sent = sink.send(Message::Binary(frame.encode_to_vec().into()));
    match tokio::time::timeout(SEND, sent).await {
        Ok(Ok(())) => Ok(()),
        Ok(Err(_)) => Err(End::Left),
        // A worker that takes nothing more.
        Err(_) => Err(End::Cut),
    }
}

/// Ends a connection as was decided.
async fn finish(mut socket: Socket, end: End) {
    let End::Refused(refusal) = end else { return };
    let frame = CloseFrame { code: refusal.code().into(), reason: refusal.reason().into() };
    let closing = async {
        if socket.send(Message::Close(Some(frame))).await.is_err() {
            return;
        }
        // What is still on its way is read and forgotten. Were the socket dropped with unread bytes, the system would
        // reset the connection, and the worker might never see the close frame.
        let mut stream = socket.into_inner();
        let _ = stream.shutdown().await;
        let mut forgotten = vec![0; 16 * 1024];
        while stream.read(&mut forgotten).await.is_ok_and(|bytes| bytes > 0) {}
    };
    // A worker that takes its time is left alone.
    let _ = tokio::time::timeout(LINGER, closing).await;
}
