//! The unfinished runs of a function, replayed against code that is not active.

mod waiting;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use futures::stream::{self, StreamExt};
use protocol::call::Call;
use protocol::crypt;
use protocol::digest::Digest;
use protocol::directory::Directory;
use protocol::function::{DeclaredStep, Mode};
use protocol::id::{FunctionId, RunId, StepId};
use protocol::op::{ErrorObject, Retry};
use protocol::outcome::Outcome;
use protocol::replay::{Misfit, Rigour, Sending};
use registry::history::History;
use runtime::{Backstage, Component};
use serde::Serialize;
use serde_json::value::RawValue;

use crate::handle::Worker;

/// How many runs are fetched and replayed at once; calls of the server go on beside them.
const AT_ONCE: usize = 4;

/// The unfinished runs of a function, and what would become of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub(crate) struct Runs {
    /// How many were looked at.
    pub(crate) looked_at: usize,
    /// Whether there are more.
    pub(crate) more: bool,
    /// How many would go on with the new code, which fits what they have done.
    pub(crate) moves: usize,
    /// How many would stay with older code, by the reason.
    pub(crate) stays: BTreeMap<&'static str, usize>,
    /// The versions that those would stay with.
    pub(crate) stays_with: BTreeMap<Digest, usize>,
    /// How many would go on with new code that does not fit what they have done, by the reason; in the mode `latest` only.
    pub(crate) breaks: BTreeMap<&'static str, usize>,
    /// Steps of the active version whose stored results the new code never asks for, with the number of such runs.
    pub(crate) lost: BTreeMap<String, usize>,
    /// Why one of those that do not fit does not, by the reason.
    pub(crate) examples: BTreeMap<&'static str, String>,
    /// How many ended while they were looked at.
    pub(crate) gone: usize,
    /// How many cannot be read.
    pub(crate) unreadable: usize,
    /// Why one of them cannot be read, or why the server does not tell which runs there are.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) trouble: Option<String>,
}

impl Runs {
    /// Whether everything that was to be looked at could be.
    pub(crate) fn are_known(&self) -> bool {
        self.trouble.is_none()
    }

    /// How many there are, as far as is known.
    pub(crate) fn unfinished(&self) -> usize {
        self.looked_at - self.gone
    }

    pub(crate) fn staying(&self) -> usize {
        self.stays.values().sum()
    }

    pub(crate) fn breaking(&self) -> usize {
        self.breaks.values().sum()
    }

    fn count(&mut self, found: Found) {
        match found {
            Found::Moves => self.moves += 1,
            Found::Stays { why, with } => {
                *self.stays.entry(why).or_default() += 1;
                if let Some(with) = with {
                    *self.stays_with.entry(with).or_default() += 1;
                }
            }
            Found::Breaks(why) => *self.breaks.entry(why).or_default() += 1,
            Found::Gone => self.gone += 1,
            Found::Unreadable(why) => {
                self.unreadable += 1;
                self.trouble.get_or_insert(why);
            }
        }
    }
}

/// What would become of one run.
enum Found {
    Moves,
    Stays { why: &'static str, with: Option<Digest> },
    Breaks(&'static str),
    Gone,
    Unreadable(String),
}

/// What one run says of the new code.
struct Told {
    found: Found,
    misfit: Option<Unfit>,
}

/// Why a run does not fit.
struct Unfit {
    verdict: &'static str,
    said: String,
    /// The names of the steps that it loses, as far as they are known.
    lost: Vec<String>,
}

/// A look at the unfinished runs of one function.
pub(super) struct Look<'l> {
    pub(super) worker: &'l Worker,
    pub(super) history: &'l History,
    pub(super) function: &'l FunctionId,
    /// The new code; none when no worker of this role would have any.
    pub(super) code: Option<Arc<Component>>,
    /// The steps of the active version, to name what is stored.
    pub(super) steps: &'l [DeclaredStep],
}

impl Look<'_> {
    /// Looks at `most` of them, the latest first.
    pub(super) async fn at(&self, most: usize) -> Runs {
        let (api, app) = (self.worker.api(), &self.worker.options.app);
        let mut runs = Runs::default();
        // One more, to know whether there are more.
        let mut unfinished = match api.unfinished(app, self.function, most + 1).await {
            Ok(unfinished) => unfinished,
            Err(error) => {
                runs.trouble = Some(error.to_string());
                return runs;
            }
        };
        runs.more = unfinished.len() > most;
        unfinished.truncate(most);
        runs.looked_at = unfinished.len();
        let looks = stream::iter(unfinished).map(|run| self.look(run)).buffer_unordered(AT_ONCE);
        let mut looks = std::pin::pin!(looks);
        while let Some(Told { found, misfit }) = looks.next().await {
            runs.count(found);
            if let Some(Unfit { verdict, said, lost }) = misfit {
                for step in lost {
                    *runs.lost.entry(step).or_default() += 1;
                }
                runs.examples.entry(verdict).or_insert(said);
            }
        }
        runs
    }

