//! The operator's settings.

/// The operator's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where the server answers.
    pub(crate) server: String,
    /// Where the workers answer.
    pub(crate) workers: Vec<String>,
    /// The secret that the server wants, where it wants one.
    pub(crate) server_secret: Option<String>,
    /// The secret that the workers want, where they want one.
    pub(crate) worker_secret: Option<String>,
    /// How far back the server remembers runs, in milliseconds.
    pub(crate) history_ms: i64,
}

impl Settings {
    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let set = |key: &str| {
            let text = setting(key).unwrap_or_default();
            Some(text.trim().trim_end_matches('/').to_owned()).filter(|text| !text.is_empty())
        };
        let address = |key: &str, default: &str| set(key).unwrap_or_else(|| default.to_owned());
        let hours = set("FUNCTION_HEALTH_HISTORY_HOURS").and_then(|text| text.parse::<i64>().ok());
        let hours = hours.filter(|hours| *hours > 0).unwrap_or(168);
        Self {
            server: address("INNGEST_URL", "http://localhost:8288"),
            workers: address("INNGEST_WORKER_URL", "http://localhost:3111")
                .split(',')
                .map(|worker| worker.trim().trim_end_matches('/').to_owned())
                .filter(|worker| !worker.is_empty())
                .collect(),
            server_secret: set("FUNCTION_HEALTH_SERVER_SECRET"),
            worker_secret: set("FUNCTION_HEALTH_WORKER_SECRET"),
            history_ms: hours.saturating_mul(3_600_000),
        }
    }
}
