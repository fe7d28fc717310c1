//! Why the gateway closes a connection, in the codes and reasons of the real one.

use protocol::connect::LARGEST_FRAME;

/// Why the gateway closes a connection.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Refusal {
    /// The session token is not ours, or too old.
    Unauthenticated,
    /// The first frame is no `WORKER_CONNECT`.
    NotAHello,
    /// The `WORKER_CONNECT` lacks something.
    InvalidHello,
    /// It has more apps than a connection may have.
    TooManyApps,
    /// Its functions are not JSON, or its sync token is refused.
    Internal,
    /// Its functions were refused, with this message.
    NotSynced(String),
    /// An acknowledgement cannot be read.
    InvalidAck,
    /// An extension cannot be read, or its lease is no ULID.
    InvalidLease,
    /// A reply cannot be read.
    InvalidReply,
    /// A frame is not protobuf.
    NotProtobuf,
    /// A frame is larger than is read.
    TooLarge,
    /// The engine stops.
    Closing,
}

impl Refusal {
    /// The close code.
    pub(super) fn code(&self) -> u16 {
        match self {
            Self::Closing => 1001,
            Self::NotProtobuf => 1007,
            Self::TooLarge => 1009,
            Self::Internal => 1011,
            _ => 1008,
        }
    }

    /// The reason beside the code.
    pub(super) fn reason(&self) -> String {
        let reason = match self {
            Self::Unauthenticated => "connect_authentication_failed",
            Self::NotAHello => "connect_worker_hello_invalid_msg",
            Self::InvalidHello => "connect_worker_hello_invalid_payload",
            Self::TooManyApps => "connect_too_many_apps_per_connection",
            Self::Internal => "connect_internal_error",
            Self::NotSynced(_) => "",
            Self::InvalidAck => "connect_worker_request_ack_invalid_payload",
            Self::InvalidLease => "connect_worker_request_extend_lease_invalid_payload",
            Self::InvalidReply => "connect_run_invalid_message",
            Self::NotProtobuf => "failed to unmarshal Protobuf",
            Self::TooLarge => return format!("read limited at {} bytes", LARGEST_FRAME + 1),
            Self::Closing => "connect_gateway_closing",
        };
        reason.to_owned()
    }
}
