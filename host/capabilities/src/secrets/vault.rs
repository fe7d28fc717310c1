//! The state that all calls share: the values, and who may send which where.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::sync::Arc;

use runtime::CallState;
use runtime::capability::{Guard, Secret};
use runtime::placement::Capability;

use super::destination::{Destination, Leave, Missing};
use super::filler::{Filler, expired};
use super::grant::{Part, Source};
use super::keeper::Keeper;
use super::placeholder::{Tokens, tokens_in};
use super::shelf::{Contents, Shelf};
use super::source::{NoPlace, Place};
use super::value::Value;
use crate::grants::{Grants, Name, Wrong};
use crate::refusal::{Answer, Refusal};

/// All secrets of a worker. What keeps them current ends with it.
pub struct Vault {
    shelf: Arc<Shelf>,
    /// Component → secret → where it may go, by the numbers of its lines.
    leaves: BTreeMap<String, BTreeMap<Name, Vec<(usize, Leave)>>>,
    /// None where there are no secrets.
    keeper: Option<Keeper>,
}

/// Why there is no vault. Never holds a value.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// A source does not say where its secret is.
    #[error("[secrets.{name}] cannot be used: {why}")]
    Source {
        /// The secret.
        name: String,
        /// What is wrong.
        why: String,
    },
    /// A secret is not where its source says.
    #[error("the secret `{name}` cannot be read: {why}; see [secrets.{name}]")]
    NotRead {
        /// The secret.
        name: String,
        /// What happened.
        why: String,
    },
    /// A component is granted what there is not, or to nowhere.
    #[error("`secrets` of [components.{component}] cannot be used: {why}")]
    Grant {
        /// The component.
        component: String,
        /// What is wrong.
        why: String,
    },
    /// No thread could be started.
    #[error("no thread could be started that keeps the secrets: {0}")]
    Thread(std::io::Error),
}

/// Entries that cannot be used, beside those that name what is not there or no one place.
pub(crate) fn wrong(grants: &Grants) -> Vec<Wrong> {
    let sources = grants.secrets.iter().filter_map(|(name, source)| {
        let error = Place::parse(source).err().filter(|error| *error == NoPlace::Lasts)?;
        Some(Wrong::at(&["secrets", name.as_str(), "lasts"], error.to_string()))
    });
    let lines = grants.components.iter().flat_map(|(component, granted)| {
        let each = granted.secrets.iter().enumerate();
        let each =
            each.flat_map(|(line, grant)| grant.to.iter().enumerate().map(move |to| (line, to)));
        each.filter_map(move |(line, (at, to))| {
            let error = Destination::parse(to).err()?;
            let (line, at) = (line.to_string(), at.to_string());
            Some(Wrong::at(
                &["components", component, "secrets", &line, "to", &at],
                error.to_string(),
            ))
        })
    });
    sources.chain(lines).collect()
}

/// Secrets that this machine does not have. Commands are not run.
pub(crate) fn absent(grants: &Grants) -> Vec<Wrong> {
    let read = |(name, source): (&Name, &Source)| {
        let error = Place::parse(source).ok()?.read_at_once()?.err()?;
        let why = VaultError::NotRead { name: name.to_string(), why: error.to_string() };
        let key = if source.env.is_some() { "env" } else { "file" };
        Some(Wrong::at(&["secrets", name.as_str(), key], why.to_string()))
    };
    grants.secrets.iter().filter_map(read).collect()
}

impl Vault {
    /// Reads every secret of these grants, and keeps those current that change: files are read again when they change,
    /// commands are asked again when two thirds of `lasts` are over.
    ///
    /// Blocks until all are read: for at most five seconds for each command. Fails when one cannot be read, has fewer
    /// than 6 bytes or more than 64 KiB, or is granted without being there.
    pub fn open(grants: &Grants) -> Result<Arc<Self>, VaultError> {
        let mut secrets = Vec::new();
        for (name, source) in &grants.secrets {
            let place = Place::parse(source).map_err(|error| VaultError::Source {
                name: name.to_string(),
                why: error.to_string(),
            })?;
            secrets.push((name.clone(), place));
        }
        let mut leaves = BTreeMap::new();
        for (component, grant) in &grants.components {
            let failed = |why| VaultError::Grant { component: component.clone(), why };
            let mut own: BTreeMap<Name, Vec<(usize, Leave)>> = BTreeMap::new();
            for (line, secret) in grant.secrets.iter().enumerate() {
                if !grants.secrets.contains_key(&secret.name) {
                    return Err(failed(format!("there is no [secrets.{}]", secret.name)));
                }
                let leave = Leave::of(secret).map_err(|error| failed(error.to_string()))?;
                own.entry(secret.name.clone()).or_default().push((line, leave));
            }
            leaves.insert(component.clone(), own);
        }
        let shelf = Arc::new(Shelf::default());
        let keeper = match secrets {
            none if none.is_empty() => None,
            secrets => Some(Keeper::start(secrets, Arc::clone(&shelf))?),
        };
        Ok(Arc::new(Self { shelf, leaves, keeper }))
    }

