//! What a reload did, component by component.

use protocol::digest::Digest;
use protocol::id::FunctionId;
use serde::Serialize;

/// What a reload did.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Whether nothing was refused.
    pub ok: bool,
    /// Whether nothing was changed because nothing was to be.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
    /// The generation before and after.
    pub generation: Span,
    /// Every component there is or was, by name.
    pub components: Vec<Component>,
    /// How long it took, in milliseconds.
    pub took_ms: u64,
}

/// Two generations.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Span {
    /// The one that was present.
    pub before: u64,
    /// The one that is present now.
    pub after: u64,
}

/// What became of a component.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Component {
    /// Its name: the stem of its file.
    pub name: String,
    /// The digest of what is there now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub digest: Option<Digest>,
    /// What was decided.
    pub verdict: Verdict,
    /// The functions it declares, or declared.
    pub functions: Vec<FunctionId>,
    /// Why, where it is not plain.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
    /// The functions that another component has too, for which it is refused.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub duplicates: Vec<FunctionId>,
    /// How long loading it took, in milliseconds.
    pub took_ms: u64,
}

impl Component {
    /// Whether it and another new one have the same function, so that nobody can know which is meant.
    pub fn is_new_duplicate(&self) -> bool {
        self.verdict == Verdict::Rejected && !self.duplicates.is_empty()
    }
}

/// What was decided about a component.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Verdict {
    /// It is new, and good.
    Activated,
    /// It is what is active.
    Unchanged,
    /// It is refused, and there was nothing before.
    Rejected,
    /// It is refused; its active version stays.
    CarriedOver,
    /// It is gone.
    Removed,
    /// It was rolled back, so it is not activated again.
    RolledBack,
    /// It was active before what is active now, and nobody has put it there since: a folder that is behind.
    Superseded,
}

impl Verdict {
    /// Whether it was refused.
    pub fn is_refusal(self) -> bool {
        matches!(self, Self::Rejected | Self::CarriedOver)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        match self {
            Self::Activated => "activated",
            Self::Unchanged => "unchanged",
            Self::Rejected => "rejected",
            Self::CarriedOver => "carried-over",
            Self::Removed => "removed",
            Self::RolledBack => "rolled-back",
            Self::Superseded => "superseded",
        }
    }
}

impl Report {
    /// Tells of refusals; activations tell of themselves.
    pub(crate) fn log(&self) {
        for component in self.components.iter().filter(|c| c.verdict.is_refusal()) {
            let (verdict, reason) = (component.verdict.name(), component.reason.as_deref());
            tracing::error!(component = component.name, verdict, reason, "a component is refused");
        }
    }
}
