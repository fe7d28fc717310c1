//! Takes out of a component what only debuggers read: line tables and names. They are most of its bytes, and nothing that
//! runs.
//!
//! Works on the binary, so the compiler's output serves both forms. Nothing is checked here: bytes that are not understood
//! are handed back as they are, for whoever loads them to refuse in words.

/// What begins every module and every component, before its version.
const MAGIC: &[u8] = b"\0asm";

/// Magic and version.
const PREAMBLE: usize = 8;

/// The layer of a component, in the last two bytes of its version.
const COMPONENT: [u8; 2] = [1, 0];

/// The kinds of sections that matter here: those that anybody may add, and, in a component, what is nested.
const CUSTOM: u8 = 0;
const NESTED_MODULE: u8 = 1;
const NESTED_COMPONENT: u8 = 4;

/// How deep components may be nested; real ones are two deep.
const DEEPEST: usize = 16;

/// The component without line tables and names.
pub(crate) fn strip(bytes: Vec<u8>) -> Vec<u8> {
    stripped(&bytes, DEEPEST).unwrap_or(bytes)
}

fn stripped(bytes: &[u8], deeper: usize) -> Option<Vec<u8>> {
    let preamble = bytes.get(..PREAMBLE).filter(|preamble| preamble.starts_with(MAGIC))?;
    let is_component = preamble.ends_with(&COMPONENT);
    let mut out = preamble.to_vec();
    let mut rest = &bytes[PREAMBLE..];
    while let Some((kind, after)) = rest.split_first() {
        let (length, after) = number(after)?;
        let (content, after) = after.split_at_checked(length)?;
        let nested = is_component && matches!(*kind, NESTED_MODULE | NESTED_COMPONENT);
        if nested {
            let inner = stripped(content, deeper.checked_sub(1)?)?;
            out.push(*kind);
            push_number(&mut out, inner.len());
            out.extend(inner);
        } else if *kind != CUSTOM || !is_for_debuggers(content) {
            out.extend(&rest[..rest.len() - after.len()]);
        }
        rest = after;
    }
    Some(out)
}

fn is_for_debuggers(custom: &[u8]) -> bool {
    let name = number(custom).and_then(|(length, after)| after.get(..length));
    name.is_some_and(|name| {
        name.starts_with(b".debug_") || name == b"name" || name == b"component-name"
    })
}

/// A number at the beginning of bytes, seven bits in each byte, and what follows it.
fn number(bytes: &[u8]) -> Option<(usize, &[u8])> {
    let mut value = 0_usize;
    for (at, byte) in bytes.iter().take(5).enumerate() {
        value |= usize::from(byte & 0x7f) << (7 * at);
        if byte & 0x80 == 0 {
            return Some((value, &bytes[at + 1..]));
        }
    }
    None
}

fn push_number(out: &mut Vec<u8>, mut value: usize) {
    while value >= 0x80 {
        // The lowest seven bits.
        out.push(u8::try_from(value & 0x7f).unwrap_or_default() | 0x80);
        value >>= 7;
    }
    out.push(u8::try_from(value).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODULE: &[u8] = b"\0asm\x01\0\0\0";
    const OUTER: &[u8] = b"\0asm\x0d\0\x01\0";

    fn section(kind: u8, content: &[u8]) -> Vec<u8> {
        let mut out = vec![kind];
        push_number(&mut out, content.len());
        out.extend(content);
        out
    }

    fn custom(name: &str, content: &[u8]) -> Vec<u8> {
        let mut inner = Vec::new();
        push_number(&mut inner, name.len());
        inner.extend(name.as_bytes());
        inner.extend(content);
        section(CUSTOM, &inner)
    }

    #[test]
    fn line_tables_and_names_go_however_deep_they_lie() {
        let long = vec![7; 300];
        let kept =
            [section(1, b"types"), section(10, &long), custom("producers", b"rust")].concat();
        let debug = [custom(".debug_info", &long), custom("name", b"f")].concat();
        let module = |debug: &[u8]| [MODULE, &kept, debug].concat();
        let nested = |debug: &[u8], name: &[u8]| {
            let inner = [OUTER, &section(NESTED_MODULE, &module(debug)), name].concat();
            [OUTER, &section(NESTED_COMPONENT, &inner), &section(7, b"types")].concat()
        };
        assert_eq!(strip(module(&debug)), module(&[]));
        let whole = nested(&debug, &custom("component-name", b"c"));
        assert_eq!(strip(whole), nested(&[], &[]));
    }

    #[test]
    fn what_is_not_understood_stays_as_it_is() {
        let cut = [MODULE, &[CUSTOM, 0x85, 0x01, 4], b"name"].concat();
        let endless = [MODULE, &[CUSTOM, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]].concat();
        let mut deep = MODULE.to_vec();
        for _ in 0..=DEEPEST + 1 {
            deep = [OUTER, &section(NESTED_COMPONENT, &deep), &custom("name", b"c")].concat();
        }
        for bytes in
            [b"".to_vec(), b"\0asm".to_vec(), b"a text, no component".to_vec(), cut, endless, deep]
        {
            assert_eq!(strip(bytes.clone()), bytes);
        }
    }

    #[test]
    fn lengths_are_written_as_they_are_read() {
        for value in [0, 1, 127, 128, 300, 16_383, 16_384, 3_538_082] {
            let mut bytes = Vec::new();
            push_number(&mut bytes, value);
            assert_eq!(number(&bytes), Some((value, &[][..])), "{value}");
        }
    }
}
