//! One call in a fresh instance.

use std::sync::Arc;

use protocol::call::Call;
use protocol::id::FunctionId;
use protocol::outcome::Outcome;
use protocol::replay::{Misfit, Replay, Rigour};
use wasmtime::component::ResourceTableError;
use wasmtime::{Store, Trap, UpdateDeadline};

use crate::backstage::Backstage;
use crate::bindings::WorkerPre;
use crate::component::Component;
use crate::engine::Runtime;
use crate::fault::{CallFailed, Fault, Limit};
use crate::logging::Log;
use crate::output::panic_in;
use crate::outside::source_place;
use crate::spans;
use crate::state::{CallState, End, LARGEST_FIELDS};

impl Component {
    /// Runs a function of this component for one call, from its top, in an instance of its own. `backstage` is the
    /// call's way to its server meanwhile; it is not used before the memo is known to fit as `rigour` demands, and
    /// never for a proof. Until then whatever fails in the guest ends with [`Outcome::Unfit`], and what it logged is
    /// dropped.
    pub async fn invoke(
        &self,
        function: &FunctionId,
        call: Arc<Call>,
        backstage: Arc<dyn Backstage>,
        rigour: Rigour,
    ) -> Result<Outcome, CallFailed> {
        let runtime = &self.runtime;
        let failed = |fault| CallFailed {
            function: function.clone(),
            component: self.name().to_owned(),
            step: None,
            timing: None,
            race: false,
            fault,
        };
        // More calls than instances wait here, not in an error.
        let _slot = runtime
            .slots
            .acquire()
            .await
            .map_err(|error| failed(Fault::Host(error.to_string())))?;
        let replay = Replay::new(Arc::clone(&call), backstage.directory(), rigour);
        let (limits, allowed) = (&runtime.limits, &runtime.allowed);
        let caller = self.caller(function, &call);
        let role = caller.role;
        let log = Log::of_call(&caller, limits.log_lines, Arc::clone(&runtime.recent));
        let mut state = CallState::for_call(
            limits,
            allowed,
            runtime.guards.clone(),
            caller,
            replay,
            Arc::clone(&backstage),
            log,
        );
        state.outgoing.trace.clone_from(&call.trace);
        state.outgoing.requests.clone_from(&runtime.requests);
        let deadline = state.deadline.clone();
        let mut store = runtime.store(state);
        let linked = self.linked(role);
        let invocation = async {
            let instance = linked.instantiate_async(&mut store).await?;
            let entry = instance.system_bus_durable_entry();
            entry.call_invoke(&mut store, function.as_str(), &call.for_guest()).await
        };
        let ended = tokio::select! {
            biased;
            ended = invocation => Some(ended),
            () = backstage.superseded() => return Ok(Outcome::Superseded),
            () = deadline.passed() => None,
        };
        let mut state = store.into_data();
        // It waited for the host, for longer than a guest may.
        let result = ended.unwrap_or_else(|| Err(state.time_fault(None).into()));
        let proving = state.replay.as_ref().is_some_and(Replay::is_proving);
        let ended = match result {
            Ok(returned) => state.returned(returned),
            Err(error) => match (error.is::<End>(), state.ending.take()) {
                (true, Some(outcome)) => Ok(outcome),
                _ => Err(state.fault(&error)),
            },
        };
        let ended = ended.map_err(|fault| fault.redacted(&runtime.guards));
        let fault = match ended {
            // The code that answers instead says what there is to say.
            Ok(outcome @ (Outcome::Fits | Outcome::Unfit(_))) => return Ok(outcome),
            Err(fault) if proving && !matches!(fault, Fault::Host(_)) => {
                let why = failed(fault).to_string();
                return Ok(Outcome::Unfit(Misfit::Diverged { why }));
            }
            Ok(outcome) => {
                state.log.end();
                state.records.flush();
                return Ok(outcome);
            }
            Err(fault) => {
                state.log.end();
                state.records.flush();
                fault
            }
        };
        spans::ended(state.span(), false);
        Err(CallFailed {
            step: state.replay.as_ref().and_then(Replay::running_step),
            timing: state.body_timing(),
            race: state.replay.as_ref().is_some_and(Replay::raced),
            ..failed(fault)
        })
    }
}

