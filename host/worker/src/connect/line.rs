//! One connection, from the start call to the last frame. A task of its own, with another one that writes.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use futures::{SinkExt, StreamExt};
use prost::Message as _;
use protocol::connect::frames::{
    AppConfiguration, AuthData, ConnectMessage, Kind, StartResponse, SystemAttributes,
    WorkerConnect,
};
use protocol::connect::link::{Due, Heard, Link, LinkError};
use protocol::connect::{SHUTDOWN_REASON, SUBPROTOCOL};
use protocol::sync::Conflict;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::http::HeaderValue;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message};
use tokio_tungstenite::{MaybeTlsStream, WebSocketStream, connect_async_with_config};
use tokio_util::sync::CancellationToken;
use url::Url;

use super::told::Told;
use crate::server_api::{ApiError, ServerApi};
use crate::sync::{Owners, RegisterError};

/// How long dialling may take.
const DIAL: Duration = Duration::from_secs(10);

/// How long the gateway may take to answer our close.
const GOODBYE: Duration = Duration::from_secs(1);

/// The largest message that is read. The gateway's own stay below 8 MiB.
const LARGEST_READ: usize = 16 << 20;

/// Frames that wait to be written. More of them mean that nothing is written any more.
const WAITING: usize = 4096;

type Socket = WebSocketStream<MaybeTlsStream<TcpStream>>;

/// A connection's number within this process.
pub(super) type LineId = u64;

/// What a connection tells its owner.
#[derive(Debug)]
pub(super) enum LineNews {
    /// The start call named this group of gateways.
    Group(String),
    /// A frame that concerns more than the socket.
    Heard(Heard),
    /// The gateway wants to know what we do.
    StatusDue,
    /// It is over.
    Ended(LineError),
}

/// Why a connection ended.
#[derive(Debug, thiserror::Error)]
pub(super) enum LineError {
    #[error("{}", RegisterError::Owned(.0.clone()))]
    Owned(Vec<Conflict>),
    #[error("no gateway was named: {0}")]
    Start(#[from] ApiError),
    #[error(
        "the gateway at {url} cannot be reached: {reason}; where the server names an address that is good only on its own machine, set INNGEST_CONNECT_GATEWAY_URL"
    )]
    Dial { url: String, reason: String },
    #[error("{0}")]
    Link(#[from] LinkError),
    #[error("the gateway closed the connection ({code}{}{reason})", if reason.is_empty() { "" } else { " " })]
    Closed { code: u16, reason: String },
    #[error("the connection broke: {0}")]
    Broken(String),
    #[error("the gateway does not take what it is sent: {WAITING} frames wait")]
    Stuck,
    #[error("it was closed by this worker")]
    Ours,
}

/// What a connection tells the gateway about the worker, besides its functions; the same for all connections of the process.
#[derive(Debug)]
pub(super) struct Announcement {
    pub(super) instance: String,
    pub(super) app: String,
    pub(super) app_version: Option<String>,
    pub(super) environment: Option<String>,
    pub(super) concurrency: u32,
    pub(super) started: jiff::Timestamp,
}

impl Announcement {
    fn frame(&self, start: &StartResponse, told: &Told) -> ConnectMessage {
        let message = WorkerConnect {
            connection_id: start.connection_id.clone(),
            instance_id: self.instance.clone(),
            auth_data: Some(AuthData {
                session_token: start.session_token.clone(),
                sync_token: start.sync_token.clone(),
            }),
            capabilities: br#"{"connect":"v1"}"#.to_vec(),
            apps: vec![AppConfiguration {
                app_name: self.app.clone(),
                app_version: self.app_version.clone(),
                functions: told.functions.clone(),
            }],
            // A connection that is not ready yet costs attempts.
            worker_manual_readiness_ack: false,
            system_attributes: Some(SystemAttributes {
                cpu_cores: std::thread::available_parallelism()
                    .map_or(0, |cores| i32::try_from(cores.get()).unwrap_or(i32::MAX)),
                mem_bytes: 0,
                os: std::env::consts::OS.to_owned(),
            }),
            environment: self.environment.clone(),
            framework: "system-bus".to_owned(),
            platform: None,
            sdk_version: concat!("v", env!("CARGO_PKG_VERSION")).to_owned(),
            sdk_language: "rust".to_owned(),
            started_at: Some(protocol::connect::frames::Timestamp {
                seconds: self.started.as_second(),
                nanos: self.started.subsec_nanosecond(),
            }),
            max_worker_concurrency: Some(self.concurrency.into()),
        };
        ConnectMessage::around(Kind::WorkerConnect, &message)
    }
}

