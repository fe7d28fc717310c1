//! What the machine was told and what it has answered, kept in the plainest way.

use std::collections::BTreeSet;

use protocol::call::Call;
use protocol::id::StepId;
use protocol::memo::{Memo, Shape};
use protocol::outcome::Outcome;
use protocol::replay::{Decision, Found, Misfit, Replay, ReplayError, Rigour, Stop};
use serde::de::IgnoredAny;

use crate::reply;

const KINDS: [&str; 10] = [
    "run",
    "sleep",
    "sleep-until",
    "wait-for-event",
    "wait-for-signal",
    "invoke",
    "fetch",
    "infer",
    "send-event",
    "send-signal",
];

/// All that has happened to a machine.
pub(super) struct Seen<'c> {
    call: &'c Call,
    rigour: Rigour,
    /// What has ended, as the server knows it.
    ended: Vec<StepId>,
    /// How many of the ranks are places in the server's order; the others are none.
    ordered: usize,
    /// Former names of the steps.
    aliases: BTreeSet<String>,
    /// Something new has happened, so the memo was found to fit; or nobody wants to know.
    proved: bool,
    /// The place in the server's order of what was resolved last.
    last: Option<u32>,
    /// The names that steps have, with the numbers of repeats.
    names: BTreeSet<String>,
    steps: Vec<Step>,
    running: Option<usize>,
    /// The step that ran last, until it is kept.
    ran: Option<usize>,
    pub(super) raced: bool,
    pub(super) planning: bool,
}

struct Step {
    id: StepId,
    kind: String,
    dropped: bool,
    resolved: bool,
    carried_out: bool,
    kept: Option<String>,
    /// What the server has of it, and its place in the order of completion.
    stored: Option<(Result<String, String>, u32)>,
    /// What an operator wants it to run with.
    input: Option<String>,
}

impl Step {
    fn new(call: &Call, name: &str, kind: &str) -> Self {
        let id = StepId::hash(name);
        let shape = match kind {
            "sleep" | "sleep-until" => Shape::Presence,
            "wait-for-event" => Shape::Whole,
            _ => Shape::Wrapped,
        };
        let (stored, input) = match call.memos.get(&id, shape) {
            Some((Memo::Data(data), rank)) => (Some((Ok(data.to_owned()), rank)), None),
            Some((Memo::Error(error), rank)) => (Some((Err(error.to_owned()), rank)), None),
            Some((Memo::Input(input), _)) => (None, Some(input.to_owned())),
            None => (None, None),
        };
        let kind = kind.to_owned();
        let (dropped, resolved, carried_out, kept) = (false, false, false, None);
        Self { id, kind, dropped, resolved, carried_out, kept, stored, input }
    }

    /// Its end is known and has not been told.
    fn waits(&self) -> bool {
        !self.dropped && !self.resolved && (self.stored.is_some() || self.kept.is_some())
    }

    /// Nothing has become of it yet.
    fn is_new(&self) -> bool {
        !self.dropped && self.stored.is_none() && !self.carried_out
    }

    fn rank(&self) -> u32 {
        self.stored.as_ref().map_or(u32::MAX, |(_, rank)| *rank)
    }
}

/// The n-th repeat of a name.
fn numbered(name: &str, index: u32) -> String {
    if index == 0 { name.to_owned() } else { format!("{name}:{index}") }
}

/// The former name among the options; an error where the machine finds one.
fn alias(options: &str) -> Result<Option<String>, ()> {
    if !options.contains("\"alias\"") {
        return Ok(None);
    }
    let options: Former = serde_json::from_str(options).map_err(|_| ())?;
    match options.alias {
        Some(alias) if alias.trim().is_empty() => Err(()),
        alias => Ok(alias),
    }
}

#[derive(serde::Deserialize)]
struct Former {
    alias: Option<String>,
}

impl<'c> Seen<'c> {
    pub(super) fn new(call: &'c Call, rigour: Rigour, stored: Vec<StepId>, ordered: usize) -> Self {
        let has_ended =
            |id: &StepId| !matches!(call.memos.get(id, Shape::Wrapped), Some((Memo::Input(_), _)));
        Self {
            call,
            rigour,
            ended: stored.into_iter().filter(has_ended).collect(),
            ordered,
            aliases: BTreeSet::new(),
            proved: rigour == Rigour::Lenient,
            last: None,
            names: BTreeSet::new(),
            steps: Vec::new(),
            running: None,
            ran: None,
            raced: false,
            planning: false,
        }
    }

