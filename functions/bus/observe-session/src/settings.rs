//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where Typesense is.
    pub(crate) typesense: String,
    /// Who makes embeddings; made here if none.
    pub(crate) embed: Option<String>,
    /// Where the dashboard's records are; none are written if none.
    pub(crate) convex: Option<String>,
    /// The personal data server, and whose repository records go to; none go there if either is none.
    pub(crate) pds: Option<(String, String)>,
}

impl Settings {
    pub(crate) fn read(io: &Io) -> Self {
        Self::of(|key| io.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let text = |key: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            text.filter(|text| !text.is_empty())
        };
        let url = |key: &str| {
            let is_url =
                |text: &String| text.starts_with("http://") || text.starts_with("https://");
            text(key).filter(is_url)
        };
        Self {
            typesense: url("TYPESENSE_URL").unwrap_or_else(|| "http://localhost:8108".to_owned()),
            embed: url("MEMORY_EMBED_URL"),
            convex: url("CONVEX_URL"),
            pds: url("PDS_URL").zip(text("PDS_REPO")),
        }
    }
}
