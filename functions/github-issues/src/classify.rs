//! Of which kind an issue is. Labels decide; without one that says it, the words do.

use system_bus_sdk::prelude::*;

use crate::delivery::Issue;

/// A kind of issue.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// Something does not work.
    Bug,
    /// Something is wanted.
    Feature,
    /// Somebody wants to know something.
    Question,
    /// Nobody meant it as an issue.
    Spam,
    /// A person has to look.
    Unclear,
}

/// A decision and its grounds.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// The decision.
    pub kind: Kind,
    /// Its grounds, in words.
    pub reasons: Vec<String>,
}

/// What labels say, by a part of their name.
const LABELS: [(&str, Kind); 9] = [
    ("bug", Kind::Bug),
    ("regression", Kind::Bug),
    ("crash", Kind::Bug),
    ("enhancement", Kind::Feature),
    ("feature", Kind::Feature),
    ("question", Kind::Question),
    ("support", Kind::Question),
    ("spam", Kind::Spam),
    ("invalid", Kind::Spam),
];

/// What words say.
const WORDS: [(Kind, &[&str]); 4] = [
    (
        Kind::Bug,
        &[
            "crash",
            "panic",
            "error",
            "exception",
            "broken",
            "fails",
            "failed",
            "regression",
            "stack trace",
            "steps to reproduce",
            "expected behavior",
            "does not work",
            "doesn't work",
        ],
    ),
    (
        Kind::Feature,
        &[
            "feature request",
            "would be nice",
            "please add",
            "support for",
            "allow ",
            "proposal",
            "it would help",
            "add an option",
            "could you add",
        ],
    ),
    (
        Kind::Question,
        &["how do i", "how can i", "how to", "is it possible", "what is the", "why does", "?"],
    ),
    (
        Kind::Spam,
        &["buy now", "free money", "casino", "click here", "whatsapp", "promo code", "earn $"],
    ),
];

/// A word in the title counts as much as this many in the text.
const TITLE_WEIGHT: u32 = 2;
/// This many links and hardly a word beside them are an advertisement.
const MANY_LINKS: usize = 3;

pub(crate) fn classify(issue: &Issue) -> Verdict {
    by_label(issue).unwrap_or_else(|| by_words(issue))
}

fn by_label(issue: &Issue) -> Option<Verdict> {
    let labels = issue.labels.iter().map(|label| label.name.to_lowercase());
    labels.into_iter().find_map(|label| {
        let (_, kind) = LABELS.iter().find(|(part, _)| label.contains(part))?;
        Some(Verdict { kind: *kind, reasons: vec![format!("it has the label `{label}`")] })
    })
}

fn by_words(issue: &Issue) -> Verdict {
    let title = issue.title.to_lowercase();
    let body = issue.body.as_deref().unwrap_or_default().to_lowercase();
    if let Some(reason) = advertisement(&body) {
        return Verdict { kind: Kind::Spam, reasons: vec![reason] };
    }

    let mut best: Option<(u32, Verdict)> = None;
    for (kind, words) in WORDS {
        let mut score = 0;
        let mut reasons = Vec::new();
        for word in words {
            let word_shown = word.trim();
            if title.contains(word) {
                score += TITLE_WEIGHT;
                reasons.push(format!("the title says `{word_shown}`"));
            } else if body.contains(word) {
                score += 1;
                reasons.push(format!("the text says `{word_shown}`"));
            }
        }
        // The first kind wins a tie: a broken thing is more urgent than a wish or a question.
        if score > best.as_ref().map_or(0, |(best, _)| *best) {
            best = Some((score, Verdict { kind, reasons }));
        }
    }
    best.map_or_else(
        || Verdict {
            kind: Kind::Unclear,
            reasons: vec!["neither a label nor a word says what it is".to_owned()],
        },
        |(_, verdict)| verdict,
    )
}

fn advertisement(body: &str) -> Option<String> {
    let (links, words): (Vec<&str>, Vec<&str>) =
        body.split_whitespace().partition(|word| word.contains("://"));
    (links.len() >= MANY_LINKS && words.len() < links.len() * 4)
        .then(|| format!("it has {} links and {} words", links.len(), words.len()))
}
