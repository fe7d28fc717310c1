//! Decrypting what a call brings.

use super::key::Vault;
use super::marker::{MEMBER, Marker, Place, replace};
use super::{FALLBACK, KEY};
use crate::call::Call;

/// Why an encrypted value cannot be read. The call can be tried again: another worker may have the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// There is no key at all.
    #[error(
        "the run holds values encrypted with the key {key}, and {KEY} is not set; set it to that key"
    )]
    NoKey {
        /// The key's name: the first digits of its hash.
        key: String,
    },
    /// There are other keys only.
    #[error(
        "the run holds values encrypted with the key {key}, and this worker has {have}; \
         add that key to {FALLBACK}, separated by a comma, or set {KEY} to it"
    )]
    OtherKey {
        /// The key's name: the first digits of its hash.
        key: String,
        /// The names of the keys there are.
        have: String,
    },
    /// The value does not belong where it is, was altered, or is from a newer worker.
    #[error(
        "an encrypted value of {place} was altered, belongs elsewhere, or was written by a newer worker; \
         it is not used. Compare {KEY} with what wrote it"
    )]
    Damaged {
        /// What the value should be.
        place: String,
    },
}

/// The call with everything readable: its memos and its events. What is not encrypted passes as it is, so a key can be
/// introduced while runs are on their way.
pub fn open_call(vault: Option<&Vault>, call: Call) -> Result<Call, OpenError> {
    let call = if call.memos.mentions(MEMBER) {
        let slug = call.route.slug.clone();
        call.with_memos(|step, text| {
            replace(text, |marker| {
                let place = Place::Step { slug: &slug, step };
                open(vault, marker, Some(place), &format!("step {step}"))
            })
        })?
    } else {
        call
    };
    let all = |text: &str| replace(text, |marker| open(vault, marker, None, "the event"));
    let (first, events) = (all(call.event())?, all(call.events())?);
    if first.is_none() && events.is_none() {
        return Ok(call);
    }
    let first = first.unwrap_or_else(|| call.event().to_owned());
    let events = events.unwrap_or_else(|| call.events().to_owned());
    Ok(call.with_events(&first, &events))
}

/// A function's result with everything readable; none where nothing of it is encrypted.
pub(crate) fn open_result(vault: Option<&Vault>, text: &str) -> Result<Option<String>, OpenError> {
    replace(text, |marker| open(vault, marker, None, "the run's result"))
}

/// The value that a marker stands for. Steps' own results open in their step only; results of other functions and
/// members of events open wherever the server put them.
fn open(
    vault: Option<&Vault>,
    text: &str,
    step: Option<Place<'_>>,
    told: &str,
) -> Result<String, OpenError> {
    let damaged = || OpenError::Damaged { place: told.to_owned() };
    let marker = Marker::read(text).ok_or_else(damaged)?;
    let key = || marker.key.chars().take(16).collect::<String>();
    let vault = vault.ok_or_else(|| OpenError::NoKey { key: key() })?;
    let with = vault
        .named(marker.key)
        .ok_or_else(|| OpenError::OtherKey { key: key(), have: vault.names() })?;
    let place = match (marker.kind, step) {
        ("s", Some(step)) => step,
        ("r", _) => Place::Result,
        ("e", _) => Place::Event,
        _ => return Err(damaged()),
    };
    let value = with.open(&place.bytes(), &marker.sealed).ok_or_else(damaged)?;
    String::from_utf8(value).map_err(|_| damaged())
}
