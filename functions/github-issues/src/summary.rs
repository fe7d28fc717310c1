//! An issue in a sentence or two.

use crate::delivery::Issue;

/// Enough for a line in a chat.
const LONGEST: usize = 200;

/// The title and the beginning of the text, without what only a page can show.
pub(crate) fn summarize(issue: &Issue) -> String {
    let title = issue.title.trim().trim_end_matches('.');
    let text = plain(issue.body.as_deref().unwrap_or_default());
    if text.is_empty() {
        return format!("{title}.");
    }
    shortened(&format!("{title}. {text}"))
}

/// The prose of a Markdown text: no code, headings, quotes, comments or pictures.
fn plain(markdown: &str) -> String {
    let mut in_code = false;
    let mut words: Vec<&str> = Vec::new();
    for line in markdown.lines().map(str::trim) {
        if line.starts_with("```") {
            in_code = !in_code;
            continue;
        }
        let skipped = ["#", ">", "<!--", "![", "---"].iter().any(|mark| line.starts_with(mark));
        if !in_code && !skipped {
            words.extend(item(line).split_whitespace());
        }
    }
    words.join(" ")
}

/// A line of a list without its mark.
fn item(line: &str) -> &str {
    let line = line.trim_start_matches(['-', '*', ' ']);
    match line.split_once(". ") {
        Some((number, rest)) if number.bytes().all(|b| b.is_ascii_digit()) => rest,
        _ => line,
    }
}

/// Cut after the last sentence that fits, or else after the last word.
fn shortened(text: &str) -> String {
    if text.chars().count() <= LONGEST {
        return text.to_owned();
    }
    let head: String = text.chars().take(LONGEST).collect();
    match (head.rfind(". "), head.rfind(' ')) {
        (Some(end), _) if end > LONGEST / 3 => head[..=end].to_owned(),
        (_, Some(end)) => format!("{}…", &head[..end]),
        _ => head,
    }
}
