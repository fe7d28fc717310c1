//! Whether an observation is written, and what it is about.

use system_bus_sdk::prelude::*;

/// Whether an observation is written.
#[derive(Serialize, Deserialize, Clone, Copy, Debug, PartialEq, Eq)]
#[serde(rename_all = "lowercase")]
pub enum Verdict {
    /// It is, and may be recalled.
    Allow,
    /// It is, and waits until somebody asks for such.
    Hold,
    /// It is not.
    Discard,
}

/// What the gate says of an observation.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Whether it is written.
    pub verdict: Verdict,
    /// How sure that is, from 0 to 1.
    pub confidence: f64,
    /// Why.
    pub reason: String,
    /// Whether the model said nothing of it.
    pub fallback: bool,
    /// What it is about.
    pub category: String,
    /// How sure that is.
    pub category_confidence: f64,
    /// Who says so: `llm`, `rules` or `fallback`.
    pub category_source: String,
}

/// The categories, and words by which they are known. The first one that fits best counts.
const CATEGORIES: [(&str, &[&str]); 7] = [
    ("jc:preferences", &["prefer", "prefers", "preference", "likes", "dislikes", "wants"]),
    ("jc:rules-conventions", &["always", "never", "must", "convention", "rule", "rules"]),
    ("jc:system-architecture", &["architecture", "design", "component", "schema", "interface"]),
    ("jc:operations", &["deploy", "deployed", "restart", "backup", "outage", "error", "failed"]),
    ("jc:memory-system", &["memory", "observation", "recall", "embedding", "typesense"]),
    ("jc:projects", &["project", "milestone", "release", "roadmap", "story"]),
    ("jc:people-relationships", &["person", "people", "team", "client", "meeting", "contact"]),
];
/// Where nothing says anything else.
const ELSE: &str = "jc:operations";

impl Gate {
    /// Reads `[gate=allow confidence=0.8 category=jc:operations reason="…"] text`; the text without it. What has no
    /// verdict is allowed with little confidence, and noted as a fall-back.
    pub(crate) fn read(line: &str) -> (Self, String) {
        let split = line.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        // Square brackets without members are a part of the text.
        let split = split.filter(|(members, _)| members.contains('='));
        let Some((members, text)) = split else {
            return (Self::unsaid(Verdict::Allow, line), line.to_owned());
        };
        let text = text.trim().to_owned();
        let verdict = match member(members, &["gate", "verdict"]).as_deref() {
            Some("allow") => Verdict::Allow,
            Some("hold") => Verdict::Hold,
            Some("discard") => Verdict::Discard,
            _ => return (Self::unsaid(Verdict::Allow, &text), text),
        };
        let number =
            member(members, &["confidence", "conf"]).and_then(|text| text.parse::<f64>().ok());
        let confidence = number.filter(|number| number.is_finite()).unwrap_or(0.65).clamp(0.0, 1.0);
        let reason = member(members, &["reason"]).unwrap_or_else(|| "llm_classified".to_owned());
        let named = member(members, &["category"]);
        let known = named.filter(|named| CATEGORIES.iter().any(|(category, _)| category == named));
        let (category, category_confidence, source) = match known {
            Some(category) => (category, confidence.max(0.65), "llm"),
            None => category(&text),
        };
        let gate = Self {
            verdict,
            confidence,
            reason: reason.chars().take(120).collect(),
            fallback: false,
            category,
            category_confidence,
            category_source: source.to_owned(),
        };
        (gate, text)
    }

    /// The gate of a text that no model has judged.
    pub(crate) fn unsaid(verdict: Verdict, text: &str) -> Self {
        let (category, category_confidence, source) = category(text);
        Self {
            verdict,
            confidence: 0.35,
            reason: "parse_fallback".to_owned(),
            fallback: true,
            category,
            category_confidence,
            category_source: source.to_owned(),
        }
    }
}

/// A member by one of its names, without quotes.
fn member(members: &str, names: &[&str]) -> Option<String> {
    let mut rest = members;
    while let Some((name, behind)) = rest.split_once('=') {
        let name = name.rsplit(' ').next().unwrap_or_default();
        let quoted = behind.strip_prefix('"').and_then(|behind| behind.split_once('"'));
        let (value, behind) =
            quoted.unwrap_or_else(|| behind.split_once(' ').unwrap_or((behind, "")));
        if names.iter().any(|known| name.eq_ignore_ascii_case(known)) && !value.is_empty() {
            return Some(value.to_owned());
        }
        rest = behind;
    }
    None
}

/// What a text is about by its words: the category, how sure that is, and who says so.
fn category(text: &str) -> (String, f64, &'static str) {
    let words = words(text);
    let mut best = (ELSE, 0);
    for (category, known) in CATEGORIES {
        let hits = known.iter().filter(|word| words.iter().any(|own| own == *word)).count();
        if hits > best.1 {
            best = (category, hits);
        }
    }
    match best {
        (category, 0) => (category.to_owned(), 0.35, "fallback"),
        (category, 1) => (category.to_owned(), 0.6, "rules"),
        (category, _) => (category.to_owned(), 0.8, "rules"),
    }
}

/// The words of a text: three small letters or digits at least, each once, sorted.
pub(crate) fn words(text: &str) -> Vec<String> {
    let lower = text.to_lowercase();
    let words =
        lower.split(|c: char| !c.is_alphanumeric()).filter(|word| word.chars().count() >= 3);
    let mut words: Vec<String> = words.map(str::to_owned).collect();
    words.sort();
    words.dedup();
    words
}
