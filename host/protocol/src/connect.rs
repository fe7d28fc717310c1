//! Connect: the second transport, in which the worker dials out and calls arrive as frames of a WebSocket.
//!
//! The frames carry the same JSON as calls over HTTP. Like the rest of this crate, nothing here has a socket or a clock:
//! bytes and moments come in, messages and moments to look again come out.
//!
//! | module | what it decides |
//! | --- | --- |
//! | [`frames`] | the messages, field by field |
//! | [`link`] | one socket: handshake, heartbeats, when it is dead |
//! | [`request`] | a request → route, body, and what must be echoed about it |
//! | [`response`] | a reply → the response frame, or why it is too large |
//! | [`book`] | all requests of the process: leases, replies that are not stored yet |
//! | [`record`] | the journal's records: which requests were taken and which are done |
//! | [`backoff`] | how long to wait before dialling again |
//! | [`duration`] | durations as Go writes them |

pub mod backoff;
pub mod book;
pub mod duration;
pub mod frames;
pub mod link;
pub mod record;
pub mod request;
pub mod response;

/// The WebSocket subprotocol.
pub const SUBPROTOCOL: &str = "v0.connect.inngest.com";

/// The largest frame the gateway reads; a larger one ends the connection.
pub const LARGEST_FRAME: usize = 8 << 20;

/// How the worker ends a connection on purpose: close code 1000 and this reason.
pub const SHUTDOWN_REASON: &str = "WORKER_SHUTDOWN";
