//! What is written in the vault.

use outside::{Folder, digest};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::settings::Settings;

/// The root of the vault.
const VAULT: &str = "vault";

/// A kind of content.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// Decision records.
    Adrs,
    /// Discoveries.
    Discoveries,
}

impl Source {
    pub(crate) const ALL: [Self; 2] = [Self::Adrs, Self::Discoveries];

    /// What records of it are called, and the tag of the site's pages.
    pub(crate) fn kind(self) -> &'static str {
        match self {
            Self::Adrs => "adr",
            Self::Discoveries => "discovery",
        }
    }

    /// The tag of the page that lists all of it.
    pub(crate) fn all_tag(self) -> &'static str {
        match self {
            Self::Adrs => "adrs",
            Self::Discoveries => "discoveries",
        }
    }

    fn folder(self, settings: &Settings) -> &str {
        match self {
            Self::Adrs => &settings.adrs,
            Self::Discoveries => &settings.discoveries,
        }
    }
}

/// What is to become of a file.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Content {
    /// It belongs onto the site.
    Published(Document),
    /// It is not finished.
    Draft,
    /// It is nobody's business.
    Private,
    /// It belongs onto another site.
    Offsite,
}

/// A document as the site has it.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Document {
    pub(crate) hash: String,
    pub(crate) fields: Value,
    pub(crate) search: String,
}

/// A file of the vault by the id of its record.
pub(crate) struct File {
    pub(crate) resource: String,
    pub(crate) path: String,
}

/// The files of a kind. A folder that is not there is an error: an empty vault would look like everything deleted.
pub(crate) fn files(io: &Io, source: Source, settings: &Settings) -> Result<Vec<File>> {
    let folder = source.folder(settings);
    let names = Folder::of(io, VAULT).names(folder)?.into_iter();
    let file = |name: String| {
        let slug = name.strip_suffix(".md")?;
        let hidden = slug.starts_with(['.', '_']);
        let about = ["readme", "index"].contains(&slug.to_lowercase().as_str());
        (!hidden && !about).then(|| File {
            resource: format!("{}:{slug}", source.kind()),
            path: format!("{folder}/{name}"),
        })
    };
    Ok(names.filter_map(file).collect())
}

/// What a file holds.
pub(crate) fn read(io: &Io, path: &str, resource: &str, settings: &Settings) -> Result<Content> {
    let text = Folder::of(io, VAULT).read(path)?;
    Ok(content(resource, &text, &settings.site))
}

pub(crate) fn content(resource: &str, text: &str, site: &str) -> Content {
    let (head, body) = parts(text);
    let said =
        |key: &str| head.iter().find(|(name, _)| name == key).map(|(_, value)| value.as_str());
    if said("private") == Some("true") || said("visibility") == Some("private") {
        return Content::Private;
    }
    if said("draft") == Some("true") || said("status") == Some("draft") {
        return Content::Draft;
    }
    if said("site").is_some_and(|other| other != site) {
        return Content::Offsite;
    }
    let slug = resource.split_once(':').map_or(resource, |(_, slug)| slug);
    let heading = body.lines().find_map(|line| line.strip_prefix("# ")).map(str::trim);
    let title = said("title").or(heading).unwrap_or(slug);
    let hash = digest(text);
    let mut fields = json!({ "slug": slug, "title": title, "content": body, "contentHash": hash });
    for (name, value) in &head {
        if fields.get(name).is_none() {
            fields[name] = Value::String(value.clone());
        }
    }
    Content::Published(Document { hash, search: format!("{title}\n{body}"), fields })
}

/// The lines `key: value` between two lines of dashes, and what follows.
fn parts(text: &str) -> (Vec<(String, String)>, &str) {
    let text = text.trim_start_matches('\u{feff}');
    let none = || (Vec::new(), text.trim());
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else {
        return none();
    };
    let Some((head, body)) = rest.split_once("\n---") else { return none() };
    let pair = |line: &str| {
        let (name, value) = line.split_once(':')?;
        let value = value.trim().trim_matches(['"', '\'']);
        let plain = !name.starts_with([' ', '-', '#']) && !value.is_empty();
        plain.then(|| (name.trim().to_owned(), value.to_owned()))
    };
    (head.lines().filter_map(pair).collect(), body.trim())
}
