//! When to stop: Ctrl-C, or the signal that supervisors send.

/// Returns when this process is asked to end.
pub(crate) async fn asked() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    // Without signals there is nothing to wait for but Ctrl-C.
    drop(interrupt.await);
}
