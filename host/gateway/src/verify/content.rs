//! What a sender signs: the body, with other things around it.

use super::compact;
use crate::delivery::Delivery;

/// What is signed, as a text with places: `{body}`, `{json}` for the body in [the form](compact) that JavaScript gives
/// it, `{time}` for the signed time as it is written, and `{header.NAME}`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Content(Vec<Part>);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(String),
    Body,
    Json,
    Time,
    Header(String),
}

/// Why a text does not say what is signed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ContentError {
    /// A brace that is not closed, or not opened.
    #[error("{0:?} has a brace without its other one")]
    Brace(String),
    /// A place that there is not.
    #[error(
        "{{{0}}} is nothing that can be signed; there are {{body}}, {{json}}, {{time}} and {{header.NAME}}"
    )]
    Place(String),
    /// The body is not in it.
    #[error("{0:?} signs no body, so anybody could change it; write {{body}} into it")]
    NoBody(String),
}

impl Content {
    /// Reads the text.
    pub fn parse(text: &str) -> Result<Self, ContentError> {
        let brace = || ContentError::Brace(text.to_owned());
        let (mut parts, mut rest) = (Vec::new(), text);
        while let Some((before, after)) = rest.split_once('{') {
            let (place, after) = after.split_once('}').ok_or_else(brace)?;
            if !before.is_empty() {
                parts.push(Part::Text(before.to_owned()));
            }
            parts.push(match place {
                "body" => Part::Body,
                "json" => Part::Json,
                "time" => Part::Time,
                place => match place.strip_prefix("header.") {
                    Some(name) if !name.is_empty() => Part::Header(name.to_ascii_lowercase()),
                    _ => return Err(ContentError::Place(place.to_owned())),
                },
            });
            rest = after;
        }
        if !rest.is_empty() {
            parts.push(Part::Text(rest.to_owned()));
        }
        let stray = |part: &Part| matches!(part, Part::Text(text) if text.contains(['{', '}']));
        if parts.iter().any(stray) {
            return Err(brace());
        }
        if !parts.iter().any(|part| matches!(part, Part::Body | Part::Json)) {
            return Err(ContentError::NoBody(text.to_owned()));
        }
        Ok(Self(parts))
    }

    /// Whether the signed time is in it.
    pub(crate) fn has_time(&self) -> bool {
        self.0.contains(&Part::Time)
    }

    /// Whether a header is in it, by its name in small letters.
    pub(crate) fn has_header(&self, name: &str) -> bool {
        self.0.iter().any(|part| matches!(part, Part::Header(header) if header == name))
    }

    /// The bytes that are signed; none where something that belongs to them is not there.
    pub(super) fn bytes(&self, delivery: &Delivery, time: Option<&str>) -> Option<Vec<u8>> {
        let mut bytes = Vec::with_capacity(delivery.body.len() + 64);
        for part in &self.0 {
            match part {
                Part::Text(text) => bytes.extend_from_slice(text.as_bytes()),
                Part::Body => bytes.extend_from_slice(&delivery.body),
                Part::Json => bytes.extend_from_slice(&compact(&delivery.body)?),
                Part::Time => bytes.extend_from_slice(time?.as_bytes()),
                Part::Header(name) => {
                    bytes.extend_from_slice(delivery.headers.one(name)?.as_bytes());
                }
            }
        }
        Some(bytes)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_signed_has_places_and_a_body() {
        for (text, says) in [
            ("{body}", ""),
            ("v0:{time}:{body}", ""),
            ("{header.webhook-id}.{time}.{json}", ""),
            ("{time}", "signs no body"),
            ("", "signs no body"),
            ("{body", "without its other one"),
            ("body}{body}", "without its other one"),
            ("{{body}}", "is nothing that can be signed"),
            ("{header.}{body}", "is nothing that can be signed"),
            ("{now}{body}", "is nothing that can be signed"),
        ] {
            let said =
                Content::parse(text).map_or_else(|error| error.to_string(), |_| String::new());
            assert!(said.contains(says) && said.is_empty() == says.is_empty(), "{text}: {said}");
        }
    }
}
