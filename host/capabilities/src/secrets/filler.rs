//! Putting secrets in the place of their placeholders, on the way out.

use std::sync::Arc;

use protocol::step::StepName;
use runtime::Caller;
use runtime::placement::Capability;

use super::destination::{Destination, Missing};
use super::grant::Part;
use super::placeholder::{Tokens, tokens_in};
use super::vault::Vault;
use crate::grants::Name;
use crate::refusal::{Answer, Reason, Refusal};

/// Fills in the placeholders of one call. Made by [`Vault::filler`]; placeholders that are made later are known to it too.
#[derive(Clone)]
pub struct Filler {
    pub(super) vault: Arc<Vault>,
    /// None while a component describes itself: then there are no placeholders.
    pub(super) caller: Option<Caller>,
    pub(super) step: Option<StepName>,
    pub(super) tokens: Tokens,
}

impl Filler {
    /// `bytes`, which go to `to` in this part, with each placeholder of this call replaced by its secret; `None` where
    /// there is none in them.
    ///
    /// `to` is an origin (`https://host`, with a port where it is not the scheme's own) or `program:NAME`. A placeholder
    /// that may not go there is refused and recorded, and so is one of another call: the caller must send nothing then.
    pub fn fill(&self, part: Part, to: &str, bytes: &[u8]) -> Answer<Option<Vec<u8>>> {
        let mut places = tokens_in(bytes).peekable();
        if places.peek().is_none() {
            return Ok(None);
        }
        let to = Destination::parse(to).map_err(|error| Refusal::invalid(error.to_string()))?;
        let contents = self.vault.contents();
        let (mut filled, mut at) = (Vec::with_capacity(bytes.len()), 0);
        for place in places {
            let Some(name) = self.tokens.secret(&bytes[place.clone()]) else {
                return Err(self.foreign(part, &to));
            };
            self.allow(&name, part, &to)?;
            let value = contents.value(name.as_str()).ok_or_else(|| expired(&name))?;
            filled.extend_from_slice(&bytes[at..place.start]);
            filled.extend_from_slice(value.bytes());
            at = place.end;
        }
        filled.extend_from_slice(&bytes[at..]);
        Ok(Some(filled))
    }

    fn allow(&self, name: &Name, part: Part, to: &Destination) -> Answer<()> {
        let component = self.component();
        let missing = match self.vault.covers(component, name, part, to) {
            Ok((line, parts)) => {
                if let Some(caller) = &self.caller {
                    caller.allowed(Capability::Secrets, line, &parts);
                }
                return Ok(());
            }
            Err(missing) => missing,
        };
        self.denied(&format!("the secret {name} to {to} ({part})"));
        Err(Refusal::denied(match missing {
            Missing::Destination => format!(
                "the secret `{name}` may not go to {to}, and nothing was sent: add \"{to}\" to its `to` in `secrets` of [components.{component}]"
            ),
            Missing::Part => format!(
                "the secret `{name}` may not go to {to} in this part ({part}), and nothing was sent: add \"{part}\" to its `in` in `secrets` of [components.{component}]"
            ),
        }))
    }

    /// A placeholder that nobody made in this call.
    fn foreign(&self, part: Part, to: &Destination) -> Refusal {
        self.denied(&format!("a placeholder of another call to {to} ({part})"));
        Refusal::invalid(format!(
            "what would go to {to} holds a placeholder that was not made in this call, and nothing was sent: ask for the secret in the step that uses it, and store no placeholder"
        ))
    }

    fn component(&self) -> &str {
        self.caller.as_ref().map_or("", |caller| &*caller.component)
    }

    fn denied(&self, what: &str) {
        if let Some(caller) = &self.caller {
            caller.denied(Capability::Secrets, self.step.as_ref(), what);
        }
    }
}

/// What a call hears whose secret is not there at the moment.
pub(super) fn expired(name: &Name) -> Refusal {
    Refusal::new(
        Reason::Unavailable,
        format!(
            "the secret `{name}` has expired and could not be renewed; the worker's log says why"
        ),
    )
}

impl std::fmt::Debug for Filler {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Filler").field("component", &self.component()).finish_non_exhaustive()
    }
}
