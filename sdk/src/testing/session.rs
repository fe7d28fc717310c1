//! One call: the host's side of the conversation.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::panic::resume_unwind;

use crate::error::Result;
use crate::replay::{Answer, Found, Host, Memo};

/// Ends the call from below, as a host does. No code of the function sees it.
pub(super) struct Raised;

/// What a call is about.
pub(super) struct Session {
    /// What has ended, in that order.
    pub(super) stack: Vec<(String, Memo)>,
    /// What is planned and has not ended.
    pub(super) outstanding: BTreeSet<String>,
    /// The step whose body this call is to run.
    pub(super) target: Option<String>,
    pub(super) state: RefCell<State>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) steps: Vec<Step>,
    pub(super) end: Option<End>,
    /// The function has entered a race.
    pub(super) racing: bool,
}

pub(super) struct Step {
    pub(super) id: String,
    pub(super) kind: &'static str,
    pub(super) options: String,
    /// Still waited for.
    open: bool,
}

/// How a call ended, where the function did not end.
pub(super) enum End {
    /// These steps are new: ids, kinds, options.
    Planned(Vec<(String, &'static str, String)>),
    /// The one new step may run at once; the test or its body says how it ends.
    Due(String),
    /// A body ran.
    Ran(Result<String>),
    /// Nothing new: what is planned has to end first.
    Waiting,
    /// The target was not found.
    Missing,
    /// Pending, with no step to wait for.
    Stuck,
}

impl Session {
    fn raise(&self, end: End) -> ! {
        self.state.borrow_mut().end = Some(end);
        resume_unwind(Box::new(Raised))
    }

    fn decide(&self) -> Answer {
        let mut state = self.state.borrow_mut();
        let ordinal = |at: usize| u32::try_from(at).expect("a test has fewer steps");
        let position = |state: &State, id: &str| {
            state.steps.iter().position(|step| step.open && step.id == id)
        };
        if let Some(target) = &self.target
            && let Some(at) = position(&state, target)
        {
            return Answer::Execute { step: ordinal(at), input: None };
        }
        for (id, memo) in &self.stack {
            if let Some(at) = position(&state, id) {
                state.steps[at].open = false;
                return Answer::Resolved { step: ordinal(at), value: memo.clone() };
            }
        }
        let end = match &self.target {
            Some(_) => End::Missing,
            None => self.plan(&state),
        };
        drop(state);
        self.raise(end)
    }

    fn plan(&self, state: &State) -> End {
        let open = || state.steps.iter().filter(|step| step.open);
        let new: Vec<_> = open().filter(|step| !self.outstanding.contains(&step.id)).collect();
        match &new[..] {
            [] if open().next().is_some() => End::Waiting,
            [] => End::Stuck,
            [one] if one.kind == "run" && self.outstanding.is_empty() => End::Due(one.id.clone()),
            _ => {
                let plan = |step: &&Step| (step.id.clone(), step.kind, step.options.clone());
                End::Planned(new.iter().map(plan).collect())
            }
        }
    }
}

impl Host for Session {
    fn next(&self, found: &[Found<'_>], dropped: &[u32]) -> Answer {
        let mut state = self.state.borrow_mut();
        for step in found {
            let base = |known: &&Step| {
                known.id == step.id
                    || known.id.strip_prefix(step.id).is_some_and(|rest| {
                        rest.strip_prefix(':').is_some_and(|n| n.parse::<u32>().is_ok())
                    })
            };
            let id = match state.steps.iter().filter(base).count() {
                0 => step.id.to_owned(),
                repeats => format!("{}:{repeats}", step.id),
            };
            let options = step.options.to_owned();
            state.steps.push(Step { id, kind: step.kind, options, open: true });
        }
        for step in dropped {
            state.steps[*step as usize].open = false;
        }
        drop(state);
        self.decide()
    }

    fn next_one(&self, found: Found<'_>) -> Answer {
        self.next(&[found], &[])
    }

    fn finish(&self, outcome: Result<String>) {
        self.raise(End::Ran(outcome))
    }

    fn misfit(&self, _step: u32, _why: &str) {
        // The function sees the error, as it does where no other code can answer.
    }

    fn race(&self) {
        self.state.borrow_mut().racing = true;
    }
}
