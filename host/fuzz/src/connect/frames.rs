//! Messages: what is read of one is written again so that the same is read.

use std::fmt::Debug;

use bytes::Bytes;
use prost::Message;
use protocol::connect::frames::{
    ConnectMessage, ConnectionReady, ExecutorRequest, ExtendLease, ExtendLeaseAck, FlushResponse,
    Kind, ReplyAck, RequestAck, SdkResponse, StartRequest, StartResponse, SystemError,
    WorkerConnect, WorkerStatus,
};

/// A frame, and the message in it.
pub(super) fn frame(bytes: &Bytes) {
    let Some(frame) = written_again::<ConnectMessage>(bytes) else { return };
    let payload = &frame.payload;
    match Kind::try_from(frame.kind) {
        Ok(Kind::WorkerConnect) => drop(written_again::<WorkerConnect>(payload)),
        Ok(Kind::GatewayConnectionReady) => drop(written_again::<ConnectionReady>(payload)),
        Ok(Kind::GatewayExecutorRequest) => drop(written_again::<ExecutorRequest>(payload)),
        Ok(Kind::WorkerRequestAck) => drop(written_again::<RequestAck>(payload)),
        Ok(Kind::WorkerReply) => drop(written_again::<SdkResponse>(payload)),
        Ok(Kind::WorkerReplyAck) => drop(written_again::<ReplyAck>(payload)),
        Ok(Kind::WorkerRequestExtendLease) => drop(written_again::<ExtendLease>(payload)),
        Ok(Kind::WorkerRequestExtendLeaseAck) => drop(written_again::<ExtendLeaseAck>(payload)),
        Ok(Kind::SyncFailed) => drop(written_again::<SystemError>(payload)),
        Ok(Kind::WorkerStatus) => drop(written_again::<WorkerStatus>(payload)),
        Ok(
            Kind::GatewayHello
            | Kind::WorkerReady
            | Kind::WorkerPause
            | Kind::WorkerHeartbeat
            | Kind::GatewayHeartbeat
            | Kind::GatewayClosing,
        )
        | Err(_) => {}
    }
}

/// Bytes as every message.
pub(super) fn all(bytes: &[u8]) {
    let bytes = Bytes::copy_from_slice(bytes);
    frame(&bytes);
    written_again::<StartRequest>(&bytes);
    written_again::<StartResponse>(&bytes);
    written_again::<FlushResponse>(&bytes);
    written_again::<WorkerConnect>(&bytes);
    written_again::<ConnectionReady>(&bytes);
    written_again::<ExecutorRequest>(&bytes);
    written_again::<RequestAck>(&bytes);
    written_again::<SdkResponse>(&bytes);
    written_again::<ExtendLease>(&bytes);
    written_again::<ExtendLeaseAck>(&bytes);
    written_again::<SystemError>(&bytes);
    written_again::<WorkerStatus>(&bytes);
}

pub(super) fn written_again<M: Message + Default + PartialEq + Debug>(bytes: &Bytes) -> Option<M> {
    let message = M::decode(bytes.clone()).ok()?;
    let written = message.encode_to_vec();
    assert_eq!(written.len(), message.encoded_len());
    assert_eq!(M::decode(&*written).as_ref(), Ok(&message));
    Some(message)
}
