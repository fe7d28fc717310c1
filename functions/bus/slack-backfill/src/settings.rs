//! The operator's settings.

/// The operator's settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where Slack answers.
    pub(crate) slack: String,
    /// Where Typesense answers.
    pub(crate) typesense: String,
}

impl Settings {
    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let address = |key: &str, default: &str| {
            let text = setting(key).unwrap_or_default();
            let text = text.trim().trim_end_matches('/');
            if text.is_empty() { default.to_owned() } else { text.to_owned() }
        };
        Self {
            slack: address("SLACK_API_URL", "https://slack.com/api"),
            typesense: address("TYPESENSE_URL", "http://localhost:8108"),
        }
    }
}
