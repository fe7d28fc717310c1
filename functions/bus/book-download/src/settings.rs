//! What the operator sets.

use system_bus_sdk::prelude::*;

/// The settings.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settings {
    /// The folder of the root `books`.
    pub(crate) books: String,
    /// Where the pages of books are.
    pub(crate) archive: String,
    /// Where books are kept: a user and a host, as ssh takes them.
    pub(crate) host: String,
    /// The folder there.
    pub(crate) folder: String,
    /// The secret that the program needs.
    pub(crate) secret: String,
}

impl Settings {
    pub(crate) fn read(ctx: &Ctx) -> Self {
        Self::of(|key| ctx.config(key))
    }

    pub(crate) fn of(setting: impl Fn(&str) -> Option<String>) -> Self {
        // What begins with `-` would be an option; what has other characters ssh would give to a shell.
        let plain = |c: char| c.is_ascii_alphanumeric() || ":@._-/".contains(c);
        let text = |key: &str, other: &str| {
            let text = setting(key).map(|text| text.trim().trim_end_matches('/').to_owned());
            let text = text.filter(|text| !text.is_empty() && !text.starts_with('-'));
            text.filter(|text| text.chars().all(plain)).unwrap_or_else(|| other.to_owned())
        };
        Self {
            books: text("BOOK_DOWNLOAD_DIR", "/tmp/book-download"),
            archive: text("BOOK_ARCHIVE_URL", "https://annas-archive.org"),
            host: text("NAS_SSH_HOST", "joel@three-body"),
            folder: text("BOOK_NAS_ROOT", "/volume1/home/joel/books"),
            secret: text("BOOK_SECRET", "annas_archive_key"),
        }
    }
}
