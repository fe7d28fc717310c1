//! Connect: the second transport, in which the worker dials out and calls arrive as frames of a WebSocket.
//!
//! [`frames`] has the messages. They carry the same JSON as calls over HTTP.

pub mod frames;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "v0.connect.inngest.com";

/// The largest frame the gateway reads; a larger one ends the connection.
pub const LARGEST_FRAME: usize = 8 << 20;

/// How the worker ends a connection on purpose: close code 1000 and this reason.
pub const SHUTDOWN_REASON: &str = "WORKER_SHUTDOWN";
