//! One immutable set of code: which component is active for which function.

use std::collections::BTreeMap;
use std::sync::Arc;

use protocol::digest::Digest;
use protocol::function::{FunctionConfig, RefusedFunction};
use protocol::id::FunctionId;
use protocol::role::Role;

use crate::activation::Percent;
use crate::history::History;
use crate::version::Version;

/// One immutable set of code, and the history that led to it. Every call takes one generation at its start and decides
/// everything from that.
#[derive(Debug, Default)]
pub struct Generation {
    history: Arc<History>,
    functions: BTreeMap<FunctionId, Active>,
    retired: Vec<Retired>,
    absent: Vec<Absent>,
}

/// What is active for a function.
#[derive(Debug, Clone)]
pub struct Active {
    /// The name of its component.
    pub component: String,
    /// What all runs get that a canary does not take.
    pub base: Arc<Version>,
    /// What some of the runs that begin get.
    pub canary: Option<(Arc<Version>, Percent)>,
}

/// A function that is not active any more, or has another home now, and may have unfinished runs.
#[derive(Debug, Clone)]
pub struct Retired {
    /// The role whose runs they are.
    pub role: Role,
    /// What it was.
    pub config: FunctionConfig,
}

/// Code that should be active and is not here.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Absent {
    /// The component's name.
    pub component: String,
    /// Its digest.
    pub digest: Digest,
    /// Why.
    pub reason: String,
}

impl Active {
    /// The function as its active code declares it.
    pub fn config(&self, function: &FunctionId) -> Option<&FunctionConfig> {
        self.base.component().functions().iter().find(|config| config.id == *function)
    }
}

impl Generation {
    pub(crate) fn new(
        history: Arc<History>,
        functions: BTreeMap<FunctionId, Active>,
        retired: Vec<Retired>,
        absent: Vec<Absent>,
    ) -> Self {
        Self { history, functions, retired, absent }
    }

    /// Its number: the one of the last activation. 0 is the empty generation before any.
    pub fn number(&self) -> u64 {
        self.history.generation()
    }

    /// What it is made of: the digest over the sorted functions and what is active for each.
    pub fn digest(&self) -> Digest {
        let lines = self.functions.iter().map(|(function, active)| {
            let canary = active.canary.as_ref();
            let canary =
                canary.map(|(version, percent)| format!(" {} {percent}", version.digest()));
            format!("{function} {}{}\n", active.base.digest(), canary.unwrap_or_default())
        });
        Digest::of(lines.collect::<String>().as_bytes())
    }

    /// Everything that was ever activated.
    pub fn history(&self) -> &Arc<History> {
        &self.history
    }

    /// All active functions, sorted by id.
    pub fn functions(&self) -> impl Iterator<Item = (&FunctionId, &Active)> {
        self.functions.iter()
    }

    /// What is active for a function.
    pub fn active(&self, function: &FunctionId) -> Option<&Active> {
        self.functions.get(function)
    }

    /// The functions whose home is this role, as their active code declares them, sorted by id.
    pub fn of_role(&self, role: Role) -> impl Iterator<Item = &FunctionConfig> {
        self.functions.iter().filter_map(move |(id, active)| {
            let here = active.base.component().home(id) == role;
            active.config(id).filter(|_| here)
        })
    }

    /// The functions of a role that may have unfinished runs and nothing else.
    pub fn retired(&self, role: Role) -> impl Iterator<Item = &FunctionConfig> {
        self.retired.iter().filter(move |retired| retired.role == role).map(|r| &r.config)
    }

    /// This generation without a retired function; none when it has no such one.
    pub(crate) fn without_retired(&self, role: Role, function: &FunctionId) -> Option<Self> {
        let is = |one: &Retired| one.role == role && one.config.id == *function;
        self.retired.iter().any(is).then(|| Self {
            history: Arc::clone(&self.history),
            functions: self.functions.clone(),
            retired: self.retired.iter().filter(|one| !is(one)).cloned().collect(),
            absent: self.absent.clone(),
        })
    }

    /// Code that should be active and is not here.
    pub fn absent(&self) -> &[Absent] {
        &self.absent
    }

    /// All code that is active for something, canaries included, without repeats.
    pub fn versions(&self) -> BTreeMap<Digest, &Arc<Version>> {
        let active = self.functions.values();
        let all = active.flat_map(|active| {
            [Some(&active.base), active.canary.as_ref().map(|(version, _)| version)]
        });
        all.flatten().map(|version| (version.digest(), version)).collect()
    }

    /// The code that is active for all runs of something, with the name of its component, sorted by that.
    pub fn components(&self) -> BTreeMap<&str, &Arc<Version>> {
        let active = self.functions.values();
        active.map(|active| (active.component.as_str(), &active.base)).collect()
    }

    /// Functions that active components declare and that are left out for their faults, each with the component's name.
    pub fn refused(&self) -> impl Iterator<Item = (&str, &RefusedFunction)> {
        self.components().into_iter().flat_map(|(name, version)| {
            version.component().refused().iter().map(move |refused| (name, refused))
        })
    }
}
