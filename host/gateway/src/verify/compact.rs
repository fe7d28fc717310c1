//! JSON as JavaScript writes it: `JSON.stringify(JSON.parse(text))`, to the byte.
//!
//! One sender signs not what it sends but that. What is read here is not believed yet, so nesting is bounded and nothing
//! is kept.

use std::collections::HashMap;

/// How deep values may be nested. JavaScript itself gives up at some thousands.
const DEEPEST: usize = 128;

/// The compact form; none where JavaScript would not parse it, or where it is nested more than 128 deep.
///
/// Members keep their order, but for those named like the index of an array, which come first. Of members of one name
/// the last value counts, in the place of the first. Numbers are the nearest double, written as shortly as possible.
///
/// ```
/// let compact = gateway::verify::compact(br#"{ "b": 1.0, "7": 1e400, "b": "\u00e9\ud800" }"#).unwrap();
/// assert_eq!(compact, r#"{"7":null,"b":"é\ud800"}"#.as_bytes());
/// ```
pub fn compact(text: &[u8]) -> Option<Vec<u8>> {
    let text = std::str::from_utf8(text).ok()?;
    // Whoever decodes a body as text drops the mark before it.
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let mut reader = Reader { text: text.as_bytes(), at: 0 };
    let value = reader.value(0)?;
    reader.space();
    if reader.at != reader.text.len() {
        return None;
    }
    let mut out = Vec::with_capacity(text.len());
    write(&value, &mut out);
    Some(out)
}

/// Text as JavaScript has it: units of sixteen bits, which need not be characters.
type Units = Vec<u16>;

enum Js {
    /// A word or a number, as it is written.
    Plain(String),
    Text(Units),
    Array(Vec<Js>),
    Object(Vec<(Units, Js)>),
}

struct Reader<'t> {
    text: &'t [u8],
    at: usize,
}

impl Reader<'_> {
    fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    fn space(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn take(&mut self, byte: u8) -> Option<()> {
        (self.peek()? == byte).then(|| self.at += 1)
    }

    fn word(&mut self, word: &str) -> Option<Js> {
        let rest = self.text.get(self.at..)?;
        rest.starts_with(word.as_bytes()).then(|| self.at += word.len())?;
        Some(Js::Plain(word.to_owned()))
    }

    fn value(&mut self, depth: usize) -> Option<Js> {
        if depth > DEEPEST {
            return None;
        }
        self.space();
        match self.peek()? {
            b'{' => self.object(depth),
            b'[' => self.array(depth),
            b'"' => self.string().map(Js::Text),
            b't' => self.word("true"),
            b'f' => self.word("false"),
            b'n' => self.word("null"),
            _ => self.number().map(Js::Plain),
        }
    }

    fn object(&mut self, depth: usize) -> Option<Js> {
        self.take(b'{')?;
        let (mut members, mut places) = (Vec::new(), HashMap::new());
        self.space();
        if self.take(b'}').is_some() {
            return Some(Js::Object(members));
        }
        loop {
            self.space();
            let name = self.string()?;
            self.space();
            self.take(b':')?;
            let value = self.value(depth + 1)?;
            if let Some(&place) = places.get(&name) {
                members[place] = (name, value);
            } else {
                places.insert(name.clone(), members.len());
                members.push((name, value));
            }
            self.space();
            if self.take(b',').is_none() {
                self.take(b'}')?;
                break;
            }
        }
        // Stable: what is no index stays in its order, behind those that are.
        members.sort_by_key(|(name, _)| index(name).unwrap_or(u32::MAX));
        Some(Js::Object(members))
    }

    fn array(&mut self, depth: usize) -> Option<Js> {
        self.take(b'[')?;
        let mut items = Vec::new();
        self.space();
        if self.take(b']').is_some() {
            return Some(Js::Array(items));
        }
        loop {
            items.push(self.value(depth + 1)?);
            self.space();
            if self.take(b',').is_none() {
                self.take(b']')?;
                return Some(Js::Array(items));
            }
        }
    }

    fn string(&mut self) -> Option<Units> {
        self.take(b'"')?;
        let mut units = Units::new();
        loop {
            let began = self.at;
            while !matches!(self.peek()?, b'"' | b'\\' | 0..=0x1f) {
                self.at += 1;
            }
            // It stops at an ASCII byte only, so what is between is whole characters.
            units.extend(std::str::from_utf8(&self.text[began..self.at]).ok()?.encode_utf16());
            match self.peek()? {
                b'"' => {
                    self.at += 1;
                    return Some(units);
                }
                b'\\' => {
                    self.at += 1;
                    units.push(self.escape()?);
                }
                _ => return None,
            }
        }
    }

    fn escape(&mut self) -> Option<u16> {
        let escaped = self.peek()?;
        self.at += 1;
        Some(match escaped {
            b'"' | b'\\' | b'/' => u16::from(escaped),
            b'b' => 8,
            b'f' => 12,
            b'n' => 10,
            b'r' => 13,
            b't' => 9,
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4)?;
                if !digits.iter().all(u8::is_ascii_hexdigit) {
                    return None;
                }
                self.at += 4;
                u16::from_str_radix(std::str::from_utf8(digits).ok()?, 16).ok()?
            }
            _ => return None,
        })
    }

    fn digits(&mut self) -> Option<()> {
        let began = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        (self.at > began).then_some(())
    }

    fn number(&mut self) -> Option<String> {
        let began = self.at;
        let _ = self.take(b'-');
        if self.take(b'0').is_none() {
            self.digits()?;
        }
        if self.take(b'.').is_some() {
            self.digits()?;
        }
        if self.take(b'e').or_else(|| self.take(b'E')).is_some() {
            let _ = self.take(b'+').or_else(|| self.take(b'-'));
            self.digits()?;
        }
        let written = std::str::from_utf8(&self.text[began..self.at]).ok()?;
        let number: f64 = written.parse().ok()?;
        // What is no number any more is written as null, and zero has no sign.
        Some(match number {
            number if !number.is_finite() => "null".to_owned(),
            0.0 => "0".to_owned(),
            number => ryu_js::Buffer::new().format_finite(number).to_owned(),
        })
    }
}