    /// The secrets of these names alone, for the host itself: no component has a part in it. Reads them as
    /// [`Vault::open`] does, and keeps them current.
    pub fn of_host(
        grants: &Grants,
        wanted: impl Fn(&str) -> bool,
    ) -> Result<Arc<Self>, VaultError> {
        let secrets = grants.secrets.iter().filter(|(name, _)| wanted(name.as_str()));
        let secrets = secrets.map(|(name, source)| (name.clone(), source.clone())).collect();
        Self::open(&Grants { secrets, ..Grants::default() })
    }

    /// The present value of a secret, for what the operator has the host itself do with it: never for a component.
    pub fn bytes(&self, name: &str) -> Option<Vec<u8>> {
        Some(self.value(name)?.bytes().to_vec())
    }

    /// Whether there are any secrets.
    pub(super) fn is_empty(&self) -> bool {
        self.keeper.is_none()
    }

    /// What fills in the placeholders of this call: for whatever sends something out for it. It is best asked for in the
    /// step that sends, whose name its records bear.
    pub fn filler(self: &Arc<Self>, state: &mut CallState) -> Filler {
        let step = state.step();
        let caller = state.caller().ok().cloned();
        let tokens = state.part(Tokens::default).clone();
        Filler { vault: Arc::clone(self), caller, step, tokens }
    }

    /// [`Filler::fill`] for who holds the state of the call.
    pub fn fill(
        self: &Arc<Self>,
        state: &mut CallState,
        part: Part,
        to: &str,
        bytes: &[u8],
    ) -> Answer<Option<Vec<u8>>> {
        self.filler(state).fill(part, to, bytes)
    }

    /// The bytes with every secret in them, in any form that is known, replaced by `[secret NAME]`. For what a program or
    /// a server said, before it is written anywhere.
    pub fn redact<'b>(&self, bytes: &'b [u8]) -> Cow<'b, [u8]> {
        let secrets = self.secrets_in(bytes);
        if secrets.is_empty() {
            return Cow::Borrowed(bytes);
        }
        let (mut clean, mut at) = (Vec::with_capacity(bytes.len()), 0);
        for Secret { at: place, name } in secrets {
            clean.extend_from_slice(&bytes[at..place.start]);
            clean.extend_from_slice(format!("[secret {name}]").as_bytes());
            at = place.end;
        }
        clean.extend_from_slice(&bytes[at..]);
        Cow::Owned(clean)
    }

    /// The value of a secret, for what the operator configures the worker itself with: never for a component.
    pub(crate) fn value(&self, name: &str) -> Option<Value> {
        self.contents().value(name).cloned()
    }

    /// The placeholder of a secret, for this call.
    pub(super) fn placeholder(
        self: &Arc<Self>,
        state: &mut CallState,
        name: &str,
    ) -> wasmtime::Result<Answer<String>> {
        let component = Arc::clone(&state.caller()?.component);
        let granted = self.leaves.get(&*component).and_then(|own| own.get_key_value(name));
        let Some((name, leaves)) = granted else {
            // What a guest writes ends up in the operator's log: nothing that nobody may read, before it is shortened to
            // a reasonable length.
            let name = String::from_utf8_lossy(&self.redact(name.as_bytes())).into_owned();
            let name: String = name.chars().take(Name::LONGEST).collect();
            state.denied(Capability::Secrets, &format!("the secret {name:?}"));
            return Ok(Err(Refusal::denied(format!(
                "the secret {name:?} is not granted: add {{ name = {name:?}, to = [\"https://…\"] }} to `secrets` of [components.{component}]"
            ))));
        };
        // Where it will go is not known yet: whoever asks for it needs one line for it at least.
        if let Some((line, _)) = leaves.first() {
            state.allowed(Capability::Secrets, *line, &[]);
        }
        if self.contents().value(name.as_str()).is_none() {
            return Ok(Err(expired(name)));
        }
        let token = state.part(Tokens::default).of(name);
        Ok(token.map_err(|error| {
            Refusal::unavailable(format!("the system has no randomness: {error}"))
        }))
    }

    pub(super) fn contents(&self) -> Arc<Contents> {
        self.shelf.contents()
    }

    /// Whether a component may send a secret there, by which of its lines and which parts of that; what its grant lacks,
    /// if not.
    pub(super) fn covers(
        &self,
        component: &str,
        name: &Name,
        part: Part,
        to: &Destination,
    ) -> Result<(usize, Vec<usize>), Missing> {
        let own = self.leaves.get(component).and_then(|own| own.get(name));
        let mut missing = Missing::Destination;
        for (line, leave) in own.into_iter().flatten() {
            match leave.covers(part, to) {
                Ok(()) => return Ok((*line, leave.counted(part, to))),
                Err(Missing::Part) => missing = Missing::Part,
                Err(Missing::Destination) => {}
            }
        }
        Err(missing)
    }
}

impl Guard for Vault {
    fn secrets_in(&self, bytes: &[u8]) -> Vec<Secret> {
        self.contents().finder.find(bytes)
    }

    fn has_placeholder(&self, bytes: &[u8]) -> bool {
        tokens_in(bytes).next().is_some()
    }

    fn longest(&self) -> usize {
        self.contents().finder.longest()
    }

    fn longest_over_lines(&self) -> usize {
        self.contents().finder.longest_over_lines()
    }
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Vault").finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests;
