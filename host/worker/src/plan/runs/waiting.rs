//! What a run waits for. It is not in the memo before it has ended; code that does not wait for the same then has a
//! result that it never asks for.

use std::sync::Arc;

use protocol::call::Call;
use protocol::function::DeclaredStep;
use protocol::id::{RunId, StepId};
use protocol::op::{Op, OpCode};
use protocol::outcome::Outcome;
use protocol::replay::Rigour;
use protocol::step::StepName;
use runtime::Component;

use super::{Look, Nobody, Unfit};

impl Look<'_> {
    /// Why new code that fits what the run has done will not fit when what it waits for has ended; none when it will.
    pub(super) async fn missed(
        &self,
        code: &Component,
        run: RunId,
        call: &Arc<Call>,
    ) -> Option<Unfit> {
        let present = self.present(run, call).await?;
        let present = self.worker.registry.lease(present, self.function).await.ok()?;
        let before = self.found(present.component(), call).await;
        let after = self.found(code, call).await;
        let config = code.functions().iter().find(|config| config.id == *self.function);
        let declared = config.map(|config| config.steps.as_slice()).unwrap_or_default();
        let missed = missed(waits_for(&before), &after, declared);
        let lost: Vec<_> = missed.into_iter().map(|step| step.name.clone()).collect();
        (!lost.is_empty()).then(|| Unfit {
            verdict: "orphaned",
            said: format!(
                "run {run}: it waits for {lost:?}, and this code does not wait for that at the same place"
            ),
            lost,
        })
    }

    /// The steps that this code would ask the server for. Nothing is executed: all of them are only planned.
    async fn found(&self, code: &Component, call: &Arc<Call>) -> Vec<Op> {
        let mut planning = Call::clone(call);
        planning.immediate = false;
        let nobody = Arc::new(Nobody(self.worker.directory()));
        match code.invoke(self.function, Arc::new(planning), nobody, Rigour::Lenient).await {
            Ok(Outcome::Planned(ops)) => ops,
            Ok(_) | Err(_) => Vec::new(),
        }
    }
}

/// The steps of a plan that the server ends or calls for by their id. A lone step that is to run is none of them: it
/// begins with whichever code is there then.
fn waits_for(ops: &[Op]) -> impl Iterator<Item = &StepName> {
    let lone = matches!(ops, [Op { code: OpCode::StepPlanned, .. }]);
    ops.iter().filter(move |_| !lone).map(|op| &op.step)
}

/// Those that other code does not find, under their id or as the alias of another one.
fn missed<'s>(
    waited: impl Iterator<Item = &'s StepName>,
    found: &[Op],
    declared: &[DeclaredStep],
) -> Vec<&'s StepName> {
    let former = |op: &Op| {
        let step = declared.iter().find(|step| step.id == op.step.name);
        step.and_then(|step| step.alias.as_deref()).map(StepId::hash)
    };
    let known = |step: &StepName| {
        found.iter().any(|op| op.step.id == step.id || former(op) == Some(step.id))
    };
    waited.filter(|step| !known(step)).collect()
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use protocol::op::Wake;

    use super::*;

    /// Ops from words: `a` is planned to run, `a~` sleeps.
    fn ops(words: &str) -> Vec<Op> {
        let op = |word: &str| {
            let name = word.trim_end_matches('~').to_owned();
            let step = StepName { id: StepId::hash(&name), name, index: 0 };
            let sleeps = word.ends_with('~');
            let code = if sleeps {
                OpCode::Sleep(Wake::At(Timestamp::UNIX_EPOCH))
            } else {
                OpCode::StepPlanned
            };
            Op { step, code, race: false }
        };
        words.split_whitespace().map(op).collect()
    }

    #[test]
    fn what_is_waited_for_must_be_found_again() {
        let alias = DeclaredStep {
            id: "pause".to_owned(),
            kind: "sleep".to_owned(),
            keyed: false,
            alias: Some("nap".to_owned()),
        };
        for (before, after, lost) in [
            ("nap~", "nap~", ""),
            ("nap~", "extra", "nap"),
            ("nap~", "extra nap~", ""),
            ("nap~", "pause~", ""),
            ("nap~", "", "nap"),
            // It begins with whichever code is there then.
            ("a", "b", ""),
            // Those of several are called for by their ids.
            ("a b", "a c", "b"),
        ] {
            let (before, after) = (ops(before), ops(after));
            let missed = missed(waits_for(&before), &after, std::slice::from_ref(&alias));
            let names: Vec<_> = missed.iter().map(|step| step.name.as_str()).collect();
            assert_eq!(names.join(" "), lost, "{before:?} {after:?}");
        }
    }
}
