//! What would change for functions and their runs if other components were deployed, read off what both declare.
//!
//! Pure, and only as good as the declarations: the steps of helpers are not among them. What really becomes of the runs
//! that are under way is known when their memos are replayed.

use std::collections::BTreeMap;
use std::fmt;

use protocol::function::FunctionConfig;
use protocol::id::FunctionId;
use protocol::role::Role;

mod steps;
#[cfg(test)]
mod tests;

/// A function as one set of components declares it, and the role that serves it.
#[derive(Debug, Clone, Copy)]
pub struct Placed<'f> {
    /// What it declares.
    pub config: &'f FunctionConfig,
    /// Where it is served.
    pub home: Role,
}

/// One difference between what is active and what would be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Change {
    /// The function.
    pub function: FunctionId,
    /// What is different.
    pub what: Difference,
}

/// What is different about a function.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Difference {
    /// It is new.
    Added {
        /// Where it would be served.
        home: Role,
    },
    /// It is gone.
    Removed {
        /// Where it is served.
        home: Role,
    },
    /// Another role would serve it, so it would belong to another app.
    Moved {
        /// Where it is served.
        from: Role,
        /// Where it would be.
        to: Role,
    },
    /// These members of its configuration are different, by their names in a manifest.
    Configured {
        /// The names.
        members: Vec<&'static str>,
    },
    /// A step is new.
    StepAdded {
        /// Its id.
        step: String,
    },
    /// A step is gone.
    StepRemoved {
        /// Its id.
        step: String,
    },
    /// In the place of a step there is one of the same kind with another id.
    StepRenamed {
        /// The id it has.
        from: String,
        /// The id it would have.
        to: String,
        /// Whether the new one says so.
        aliased: bool,
    },
    /// A step of this id would be of another kind, or have a key where it has none, or the other way round.
    StepRetyped {
        /// Its id.
        step: String,
    },
    /// A step comes earlier or later among the others.
    StepReordered {
        /// Its id.
        step: String,
    },
    /// It expects other members of an event.
    Input {
        /// The event.
        event: String,
        /// Members that it would read and does not.
        added: Vec<String>,
        /// Members that it reads and would not.
        removed: Vec<String>,
    },
}

impl Change {
    /// Whether runs that are under way would be hurt: their code or its place would be gone, or they could not move to
    /// the new version.
    pub fn hurts(&self) -> bool {
        match &self.what {
            Difference::Removed { .. }
            | Difference::Moved { .. }
            | Difference::StepRemoved { .. }
            | Difference::StepRetyped { .. }
            | Difference::StepReordered { .. } => true,
            Difference::StepRenamed { aliased, .. } => !aliased,
            Difference::Added { .. }
            | Difference::Configured { .. }
            | Difference::StepAdded { .. }
            | Difference::Input { .. } => false,
        }
    }
}

impl fmt::Display for Change {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.function, self.what)
    }
}

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Added { home } => write!(f, "it is new, on {}", home.name()),
            Self::Removed { home } => {
                write!(f, "it is gone from {}; keep it until its runs are done", home.name())
            }
            Self::Moved { from, to } => write!(
                f,
                "it moves from {} to {}, and so to another app; its registration there has to stay until its runs are \
                 done",
                from.name(),
                to.name()
            ),
            Self::Configured { members } => {
                write!(f, "its configuration changes: {}", members.join(", "))
            }
            Self::StepAdded { step } => write!(f, "step {step:?} is new"),
            Self::StepRemoved { step } => write!(
                f,
                "step {step:?} is gone; runs that have it stay with the version they began with"
            ),
            Self::StepRenamed { from, to, aliased: true } => {
                write!(f, "step {from:?} becomes {to:?}, which has the former id as alias")
            }
            Self::StepRenamed { from, to, aliased: false } => write!(
                f,
                "step {from:?} seems to become {to:?}; write .alias({from:?}) behind it, or runs that have it stay with \
                 the version they began with"
            ),
            Self::StepRetyped { step } => write!(
                f,
                "step {step:?} becomes one of another kind; runs that have it stay with the version they began with"
            ),
            Self::StepReordered { step } => write!(
                f,
                "step {step:?} changes its place; runs that have it may stay with the version they began with"
            ),
            Self::Input { event, added, removed } => {
                write!(f, "of event {event:?} it ")?;
                let reads = |verb: &str, fields: &[String]| {
                    (!fields.is_empty()).then(|| format!("{verb} {}", fields.join(", ")))
                };
                let parts = [reads("would read", added), reads("would no longer read", removed)];
                f.write_str(&parts.into_iter().flatten().collect::<Vec<_>>().join(" and "))
            }
        }
    }
}

