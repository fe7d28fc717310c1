//! The text that stands for an encrypted value, and where it stands.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use crate::id::StepId;

/// The only member of the object that stands for an encrypted value.
pub(super) const MEMBER: &str = "__system_bus_encrypted";
const VERSION: &str = "v1";

/// Where a value belongs. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place<'p> {
    /// The result of a step of a function.
    Step { slug: &'p str, step: &'p StepId },
    /// The result of a function: the server shows it to whoever invoked it, and to failure handlers.
    Result,
    /// A member of an event's data, or of what a function is invoked with.
    Event,
}

impl Place<'_> {
    fn kind(self) -> &'static str {
        match self {
            Self::Step { .. } => "s",
            Self::Result => "r",
            Self::Event => "e",
        }
    }

    /// What is authenticated with the value.
    pub(super) fn bytes(self) -> Vec<u8> {
        let mut bytes = format!("system-bus {VERSION} {} ", self.kind()).into_bytes();
        if let Self::Step { slug, step } = self {
            bytes.extend_from_slice(step.as_bytes());
            bytes.extend_from_slice(slug.as_bytes());
        }
        bytes
    }
}

/// A read marker.
pub(super) struct Marker<'m> {
    pub(super) kind: &'m str,
    pub(super) key: &'m str,
    pub(super) sealed: Vec<u8>,
}

/// The object for a sealed value.
pub(super) fn write(place: Place<'_>, key: &str, sealed: &[u8]) -> String {
    let (kind, data) = (place.kind(), BASE64_STANDARD.encode(sealed));
    format!(r#"{{"{MEMBER}":"{VERSION}.{kind}.{key}.{data}"}}"#)
}

impl<'m> Marker<'m> {
    /// Reads the text of the member; none when it is not of a form that this version knows.
    pub(super) fn read(text: &'m str) -> Option<Self> {
        let mut parts = text.splitn(4, '.');
        let (version, kind, key) = (parts.next()?, parts.next()?, parts.next()?);
        let sealed = BASE64_STANDARD.decode(parts.next()?).ok()?;
        (version == VERSION).then_some(Self { kind, key, sealed })
    }
}

/// Replaces each object that stands for an encrypted value by what `open` makes of its text; none where there is none.
///
/// The text is not parsed: within a string of JSON the quotes of the member's name would be escaped, so where the name
/// follows a brace, it is a member.
pub(super) fn replace<E>(
    json: &str,
    mut open: impl FnMut(&str) -> Result<String, E>,
) -> Result<Option<String>, E> {
    let name = format!("\"{MEMBER}\"");
    let mut replaced = String::new();
    let (mut copied, mut from) = (0, 0);
    while let Some(found) = json[from..].find(&name) {
        let at = from + found;
        from = at + name.len();
        let Some((start, text, end)) = object_around(json, at, from) else { continue };
        replaced.push_str(&json[copied..start]);
        replaced.push_str(&open(text)?);
        (copied, from) = (end, end);
    }
    if copied == 0 {
        return Ok(None);
    }
    replaced.push_str(&json[copied..]);
    Ok(Some(replaced))
}

/// The object whose only member has its name at `name..after`: its start, the member's text, its end.
fn object_around(json: &str, name: usize, after: usize) -> Option<(usize, &str, usize)> {
    let start = json[..name].trim_ascii_end().strip_suffix('{')?.len();
    let rest = json[after..].trim_ascii_start().strip_prefix(':')?.trim_ascii_start();
    let (text, rest) = rest.strip_prefix('"')?.split_once('"')?;
    let rest = rest.trim_ascii_start().strip_prefix('}')?;
    (!text.contains('\\')).then_some((start, text, json.len() - rest.len()))
}
