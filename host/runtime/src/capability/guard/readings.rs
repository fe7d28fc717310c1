//! What a text says when its escapes are read: a secret that was escaped is the secret to whoever reads on.

use std::borrow::Cow;

/// How often escapes are read in what reading them gave. JSON within JSON within JSON is as deep as answers are kept.
const DEEP: usize = 3;

/// The text as it stands, and what it says with its escapes read once, twice and so on.
pub(super) fn readings(text: &str) -> impl Iterator<Item = Cow<'_, str>> {
    let first = Some(Cow::Borrowed(text));
    std::iter::successors(first, |before| {
        let next = read(before);
        (next != **before).then_some(Cow::Owned(next))
    })
    .take(DEEP + 1)
}

/// The bytes that a text lists as numbers, such as `[104,117]`: what becomes of bytes that are stored as they came. Each
/// list ends in a line end here.
pub(super) fn lists(text: &str) -> Vec<u8> {
    let mut bytes = Vec::new();
    for list in text.split('[').skip(1) {
        let numbers = list.split(']').next().unwrap_or_default().split(',');
        let before = bytes.len();
        bytes.extend(numbers.map_while(|number| number.trim().parse::<u8>().ok()));
        if bytes.len() > before {
            bytes.push(b'\n');
        }
    }
    bytes
}

/// The text with each escape of JSON, of source code and of HTML replaced by what it stands for.
fn read(text: &str) -> String {
    let mut said = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = rest.find(['\\', '&']) {
        said.push_str(&rest[..at]);
        rest = &rest[at..];
        let escape = if rest.starts_with('\\') { backslash(rest) } else { entity(rest) };
        let (meant, length) = escape.unwrap_or_else(|| (rest.chars().next(), 1));
        said.extend(meant);
        rest = &rest[length..];
    }
    said.push_str(rest);
    said
}

/// What an escape that begins with a backslash stands for, and how long it is.
fn backslash(text: &str) -> Option<(Option<char>, usize)> {
    let code = |digits: &str| u32::from_str_radix(digits, 16).ok();
    let letter = *text.as_bytes().get(1)?;
    let plain = match letter {
        b'n' => '\n',
        b'r' => '\r',
        b't' => '\t',
        b'b' => '\u{8}',
        b'f' => '\u{c}',
        b'0' => '\0',
        b'"' | b'\'' | b'/' | b'\\' => char::from(letter),
        b'x' => return Some((char::from_u32(code(text.get(2..4)?)?), 4)),
        b'u' if text[2..].starts_with('{') => {
            // The longest that are read: `\u{10FFFF}`.
            let end = text.bytes().take(10).position(|byte| byte == b'}')?;
            return Some((char::from_u32(code(text.get(3..end)?)?), end + 1));
        }
        b'u' => {
            let first = code(text.get(2..6)?)?;
            let second = text.get(6..12).and_then(|pair| code(pair.strip_prefix("\\u")?));
            return Some(match second.filter(|_| (0xD800..0xDC00).contains(&first)) {
                Some(second @ 0xDC00..0xE000) => {
                    let whole = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
                    (char::from_u32(whole), 12)
                }
                _ => (char::from_u32(first), 6),
            });
        }
        _ => return None,
    };
    Some((Some(plain), 2))
}

/// What an entity of HTML stands for, and how long it is.
fn entity(text: &str) -> Option<(Option<char>, usize)> {
    // The longest that are read: `&#x10FFFF;`.
    let end = text.bytes().take(10).position(|byte| byte == b';')?;
    let name = text.get(1..end)?;
    let meant = match name {
        "amp" => '&',
        "lt" => '<',
        "gt" => '>',
        "quot" => '"',
        "apos" => '\'',
        _ => {
            let number = name.strip_prefix('#')?;
            let code = match number.strip_prefix(['x', 'X']) {
                Some(digits) => u32::from_str_radix(digits, 16).ok()?,
                None => number.parse().ok()?,
            };
            char::from_u32(code)?
        }
    };
    Some((Some(meant), end + 1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_escaped_is_read() {
        for (text, says) in [
            ("plain", "plain"),
            (r#"a\"b\\c\/d\n"#, "a\"b\\c/d\n"),
            (r"p\u00e4ss \ud83d\ude00 \u{e4} \x41", "päss 😀 ä A"),
            ("a&amp;b&quot;c&#39;d&#x2F;e&lt;&gt;", "a&b\"c'd/e<>"),
            // What is no escape stays.
            (r"\q & &; &unknown; \u12 \", r"\q & &; &unknown; \u12 \"),
            ("ends with ü\\", "ends with ü\\"),
            ("&ümlaut;", "&ümlaut;"),
            (r"\ud83d alone", " alone"),
        ] {
            assert_eq!(read(text), says, "{text}");
        }
    }

    #[test]
    fn what_is_listed_is_read() {
        for (text, says) in [
            ("[104,105]", "hi\n"),
            (r#"{"a":[104, 105],"b":[[106],[107 ]],"c":[]}"#, "hi\nj\nk\n"),
            ("[104,105,256,106]", "hi\n"),
            ("[104,105", "hi\n"),
            ("104,105]", ""),
            (r#"["104"]"#, ""),
        ] {
            assert_eq!(lists(text), says.as_bytes(), "{text}");
        }
    }

    #[test]
    fn escapes_within_escapes_are_read_as_deep_as_answers_are_kept() {
        let once = serde_json::to_string("a\"b").expect("JSON");
        let twice = serde_json::to_string(&once).expect("JSON");
        assert!(readings(&twice).any(|reading| reading.contains("a\"b")));
        assert_eq!(readings("plain").count(), 1);
        assert!(readings(&"\\\\".repeat(100)).count() <= DEEP + 1);
    }
}
