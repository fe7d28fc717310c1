//! The interface `blocking`, for guests that block: one step is open at a time, or one group of siblings.

use protocol::replay::Found;

use super::Told;
use crate::bindings::system_bus::durable::blocking::{Begun, Execution, Host, Planned, Step};
use crate::bindings::system_bus::durable::failures::Failure;
use crate::fault::Fault;
use crate::state::CallState;

/// The steps that the guest named last: their ordinals begin at `first`, and these ends of them are known.
#[derive(Debug, Default)]
pub(crate) struct Group {
    first: u32,
    ends: Vec<Option<Result<String, String>>>,
    /// The one whose body runs or has just ended.
    open: Option<u32>,
}

impl Group {
    fn end(&mut self, step: u32, value: Result<String, String>) -> Result<(), Fault> {
        let end = step.checked_sub(self.first).and_then(|at| self.ends.get_mut(at as usize));
        // The replay speaks of steps it was given only, and this interface gives it one group at a time.
        *end.ok_or_else(|| Fault::Host(format!("step {step} belongs to no group")))? = Some(value);
        Ok(())
    }

    fn all(&self) -> Option<Vec<Result<String, String>>> {
        self.ends.iter().cloned().collect()
    }
}

impl CallState {
    /// Names steps to the replay, and asks until all of them have ended or one is to run.
    async fn together(&mut self, steps: &[Step]) -> wasmtime::Result<Planned> {
        let first = self.group.first + u32::try_from(self.group.ends.len()).unwrap_or(u32::MAX);
        self.group = Group { first, ends: vec![None; steps.len()], open: None };
        if steps.is_empty() {
            return Ok(Planned::Ended(Vec::new()));
        }
        for step in steps {
            self.guards.allow_step(&step.id, &step.options)?;
        }
        let told = self.decide(|replay| {
            let found = steps.iter().map(|step| Found {
                name: &step.id,
                kind: &step.kind,
                options: &step.options,
            });
            replay.next(found, &[])
        });
        let told = told.await?;
        self.gather(told).await
    }

    async fn gather(&mut self, mut told: Told) -> wasmtime::Result<Planned> {
        loop {
            match told {
                Told::Execute { step, input } => {
                    self.group.open = Some(step);
                    let position = step - self.group.first;
                    return Ok(Planned::Execute(Execution { position, input }));
                }
                Told::Resolved { step, value } => self.group.end(step, value)?,
            }
            if let Some(ends) = self.group.all() {
                return Ok(Planned::Ended(ends));
            }
            told = self.decide(|replay| replay.next([], &[])).await?;
        }
    }
}

impl Host for CallState {
    async fn begin(&mut self, step: Step) -> wasmtime::Result<Begun> {
        Ok(match self.together(&[step]).await? {
            Planned::Execute(Execution { input, .. }) => Begun::Execute(input),
            Planned::Ended(ends) => {
                let end = ends.into_iter().next();
                Begun::Ended(end.ok_or_else(|| Fault::Host("a step without an end".to_owned()))?)
            }
        })
    }

    async fn plan(&mut self, steps: Vec<Step>) -> wasmtime::Result<Planned> {
        self.together(&steps).await
    }

    async fn resume(&mut self) -> wasmtime::Result<Planned> {
        if let Some(ends) = self.group.all() {
            return Ok(Planned::Ended(ends));
        }
        let told = self.decide(|replay| replay.next([], &[])).await?;
        self.gather(told).await
    }

    fn misfit(&mut self, step: u32, why: String) -> wasmtime::Result<()> {
        self.misfits(step, &why)
    }

    async fn finish(
        &mut self,
        outcome: Result<String, Failure>,
    ) -> wasmtime::Result<Result<String, String>> {
        self.body_ended(outcome).await?;
        // The step is kept: it comes back as later calls will see it.
        match self.decide(|replay| replay.next([], &[])).await? {
            Told::Resolved { step, value } if self.group.open.take() == Some(step) => {
                self.group.end(step, value.clone())?;
                Ok(value)
            }
            Told::Resolved { step, .. } | Told::Execute { step, .. } => {
                Err(Fault::Host(format!("step {step} came in place of the one that ended")).into())
            }
        }
    }
}
