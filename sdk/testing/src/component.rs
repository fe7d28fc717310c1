//! Built components in place of native functions: the same scenarios, through the runtime of the workers.
//!
//! Each step is a call of its own here, and what happens between two calls is where a worker may die. A body runs in
//! the sandbox, where a test's closures do not reach: what it wants of the world is stubbed step by step, or goes out to
//! the addresses that [`Kit::allow_http`] names.

mod loading;

use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;

use async_trait::async_trait;
use protocol::call::Call;
use protocol::directory::Directory;
use protocol::function::FunctionConfig;
use protocol::op::{ErrorObject, Retry};
use protocol::outcome::Outcome;
use protocol::replay::{Rigour, Sending};
use runtime::http::Destination;
use runtime::{Backstage, CallFailed, Component};
use serde_json::value::RawValue;
use tokio::sync::{mpsc, oneshot};

use self::loading::{clockwork, load};
use crate::kit::Kit;
use crate::served::{Called, Served};
use crate::stage::{Killed, Stage};

impl Kit {
    /// Lets the bodies of components that are loaded from now on send requests to these destinations, such as
    /// `http://127.0.0.1:4000`. To no others: a component has no network in tests unless said.
    ///
    /// # Panics
    ///
    /// When a text is no destination.
    #[track_caller]
    pub fn allow_http(&mut self, destinations: &[&str]) -> &mut Self {
        let parsed = destinations.iter().map(|text| {
            let parsed: Result<Destination, _> = text.parse();
            parsed.unwrap_or_else(|error| panic!("{text}: {error}"))
        });
        self.allowed = parsed.map(|destination| destination.to_string()).collect();
        self
    }

    /// Serves all functions of a built component, in place of native ones of the same ids. Nothing is granted to it.
    ///
    /// Bodies run in the sandbox, so `http`, `model` and `config` of this kit do not reach them: stub the steps that want
    /// something of the world. A component is compiled once in a process.
    ///
    /// # Panics
    ///
    /// When a worker would not take it; the message says why.
    #[track_caller]
    pub fn component(&mut self, path: impl AsRef<Path>) -> &mut Self {
        let path = path.as_ref();
        let component = load(path, &self.allowed);
        let component = component.unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for config in component.functions() {
            let component = Arc::clone(&component);
            self.add(Rc::new(Remote { config: config.clone(), component }));
        }
        self
    }
}

/// A function of a component.
struct Remote {
    config: FunctionConfig,
    component: Arc<Component>,
}

impl Served for Remote {
    fn config(&self) -> &FunctionConfig {
        &self.config
    }

    fn is_remote(&self) -> bool {
        true
    }

    fn call(&self, stage: &Rc<Stage>, call: Arc<Call>, rigour: Rigour) -> Result<Called, Killed> {
        let (run, directory) = (call.run, Arc::clone(&stage.directory));
        let (asks, mut asked) = mpsc::unbounded_channel::<Asked>();
        let backstage = Arc::new(Behind { directory, asks });
        let invocation = self.component.invoke(&self.config.id, call, backstage, rigour);
        let invoked = clockwork().block_on(async {
            tokio::pin!(invocation);
            loop {
                tokio::select! {
                    biased;
                    // The engine is this thread's, and the instance may be driven by others.
                    Some(Asked { sending, answer }) = asked.recv() => {
                        // A call that has ended meanwhile wants no answer.
                        drop(answer.send(stage.send(run, &sending)));
                    }
                    invoked = &mut invocation => return invoked,
                }
            }
        });
        Ok(Called::at_once(invoked.unwrap_or_else(failed)))
    }
}

/// A call that failed without its guest saying so, as a worker tells it.
fn failed(failed: CallFailed) -> Outcome {
    let error = failed.error_object();
    match failed.step {
        Some(step) => {
            let (race, timing) = (failed.race, failed.timing);
            Outcome::StepFailed { step, race, error, retry: Retry::Again, timing }
        }
        None => Outcome::Failed { error, retry: Retry::Again },
    }
}

/// Something that a step sends, and whom to tell what came of it.
struct Asked {
    sending: Sending,
    answer: oneshot::Sender<Box<RawValue>>,
}

/// A call's way to the engine of its test.
struct Behind {
    directory: Arc<Directory>,
    asks: mpsc::UnboundedSender<Asked>,
}

#[async_trait]
impl Backstage for Behind {
    fn directory(&self) -> Arc<Directory> {
        Arc::clone(&self.directory)
    }

    async fn send(&self, sending: &Sending) -> Result<Box<RawValue>, (ErrorObject, Retry)> {
        let gone = |()| {
            (ErrorObject::new("TestEnded", "the test ended while a step was sending"), Retry::Never)
        };
        let sending = Sending { step: sending.step.clone(), what: sending.what.clone() };
        let (answer, answered) = oneshot::channel();
        self.asks.send(Asked { sending, answer }).map_err(|_| gone(()))?;
        answered.await.map_err(|_| gone(()))
    }
}
