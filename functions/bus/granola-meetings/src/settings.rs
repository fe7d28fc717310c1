//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// Where tasks are kept.
    pub(crate) todoist: String,
    /// Whose tasks are ours: words of an owner, in small letters.
    pub(crate) owners: Vec<String>,
    /// The folder of notes in the vault.
    pub(crate) notes: String,
}

impl Settings {
    pub(crate) fn read(io: &Io) -> Self {
        Self::of(|key| io.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        let text = |key: &str, other: &str| {
            let text = setting(key).map(|text| text.trim().trim_matches('/').to_owned());
            text.filter(|text| !text.is_empty()).unwrap_or_else(|| other.to_owned())
        };
        let owners = text("GRANOLA_TASK_OWNERS", "joel,joelclaw,we,us,our,team").to_lowercase();
        let owners = owners.split(',').map(|word| word.trim().to_owned());
        Self {
            todoist: text("TODOIST_API_URL", "https://api.todoist.com/api/v1"),
            owners: owners.filter(|word| !word.is_empty()).collect(),
            notes: text("GRANOLA_NOTES", "Resources/meetings"),
        }
    }
}
