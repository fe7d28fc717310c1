//! What a call needs of the test around it: the engine, the test's word on the world, and who dies when.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::sync::Arc;

use engine::offline::Offline;
use protocol::directory::Directory;
use protocol::event::id_seed;
use protocol::id::{AppId, RunId};
use protocol::op::{ErrorObject, Retry};
use protocol::replay::{Message, Sending};
use protocol::step::StepName;
use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};
use system_bus_sdk::http::Request;
use system_bus_sdk::testing::native::{self, Outside};
use system_bus_sdk::{Error, Result};

use crate::crash::{Boundary, Phase, Watch};
use crate::effects::{Effect, Effects};
use crate::journal::{Began, Journal};
use crate::path::{base, shown};
use crate::world::{Asked, World};

/// What methods ask and do not change.
const SAFE: [&str; 3] = ["GET", "HEAD", "OPTIONS"];

/// The worker died.
#[derive(Debug)]
pub(crate) struct Killed;

/// One attempt of a step with a body, or of what stands in for one.
#[derive(Debug, Clone)]
pub(crate) struct Body {
    pub(crate) function: String,
    pub(crate) run: RunId,
    pub(crate) step: StepName,
    pub(crate) attempt: u32,
}

impl Body {
    fn idempotency_key(&self) -> String {
        format!("{}:{}", self.run, shown(&self.step))
    }
}

/// The test around a call.
pub(crate) struct Stage {
    pub(crate) engine: RefCell<Offline>,
    pub(crate) world: RefCell<World>,
    pub(crate) journal: RefCell<Journal>,
    pub(crate) watch: RefCell<Watch>,
    pub(crate) effects: Effects,
    pub(crate) directory: Arc<Directory>,
    /// Whether results are stored while a function goes on, where it declares so.
    pub(crate) checkpoints: Cell<bool>,
    /// The body that runs.
    running: RefCell<Option<Body>>,
}

impl Stage {
    pub(crate) fn new(engine: Offline, watch: Watch, app: AppId) -> Self {
        Self {
            engine: RefCell::new(engine),
            world: RefCell::default(),
            journal: RefCell::default(),
            watch: RefCell::new(watch),
            effects: Effects::default(),
            directory: Arc::new(Directory::new(app)),
            checkpoints: Cell::new(true),
            running: RefCell::default(),
        }
    }

    /// A body is to run. Answers with how it ends where the test says so; otherwise it is to run.
    pub(crate) fn begin(&self, body: &Body) -> Result<Option<Result<String>>, Killed> {
        self.passes(body, Phase::BeforeBody)?;
        let made = {
            let mut journal = self.journal.borrow_mut();
            journal.bodies.push(Began {
                function: body.function.clone(),
                base: base(&body.step.name).to_owned(),
                idempotency_key: body.idempotency_key(),
            });
            journal.knows(body.run, &body.step, "run");
            journal.attempt(body.run, &body.step)
        };
        *self.running.borrow_mut() = Some(body.clone());
        let (failure, stub) = {
            let world = self.world.borrow();
            let failure = world.failure(&body.function, &body.step, made);
            (failure, world.stub(&body.function, &body.step))
        };
        if let Some(error) = failure {
            return Ok(Some(Err(error)));
        }
        // Nothing is borrowed while the test's own code runs.
        Ok(stub.map(|stub| {
            stub(&Asked {
                function: &body.function,
                step: &shown(&body.step),
                attempt: body.attempt,
                idempotency_key: &body.idempotency_key(),
            })
        }))
    }

    /// A body has ended.
    pub(crate) fn ended(&self, body: &Body) -> Result<(), Killed> {
        *self.running.borrow_mut() = None;
        self.passes(body, Phase::BeforeReport)
    }

    /// The end of a body is stored.
    pub(crate) fn reported(&self, body: &Body) -> Result<(), Killed> {
        self.passes(body, Phase::AfterReport)
    }

    fn passes(&self, body: &Body, phase: Phase) -> Result<(), Killed> {
        let boundary = Boundary {
            function: body.function.clone(),
            step: shown(&body.step),
            attempt: body.attempt,
            phase,
        };
        if self.watch.borrow_mut().passes(boundary) {
            *self.running.borrow_mut() = None;
            return Err(Killed);
        }
        Ok(())
    }

    /// Sends what a step sends, as a worker does; its result as JSON.
    pub(crate) fn send(&self, run: RunId, sending: &Sending) -> Box<RawValue> {
        let mut engine = self.engine.borrow_mut();
        let told = match &sending.what {
            Message::Events(events) => {
                let seed = id_seed(run, sending.step.id);
                let ids = engine.receive(events.clone(), Some(&seed));
                let mut journal = self.journal.borrow_mut();
                ids.iter().zip(events).for_each(|(id, event)| journal.sends(run, *id, event));
                json!({ "ids": ids })
            }
            Message::Signal { signal, data } => match engine.signal(signal, data) {
                Some(woken) => json!({ "run_id": woken }),
                None => serde_json::Value::Null,
            },
        };
        to_raw_value(&told).expect("it has string keys only")
    }

    /// Lets bodies of this thread reach the network of the test, for as long as what is answered lives.
    pub(crate) fn outside(self: &Rc<Self>) -> Outside {
        let stage = Rc::clone(self);
        let network = self.world.borrow().network.clone();
        let network = network.map(|network| {
            let noted = move |request: &Request| {
                stage.note_request(request);
                network(request)
            };
            Rc::new(noted) as Rc<dyn Fn(&Request) -> _>
        });
        Outside::install(network, self.world.borrow().settings.clone())
    }

    /// Notes a request that may change something at its other end.
    pub(crate) fn note_request(&self, request: &Request) {
        if SAFE.contains(&request.method()) {
            return;
        }
        let url = request.url().split(['?', '#']).next().unwrap_or_default();
        let own = self.running.borrow().as_ref().map(Body::idempotency_key);
        let header = |wanted: &dyn Fn(&str, &str) -> bool| {
            let mut headers = request.headers().iter();
            headers.find(|(name, value)| wanted(name, value)).map(|(_, value)| value.clone())
        };
        let named = |name: &str, _: &str| {
            name.eq_ignore_ascii_case("idempotency-key")
                || name.eq_ignore_ascii_case("x-idempotency-key")
        };
        let owned = |_: &str, value: &str| own.as_deref() == Some(value);
        let key = header(&named).or_else(|| header(&owned));
        self.effects.note(Effect { name: format!("{} {url}", request.method()), key });
    }
}

/// An error as the host takes it from a component.
pub(crate) fn failure(error: &Error) -> (ErrorObject, Retry) {
    let retry = match error.policy() {
        system_bus_sdk::Retry::Again => Retry::Again,
        system_bus_sdk::Retry::After(delay) => Retry::After(delay),
        system_bus_sdk::Retry::Never => Retry::Never,
    };
    (ErrorObject::parse(&native::stored(error)), retry)
}
