//! The steps of one call: which were found, which are waited for, and what the host said of them.
//!
//! Knows no bindings and no futures beyond their wakers. A step is its ordinal here, the order in
//! which it was first polled; names cross to the host once.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::BTreeSet;
use std::rc::Rc;
use std::task::{Poll, Waker};

use jiff::Timestamp;

use crate::error::Result;

/// The other side of the conversation.
pub trait Host {
    /// Nothing can progress: reports what changed and asks what to do.
    fn next(&self, found: &[Found<'_>], dropped: &[u32]) -> Answer;

    /// [`Host::next`] where exactly one step was found and none was dropped.
    fn next_one(&self, found: Found<'_>) -> Answer;

    /// The body that was asked for has ended. Returns only where the call goes on.
    fn finish(&self, outcome: Result<String>);

    /// From here on the function may go on when one of several steps has ended.
    fn race(&self);

    /// The stored result of a step does not decode. Returns only where the function is to see an error.
    fn misfit(&self, step: u32, why: &str);
}

/// A step that was polled for the first time.
#[derive(Clone, Copy, Debug)]
pub struct Found<'a> {
    /// Its id, with its key.
    pub id: &'a str,
    /// Its kind, as hosts know it.
    pub kind: &'static str,
    /// The kind's options as JSON; may be empty.
    pub options: &'a str,
}

/// What to do next.
#[derive(Debug)]
pub enum Answer {
    /// The stored end of a step.
    Resolved {
        /// Its ordinal.
        step: u32,
        /// What is stored.
        value: Memo,
    },
    /// Run the body of a step.
    Execute {
        /// Its ordinal.
        step: u32,
        /// Its edited input as JSON.
        input: Option<String>,
    },
}

/// A stored result as JSON, or a stored error as JSON.
pub type Memo = std::result::Result<String, String>;

/// What is known of the call itself.
pub(crate) struct Facts {
    pub(crate) run_id: String,
    pub(crate) attempt: u32,
    pub(crate) max_attempts: u32,
    /// The call as it came, for what is decoded only on demand.
    pub(crate) call: String,
    /// The run's time where there is no host to hold the clock still.
    pub(crate) now: Option<Timestamp>,
}

pub(crate) struct Replay {
    pub(crate) facts: Facts,
    host: Rc<dyn Host>,
    state: RefCell<State>,
}

#[derive(Default)]
struct State {
    /// By ordinal.
    slots: Vec<Slot>,
    /// Since the host was last asked.
    found: Vec<New>,
    dropped: Vec<u32>,
    /// The step whose body is to run, until it is polled.
    execute: Option<(u32, Option<String>)>,
    /// The step whose body is running.
    running: Option<u32>,
}

struct Slot {
    id: Cow<'static, str>,
    progress: Progress,
}

enum Progress {
    Waiting(Waker),
    Resolved(Memo),
    Gone,
}

struct New {
    step: u32,
    kind: &'static str,
    options: Cow<'static, str>,
}

/// What a step that was polled shall do.
pub(crate) enum Turn {
    /// Return this.
    Return(Memo),
    /// Run its body with this edited input.
    Run(Option<String>),
}

impl Replay {
    pub(crate) fn new(host: Rc<dyn Host>, facts: Facts) -> Self {
        Self { facts, host, state: RefCell::default() }
    }

    // === For steps ===

    /// Enters a step that is polled for the first time.
    pub(crate) fn register(
        &self,
        id: Cow<'static, str>,
        kind: &'static str,
        options: Cow<'static, str>,
        waker: &Waker,
    ) -> u32 {
        let mut state = self.state.borrow_mut();
        if let Some(running) = state.running {
            let outer = state.slots[running as usize].id.clone();
            drop(state);
            panic!(
                "step `{id}` was started inside the body of step `{outer}`: a body runs at most \
                 once and cannot hold steps, so move `{id}` out of it"
            );
        }
        let step = u32::try_from(state.slots.len()).expect("memory ends long before the ordinals");
        state.slots.push(Slot { id, progress: Progress::Waiting(waker.clone()) });
        state.found.push(New { step, kind, options });
        step
    }

    /// What a step that is polled again shall do.
    pub(crate) fn turn(&self, step: u32, waker: &Waker) -> Poll<Turn> {
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        let progress = &mut state.slots[step as usize].progress;
        match progress {
            Progress::Waiting(known) => {
                if !known.will_wake(waker) {
                    known.clone_from(waker);
                }
                match state.execute.take_if(|(asked, _)| *asked == step) {
                    Some((_, input)) => Poll::Ready(Turn::Run(input)),
                    None => Poll::Pending,
                }
            }
            Progress::Resolved(_) => match std::mem::replace(progress, Progress::Gone) {
                Progress::Resolved(memo) => Poll::Ready(Turn::Return(memo)),
                _ => unreachable!("it was resolved a line above"),
            },
            Progress::Gone => panic!("a step was polled after it had ended"),
        }
    }

    /// Takes out a step that is no longer wanted.
    pub(crate) fn withdraw(&self, step: u32) {
        let mut state = self.state.borrow_mut();
        let slot = &mut state.slots[step as usize];
        let was = std::mem::replace(&mut slot.progress, Progress::Gone);
        if matches!(was, Progress::Waiting(_)) {
            state.dropped.push(step);
        }
    }

    /// Tells the host that the function races. Heard before the contestants are found, since those
    /// are reported at the next [`Replay::ask`].
    pub(crate) fn enter_race(&self) {
        self.host.race();
    }

    /// Tells the host that what is stored for a step does not fit the type the step has here.
    pub(crate) fn misfit(&self, step: u32, why: &str) {
        self.host.misfit(step, why);
    }

    /// From here to [`Replay::finish`] the body of this step runs.
    pub(crate) fn begin(&self, step: u32) {
        self.state.borrow_mut().running = Some(step);
    }

    /// Hands the end of a body over.
    pub(crate) fn finish(&self, outcome: Result<String>) {
        self.state.borrow_mut().running = None;
        self.host.finish(outcome);
    }

    /// The identity of a step as the server will number it: repeats of one id count up, past the numbers that are
    /// written out in other ids.
    pub(crate) fn numbered_id(&self, step: u32) -> String {
        let state = self.state.borrow();
        let id = &*state.slots[step as usize].id;
        let written = |other: &str| other.strip_prefix(id)?.strip_prefix(':')?.parse::<u32>().ok();
        let (mut number, mut taken) = (None, BTreeSet::new());
        for slot in &state.slots[..=step as usize] {
            if slot.id == id {
                let next = number.map_or(0, |last: u32| last + 1);
                number = (next..=u32::MAX).find(|number| *number == 0 || !taken.contains(number));
            } else if let Some(written) = written(&slot.id) {
                taken.insert(written);
            }
        }
        match number {
            None | Some(0) => id.to_owned(),
            Some(repeat) => format!("{id}:{repeat}"),
        }
    }

    // === For the executor ===

    /// Asks the host what to do, and notes it.
    pub(crate) fn ask(&self) {
        let answer = self.answer();
        let mut state = self.state.borrow_mut();
        let state = &mut *state;
        state.found.clear();
        state.dropped.clear();
        let (step, resolved) = match answer {
            Answer::Resolved { step, value } => (step, Some(value)),
            Answer::Execute { step, input } => {
                state.execute = Some((step, input));
                (step, None)
            }
        };
        let Some(slot) = state.slots.get_mut(step as usize) else {
            panic!("the host speaks of step {step}, of which there is none");
        };
        let Progress::Waiting(waker) = &mut slot.progress else {
            panic!("the host speaks of step `{}`, which has ended", slot.id);
        };
        // A waker of `FuturesUnordered` only notes the child; nothing runs before the next poll.
        waker.wake_by_ref();
        if let Some(memo) = resolved {
            slot.progress = Progress::Resolved(memo);
        }
    }

    fn answer(&self) -> Answer {
        let state = self.state.borrow();
        match (&state.found[..], &state.dropped[..]) {
            ([new], []) => self.host.next_one(state.found(new)),
            (found, dropped) => {
                let found: Vec<_> = found.iter().map(|new| state.found(new)).collect();
                self.host.next(&found, dropped)
            }
        }
    }

    /// The step whose body was asked for and that nobody polled.
    pub(crate) fn neglected(&self) -> Option<String> {
        let state = self.state.borrow();
        let (step, _) = state.execute.as_ref()?;
        Some(state.slots[*step as usize].id.to_string())
    }
}

impl State {
    fn found<'a>(&'a self, new: &'a New) -> Found<'a> {
        let id = &self.slots[new.step as usize].id;
        Found { id, kind: new.kind, options: &new.options }
    }
}