/// What a writer is given.
#[derive(Debug)]
enum Out {
    Frame(Bytes),
    Goodbye,
}

/// The owner's end of a connection. Dropping it tears the socket.
#[derive(Debug)]
pub(super) struct Line {
    out: mpsc::Sender<Out>,
    torn: CancellationToken,
}

impl Line {
    /// Sends a frame; false when the connection takes no more, which ends it.
    pub(super) fn send(&self, frame: &ConnectMessage) -> bool {
        let sent = self.out.try_send(Out::Frame(frame.encode_to_vec().into())).is_ok();
        if !sent && !self.out.is_closed() {
            tracing::warn!("{}", LineError::Stuck);
            self.torn.cancel();
        }
        sent
    }

    /// Closes after what was sent before, in the way that says that we meant to.
    pub(super) fn close(&self) {
        if self.out.try_send(Out::Goodbye).is_err() {
            self.torn.cancel();
        }
    }

    /// Ends it now, whatever was sent.
    pub(super) fn tear(&self) {
        self.torn.cancel();
    }
}

impl Drop for Line {
    fn drop(&mut self) {
        self.torn.cancel();
    }
}

/// How a connection is made.
#[derive(Debug, Clone)]
pub(super) struct Dialler {
    pub(super) owners: Owners,
    pub(super) api: ServerApi,
    pub(super) gateway: Option<Url>,
    pub(super) announcement: Arc<Announcement>,
}

impl Dialler {
    /// Begins to connect, unless others own functions of what shall be told. What happens is told by `tell`, and at last
    /// that the connection has ended.
    pub(super) fn dial(
        &self,
        told: Arc<Told>,
        exclude: Vec<String>,
        tell: impl Fn(LineNews) + Send + Sync + 'static,
    ) -> Line {
        let (out, outbox) = mpsc::channel(WAITING);
        let torn = CancellationToken::new();
        let line = Line { out: out.clone(), torn: torn.clone() };
        let this = self.clone();
        // It ends with its socket, or when the owner drops the line.
        tokio::spawn(async move {
            let conducted = Box::pin(this.conduct(&told, &exclude, &out, outbox, &tell));
            let ended = torn.run_until_cancelled(conducted).await.unwrap_or(LineError::Ours);
            tell(LineNews::Ended(ended));
        });
        line
    }

