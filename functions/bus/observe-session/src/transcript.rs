//! Cleaning what was said.

/// How much of a transcript is looked at: its end, where what came of it is said.
const MOST: usize = 60_000;
/// Tags around what tools were told and said.
const TAGS: [&str; 5] = ["tool_call", "tool_use", "tool_result", "function_calls", "thinking"];
/// How tokens of services begin, and how long they are at least.
const TOKENS: [(&str, usize); 7] = [
    ("sk-", 16),
    ("ghp_", 16),
    ("gho_", 16),
    ("github_pat_", 20),
    ("xox", 16),
    ("AKIA", 16),
    ("eyJ", 30),
];
/// What stands in the place of a secret.
const MASK: &str = "[masked]";

/// What people and agents said to each other: without calls of tools, escapes of terminals and secrets.
pub(crate) fn clean(transcript: &str) -> String {
    let mut text = without_escapes(transcript);
    for tag in TAGS {
        text = without_tag(&text, tag);
    }
    let lines = text.lines().map(str::trim_end).filter(|line| is_said(line));
    let text = lines.map(masked).collect::<Vec<_>>().join("\n");
    let text = text.trim();
    let skipped = text.chars().count().saturating_sub(MOST);
    text.chars().skip(skipped).collect()
}

/// Without escapes of terminals and other characters that show nothing.
fn without_escapes(text: &str) -> String {
    let (mut clean, mut letters) = (String::with_capacity(text.len()), text.chars().peekable());
    while let Some(letter) = letters.next() {
        if letter == '\u{1b}' && letters.next_if_eq(&'[').is_some() {
            // The sequence ends with its first letter.
            while letters.next().is_some_and(|c| !c.is_ascii_alphabetic()) {}
        } else if letter == '\n' || letter == '\t' || !letter.is_control() {
            clean.push(letter);
        }
    }
    clean
}

/// Without what stands between `<tag …>` and `</tag>`; one that is never closed goes to the end.
fn without_tag(text: &str, tag: &str) -> String {
    let (open, close) = (format!("<{tag}"), format!("</{tag}>"));
    let (mut clean, mut rest) = (String::with_capacity(text.len()), text);
    while let Some(start) = rest.find(&open) {
        let behind = &rest[start + open.len()..];
        if !behind.starts_with(['>', ' ', '\n']) {
            clean.push_str(&rest[..start + open.len()]);
            rest = behind;
            continue;
        }
        clean.push_str(&rest[..start]);
        rest = behind.find(&close).map_or("", |end| &behind[end + close.len()..]);
    }
    clean + rest
}

/// Whether somebody said this line: it is not empty, and no JSON or heading of a tool.
fn is_said(line: &str) -> bool {
    let line = line.trim();
    let lower = line.to_ascii_lowercase();
    let of_a_tool = ["[tool", "tool call:", "tool result:", "toolcall:", "toolresult:"];
    let is_json = line.len() > 1
        && ((line.starts_with('{') && line.ends_with('}'))
            || (line.starts_with("[{") && line.ends_with(']')));
    !line.is_empty() && !is_json && !of_a_tool.iter().any(|start| lower.starts_with(start))
}

/// The line with secrets masked.
pub(crate) fn masked(line: &str) -> String {
    let mut after_bearer = false;
    let words = line.split(' ').map(|word| {
        let secret = after_bearer && word.len() >= 8;
        after_bearer = word.trim_end_matches(':').eq_ignore_ascii_case("bearer");
        if secret { MASK.to_owned() } else { masked_word(word) }
    });
    words.collect::<Vec<_>>().join(" ")
}

fn masked_word(word: &str) -> String {
    // `NAME=value`, as in a file of settings, where the name says that it is a secret.
    if let Some((name, value)) = word.split_once('=') {
        let upper = name.to_ascii_uppercase();
        let is_name = ["SECRET", "TOKEN", "PASSWORD", "API_KEY", "APIKEY"];
        if value.len() >= 6 && is_name.iter().any(|part| upper.contains(part)) {
            return format!("{name}={MASK}");
        }
    }
    let bare = word.trim_start_matches(|c: char| !c.is_ascii_alphanumeric());
    let start = word.len() - bare.len();
    let of_token = |c: char| c.is_ascii_alphanumeric() || "_-.".contains(c);
    let end = bare.find(|c: char| !of_token(c)).unwrap_or(bare.len());
    let found = TOKENS.iter().any(|(begins, least)| bare.starts_with(begins) && end >= *least);
    if found { format!("{}{MASK}{}", &word[..start], &bare[end..]) } else { word.to_owned() }
}