    async fn look(&self, run: RunId) -> Told {
        let told = |found| Told { found, misfit: None };
        let began = || self.history.began(self.function, run);
        let mode = began().and_then(|began| self.history.mode(self.function, began));
        let mode = mode.unwrap_or_default();
        let Some(code) = &self.code else {
            // Of a function that is taken away the last version is the newest.
            let newest = || self.history.newest(self.function, run);
            let with = if mode == Mode::Pinned { began() } else { newest().or_else(began) };
            return told(Found::Stays { why: "no-code-here", with });
        };
        if mode == Mode::Pinned {
            return told(Found::Stays { why: "pinned", with: began() });
        }
        let call = match self.parked(run).await {
            Ok(Some(call)) => Arc::new(call),
            Ok(None) => return told(Found::Gone),
            Err(why) => return told(Found::Unreadable(format!("run {run}: {why}"))),
        };
        let misfit = match self.proof(code, &call).await {
            Ok(Some(misfit)) => Some(self.unfit(run, &misfit)),
            Ok(None) => self.missed(code, run, &call).await,
            Err(why) => return told(Found::Unreadable(format!("run {run}: {why}"))),
        };
        let found = match (&misfit, mode) {
            (None, _) => Found::Moves,
            (Some(unfit), Mode::Latest) => Found::Breaks(unfit.verdict),
            (Some(unfit), Mode::LatestCompatible | Mode::Pinned) => {
                Found::Stays { why: unfit.verdict, with: self.present(run, &call).await }
            }
        };
        Told { found, misfit }
    }

    fn unfit(&self, run: RunId, misfit: &Misfit) -> Unfit {
        let (verdict, lost) = (misfit.name(), self.named(misfit));
        Unfit { verdict, said: format!("run {run}: {misfit}"), lost }
    }

    /// What a run has behind it, readable; none when it has ended meanwhile.
    async fn parked(&self, run: RunId) -> Result<Option<Call>, String> {
        let options = &self.worker.options;
        let parked = self.worker.api().parked(&options.app, self.function, run).await;
        let Some(call) = parked.map_err(|error| error.to_string())? else { return Ok(None) };
        let vault = options.vault.as_ref().map(AsRef::as_ref);
        crypt::open_call(vault, call).map(Some).map_err(|error| error.to_string())
    }

    /// Why what the run has done does not fit this code; none when it does.
    async fn proof(&self, code: &Component, call: &Arc<Call>) -> Result<Option<Misfit>, String> {
        let nobody = Arc::new(Nobody(self.worker.directory()));
        match code.invoke(self.function, Arc::clone(call), nobody, Rigour::Proof).await {
            Ok(Outcome::Unfit(misfit)) => Ok(Some(misfit)),
            Ok(_) => Ok(None),
            Err(failed) => Err(failed.to_string()),
        }
    }

    /// The version that answers for this run now: the newest active one that fits.
    async fn present(&self, run: RunId, call: &Arc<Call>) -> Option<Digest> {
        let candidates = self.history.candidates(self.function, run);
        if let [only] = candidates.as_slice() {
            return Some(*only);
        }
        for digest in candidates {
            let lease = self.worker.registry.lease(digest, self.function).await;
            let Ok(lease) = lease else { continue };
            let here = lease.component().home(self.function) == self.worker.options.role;
            if here && matches!(self.proof(lease.component(), call).await, Ok(None)) {
                return Some(digest);
            }
        }
        self.history.began(self.function, run)
    }

    /// The names of stored steps that the new code never asks for, as far as the active version declares them.
    fn named(&self, misfit: &Misfit) -> Vec<String> {
        let Misfit::Orphaned { ids } = misfit else { return Vec::new() };
        let lost = |step: &&DeclaredStep| ids.contains(&StepId::hash(&step.id));
        self.steps.iter().filter(lost).map(|step| step.id.clone()).collect()
    }
}

/// No way to a server: a proof ends before there is anything to say.
struct Nobody(Arc<Directory>);

#[async_trait]
impl Backstage for Nobody {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.0)
    }

    async fn send(&self, _sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        let error =
            ErrorObject::new("OnlyPlanned", "nothing is sent while a deployment is planned");
        Err((error, Retry::Never))
    }
}