    async fn conduct(
        &self,
        told: &Told,
        exclude: &[String],
        out: &mpsc::Sender<Out>,
        outbox: mpsc::Receiver<Out>,
        tell: &(impl Fn(LineNews) + Sync),
    ) -> LineError {
        match self.owners.conflicts(&told.announced).await {
            Ok(conflicts) if conflicts.is_empty() => {}
            Ok(conflicts) => return LineError::Owned(conflicts),
            Err(error) => return error.into(),
        }
        let (start, socket) = match self.open(exclude).await {
            Ok(opened) => opened,
            Err(error) => return error,
        };
        tell(LineNews::Group(start.gateway_group.clone()));
        let (sink, mut stream) = socket.split();
        let mut writer = Writer(tokio::spawn(write(sink, outbox)));
        let mut link = Link::new(Instant::now());
        let post = |frame: ConnectMessage| {
            out.try_send(Out::Frame(frame.encode_to_vec().into())).map_err(|_| LineError::Stuck)
        };
        let fault = loop {
            tokio::select! {
                message = stream.next() => match message {
                    Some(Ok(Message::Binary(bytes))) => match link.hear(Instant::now(), bytes) {
                        Ok(Heard::Hello) => {
                            if let Err(stuck) = post(self.announcement.frame(&start, told)) {
                                break stuck;
                            }
                        }
                        Ok(Heard::Nothing) => {}
                        Ok(heard) => tell(LineNews::Heard(heard)),
                        Err(error) => break error.into(),
                    },
                    Some(Ok(Message::Close(frame))) => break closed(frame),
                    // Pings are answered by the library; texts mean nothing here.
                    Some(Ok(_)) => {}
                    Some(Err(error)) => break LineError::Broken(error.to_string()),
                    None => break LineError::Broken("it ended without a close".to_owned()),
                },
                () = tokio::time::sleep_until(link.next().into()) => {
                    match link.due(Instant::now()) {
                        Err(error) => break error.into(),
                        Ok(due) => for due in due {
                            match due {
                                Due::Heartbeat => {
                                    if let Err(stuck) = post(ConnectMessage::empty(Kind::WorkerHeartbeat)) {
                                        return stuck;
                                    }
                                }
                                Due::Status => tell(LineNews::StatusDue),
                            }
                        },
                    }
                }
                written = &mut writer.0 => break match written {
                    Ok(Ok(())) => goodbye(&mut stream).await,
                    Ok(Err(error)) => LineError::Broken(error.to_string()),
                    Err(error) => LineError::Broken(error.to_string()),
                },
            }
        };
        drop(writer);
        fault
    }

    async fn open(&self, exclude: &[String]) -> Result<(StartResponse, Socket), LineError> {
        let start = self.api.connect_start(exclude).await?;
        let url = self.gateway.as_ref().map_or(start.gateway_endpoint.as_str(), Url::as_str);
        let fault = |reason: String| LineError::Dial { url: url.to_owned(), reason };
        let mut request = url.into_client_request().map_err(|error| fault(error.to_string()))?;
        request
            .headers_mut()
            .insert("sec-websocket-protocol", HeaderValue::from_static(SUBPROTOCOL));
        let config = WebSocketConfig::default()
            .max_message_size(Some(LARGEST_READ))
            .max_frame_size(Some(LARGEST_READ));
        let dialled = connect_async_with_config(request, Some(config), true);
        match tokio::time::timeout(DIAL, dialled).await {
            Ok(Ok((socket, _))) => Ok((start, socket)),
            Ok(Err(error)) => Err(fault(error.to_string())),
            Err(_) => Err(fault(format!("no answer within {DIAL:?}"))),
        }
    }
}

/// The writing task; it ends with its owner.
struct Writer(JoinHandle<Result<(), tungstenite::Error>>);

impl Drop for Writer {
    fn drop(&mut self) {
        self.0.abort();
    }
}

/// Writes what it is given, until a goodbye.
async fn write(
    mut sink: futures::stream::SplitSink<Socket, Message>,
    mut outbox: mpsc::Receiver<Out>,
) -> Result<(), tungstenite::Error> {
    while let Some(out) = outbox.recv().await {
        match out {
            Out::Frame(bytes) => sink.feed(Message::Binary(bytes)).await?,
            Out::Goodbye => {
                let frame = CloseFrame { code: CloseCode::Normal, reason: SHUTDOWN_REASON.into() };
                return sink.send(Message::Close(Some(frame))).await;
            }
        }
        if outbox.is_empty() {
            sink.flush().await?;
        }
    }
    Ok(())
}

/// Waits for the answer to our close.
async fn goodbye(stream: &mut futures::stream::SplitStream<Socket>) -> LineError {
    let answered = async { while let Some(Ok(_)) = stream.next().await {} };
    // A gateway that does not answer has been told all the same.
    drop(tokio::time::timeout(GOODBYE, answered).await);
    LineError::Ours
}

fn closed(frame: Option<CloseFrame>) -> LineError {
    match frame {
        Some(frame) => {
            LineError::Closed { code: frame.code.into(), reason: frame.reason.to_string() }
        }
        None => LineError::Closed { code: 1005, reason: String::new() },
    }
}
