//! Choosing a book.

use outside::{Ask, Program};
use serde_json::json;
use system_bus_sdk::prelude::*;

use crate::program;
use crate::settings::Settings;

/// How many pages are looked at.
const LOOKS: usize = 6;
/// How long a search may take.
const SEARCH: Duration = Duration::from_secs(45);
/// How long a model may think.
const THINKING: Duration = Duration::from_mins(1);

/// A book that was found.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Candidate {
    pub(crate) md5: String,
    #[serde(default)]
    pub(crate) title: String,
    #[serde(default)]
    pub(crate) author: String,
    #[serde(default)]
    pub(crate) format: String,
    #[serde(default)]
    pub(crate) language: String,
    #[serde(default)]
    pub(crate) size: String,
}

/// The book that was chosen.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub(crate) struct Selected {
    pub(crate) md5: String,
    pub(crate) title: String,
    pub(crate) reason: String,
}

/// Whether a text is the digest of a book.
pub(crate) fn is_md5(text: &str) -> bool {
    text.len() == 32 && text.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}

/// Searches, lets a model choose, and takes the first choice whose page is there.
pub(crate) async fn search(
    io: &Io,
    query: &str,
    format: Option<&str>,
    settings: &Settings,
) -> Result<Selected> {
    let mut search = Program::new("aa-book").args(["search", "--json"]);
    if let Some(format) = format {
        search = search.args(["--format", format]);
    }
    let search = program::with_secret(io, search, settings)?.args(["--", query]).within(SEARCH);
    let found = search.run(io).await?.text();
    let mut candidates: Vec<Candidate> = serde_json::from_str(found.trim()).map_err(|problem| {
        Error::retry(format!("what the search found is no list: {problem}")).named("Search")
    })?;
    candidates.retain(|one| is_md5(&one.md5));
    if candidates.is_empty() {
        return Err(Error::stop(format!("nothing was found for `{query}`")).named("NotFound"));
    }
    let (first, reason) = choose(io, query, format, &candidates);
    candidates.sort_by_key(|one| one.md5 != first);
    for candidate in candidates.into_iter().take(LOOKS) {
        if is_there(io, &candidate.md5, settings).await {
            let Candidate { md5, title, .. } = candidate;
            let reason = if md5 == first { reason } else { "its page is there".to_owned() };
            return Ok(Selected { md5, title, reason });
        }
    }
    Err(Error::retry("no page of what was found is there").named("NoPage"))
}

/// A book that somebody has named.
pub(crate) async fn provided(io: &Io, md5: &str, settings: &Settings) -> Result<Selected> {
    if !is_there(io, md5, settings).await {
        return Err(Error::retry(format!("there is no page of `{md5}`")).named("NoPage"));
    }
    let reason = "it was named".to_owned();
    Ok(Selected { md5: md5.to_owned(), title: String::new(), reason })
}

/// The model's choice. Without a model it is the first one in the form that is wanted.
fn choose(io: &Io, query: &str, format: Option<&str>, all: &[Candidate]) -> (String, String) {
    let wanted = format.unwrap_or("any form");
    let ask = Ask {
        prompt: format!("Wanted: {query} ({wanted})\nCandidates:\n{}", json!(all)),
        system: "You choose the book that is meant. Prefer complete editions.".to_owned(),
        task: "book-selection".to_owned(),
        schema: json!({
            "type": "object",
            "required": ["md5", "reason"],
            "properties": { "md5": { "type": "string" }, "reason": { "type": "string" } },
        }),
        within: THINKING,
    };
    let chosen = ask.by(io).ok().and_then(|answer| {
        let md5 = answer["md5"].as_str()?.to_owned();
        // A model may name what nobody found.
        all.iter().any(|one| one.md5 == md5).then(|| {
            let reason = answer["reason"].as_str().unwrap_or("the model chose it");
            (md5, reason.to_owned())
        })
    });
    chosen.unwrap_or_else(|| {
        let fits =
            |one: &&Candidate| format.is_none_or(|form| one.format.eq_ignore_ascii_case(form));
        let first = all.iter().find(fits).unwrap_or(&all[0]);
        (first.md5.clone(), "the first that fits: no model has chosen".to_owned())
    })
}

async fn is_there(io: &Io, md5: &str, settings: &Settings) -> bool {
    let request = io.http().get(format!("{}/md5/{md5}", settings.archive));
    let answer = request.timeout(Duration::from_secs(15)).send().await;
    answer.is_ok_and(|answer| (200..300).contains(&answer.status))
}
