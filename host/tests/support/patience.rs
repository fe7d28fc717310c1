//! Waiting for something to become true, with an end.

use std::time::Duration;

/// How long anything may take. A real server waits up to 45 seconds before it tries again, several times over.
pub(crate) const PATIENCE: Duration = Duration::from_mins(4);

/// Asks until there is an answer.
pub(crate) async fn eventually<T>(what: &str, ask: impl AsyncFn() -> Option<T>) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(PATIENCE, asked).await.unwrap_or_else(|_| panic!("in vain: {what}"))
}
