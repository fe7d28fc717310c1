//! Lets the time pass.

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;

use super::Kit;
use crate::run::{Run, RunStatus};

/// The longest that a test lets a run go on: more than the longest wait.
const LONGEST: Duration = Duration::from_hours(800 * 24);

impl Kit {
    /// What time it is in this world.
    pub fn now(&self) -> Timestamp {
        self.stage.engine.borrow().now()
    }

    /// Lets this much time pass, and everything happen that happens in it, each thing at its moment: sleeps end, waits
    /// give up, schedules fire, failed attempts are repeated.
    pub fn advance(&mut self, time: Duration) {
        let until = self.now().checked_add(time).unwrap_or(Timestamp::MAX);
        self.work();
        while let Some(next) = self.next().filter(|next| *next <= until) {
            self.pass_to(next);
        }
        self.pass_to(until);
    }

    /// Lets the functions go on until each run has ended or waits for something that is not theirs: for time, for
    /// somebody, or for a place under a limit of its function. Pauses before further attempts pass, and so does the time
    /// that [`takes`](Self::takes) says; sleeps do not.
    ///
    /// # Panics
    ///
    /// When that takes more than two years.
    #[track_caller]
    pub fn until_waiting(&mut self) {
        let last = self.now().checked_add(LONGEST).unwrap_or(Timestamp::MAX);
        self.work();
        while self.is_busy() {
            let next = self.next().filter(|next| *next <= last);
            let Some(next) = next else { panic!("functions go on for more than two years") };
            self.pass_to(next);
        }
    }

    /// Lets all the time pass that a run needs to end; how it ended.
    ///
    /// # Panics
    ///
    /// When it would not end within two years.
    #[track_caller]
    pub fn until_ended(&mut self, run: RunId) -> Run {
        let last = self.now().checked_add(LONGEST).unwrap_or(Timestamp::MAX);
        self.work();
        while !self.look(run).status.is_final() {
            let next = self.next().filter(|next| *next <= last);
            let Some(next) = next else {
                let waiting = self.look(run).waiting;
                panic!("run {run} does not end by itself: it waits for {waiting:?}")
            };
            self.pass_to(next);
        }
        self.look(run)
    }

    fn pass_to(&mut self, then: Timestamp) {
        self.stage.engine.borrow_mut().pass_to(then);
        self.work();
    }

    /// When something happens next by itself.
    fn next(&self) -> Option<Timestamp> {
        let answer = self.under_way.iter().map(|answer| answer.at).min();
        self.stage.engine.borrow().next_due().into_iter().chain(answer).min()
    }

    /// Whether a call is under way, or an attempt comes that only its pause keeps back. What is due and has not been called
    /// waits for a place; what has never been called waits for its time.
    fn is_busy(&self) -> bool {
        let engine = self.stage.engine.borrow();
        let pauses = |run: RunId| {
            engine.run(run).is_some_and(|run| {
                run.status == RunStatus::Running
                    && run.next_call.is_some_and(|due| due > engine.now())
            })
        };
        !self.under_way.is_empty() || engine.runs().into_iter().any(pauses)
    }
}
