//! Makes the calls that are due.

use std::rc::Rc;
use std::sync::Arc;

use engine::offline::DueCall;
use jiff::{SignedDuration, Timestamp};
use protocol::call::{Call, Route};
use protocol::op::OpCode;
use protocol::outcome::Outcome;
use protocol::replay::{Rigour, answer_from_memo};
use protocol::reply::Reply;
use protocol::signature::{Trust, verify};
use protocol::step::StepName;
use serde_json::value::RawValue;

use super::{Answering, Kit, app};
use crate::served::{Called, Served};
use crate::stage::{Body, Killed, Stage, failure};

/// What the engine is told of a call whose worker died.
const DIED: &str = "the worker was killed";

impl Kit {
    /// Lets everything happen that is due now.
    pub(super) fn work(&mut self) {
        loop {
            let answered = self.answer_calls();
            let due = self.stage.engine.borrow_mut().calls();
            let requests = self.stage.engine.borrow_mut().requests();
            if !answered && due.is_empty() && requests.is_empty() {
                return;
            }
            self.make_all(due);
            for request in requests {
                self.answer(request);
            }
        }
    }

    /// Hands over the answers whose moment has come; whether there were any.
    fn answer_calls(&mut self) -> bool {
        let now = self.stage.engine.borrow().now();
        let mut any = false;
        while let Some(at) = self.under_way.iter().position(|answer| answer.at <= now) {
            let Answering { call, reply, reports, .. } = self.under_way.remove(at);
            self.stage.engine.borrow_mut().reply(call, &reply);
            any = true;
            if reports.is_some_and(|body| self.stage.reported(&body).is_err()) {
                self.lose_all(Vec::new());
            }
        }
        any
    }

    fn make_all(&mut self, due: Vec<DueCall>) {
        let mut due = due.into_iter();
        while let Some(call) = due.next() {
            let Ok((reply, took, reports)) = self.make(&call) else {
                // Everything that the worker was about dies with it.
                let mut lost = vec![call];
                lost.extend(due);
                return self.lose_all(lost);
            };
            let now = self.stage.engine.borrow().now();
            let at = now.checked_add(took).unwrap_or(Timestamp::MAX);
            self.under_way.push(Answering { at, call, reply, reports });
            self.under_way.sort_by_key(|answer| answer.at);
        }
    }

    /// The worker dies, and with it these calls and those whose answers are on their way.
    fn lose_all(&mut self, calls: Vec<DueCall>) {
        let under_way = self.under_way.drain(..).map(|answer| answer.call);
        for call in calls.into_iter().chain(under_way) {
            self.stage.engine.borrow_mut().lose(call, DIED);
        }
    }

    /// Makes one call: the reply, how long it takes, and the body whose end it reports.
    fn make(&self, due: &DueCall) -> Result<(Reply, SignedDuration, Option<Body>), Killed> {
        let mut call = self.decode(due);
        let terms = call.terms();
        let slug = call.route.slug.clone();
        let id = app().function_of(&slug).unwrap_or(&slug).to_owned();
        let served = self.served.iter().find(|served| served.config().id.as_str() == id);
        let served =
            served.unwrap_or_else(|| panic!("the engine calls `{id}`, which is not served"));
        // Every body has a call of its own where nobody can look into one.
        call.immediate &= !served.is_remote();
        let call = Arc::new(call);
        let called = match answer_from_memo(&call) {
            Some(outcome) => Called::at_once(outcome),
            None => match step(&self.stage, &**served, &call)? {
                Some(called) => called,
                None => run(&self.stage, &**served, &call)?,
            },
        };
        let Called { outcome, took, reports } = called;
        let outcome = self.reported(&id, &call, outcome);
        let took = SignedDuration::try_from(took).unwrap_or(SignedDuration::MAX);
        Ok((Reply::of(outcome, terms), took, reports))
    }

