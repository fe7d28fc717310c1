//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where Front is.
    pub(crate) front: String,
    /// Where Todoist is.
    pub(crate) todoist: String,
    /// Addresses, and domains with `@` before them, whose mails another function tells.
    pub(crate) vips: Vec<String>,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Self {
        Self::of(|key| ctx.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let address = |key: &str, other: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            text.filter(|text| text.starts_with("http")).unwrap_or_else(|| other.to_owned())
        };
        let vips = setting("VIP_SENDERS").unwrap_or_default();
        let vips = vips.split(',').map(|one| one.trim().to_lowercase());
        Self {
            front: address("FRONT_API_URL", "https://api2.frontapp.com"),
            todoist: address("TODOIST_API_URL", "https://api.todoist.com/api/v1"),
            vips: vips.filter(|one| one.contains('@') && one.len() > 1).collect(),
        }
    }

    /// Whether mails of this sender are told by another function.
    pub(crate) fn is_vip(&self, sender: &str) -> bool {
        let sender = sender.trim().to_lowercase();
        let domain = sender.rfind('@').map(|at| &sender[at..]);
        self.vips.iter().any(|one| *one == sender || Some(one.as_str()) == domain)
    }
}
