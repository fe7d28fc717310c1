//! The function that guests import.

use std::sync::Arc;

use runtime::CallState;
use runtime::capability::Offer;
use runtime::placement::Capability;

use super::pi::Environment;
use super::question::{Question, budget};
use super::shared::{Lookup, Shared};
use crate::bindings::system_bus::durable::inference::{Question as Asked, Reply};
use crate::grants::Grants;
use crate::refusal::{Answer, Reason, Refusal};

/// Questions to models, for the runtime.
pub struct Provider {
    shared: Arc<Shared>,
    grants: Arc<Grants>,
}

/// Why what the operator says of models cannot be used.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SetupError {
    /// An address is none.
    // It is not repeated: it may hold a password.
    #[error("`url` of a provider of [inference] cannot be used: {0}")]
    Address(String),
    /// With this, nothing would ever be asked.
    #[error("`{setting}` of [inference] is 0, so no model would ever be asked: write 1 or more")]
    Zero {
        /// Which setting.
        setting: &'static str,
    },
}

impl Provider {
    /// The providers of these grants. `lookup` knows the secrets that some of them are asked with; programs run in
    /// `environment`.
    pub fn new(
        grants: Arc<Grants>,
        environment: Environment,
        lookup: Lookup,
    ) -> Result<Self, SetupError> {
        let shared = Arc::new(Shared::new(grants.inference.clone(), environment, lookup)?);
        Ok(Self { shared, grants })
    }
}

impl std::fmt::Debug for Provider {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Provider").field("settings", &self.shared.settings).finish_non_exhaustive()
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Inference
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        let mut interface = offer.interface("system-bus:durable/inference")?;
        let (shared, grants) = (Arc::clone(&self.shared), Arc::clone(&self.grants));
        interface.function("ask", move |state: &mut CallState, (asked,): (Asked,)| {
            let (shared, grants) = (Arc::clone(&shared), Arc::clone(&grants));
            Box::pin(async move { Ok((ask(state, &shared, &grants, asked).await?,)) })
        })
    }
}

async fn ask(
    state: &mut CallState,
    shared: &Shared,
    grants: &Grants,
    asked: Asked,
) -> wasmtime::Result<Answer<Reply>> {
    let caller = state.caller()?.clone();
    let (component, function) = (Arc::clone(&caller.component), caller.function.to_string());
    let Some(grant) = grants.of(&component).and_then(|grant| grant.inference.as_ref()) else {
        state.denied(Capability::Inference, "ask");
        return Ok(Err(Refusal::denied(format!(
            "the component `{component}` may not ask models: to allow it takes a section \
             [components.{component}.inference]"
        ))));
    };
    let within = asked.within;
    let prepared = Question::parse(asked, grant, &component, &function).and_then(|question| {
        Ok((question, budget(within, grant, &shared.settings, state.time_left())?))
    });
    match prepared {
        Ok((question, within)) => {
            let model = question.model.as_ref();
            let model = model.and_then(|model| grant.models.iter().position(|own| own == model));
            state.allowed(Capability::Inference, 0, model.as_slice());
            Ok(shared.ask(&question, within, &caller).await)
        }
        Err(refusal) => {
            if refusal.reason == Reason::Denied {
                state.denied(Capability::Inference, "ask with a model of its own choice");
            }
            Ok(Err(refusal))
        }
    }
}
