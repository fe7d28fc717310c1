//! What deploying would do to the functions of this worker and to their unfinished runs, found out without doing it.
//!
//! What is declared is compared ([`registry::plan`]), and what real runs have behind them is replayed against the new code
//! ([`runs`]): strictly, with every capability revoked, and ended before anything new. What it comes to is decided in
//! [`verdict`].

mod runs;
mod verdict;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use protocol::digest::Digest;
use protocol::function::Mode;
use protocol::id::FunctionId;
use protocol::role::Role;
use registry::plan::{Change, Difference, Placed, compare};
use registry::{Active, Next, Offer, Preview, ReloadError, Verdict};
use serde::Serialize;

pub(crate) use self::runs::Runs;
use crate::handle::Worker;

/// How many unfinished runs of each function are looked at unless somebody says otherwise.
pub(crate) const RUNS: usize = 100;

/// How many may be asked for.
pub(crate) const MOST_RUNS: usize = 10_000;

/// What deploying would do.
#[derive(Debug, Serialize)]
pub(crate) struct Plan {
    /// Whether everything could be found out and nothing would be hurt.
    ok: bool,
    /// Whether runs or functions would be hurt.
    hurts: bool,
    /// The present generation.
    pub(crate) generation: u64,
    role: Role,
    app: String,
    components: Vec<Component>,
    /// The functions of this worker that would change, in the order of their ids.
    functions: Vec<Touched>,
    /// Those of the other role's worker; their runs were not looked at.
    elsewhere: Vec<Elsewhere>,
    took_ms: u64,
}

/// A component that is there or was active.
#[derive(Debug, Serialize)]
struct Component {
    name: String,
    verdict: Verdict,
    /// The active version.
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Digest>,
    /// The one that is there.
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// Functions that would be left out.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    faults: Vec<String>,
}

/// A function of this worker that would change.
#[derive(Debug, Serialize)]
struct Touched {
    function: FunctionId,
    component: String,
    #[serde(flatten)]
    fate: Fate,
    /// The mode by which runs would go on.
    mode: Mode,
    #[serde(skip_serializing_if = "Option::is_none")]
    active: Option<Digest>,
    #[serde(skip_serializing_if = "Option::is_none")]
    digest: Option<Digest>,
    /// What is declared differently.
    changes: Vec<String>,
    /// Absent for a function that is new.
    #[serde(skip_serializing_if = "Option::is_none")]
    runs: Option<Runs>,
    hurts: bool,
    /// What it comes to and what to do next, in sentences.
    says: Vec<String>,
}

/// A function of the other role that would change.
#[derive(Debug, Serialize)]
struct Elsewhere {
    function: FunctionId,
    role: Role,
    #[serde(flatten)]
    fate: Fate,
    changes: Vec<String>,
}

/// What would become of a function.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(tag = "fate", rename_all = "kebab-case")]
pub(crate) enum Fate {
    /// It is new.
    Added,
    /// It has other code.
    Changed,
    /// Another role would serve it.
    Moved {
        /// Which.
        to: Role,
    },
    /// It would be gone.
    Removed,
}

/// A function before and after.
struct Pair<'p> {
    id: &'p FunctionId,
    old: Option<&'p Active>,
    new: Option<&'p Next>,
}

impl Pair<'_> {
    fn old_home(&self) -> Option<Role> {
        self.old.map(|old| old.base.component().home(self.id))
    }

    fn new_home(&self) -> Option<Role> {
        self.new.map(|new| new.code.home(self.id))
    }

    fn active(&self) -> Option<Digest> {
        self.old.map(|old| old.base.digest())
    }

    fn digest(&self) -> Option<Digest> {
        self.new.map(|new| new.code.digest())
    }

    fn fate(&self) -> Fate {
        match (self.old_home(), self.new_home()) {
            (None, _) => Fate::Added,
            (Some(_), None) => Fate::Removed,
            (Some(from), Some(to)) if from != to => Fate::Moved { to },
            _ => Fate::Changed,
        }
    }

    /// The mode that would be in force: a change of it is one for runs that are under way too.
    fn mode(&self) -> Mode {
        let new = self.new.and_then(|new| new.code.functions().iter().find(|f| f.id == *self.id));
        let config = new.or_else(|| self.old.and_then(|old| old.config(self.id)));
        config.map(|config| config.mode).unwrap_or_default()
    }

    fn component(&self) -> &str {
        let old = || self.old.map(|old| old.component.as_str());
        self.new.map(|new| new.component.as_str()).or_else(old).unwrap_or_default()
    }
}

