//! What was active for one function, and when.

use protocol::digest::Digest;
use protocol::id::RunId;

use super::share;
use super::spans::Span;
use crate::activation::{Activation, By, Percent};

/// The states of one function, one for each of its lines. Pure: everything follows from the lines.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Timeline {
    states: Vec<State>,
    only: Only,
}

/// What holds from one line to the next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct State {
    /// From when on, in milliseconds since 1970, as run ids count.
    from: u64,
    /// What runs begin with that are not of a canary's share.
    pub(super) base: Option<Version>,
    /// What the others begin with.
    pub(super) canary: Option<Canary>,
    by: By,
}

/// A digest, and the line that made it active.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    pub(super) digest: Digest,
    /// The line's place in the history.
    pub(super) line: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Canary {
    pub(super) version: Version,
    percent: Percent,
    /// The state with which it began: raising its share does not make another canary of it.
    since: usize,
}

/// The usual case: there has never been more than one version.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Only {
    #[default]
    Nothing,
    One(Digest),
    Several,
}

impl Timeline {
    /// Adds a line, which is the `line`th of the history.
    pub(super) fn push(&mut self, activation: &Activation, line: usize) {
        let (base, canary) = self.states.last().map_or((None, None), |s| (s.base, s.canary));
        let version = activation.digest.map(|digest| Version { digest, line });
        let (base, canary) = match (version, base) {
            // With nothing beside it a canary has all runs: there is nothing else that could answer.
            (None, _) | (Some(_), None) => (version, None),
            (Some(_), Some(_)) if !activation.percent.is_canary() => (version, None),
            (Some(version), Some(base)) if version.digest == base.digest => (Some(base), None),
            (Some(version), Some(base)) => {
                let same = canary.filter(|canary| canary.version.digest == version.digest);
                let since = same.map_or(self.states.len(), |canary| canary.since);
                (Some(base), Some(Canary { version, percent: activation.percent, since }))
            }
        };
        self.only = match (self.only, activation.digest) {
            (Only::Nothing, Some(digest)) if self.states.is_empty() => Only::One(digest),
            (Only::One(only), Some(digest)) if only == digest => self.only,
            _ => Only::Several,
        };
        // Fractions of a millisecond are cut off: run ids have none.
        let from = u64::try_from(activation.at.as_millisecond()).unwrap_or(0);
        self.states.push(State { from, base, canary, by: activation.by });
    }

    /// The present state.
    pub(super) fn last(&self) -> Option<&State> {
        self.states.last()
    }

    /// The line with which the present canary began.
    pub(super) fn canary_began(&self) -> Option<usize> {
        let since = self.states.last()?.canary?.since;
        self.states.get(since)?.canary.map(|canary| canary.version.line)
    }

    pub(super) fn only(&self) -> Option<Digest> {
        match self.only {
            Only::One(digest) => Some(digest),
            Only::Nothing | Only::Several => None,
        }
    }

    pub(super) fn began(&self, run: RunId) -> Option<Digest> {
        self.beginning(run).and_then(|(_, digest)| digest)
    }

    /// The state in which a run began, and what it began with.
    fn beginning(&self, run: RunId) -> Option<(usize, Option<Digest>)> {
        let after = self.states.partition_point(|state| state.from <= run.unix_millis());
        let Some(place) = after.checked_sub(1) else {
            // Older than the log: it began with what the log begins with.
            return self.states.first().map(|first| (0, first.base.map(|base| base.digest)));
        };
        let state = &self.states[place];
        let canary = state.canary.filter(|canary| share::within(run, canary.percent));
        Some((place, canary.map(|canary| canary.version).or(state.base).map(|v| v.digest)))
    }

    /// What each state from the present one back to the run's beginning has for the run, where it has something.
    pub(super) fn offers(&self, run: RunId) -> impl Iterator<Item = Digest> + '_ {
        let beginning = self.beginning(run);
        let first = beginning.map_or(self.states.len(), |(place, _)| place);
        (first..self.states.len()).rev().filter_map(move |place| {
            let (began, with) = beginning?;
            if place == began {
                return with;
            }
            let state = &self.states[place];
            // A canary is for runs that begin. The ones that began with it stay while it lasts, whatever its share.
            let canary = state.canary.map(|canary| (canary.version.digest, canary.since));
            let stays = canary.filter(|(digest, since)| *since <= began && Some(*digest) == with);
            stays.map(|(digest, _)| digest).or(state.base.map(|base| base.digest))
        })
    }

    /// Whether the latest lines are somebody's going back, and took this digest out.
    pub(super) fn went_back_from(&self, digest: Digest) -> bool {
        let back = |state: &State| matches!(state.by, By::Rollback | By::Judgement);
        let Some(present) = self.states.last().filter(|state| back(state)) else { return false };
        let active = |state: &State| {
            [state.base, state.canary.map(|canary| canary.version)]
                .into_iter()
                .flatten()
                .any(|version| version.digest == digest)
        };
        let steps = self.states.iter().rev().take_while(|state| back(state)).count();
        let before = self.states.len().saturating_sub(steps + 1);
        // Going back twice in a row takes both out.
        !active(present) && self.states[before..].iter().any(active)
    }

    /// When each version was active.
    pub(super) fn spans(&self) -> Vec<Span> {
        let mut spans = Vec::new();
        for (place, state) in self.states.iter().enumerate() {
            let from = if place == 0 { 0 } else { state.from };
            let until = self.states.get(place + 1).map(|next| next.from);
            let span = |digest, canary| Span { digest, from, until, canary };
            spans.extend(state.base.map(|base| span(base.digest, false)));
            spans.extend(state.canary.map(|canary| span(canary.version.digest, true)));
        }
        spans
    }

    /// What runs began with before the present base, where that was another version.
    pub(super) fn previous(&self) -> Option<Version> {
        let present = self.states.last()?.base.map(|base| base.digest);
        let mut bases = self.states.iter().rev().filter_map(|state| state.base);
        bases.find(|base| Some(base.digest) != present)
    }
}