    fn decode(&self, due: &DueCall) -> Call {
        let engine = self.stage.engine.borrow();
        let verified = verify(None, due.body.clone(), engine.now(), &Trust::Dev);
        let route = Route::parse(&due.query).expect("the engine knows its own calls");
        let call = Call::decode(route, &verified.expect("nothing is signed here"));
        let call = call.expect("the engine knows its own calls");
        if !call.use_api {
            return call;
        }
        let (actions, batch) = engine.state(call.run).expect("a run that is called has a state");
        call.with_state(&actions, &batch).expect("the engine knows its own state")
    }

    /// Notes what an outcome says of steps. Those that the test answers for are called for, instead of being left to the
    /// server.
    fn reported(&self, function: &str, call: &Call, outcome: Outcome) -> Outcome {
        let mut journal = self.stage.journal.borrow_mut();
        match outcome {
            Outcome::Planned(mut ops) => {
                journal.reported(call.run, &ops);
                let world = self.stage.world.borrow();
                for op in &mut ops {
                    let hosted = matches!(
                        op.code,
                        OpCode::InvokeFunction(_) | OpCode::Gateway(_) | OpCode::AiGateway(_)
                    );
                    if hosted && world.answers_for(function, &op.step) {
                        op.code = OpCode::StepPlanned;
                    }
                }
                Outcome::Planned(ops)
            }
            Outcome::StepRan { ref step, .. } | Outcome::StepFailed { ref step, .. } => {
                journal.knows(call.run, step, "run");
                outcome
            }
            Outcome::TargetNotFound { found, ending, .. } => {
                let found: Vec<_> = found.iter().map(|step: &StepName| &step.name).collect();
                panic!(
                    "function `{function}` planned a step in one call and did not find it in the next one ({ending}; \
                     it found {found:?}): it depends on something other than its event and its steps"
                )
            }
            Outcome::Unfit(misfit) => panic!(
                "function `{function}` takes another way in a later call: {misfit}. It depends on something other than \
                 its event and its steps"
            ),
            outcome => outcome,
        }
    }
}

/// Runs a function for a call. It must meet what earlier calls left behind before it does anything new, so that one
/// which depends on chance is found out.
fn run(stage: &Rc<Stage>, served: &dyn Served, call: &Arc<Call>) -> Result<Called, Killed> {
    let called = served.call(stage, Arc::clone(call), Rigour::Strict)?;
    match called.outcome {
        // The step that was called for has lost its race meanwhile.
        Outcome::Fits => served.call(stage, Arc::clone(call), Rigour::Lenient),
        _ => Ok(called),
    }
}

/// The end of a step that is called for, where the function has no part in it, or a part that nobody can look into.
fn step(
    stage: &Rc<Stage>,
    served: &dyn Served,
    call: &Arc<Call>,
) -> Result<Option<Called>, Killed> {
    let Some(target) = call.route.target else { return Ok(None) };
    let known = stage.journal.borrow().step(call.run, target).cloned();
    let Some(known) = known else { return Ok(None) };
    let function = served.config().id.to_string();
    let hosted = !matches!(known.kind, "run" | "send-event" | "send-signal");
    let answers = stage.world.borrow().answers_for(&function, &known.step);
    let apart = served.is_remote() || (hosted && answers);
    if !apart {
        return Ok(None);
    }
    let (step, attempt) = (known.step, call.attempt.number);
    let took = stage.world.borrow().duration(&function, &step);
    let body = Body { function, run: call.run, step: step.clone(), attempt };
    let told = stage.begin(&body)?;
    assert!(
        told.is_some() || served.is_remote(),
        "step `{}` is to fail only at first: say with `stub` how it ends then",
        step.name
    );
    let (race, timing) = (false, None);
    let outcome = match told {
        None => run(stage, served, call)?.outcome,
        Some(Ok(json)) => {
            let data = RawValue::from_string(json).expect("it was encoded");
            Outcome::StepRan { step, race, data, timing }
        }
        Some(Err(error)) => {
            let (error, retry) = failure(&error);
            Outcome::StepFailed { step, race, error, retry, timing }
        }
    };
    stage.ended(&body)?;
    Ok(Some(Called { outcome, took, reports: Some(body) }))
}