impl Component {
    /// Makes an instance and drops it: what a call costs before its guest does anything. For the benchmarks.
    #[doc(hidden)]
    pub async fn instantiate(&self) -> Result<(), Fault> {
        let log = Log::of_component(self.name(), 0);
        let mut store = self.runtime.store(CallState::for_describe(&self.runtime.limits, log));
        let linked = self.linked(self.placement().home(None));
        let instance = linked.instantiate_async(&mut store).await;
        instance.map(drop).map_err(|error| store.into_data().fault(&error))
    }
}

impl Runtime {
    /// Asks a component for its manifest, with nothing allowed.
    pub(crate) async fn describe(
        &self,
        name: &str,
        pre: &WorkerPre<CallState>,
    ) -> Result<String, Fault> {
        let log = Log::of_component(name, self.limits.log_lines);
        let state = CallState::for_describe(&self.limits, log);
        let deadline = state.deadline.clone();
        let mut store = self.store(state);
        let description = async {
            let instance = pre.instantiate_async(&mut store).await?;
            instance.system_bus_durable_entry().call_describe(&mut store).await
        };
        let ended = tokio::select! {
            biased;
            ended = description => Some(ended),
            () = deadline.passed() => None,
        };
        let state = store.into_data();
        state.log.end();
        match ended {
            Some(Ok(json)) => Ok(json),
            Some(Err(error)) => Err(state.fault(&error)),
            None => Err(state.time_fault(None)),
        }
    }

    fn store(&self, state: CallState) -> Store<CallState> {
        let mut store = Store::new(&self.engine, state);
        store.limiter(|state| &mut state.growth);
        store.set_hostcall_fuel(self.limits.host_call);
        store.set_epoch_deadline(1);
        store.epoch_deadline_callback(|store| {
            if store.data().deadline.has_passed() {
                let place = source_place(&store);
                return Err(store.data().time_fault(place).into());
            }
            // The thread serves other calls too: a guest that computes gives way at every tick.
            Ok(UpdateDeadline::YieldCustom(1, Box::pin(tokio::task::yield_now())))
        });
        store
    }
}

impl CallState {
    fn returned(
        &mut self,
        returned: Result<String, crate::bindings::system_bus::durable::failures::Failure>,
    ) -> Result<Outcome, Fault> {
        let result = match returned {
            Ok(json) => self.stored(json, "the function's result")?,
            Err(guest) => Err(self.failure(&guest)),
        };
        let replay =
            self.replay.take().ok_or_else(|| Fault::Host("the call has no replay".to_owned()))?;
        Ok(replay.ended(result))
    }

    /// What an error of the engine means.
    fn fault(&self, error: &wasmtime::Error) -> Fault {
        if let Some(fault) = error.downcast_ref::<Fault>() {
            return fault.clone();
        }
        if error.is::<wasmtime_wasi::I32Exit>() {
            return Fault::Exit;
        }
        if let Some(ResourceTableError::Full) = error.downcast_ref() {
            return Fault::Limit(Limit::Handles { limit: self.limits.handles });
        }
        if error.is::<wasmtime_wasi_http::FieldMapError>() {
            return Fault::Limit(Limit::Headers { limit: LARGEST_FIELDS });
        }
        let said = self.output.end();
        match error.downcast_ref::<Trap>() {
            Some(Trap::StackOverflow) => Fault::Limit(Limit::Stack { limit: self.limits.stack }),
            Some(trap) => match panic_in(&said) {
                Some((message, place)) => Fault::Panic { message, place },
                None => Fault::Trap {
                    reason: trap.to_string(),
                    said: Some(said.trim().to_owned()).filter(|said| !said.is_empty()),
                },
            },
            None if format!("{error:?}").contains(HOST_CALL_SPENT) => {
                Fault::Limit(Limit::HostCall { limit: self.limits.host_call })
            }
            None => Fault::Host(format!("{error:#}")),
        }
    }
}

/// How the engine says that a guest passed too much in one host call; it has no public type for it.
const HOST_CALL_SPENT: &str = "fuel allocated for hostcalls has been exhausted";