/// The number of a member that is named like the index of an array.
fn index(name: &[u16]) -> Option<u32> {
    if name.is_empty() || name.len() > 10 || (name[0] == u16::from(b'0') && name.len() > 1) {
        return None;
    }
    let mut number = 0_u64;
    for &unit in name {
        let digit = u8::try_from(unit).ok().filter(u8::is_ascii_digit)?;
        number = number * 10 + u64::from(digit - b'0');
    }
    u32::try_from(number).ok().filter(|&number| number < u32::MAX)
}

fn write(value: &Js, out: &mut Vec<u8>) {
    match value {
        Js::Plain(written) => out.extend_from_slice(written.as_bytes()),
        Js::Text(units) => quote(units, out),
        Js::Array(items) => {
            out.push(b'[');
            for (at, item) in items.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                write(item, out);
            }
            out.push(b']');
        }
        Js::Object(members) => {
            out.push(b'{');
            for (at, (name, value)) in members.iter().enumerate() {
                if at > 0 {
                    out.push(b',');
                }
                quote(name, out);
                out.push(b':');
                write(value, out);
            }
            out.push(b'}');
        }
    }
}

fn quote(units: &[u16], out: &mut Vec<u8>) {
    out.push(b'"');
    for unit in char::decode_utf16(units.iter().copied()) {
        match unit {
            Ok('"') => out.extend_from_slice(b"\\\""),
            Ok('\\') => out.extend_from_slice(b"\\\\"),
            Ok('\u{8}') => out.extend_from_slice(b"\\b"),
            Ok('\u{c}') => out.extend_from_slice(b"\\f"),
            Ok('\n') => out.extend_from_slice(b"\\n"),
            Ok('\r') => out.extend_from_slice(b"\\r"),
            Ok('\t') => out.extend_from_slice(b"\\t"),
            Ok(control @ '\0'..='\u{1f}') => escaped(u32::from(control), out),
            Ok(character) => {
                out.extend_from_slice(character.encode_utf8(&mut [0; 4]).as_bytes());
            }
            Err(alone) => escaped(u32::from(alone.unpaired_surrogate()), out),
        }
    }
    out.push(b'"');
}

fn escaped(unit: u32, out: &mut Vec<u8>) {
    out.extend_from_slice(format!("\\u{unit:04x}").as_bytes());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_javascript_would_not_parse_has_no_form() {
        for text in [
            "",
            " ",
            "{",
            "[1,]",
            "{\"a\":1,}",
            "01",
            "1.",
            ".5",
            "+1",
            "--1",
            "1e",
            "NaN",
            "'a'",
            "\"\t\"",
            "\"\\x\"",
            "\"\\u12g4\"",
            "\"\\u+123\"",
            "nul",
            "1 2",
            "{a:1}",
            "\u{a0}1",
            "[1",
            "\"a",
            "{\"a\"}",
        ] {
            assert_eq!(compact(text.as_bytes()), None, "{text:?}");
        }
        assert_eq!(compact(b"\"\xff\""), None, "not text");
    }

    #[test]
    fn nesting_ends() {
        let nested = |levels: usize| [vec![b'['; levels], vec![b']'; levels]].concat();
        assert!(compact(&nested(DEEPEST)).is_some());
        assert!(compact(&nested(100_000)).is_none());
    }
}
