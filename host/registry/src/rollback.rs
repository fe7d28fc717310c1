//! Going back: what was active at an earlier generation becomes active again, by one more generation.

use std::collections::BTreeSet;
use std::time::Instant;

use protocol::id::FunctionId;

use crate::activation::{By, Change, Draft};
use crate::generation::Generation;
use crate::registry::Registry;
use crate::reload::{Component, ReloadError, Report, Span, Verdict, millis};

/// Where to go back to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Back {
    /// The generation whose code becomes active again; absent, the one before the present.
    pub to: Option<u64>,
    /// Only the component that has this function; absent, everything.
    pub function: Option<FunctionId>,
    /// Why, for the log; may be empty.
    pub why: String,
    /// The generation that the caller believes to be present; another one is a conflict.
    pub expected: Option<u64>,
}

impl Registry {
    /// Goes back. Runs that began with what is taken out move to what comes back where their memo fits, and else stay.
    pub async fn roll_back(&self, back: &Back) -> Result<Report, ReloadError> {
        let _turn = self.turn.try_lock().map_err(|_| ReloadError::Busy)?;
        let began = Instant::now();
        self.refresh().await;
        self.expect(back.expected)?;
        let before = self.adopt().await;
        let history = self.log.history();
        let present = history.generation();
        if let Some(function) = &back.function
            && history.lines(function).next().is_none()
        {
            return Err(ReloadError::NoFunction(function.clone()));
        }
        let (mut changes, place) = match (&back.function, back.to) {
            (Some(function), None) => {
                let siblings = siblings(&before, function);
                let steps = siblings.iter().filter_map(|function| history.step_back(function));
                (steps.collect::<Vec<_>>(), "back to the version before".to_owned())
            }
            (_, to) => {
                let first = ReloadError::First { present };
                let to = match to {
                    Some(to) => to,
                    None => present.checked_sub(1).filter(|before| *before > 0).ok_or(first)?,
                };
                let changes = history.rollback(to).map_err(ReloadError::Unknown)?;
                (changes, format!("back to generation {to}"))
            }
        };
        if let Some(function) = &back.function {
            let wanted = siblings(&before, function);
            changes.retain(|change| wanted.contains(&change.function));
        }
        let components = report(&changes);
        let mut after = present;
        if !changes.is_empty() {
            self.can_serve(&changes).await?;
            let why = if back.why.is_empty() { place } else { format!("{place}: {}", back.why) };
            self.activate(present, Draft { changes, by: By::Rollback, why }).await?;
            after = self.adopt().await.number();
        }
        Ok(Report {
            ok: true,
            dry_run: false,
            generation: Span { before: present, after },
            components,
            took_ms: millis(began),
        })
    }
}

impl Registry {
    /// What is to be active again may have left the versions folder since.
    async fn can_serve(&self, changes: &[Change]) -> Result<(), ReloadError> {
        for change in changes {
            let Some(digest) = change.digest else { continue };
            let loaded = self.load(&change.component, digest).await;
            loaded.map_err(|missing| ReloadError::Store(missing.to_string()))?;
        }
        Ok(())
    }
}

/// The functions that come from the same component as this one.
fn siblings(present: &Generation, function: &FunctionId) -> BTreeSet<FunctionId> {
    let component = present.active(function).map(|active| active.component.clone());
    let all = present.functions().filter(|(id, active)| {
        *id == function || component.as_ref().is_some_and(|name| *name == active.component)
    });
    all.map(|(id, _)| id.clone()).chain([function.clone()]).collect()
}

fn report(changes: &[Change]) -> Vec<Component> {
    let names: BTreeSet<&str> = changes.iter().map(|change| change.component.as_str()).collect();
    let of = |name: &str| {
        let changes = changes.iter().filter(|change| change.component == name);
        let digest = changes.clone().find_map(|change| change.digest);
        Component {
            name: name.to_owned(),
            digest,
            verdict: if digest.is_some() { Verdict::Activated } else { Verdict::Removed },
            functions: changes.map(|change| change.function.clone()).collect(),
            reason: None,
            duplicates: Vec::new(),
            took_ms: 0,
        }
    };
    names.into_iter().map(of).collect()
}
