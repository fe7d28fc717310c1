//! Pushing: from a message to the lists and channels of the server.

use std::time::Duration;

use super::message::{
    ASLEEP, Message, Notice, WAITING, Waiting, channel, list, sessions, targets, wakes,
};
use crate::redis::{Failed, Shared};

/// Where a message ended up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reached {
    Lists,
    /// The list of what waits until the system is awake.
    Queue,
}

/// Pushes a message: to the queue while the system sleeps, unless it wakes; else to those who listen.
///
/// Where it cannot be told whether the system sleeps, the message is delivered.
pub(super) async fn push(
    server: &Shared,
    left: Duration,
    namespace: &str,
    message: &Message,
    origin: Option<&str>,
) -> Result<Reached, Failed> {
    let json = serde_json::to_string(message).unwrap_or_default();
    if !wakes(&message.kind, &message.payload, origin) {
        let waiting = Waiting::new(message, origin);
        let waiting = serde_json::to_string(&waiting).unwrap_or_default();
        if asleep(server, left, &waiting).await.unwrap_or(false) {
            return Ok(Reached::Queue);
        }
    }
    let listening: Vec<String> = server
        .ask(left, |mut connection| async move {
            redis::cmd("SMEMBERS").arg(sessions(namespace)).query_async(&mut connection).await
        })
        .await?;
    let notice = Notice { event_id: &message.id, kind: &message.kind };
    let notice = serde_json::to_string(&notice).unwrap_or_default();
    // One transaction: a push that is tried again has either reached every list or none.
    let mut pipeline = redis::pipe();
    pipeline.atomic();
    for session in targets(&message.kind, origin, &listening) {
        pipeline.lpush(list(namespace, &session), &json).ignore();
        pipeline.publish(channel(namespace, &session), &notice).ignore();
    }
    let pipeline = &pipeline;
    let pushed = server
        .ask(left, |mut connection| async move { pipeline.exec_async(&mut connection).await });
    pushed.await.map(|()| Reached::Lists)
}

/// Puts what waits at the end of the queue if the system sleeps; answers with whether it does.
async fn asleep(server: &Shared, left: Duration, waiting: &str) -> Result<bool, Failed> {
    let state: Option<Vec<u8>> = server
        .ask(left, |mut connection| async move {
            redis::cmd("GET").arg(ASLEEP).query_async(&mut connection).await
        })
        .await?;
    // Whoever reads an empty value there takes it for none.
    let sleeps = state.is_some_and(|state| !state.is_empty());
    if sleeps {
        let queued = server.ask(left, |mut connection| async move {
            redis::cmd("RPUSH").arg(WAITING).arg(waiting).exec_async(&mut connection).await
        });
        queued.await?;
    }
    Ok(sleeps)
}