/// What would change, function by function in the order of their ids.
pub fn compare(active: &[Placed<'_>], new: &[Placed<'_>]) -> Vec<Change> {
    let mut pairs: BTreeMap<&str, [Option<Placed<'_>>; 2]> = BTreeMap::new();
    for (side, all) in [active, new].into_iter().enumerate() {
        for one in all {
            pairs.entry(one.config.id.as_str()).or_default()[side] = Some(*one);
        }
    }
    let mut changes = Vec::new();
    for pair in pairs.into_values() {
        let (one, differences) = match pair {
            [None, None] => continue,
            [None, Some(new)] => (new, vec![Difference::Added { home: new.home }]),
            [Some(old), None] => (old, vec![Difference::Removed { home: old.home }]),
            [Some(old), Some(new)] => (new, of_function(old, new)),
        };
        let change = |what| Change { function: one.config.id.clone(), what };
        changes.extend(differences.into_iter().map(change));
    }
    changes
}

fn of_function(old: Placed<'_>, new: Placed<'_>) -> Vec<Difference> {
    let mut all = Vec::new();
    if old.home != new.home {
        all.push(Difference::Moved { from: old.home, to: new.home });
    }
    let (old, new) = (old.config, new.config);
    let members = configured(old, new);
    if !members.is_empty() {
        all.push(Difference::Configured { members });
    }
    // A component that tells no steps says nothing of them.
    if !old.steps.is_empty() && !new.steps.is_empty() {
        all.extend(steps::compare(&old.steps, &new.steps));
    }
    all.extend(inputs(old, new));
    all
}

/// The members of the configuration that differ.
fn configured(old: &FunctionConfig, new: &FunctionConfig) -> Vec<&'static str> {
    let same = [
        ("name", old.name == new.name),
        ("triggers", old.triggers == new.triggers),
        ("retries", old.retries == new.retries),
        ("concurrency", old.concurrency == new.concurrency),
        ("throttle", old.throttle == new.throttle),
        ("rate_limit", old.rate_limit == new.rate_limit),
        ("debounce", old.debounce == new.debounce),
        ("batch", old.batch == new.batch),
        ("priority", old.priority == new.priority),
        ("cancel_on", old.cancel_on == new.cancel_on),
        ("timeouts", old.timeouts == new.timeouts),
        ("idempotency", old.idempotency == new.idempotency),
        ("singleton", old.singleton == new.singleton),
        ("checkpoint", old.checkpoint == new.checkpoint),
        ("mode", old.mode == new.mode),
        ("role", old.role == new.role),
    ];
    same.into_iter().filter(|(_, same)| !same).map(|(name, _)| name).collect()
}

/// Events whose members are known on both sides and differ.
fn inputs(old: &FunctionConfig, new: &FunctionConfig) -> Vec<Difference> {
    let mut all = Vec::new();
    for was in &old.input {
        let Some(is) = new.input.iter().find(|is| is.event == was.event) else { continue };
        if was.fields.is_empty() || is.fields.is_empty() {
            continue;
        }
        let beyond = |one: &[String], other: &[String]| -> Vec<String> {
            one.iter().filter(|field| !other.contains(field)).cloned().collect()
        };
        let (added, removed) = (beyond(&is.fields, &was.fields), beyond(&was.fields, &is.fields));
        if !(added.is_empty() && removed.is_empty()) {
            all.push(Difference::Input { event: was.event.clone(), added, removed });
        }
    }
    all
}
