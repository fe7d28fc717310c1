//! The interface `steps`, for guests with futures.

use protocol::replay::Found;

use super::Told;
use crate::bindings::system_bus::durable::failures::Failure;
use crate::bindings::system_bus::durable::steps::{self, Answer, Execution, Host, Resolution};
use crate::state::CallState;

impl From<Told> for Answer {
    fn from(told: Told) -> Self {
        match told {
            Told::Resolved { step, value } => Self::Resolved(Resolution { step, value }),
            Told::Execute { step, input } => Self::Execute(Execution { step, input }),
        }
    }
}

impl Host for CallState {
    async fn next(
        &mut self,
        found: Vec<steps::Found>,
        dropped: Vec<u32>,
    ) -> wasmtime::Result<Answer> {
        for step in &found {
            self.guards.allow_step(&step.id, &step.options)?;
        }
        let told = self.decide(|replay| {
            let found = found.iter().map(|step| Found {
                name: &step.id,
                kind: &step.kind,
                options: &step.options,
            });
            replay.next(found, &dropped)
        });
        told.await.map(Answer::from)
    }

    async fn next_one(
        &mut self,
        id: String,
        kind: String,
        options: String,
    ) -> wasmtime::Result<Answer> {
        self.guards.allow_step(&id, &options)?;
        let told = self.decide(|replay| {
            replay.next([Found { name: &id, kind: &kind, options: &options }], &[])
        });
        told.await.map(Answer::from)
    }

    async fn finish(&mut self, outcome: Result<String, Failure>) -> wasmtime::Result<()> {
        self.body_ended(outcome).await
    }

    fn misfit(&mut self, step: u32, why: String) -> wasmtime::Result<()> {
        self.misfits(step, &why)
    }

    fn race(&mut self) -> wasmtime::Result<()> {
        self.replay()?.enter_race();
        Ok(())
    }
}
