//! Who heals what. One failure has one owner: what another function retries, this one leaves alone.

/// Who retries failed backups.
pub(crate) const BACKUPS: &str = "system/backup.failure.router";
/// Who looks after the server and the worker, every ten minutes and when it is asked.
const RUNTIME: &str = "system/self-healing.inngest-runtime";

/// The owner of a domain, or of an event that would be sent again; none where it is the router.
pub(crate) fn of(domain: &str, target_event: Option<&str>) -> Option<&'static str> {
    match (domain, target_event) {
        ("backup", _) | (_, Some("system/backup.retry.requested")) => Some(BACKUPS),
        ("inngest-runtime", _) | (_, Some("system/inngest.runtime.health.requested")) => {
            Some(RUNTIME)
        }
        _ => None,
    }
}
