//! The function that guests import.

use std::sync::Arc;
use std::time::Duration;

use runtime::CallState;
use runtime::capability::{Guard, Offer};
use runtime::placement::Capability;
use tokio::time::Instant;

use super::fill::fill;
use super::launch::{Launcher, Order};
use super::output::{Gathered, Origin};
use super::run::{Came, run};
use super::shared::{Known, ProgramError, Programs, Terms};
use crate::bindings::system_bus::durable::shell::{Command, Failure, Output};
use crate::fs::Roots;
use crate::grants::Grants;
use crate::refusal::{Answer, Reason, Refusal};
use crate::secrets::Vault;

/// What ending a program may take of the step's time.
const MARGIN: Duration = Duration::from_secs(3);

/// Programs, for the runtime.
#[derive(Debug)]
pub struct Provider(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    programs: Programs,
    roots: Arc<Roots>,
    vault: Arc<Vault>,
    launcher: Launcher,
}

impl Provider {
    /// The programs of these grants, in folders of these roots, with secrets of this vault, started by this launcher.
    pub fn new(
        grants: &Grants,
        roots: Arc<Roots>,
        vault: Arc<Vault>,
        launcher: Launcher,
    ) -> Result<Self, ProgramError> {
        let programs = Programs::check(grants)?;
        Ok(Self(Arc::new(Shared { programs, roots, vault, launcher })))
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Shell
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let shared = Arc::clone(&self.0);
        offer.interface("system-bus:durable/shell")?.function(
            "run",
            move |state: &mut CallState, (command,): (Command,)| {
                let shared = Arc::clone(&shared);
                Box::pin(async move { Ok((shared.run(state, command).await?,)) })
            },
        )
    }
}

impl Shared {
    async fn run(
        &self,
        state: &mut CallState,
        command: Command,
    ) -> wasmtime::Result<Result<Output, Failure>> {
        let program = command.program.clone();
        match self.prepared(state, command).await? {
            Err(refusal) => {
                if refusal.reason == Reason::Denied {
                    state.denied(Capability::Shell, &format!("run of {program:?}"));
                }
                Ok(Err(Failure::Refused(refusal)))
            }
            Ok(Came::Succeeded(output)) => Ok(Ok(output)),
            Ok(Came::Failed(failed)) => Ok(Err(Failure::Failed(failed))),
            Ok(Came::Refused(refusal)) => Ok(Err(Failure::Refused(refusal))),
        }
    }

    async fn prepared(
        &self,
        state: &mut CallState,
        mut command: Command,
    ) -> wasmtime::Result<Answer<Came>> {
        let caller = state.caller()?;
        let (component, run_id) = (Arc::clone(&caller.component), caller.run);
        let origin = Origin {
            function: caller.function.to_string(),
            run: run_id.to_string(),
            step: state.step().map_or_else(String::new, |step| step.name.clone()),
            program: command.program.clone(),
        };
        let Command { program, arguments, variables, .. } = &command;
        let found = self.programs.find(&component, program, arguments, variables);
        let (known, terms) = match found {
            Ok(found) => found,
            Err(refusal) => return Ok(Err(refusal)),
        };
        // What a grant of secrets does not allow is recorded there, not as a program that was denied.
        if let Err(refusal) = fill(&mut command, &self.vault.filler(state), &self.vault) {
            return Ok(Ok(Came::Refused(refusal)));
        }
        let order = match order(known, terms, &command) {
            Ok(order) => order,
            Err(refusal) => return Ok(Err(refusal)),
        };
        state.allowed(Capability::Shell, terms.line, &[]);
        if let Some((root, _)) = &command.folder
            && let Ok(terms) = self.roots.terms(&component, root)
        {
            state.allowed(Capability::Fs, terms.line, &[]);
        }
        let (roots, place) = (Arc::clone(&self.roots), command.folder);
        let opened = tokio::task::spawn_blocking(move || match place {
            Some((root, path)) => roots.folder(&component, run_id, &root, &path),
            None => roots.scratch_folder(run_id),
        });
        let folder = match opened.await? {
            Ok(folder) => folder,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let left = state.time_left();
        let left = left.saturating_sub(MARGIN.min(left / 4));
        let asked = command.within.map(Duration::from_millis);
        let within = [asked, terms.within].into_iter().flatten().fold(left, Duration::min);
        let until = Instant::now() + within;
        let guard: Arc<dyn Guard> = Arc::<Vault>::clone(&self.vault);
        let gathered = Gathered::new(origin, terms.output, guard);
        let came = run(&self.launcher, &folder, &order, command.input, until, gathered).await;
        Ok(Ok(came))
    }
}

/// What the launcher is told.
fn order(known: &Known, terms: &Terms, command: &Command) -> Answer<Order> {
    let mut variables = known.variables.clone();
    for (name, value) in &command.variables {
        if value.contains('\0') {
            return Err(Refusal::invalid(format!("the variable `{name}` has a NUL in its value")));
        }
        variables.insert(name.clone(), value.clone());
    }
    Ok(Order {
        path: known.path.clone(),
        digest: known.digest,
        arguments: command.arguments.clone(),
        variables: variables.into_iter().collect(),
        processes: terms.processes,
        memory: terms.memory,
        file: terms.file,
        input: command.input.len() as u64,
    })
}
