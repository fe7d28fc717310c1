//! Frees the versions folder of what nothing can need any more, and refuses what has no room.

use std::fmt::Write as _;
use std::sync::Arc;

use jiff::Timestamp;
use protocol::digest::{Digest, Hashed};
use protocol::id::{FunctionId, RunId};
use protocol::role::Role;

use super::{Registry, lock};
use crate::history::History;
use crate::log::LogError;
use crate::retention::{self, Needs, Reason, Rules};
use crate::store::{StoreError, Stored};

/// How many versions an error names.
const NAMED: usize = 10;

/// A version in the versions folder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// Which one.
    pub digest: Digest,
    /// Its size.
    pub bytes: u64,
    /// Why it stays; `None` when it may go, and goes with the next look.
    pub reason: Option<Reason>,
}

/// Why the versions folder was not freed.
#[derive(Debug, thiserror::Error)]
pub enum FreeError {
    /// Of the folder of components.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Of the log, which says what is needed.
    #[error(transparent)]
    Log(#[from] LogError),
}

impl Registry {
    /// The server was asked at this time for the unfinished runs of a function in the app of a role, and this was the
    /// oldest; `None`: there was none. Without such word no version goes that runs of the function may need.
    pub fn needed_since(
        &self,
        role: Role,
        function: &FunctionId,
        oldest: Option<RunId>,
        asked: Timestamp,
    ) {
        lock(&self.needs).told(role, function.clone(), oldest, asked);
    }

    /// What the versions folder holds, and why.
    pub async fn kept(&self, now: Timestamp) -> Result<Vec<Kept>, StoreError> {
        let store = Arc::clone(&self.store);
        let listed = tokio::task::spawn_blocking(move || store.list()).await;
        let listed = listed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let (needs, rules) = (lock(&self.needs).clone(), &self.options.retention);
        Ok(judged(&self.log.history(), &needs, rules, listed?, now))
    }

    /// Removes what may go from the versions folder, and answers with it. Nothing happens while a reload or a rollback is
    /// under way, which may want it again.
    pub async fn free_versions(&self, now: Timestamp) -> Result<Vec<Digest>, FreeError> {
        let Ok(_turn) = self.turn.try_lock() else { return Ok(Vec::new()) };
        self.remove_unneeded(now).await
    }

    /// Under the lock of the log: another worker may be about to activate what is not needed yet.
    async fn remove_unneeded(&self, now: Timestamp) -> Result<Vec<Digest>, FreeError> {
        let (log, store) = (Arc::clone(&self.log), Arc::clone(&self.store));
        let (rules, needs) = (self.options.retention, lock(&self.needs).clone());
        let removed = tokio::task::spawn_blocking(move || {
            log.exclusively(|history| {
                let mut gone = Vec::new();
                for kept in judged(history, &needs, &rules, store.list()?, now) {
                    if kept.reason.is_none() && store.remove(&kept.digest)? {
                        gone.push(kept);
                    }
                }
                Ok::<_, StoreError>(gone)
            })
        });
        let removed = removed.await;
        let removed = removed.unwrap_or_else(|panic| std::panic::resume_unwind(panic.into_panic()));
        let gone = removed??;
        for kept in &gone {
            tracing::info!(
                digest = kept.digest.short(),
                bytes = kept.bytes,
                "removed a version that no run needs from the versions folder"
            );
        }
        Ok(gone.into_iter().map(|kept| kept.digest).collect())
    }

    /// Whether there is room for these components; what may go is removed first where there is none. The error is a text
    /// for whoever deploys. Whoever asks has the turn.
    pub(crate) async fn make_room(&self, new: &[Hashed], now: Timestamp) -> Result<(), String> {
        let limit = self.options.limit;
        let more: u64 = new
            .iter()
            .filter(|component| !self.store.has(&component.digest()))
            .map(|component| component.bytes().len() as u64)
            .sum();
        let sum = |kept: &[Kept]| more.saturating_add(kept.iter().map(|one| one.bytes).sum());
        let mut kept = self.kept(now).await.map_err(|error| error.to_string())?;
        if more == 0 || sum(&kept) <= limit {
            return Ok(());
        }
        self.remove_unneeded(now).await.map_err(|error| error.to_string())?;
        kept = self.kept(now).await.map_err(|error| error.to_string())?;
        let needed = sum(&kept);
        if needed <= limit { Ok(()) } else { Err(no_room(needed, limit, kept)) }
    }
}

/// What is stored, and why it stays.
fn judged(
    history: &History,
    needs: &Needs,
    rules: &Rules,
    stored: Vec<Stored>,
    now: Timestamp,
) -> Vec<Kept> {
    let reasons = retention::reasons(history, needs, rules, now);
    let ever = history.digests();
    let kept = |one: Stored| {
        let reason = if ever.contains(&one.digest) {
            reasons.get(&one.digest).cloned()
        } else {
            let since = Timestamp::try_from(one.since).unwrap_or(now);
            retention::unknown(since, rules, now)
        };
        Kept { digest: one.digest, bytes: one.bytes, reason }
    };
    stored.into_iter().map(kept).collect()
}

fn no_room(needed: u64, limit: u64, mut kept: Vec<Kept>) -> String {
    kept.sort_by_key(|one| std::cmp::Reverse(one.bytes));
    let mut text = format!(
        "the versions folder would hold {needed} bytes, and its limit is {limit}: raise --versions-limit, or let runs end \
         and lower --keep-versions or --keep-for. It holds"
    );
    for one in kept.iter().take(NAMED) {
        let why =
            one.reason.as_ref().map_or_else(|| "nothing keeps it".to_owned(), Reason::to_string);
        // Writing to memory cannot fail.
        let _ = write!(text, " {} ({} bytes: {why}),", one.digest.short(), one.bytes);
    }
    match kept.len().saturating_sub(NAMED) {
        0 => text.truncate(text.len() - 1),
        more => drop(write!(text, " and {more} more; GET /api/generations lists them")),
    }
    text
}
