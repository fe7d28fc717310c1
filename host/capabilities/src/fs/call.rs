//! What one call may use.

use std::sync::Arc;

use protocol::id::RunId;
use runtime::CallState;
use runtime::placement::Capability;

use super::going::{Going, blocking};
use super::quota::Change;
use super::shared::{Roots, SCRATCH, Terms};
use super::space::{Full, Ledger, Space};
use super::survey::survey;
use super::words::Spot;
use crate::refusal::{Answer, Reason, Refusal};

/// What stays open until the call ends.
#[derive(Default)]
struct Opened {
    /// The folder of the run, once it was asked for.
    scratch: Option<Arc<Space>>,
}

/// A file or folder of a guest's question, in a root that its component may use.
pub(crate) struct Asked {
    pub(crate) spot: Spot,
    pub(crate) terms: Terms,
    pub(crate) space: Arc<Space>,
}

/// What a guest wants to do there; in the order of the parts of a grant that are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Aim {
    Read,
    Change,
}

impl Asked {
    /// What a guest asks for, if it may.
    pub(crate) async fn find(
        state: &mut CallState,
        roots: &Arc<Roots>,
        (root, path): (&str, &str),
        aim: Aim,
    ) -> wasmtime::Result<Answer<Self>> {
        let caller = state.caller()?;
        let (component, run) = (Arc::clone(&caller.component), caller.run);
        let allowed = Spot::parse(root, path).and_then(|spot| {
            let terms = roots.terms(&component, root)?;
            if aim == Aim::Change && !terms.may_write() {
                return Err(Refusal::denied(format!(
                    "{spot} cannot be changed: the component `{component}` may only read there. To \
                     allow more takes `access = \"read-write\"` for this root in `fs` of \
                     [components.{component}]"
                )));
            }
            Ok((spot, terms))
        });
        let (spot, terms) = match allowed {
            Ok(allowed) => allowed,
            Err(refusal) => return Ok(Err(refusal)),
        };
        state.allowed(Capability::Fs, terms.line, &[aim as usize]);
        let space =
            if root == SCRATCH { scratch(state, roots, run).await? } else { roots.root(root) };
        Ok(space.map(|space| Self { spot, terms, space }))
    }

    /// Whether a change fits into the root; refused where it does not.
    pub(crate) fn fits(
        &self,
        ledger: &mut Ledger,
        change: Change,
        done: &str,
        going: &Going,
    ) -> Answer<()> {
        let count = || survey(self.space.dir(), || going.check().is_ok());
        let now = std::time::Instant::now();
        ledger.allows(self.terms.quota, change, now, count).map_err(|full| match full {
            Full::Exceeded(exceeded) => {
                let root = &self.spot.root;
                let why = format!(
                    "the root `{root}` is full for this component: {exceeded}. Remove something, \
                     or raise the limit in its line of `fs`"
                );
                self.spot.refused(Reason::Exhausted, done, why)
            }
            Full::Unknown(error) => {
                let why = format!("what the root holds cannot be counted: {error}");
                self.spot.refused(Reason::Failed, done, why)
            }
            Full::Stopped => self.spot.refused(Reason::Late, done, "its call has ended"),
        })
    }

    /// Refuses what is larger than a piece may be.
    pub(crate) fn in_one_piece(&self, bytes: u64, done: &str, instead: &str) -> Answer<()> {
        if bytes <= self.terms.piece {
            return Ok(());
        }
        let limit = crate::grants::Size::of(self.terms.piece);
        let why = format!(
            "{bytes} bytes are more than the {limit} that are allowed in one piece (`file`); {instead}"
        );
        Err(self.spot.refused(Reason::Exhausted, done, why))
    }
}

/// The folder of the run, which stays open until the call ends.
async fn scratch(
    state: &mut CallState,
    roots: &Arc<Roots>,
    run: RunId,
) -> wasmtime::Result<Answer<Arc<Space>>> {
    if let Some(space) = &state.part(Opened::default).scratch {
        return Ok(Ok(Arc::clone(space)));
    }
    let roots = Arc::clone(roots);
    let opened = blocking(move |_| roots.scratch(run)).await?;
    if let Ok(space) = &opened {
        state.part(Opened::default).scratch = Some(Arc::clone(space));
    }
    Ok(opened)
}

/// Records a refusal that the operator should hear of.
pub(crate) fn audited<T>(
    state: &CallState,
    function: &str,
    (root, path): (&str, &str),
    answer: Answer<T>,
) -> Answer<T> {
    if let Err(Refusal { reason: Reason::Denied, .. }) = &answer {
        state.denied(Capability::Fs, &format!("{function} of {path:?} in the root {root:?}"));
    }
    answer
}
