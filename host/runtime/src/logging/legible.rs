//! Text of a guest as it may stand in a log: one line, of a bounded length, that steers no terminal.

use std::borrow::Cow;
use std::fmt::Write as _;

/// The text with every character escaped that would do something else than be shown: a line break begins no other line, an
/// escape sequence changes no colour and moves no cursor, and what turns the direction of writing turns nothing. Tabs stay.
///
/// ```
/// assert_eq!(runtime::legible("all is well"), "all is well");
/// assert_eq!(runtime::legible("well\n2026 ERROR \u{1b}[2J"), "well\\n2026 ERROR \\u{1b}[2J");
/// ```
pub fn legible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(steers) {
        return Cow::Borrowed(text);
    }
    let mut shown = String::with_capacity(text.len() + 16);
    for one in text.chars() {
        if steers(one) {
            shown.extend(one.escape_default());
        } else {
            shown.push(one);
        }
    }
    Cow::Owned(shown)
}

/// Whether a viewer does something else with it than to show it.
fn steers(one: char) -> bool {
    let breaks = matches!(one, '\u{2028}' | '\u{2029}');
    let turns = matches!(
        one,
        '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}'
    );
    one != '\t' && (one.is_control() || breaks || turns || one == '\u{feff}')
}

/// The text in at most `most` bytes, and how much is missing.
pub(super) fn cut(mut text: String, most: usize) -> String {
    if text.len() > most {
        let rest = text.len() - text.floor_char_boundary(most);
        text.truncate(text.len() - rest);
        // Writing to memory cannot fail.
        let _ = write!(text, "… ({rest} more bytes)");
    }
    text
}

/// Both: what a guest wrote as one line.
pub(super) fn line(text: String, most: usize) -> String {
    // Cut first: escaping is not to grow what is left out anyway.
    let text = cut(text, most);
    match legible(&text) {
        Cow::Borrowed(_) => text,
        // An escape may be ten times as long as what it stands for.
        Cow::Owned(shown) => cut(shown, most.saturating_mul(2)),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_begins_another_line_or_steers_a_terminal() {
        for (text, shown) in [
            ("", ""),
            ("plain, with\ttabs and ünïcode", "plain, with\ttabs and ünïcode"),
            ("one\ntwo\r\nthree", "one\\ntwo\\r\\nthree"),
            ("\u{1b}[31mred\u{1b}[0m", "\\u{1b}[31mred\\u{1b}[0m"),
            ("\u{9b}2J\u{7f}\u{0}\u{8}", "\\u{9b}2J\\u{7f}\\u{0}\\u{8}"),
            ("a\u{2028}b\u{2029}c\u{85}d", "a\\u{2028}b\\u{2029}c\\u{85}d"),
            (
                "\u{202e}drawkcab\u{202c}\u{2066}\u{200f}",
                "\\u{202e}drawkcab\\u{202c}\\u{2066}\\u{200f}",
            ),
            ("\u{feff}mark", "\\u{feff}mark"),
        ] {
            assert_eq!(legible(text), shown);
        }
    }

    #[test]
    fn a_long_line_is_cut_between_two_characters_and_says_how_much_is_missing() {
        for (text, most, expected) in [
            ("short", 5, "short"),
            ("longer", 5, "longe… (1 more bytes)"),
            // Two bytes each: the fifth byte is within one.
            ("ééé", 5, "éé… (2 more bytes)"),
            ("🦀🦀", 7, "🦀… (4 more bytes)"),
            ("🦀", 3, "… (4 more bytes)"),
        ] {
            assert_eq!(cut(text.to_owned(), most), expected);
        }
        let long = line("\u{0}".repeat(100), 50);
        assert!(long.len() < 150 && long.starts_with("\\u{0}\\u{0}"), "{long}");
    }
}