    /// The guest has found and dropped steps. What follows a breach of the rules is not looked at.
    pub(super) fn reported(&mut self, found: &[Found<'_>], dropped: &[u32]) {
        for found in found {
            if self.running.is_some() || !KINDS.contains(&found.kind) {
                return;
            }
            let Ok(alias) = alias(found.options) else { return };
            let (index, name) = (0..)
                .map(|index| (index, numbered(found.name, index)))
                .find(|(_, name)| !self.names.contains(name))
                .expect("there is always another number");
            self.names.insert(name.clone());
            if self.aliases.contains(&name) {
                return;
            }
            let former = alias.map(|alias| numbered(&alias, index)).filter(|other| *other != name);
            let name = match former {
                Some(former) => {
                    if self.names.contains(&former) || !self.aliases.insert(former.clone()) {
                        return;
                    }
                    if !self.is_known(&name) && self.is_known(&former) { former } else { name }
                }
                None => name,
            };
            self.steps.push(Step::new(self.call, &name, found.kind));
        }
        for &ordinal in dropped {
            let Some(step) = self.steps.get_mut(ordinal as usize) else { return };
            step.dropped = true;
        }
    }

    /// Whether the server knows a step by this name.
    fn is_known(&self, name: &str) -> bool {
        let id = StepId::hash(name);
        self.call.route.target == Some(id) || self.call.memos.get(&id, Shape::Whole).is_some()
    }

    /// The machine has answered `next`.
    pub(super) fn told(&mut self, decision: Result<Decision<'_>, ReplayError>) {
        match decision {
            Ok(decision) => {
                assert!(self.running.is_none(), "a body runs, and the function goes on");
                self.decided(decision);
            }
            Err(ReplayError::Stuck) => {
                assert!(!self.steps.iter().any(|step| step.waits() || step.is_new()), "not stuck");
            }
            Err(error) => assert!(!error.to_string().is_empty()),
        }
    }

    fn decided(&mut self, decision: Decision<'_>) {
        match decision {
            Decision::Resolve { step, value } => self.resolved(step as usize, value),
            Decision::Execute { step, input } => {
                let ordinal = step as usize;
                assert_eq!(self.steps[ordinal].kind, "run");
                assert_eq!(input, self.steps[ordinal].input.as_deref());
                self.carried_out(ordinal);
                self.running = Some(ordinal);
            }
            Decision::Stop(Stop::Send(sending)) => {
                let is_it = |step: &Step| step.id == sending.step.id;
                let ordinal = self.steps.iter().position(is_it).expect("it was found");
                assert!(self.steps[ordinal].kind.starts_with("send-"));
                self.carried_out(ordinal);
                self.ran = Some(ordinal);
            }
            Decision::Stop(Stop::Outcome(outcome)) => {
                self.judged(&outcome);
                if let Outcome::Planned(ops) = &outcome {
                    let mut planned = BTreeSet::new();
                    assert!(!ops.is_empty(), "a plan has steps");
                    for op in ops {
                        let step = self.steps.iter().find(|step| step.id == op.step.id);
                        assert!(step.expect("it was found").is_new(), "{op:?} is planned");
                        assert!(planned.insert(op.step.id), "{op:?} is planned twice");
                        assert_eq!(op.race, self.raced);
                    }
                }
                reply::to(outcome, self.call.terms());
            }
        }
    }

    /// The function has ended.
    pub(super) fn returned(&mut self, outcome: Outcome) {
        self.judged(&outcome);
        reply::to(outcome, self.call.terms());
    }

    /// An invocation has ended: with something new only where the memo is known to fit.
    fn judged(&mut self, outcome: &Outcome) {
        match outcome {
            Outcome::Unfit(misfit) => {
                assert!(!self.proved, "something had happened before {misfit:?}");
                assert!(!misfit.to_string().is_empty() && !misfit.name().is_empty());
                if let Misfit::Orphaned { ids } = misfit {
                    assert!(ids.iter().all(|id| !self.steps.iter().any(|step| step.id == *id)));
                    assert!(!ids.is_empty());
                }
            }
            Outcome::Fits => {
                assert!(!self.proved, "something had happened before it was found to fit");
                self.everything_was_asked_for();
            }
            _ => self.something_new(),
        }
    }

    /// Something new happens.
    fn something_new(&mut self) {
        assert!(self.rigour != Rigour::Proof, "a proof does nothing");
        if !self.proved {
            self.everything_was_asked_for();
            self.proved = true;
        }
    }

    fn everything_was_asked_for(&self) {
        let asked = |id: &StepId| self.steps.iter().any(|step| step.id == *id);
        for id in &self.ended {
            assert!(asked(id), "{id} was not asked for");
        }
    }

    /// The machine was told that a memo is of another type.
    pub(super) fn misfit(&mut self, ordinal: u32, end: Result<Option<Outcome>, ReplayError>) {
        match end {
            Ok(Some(outcome)) => self.judged(&outcome),
            Ok(None) => assert!(self.proved, "a misfit is passed over"),
            Err(error) => {
                assert_eq!(error, ReplayError::UnknownOrdinal(ordinal));
                assert!(ordinal as usize >= self.steps.len());
            }
        }
    }

    /// A step runs here and now: it is the target, or nothing else can happen.
    fn carried_out(&mut self, ordinal: usize) {
        self.something_new();
        let step = &self.steps[ordinal];
        assert!(!step.carried_out, "step {ordinal} is carried out twice");
        assert!(!step.dropped, "step {ordinal} was dropped and is carried out");
        assert!(step.stored.is_none(), "step {ordinal} has ended and is carried out");
        if let Some(target) = self.call.route.target {
            assert_eq!(step.id, target, "another step than the target is carried out");
        } else {
            assert!(self.call.immediate && !self.planning, "no step may be carried out");
            assert!(!self.steps.iter().any(Step::waits), "ends come before new steps");
            let new = self.steps.iter().filter(|step| step.is_new()).count();
            assert_eq!(new, 1, "a step is carried out beside others");
        }
        self.steps[ordinal].carried_out = true;
    }

    fn resolved(&mut self, ordinal: usize, value: Result<&str, &str>) {
        let step = &self.steps[ordinal];
        assert!(!step.dropped, "step {ordinal} was dropped and comes back");
        assert!(!step.resolved, "step {ordinal} ends twice");
        let (Ok(json) | Err(json)) = value;
        assert!(serde_json::from_str::<IgnoredAny>(json).is_ok(), "{json:?} is no JSON");
        match (&step.stored, &step.kept) {
            (Some((stored, _)), None) => {
                assert_eq!(value, stored.as_deref().map_err(String::as_str));
            }
            (None, Some(kept)) => assert_eq!(value, Ok(kept.as_str())),
            other => panic!("step {ordinal} ends with {value:?}, and it has {other:?}"),
        }
        if !self.proved && (step.rank() as usize) < self.ordered {
            assert!(
                self.last.is_none_or(|last| last < step.rank()),
                "step {ordinal} ends too late"
            );
            self.last = Some(step.rank());
        }
        let first = self.steps.iter().filter(|step| step.waits()).map(Step::rank).min();
        assert_eq!(Some(step.rank()), first, "step {ordinal} ends out of order");
        self.steps[ordinal].resolved = true;
    }

    /// The machine was told that a body has ended.
    pub(super) fn ended(&mut self, outcome: Result<Outcome, ReplayError>) {
        match outcome {
            Ok(outcome) => {
                self.ran = Some(self.running.take().expect("a body ran"));
                reply::to(outcome, self.call.terms());
            }
            Err(error) => {
                assert_eq!((error, self.running), (ReplayError::NotRunning, None));
            }
        }
    }

    /// The machine was told that a result is stored.
    pub(super) fn kept(&mut self, json: &str, kept: &Result<(), ReplayError>) {
        assert_eq!(kept.is_ok(), self.ran.is_some(), "what ran can be kept once, and nothing else");
        if let Some(ordinal) = self.ran.take() {
            self.steps[ordinal].kept = Some(json.trim().to_owned());
        }
    }

    /// What the machine says of itself is what happened.
    pub(super) fn agrees(&self, replay: &Replay) {
        assert_eq!(replay.raced(), self.raced);
        let running = self.running.map(|ordinal| self.steps[ordinal].id);
        assert_eq!(replay.running_step().map(|step| step.id), running);
        assert_eq!(replay.running().is_some(), running.is_some());
        for (ordinal, step) in (0..).zip(&self.steps) {
            assert_eq!(replay.is_kept(ordinal), step.kept.is_some());
        }
    }
}
