//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where Convex is; nothing can be done without.
    pub(crate) convex: String,
    /// Where the site is told what to read again; it is not told if none.
    pub(crate) revalidate: Option<String>,
    /// The folder of decisions in the vault.
    pub(crate) adrs: String,
    /// The folder of discoveries in the vault.
    pub(crate) discoveries: String,
    /// The site that content is for.
    pub(crate) site: String,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Result<Self> {
        Self::of(|key| ctx.config(key)).ok_or_else(|| {
            Error::stop("the setting `CONVEX_URL` says where Convex is, and there is none")
                .named("NotConfigured")
        })
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Option<Self> {
        let text = |key: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            text.filter(|text| !text.is_empty())
        };
        let or = |key: &str, other: &str| text(key).unwrap_or_else(|| other.to_owned());
        Some(Self {
            convex: text("CONVEX_URL")?,
            revalidate: text("REVALIDATE_URL"),
            adrs: or("CONTENT_ADRS", "docs/decisions"),
            discoveries: or("CONTENT_DISCOVERIES", "Resources/discoveries"),
            site: or("CONTENT_SITE", "joelclaw"),
        })
    }
}
