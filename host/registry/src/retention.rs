//! Which versions must stay in the versions folder, and why. Pure: from the log, the rules, what the server said of
//! unfinished runs, and the time.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::time::Duration;

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};
use protocol::role::Role;

use crate::history::History;

/// How much older than what the server told the runs may be that a version is kept for: its clock is not ours, and a run
/// is listed a moment after it was scheduled.
const MARGIN: Duration = Duration::from_mins(1);

/// How long versions that are not active stay.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Rules {
    /// The last versions of each function, so many, stay whatever their age: what one may want to go back to.
    pub keep: usize,
    /// What was active within this time stays too.
    pub age: Duration,
}

impl Default for Rules {
    fn default() -> Self {
        Self { keep: 5, age: Duration::from_hours(7 * 24) }
    }
}

/// Why a version stays. The first that holds is told, in this order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Reason {
    /// It is active for this function.
    Active(FunctionId),
    /// It is this function's canary.
    Canary(FunctionId),
    /// It is one of the last versions of this function.
    Recent(FunctionId),
    /// It was active, or put there, not long ago.
    Young {
        /// Until when that keeps it.
        until: Timestamp,
    },
    /// An unfinished run of this function may need it.
    Needed {
        /// The function.
        function: FunctionId,
        /// From when on its unfinished runs are.
        since: Timestamp,
    },
    /// Nobody has asked the server yet which runs of this function are unfinished.
    Unasked {
        /// The function.
        function: FunctionId,
        /// The role whose worker is to ask.
        role: Option<Role>,
    },
}

impl fmt::Display for Reason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Active(function) => write!(f, "active for {function}"),
            Self::Canary(function) => write!(f, "a canary of {function}"),
            Self::Recent(function) => write!(f, "one of the last versions of {function}"),
            Self::Young { until } => write!(f, "active not long ago; kept until {until:.0}"),
            Self::Needed { function, since } => {
                write!(f, "{function} has unfinished runs since {since:.0}")
            }
            Self::Unasked { function, role: Some(role) } => {
                write!(
                    f,
                    "no worker for role {role} has told yet whether {function} has unfinished runs"
                )
            }
            Self::Unasked { function, role: None } => {
                write!(f, "nobody has told yet whether {function} has unfinished runs")
            }
        }
    }
}

/// From when on runs of each function may be unfinished, for each role that it lives or lived in. What nobody has told is
/// not there, and keeps everything.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Needs(BTreeMap<(Role, FunctionId), Timestamp>);

impl Needs {
    /// The server was asked at this time, and this was the oldest unfinished run; `None`: there was none. Runs that begin
    /// later begin with what is active then.
    pub fn told(
        &mut self,
        role: Role,
        function: FunctionId,
        oldest: Option<RunId>,
        asked: Timestamp,
    ) {
        let oldest = oldest.and_then(|run| {
            Timestamp::from_millisecond(i64::try_from(run.unix_millis()).ok()?).ok()
        });
        let since = oldest.unwrap_or(asked).min(asked);
        let since = since.checked_sub(MARGIN).unwrap_or(Timestamp::MIN);
        self.0.insert((role, function), since);
    }
}

/// Why each version that was ever active must stay; those that may go are absent.
pub fn reasons(
    history: &History,
    needs: &Needs,
    rules: &Rules,
    now: Timestamp,
) -> BTreeMap<Digest, Reason> {
    let mut homes: BTreeMap<&FunctionId, BTreeSet<Role>> = BTreeMap::new();
    for (function, role, _) in history.homes() {
        homes.entry(function).or_default().insert(role);
    }
    let mut reasons: BTreeMap<Digest, Reason> = BTreeMap::new();
    for function in history.known() {
        let lived = homes.get(function);
        for (digest, reason) in of_function(history, function, lived, needs, rules, now) {
            match reasons.get_mut(&digest) {
                Some(before) if rank(before) <= rank(&reason) => {}
                Some(before) => *before = reason,
                None => drop(reasons.insert(digest, reason)),
            }
        }
    }
    reasons
}

/// Until when a file stays that no line of the log tells of: somebody may be about to write that line.
pub fn unknown(since: Timestamp, rules: &Rules, now: Timestamp) -> Option<Reason> {
    let until = since.checked_add(rules.age).unwrap_or(Timestamp::MAX);
    (until > now).then_some(Reason::Young { until })
}

fn of_function(
    history: &History,
    function: &FunctionId,
    lived: Option<&BTreeSet<Role>>,
    needs: &Needs,
    rules: &Rules,
    now: Timestamp,
) -> Vec<(Digest, Reason)> {
    let spans = history.spans(function);
    let mut latest: Vec<Digest> = Vec::new();
    for span in spans.iter().rev() {
        if !latest.contains(&span.digest) {
            latest.push(span.digest);
        }
    }
    let since = since(function, lived, needs);
    let reason = |place: usize, digest: Digest| {
        let own = || spans.iter().filter(move |span| span.digest == digest);
        if let Some(present) = own().find(|span| span.until.is_none()) {
            let function = function.clone();
            let canary = present.canary;
            return Some(if canary { Reason::Canary(function) } else { Reason::Active(function) });
        }
        if place < rules.keep {
            return Some(Reason::Recent(function.clone()));
        }
        let end = instant(own().filter_map(|span| span.until).max()?);
        let until = end.checked_add(rules.age).unwrap_or(Timestamp::MAX);
        if until > now {
            return Some(Reason::Young { until });
        }
        match since {
            Ok(since) if end > since => Some(Reason::Needed { function: function.clone(), since }),
            Ok(_) => None,
            Err(role) => Some(Reason::Unasked { function: function.clone(), role }),
        }
    };
    let reasons = latest.iter().enumerate();
    reasons.filter_map(|(place, digest)| Some((*digest, reason(place, *digest)?))).collect()
}

/// From when on a function's runs may be unfinished, in all of its homes; else the home that has not told.
fn since(
    function: &FunctionId,
    lived: Option<&BTreeSet<Role>>,
    needs: &Needs,
) -> Result<Timestamp, Option<Role>> {
    let lived = lived.ok_or(None)?;
    let mut since = None;
    for role in lived {
        let told = needs.0.get(&(*role, function.clone())).copied().ok_or(Some(*role))?;
        since = Some(since.map_or(told, |before: Timestamp| before.min(told)));
    }
    since.ok_or(None)
}

fn instant(millis: u64) -> Timestamp {
    i64::try_from(millis)
        .ok()
        .and_then(|millis| Timestamp::from_millisecond(millis).ok())
        .unwrap_or(Timestamp::MAX)
}

fn rank(reason: &Reason) -> u8 {
    match reason {
        Reason::Active(_) => 0,
        Reason::Canary(_) => 1,
        Reason::Recent(_) => 2,
        Reason::Young { .. } => 3,
        Reason::Needed { .. } => 4,
        Reason::Unasked { .. } => 5,
    }
}