/// Finds out what deploying this would do. `most` unfinished runs of each function are looked at.
///
/// Fails when there is nothing to load from. What the server cannot tell is part of the plan.
pub(crate) async fn plan(worker: &Worker, offer: Offer, most: usize) -> Result<Plan, ReloadError> {
    let began = Instant::now();
    let preview = worker.registry.preview(offer).await?;
    let components = components(&preview);
    let mut differences = differences(&preview);
    let role = worker.options.role;
    let (mut functions, mut elsewhere) = (Vec::new(), Vec::new());
    for pair in changed(&preview) {
        let declared = differences.remove(pair.id).unwrap_or_default();
        match pair.old_home().or_else(|| pair.new_home()) {
            Some(home) if home != role => elsewhere.push(Elsewhere {
                function: pair.id.clone(),
                role: home,
                fate: pair.fate(),
                changes: declared.iter().map(ToString::to_string).collect(),
            }),
            _ => functions.push(function(worker, &preview, &pair, &declared, most).await),
        }
    }
    let refused = |one: &Component| one.verdict.is_refusal() || !one.faults.is_empty();
    let hurts = components.iter().any(refused) || functions.iter().any(|one| one.hurts);
    let known = functions.iter().filter_map(|one| one.runs.as_ref()).all(Runs::are_known);
    Ok(Plan {
        ok: known && !hurts,
        hurts,
        generation: preview.before.number(),
        role,
        app: worker.options.app.to_string(),
        components,
        functions,
        elsewhere,
        took_ms: u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX),
    })
}

fn components(preview: &Preview) -> Vec<Component> {
    let active = preview.before.components();
    let components = preview.report.components.iter().map(|one| Component {
        name: one.name.clone(),
        verdict: one.verdict,
        active: active.get(one.name.as_str()).map(|version| version.digest()),
        digest: one.digest.filter(|_| one.verdict != Verdict::Removed),
        reason: one.reason.clone(),
        faults: preview
            .faults
            .iter()
            .filter(|(component, _)| *component == one.name)
            .map(|(_, fault)| fault.clone())
            .collect(),
    });
    components.collect()
}

/// The functions whose code or whose being there would change.
fn changed(preview: &Preview) -> impl Iterator<Item = Pair<'_>> {
    let before = preview.before.functions().map(|(id, _)| id);
    let all: BTreeSet<_> = before.chain(preview.after.keys()).collect();
    let pairs = all.into_iter().map(|id| Pair {
        id,
        old: preview.before.active(id),
        new: preview.after.get(id),
    });
    pairs.filter(|pair| pair.active() != pair.digest())
}

/// What is declared differently, by function.
fn differences(preview: &Preview) -> BTreeMap<FunctionId, Vec<Difference>> {
    let before = preview.before.functions().filter_map(|(id, active)| {
        Some(Placed { config: active.config(id)?, home: active.base.component().home(id) })
    });
    let after = preview.after.iter().filter_map(|(id, next)| {
        let config = next.code.functions().iter().find(|config| config.id == *id)?;
        Some(Placed { config, home: next.code.home(id) })
    });
    let changes = compare(&before.collect::<Vec<_>>(), &after.collect::<Vec<_>>());
    let mut of: BTreeMap<_, Vec<_>> = BTreeMap::new();
    for Change { function, what } in changes {
        of.entry(function).or_default().push(what);
    }
    of
}

async fn function(
    worker: &Worker,
    preview: &Preview,
    pair: &Pair<'_>,
    declared: &[Difference],
    most: usize,
) -> Touched {
    let (fate, mode) = (pair.fate(), pair.mode());
    let mut runs = None;
    if let Some(old) = pair.old {
        let code = pair.new.filter(|_| fate == Fate::Changed).map(|next| Arc::clone(&next.code));
        let steps = old.config(pair.id).map(|config| config.steps.as_slice());
        let look = runs::Look {
            worker,
            history: preview.before.history(),
            function: pair.id,
            code,
            steps: steps.unwrap_or_default(),
        };
        runs = Some(look.at(most).await);
    }
    let verdict = verdict::of(fate, mode, declared, runs.as_ref());
    Touched {
        function: pair.id.clone(),
        component: pair.component().to_owned(),
        fate,
        mode,
        active: pair.active(),
        digest: pair.digest(),
        changes: declared.iter().map(ToString::to_string).collect(),
        runs,
        hurts: verdict.hurts,
        says: verdict.says,
    }
}
