//! Words without their markup.

/// The most characters of a preview.
const PREVIEW: usize = 200;

/// The words of a piece of HTML: without tags, scripts and styles, with the few entities that mails have everywhere.
pub(crate) fn plain(html: &str) -> String {
    let mut words = String::new();
    let mut rest = html;
    while let Some((before, after)) = rest.split_once('<') {
        words.push_str(before);
        // A tag parts words; what is within some is none.
        words.push(' ');
        let hidden = ["script", "style", "head"].iter().find(|tag| begins_with(after, tag));
        rest = match hidden {
            Some(tag) => after_end(after, tag),
            None => after.split_once('>').map_or("", |(_, rest)| rest),
        };
    }
    words.push_str(rest);
    let words = unescaped(&words);
    words.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a tag is of this name.
fn begins_with(tag: &str, name: &str) -> bool {
    let Some(head) = tag.get(..name.len()) else { return false };
    let next = tag[name.len()..].chars().next();
    head.eq_ignore_ascii_case(name) && next.is_none_or(|next| !next.is_alphanumeric())
}

/// What comes after the end of an element.
fn after_end<'h>(html: &'h str, tag: &str) -> &'h str {
    let mut rest = html;
    while let Some((_, after)) = rest.split_once("</") {
        rest = after;
        if begins_with(after, tag) {
            return after.split_once('>').map_or("", |(_, rest)| rest);
        }
    }
    ""
}

fn unescaped(text: &str) -> String {
    // The ampersand last: what it makes is no entity again.
    [
        ("&nbsp;", " "),
        ("&lt;", "<"),
        ("&gt;", ">"),
        ("&quot;", "\""),
        ("&#39;", "'"),
        ("&amp;", "&"),
    ]
    .iter()
    .fold(text.to_owned(), |text, (entity, character)| text.replace(entity, character))
}

/// The beginning of some words.
pub(crate) fn preview(words: &str) -> String {
    words.chars().take(PREVIEW).collect()
}
