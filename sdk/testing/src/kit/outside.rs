//! What a test says about the rest of the world.

use std::rc::Rc;
use std::time::Duration;

use engine::offline::{Answered, DueRequest};
use serde::Serialize;
use serde_json::{Value, json};
use system_bus_sdk::http::{HttpError, Request, Response};
use system_bus_sdk::testing::native;
use system_bus_sdk::{Error, Function, Result};

use super::Kit;
use crate::path::Path;
use crate::served::StandIn;
use crate::world::Asked;

impl Kit {
    /// Answers for steps: their bodies do not run, and no function, server or model is asked. The result is checked
    /// where the function takes it. Sleeps and waits are not stubbed: let time pass, or send something.
    ///
    /// ```
    /// use system_bus_testing::Kit;
    ///
    /// let mut kit = Kit::new();
    /// kit.stub("charge", |asked| Ok(format!("receipt of attempt {}", asked.attempt)));
    /// kit.stub("fulfil-order/label[anna]", |_| Ok("to Anna"));
    /// ```
    pub fn stub<T: Serialize>(
        &mut self,
        path: &str,
        body: impl Fn(&Asked<'_>) -> Result<T> + 'static,
    ) -> &mut Self {
        let body = move |asked: &Asked<'_>| body(asked).and_then(|value| encoded(&value));
        self.stage.world.borrow_mut().stubs.push((Path::new(path), Rc::new(body)));
        self
    }

    /// Answers for a function that others invoke. An error is that function's failure; like any other it is tried
    /// again unless it says [`Error::stop`].
    pub fn stub_function<F: Function>(
        &mut self,
        answer: impl Fn(&Value) -> Result<F::Output> + 'static,
    ) -> &mut Self {
        self.stub_function_by_id(F::DECLARATION.id, answer)
    }

    /// [`stub_function`](Self::stub_function) for a function of which only the id is known.
    pub fn stub_function_by_id<T: Serialize>(
        &mut self,
        id: &str,
        answer: impl Fn(&Value) -> Result<T> + 'static,
    ) -> &mut Self {
        let answer = move |data: &Value| answer(data).and_then(|value| encoded(&value));
        self.add(Rc::new(StandIn::new(id, Rc::new(answer))));
        self
    }

    /// Lets the first attempts of each step of this path fail, without running its body.
    pub fn fail(&mut self, path: &str, times: u32, error: Error) -> &mut Self {
        self.stage.world.borrow_mut().failures.push((Path::new(path), times, error));
        self
    }

    /// Lets each attempt of the steps of this path take this long; no time unless said.
    pub fn takes(&mut self, path: &str, time: Duration) -> &mut Self {
        self.stage.world.borrow_mut().durations.push((Path::new(path), time));
        self
    }

    /// Answers the requests of bodies and of `fetch` steps.
    pub fn http(
        &mut self,
        answer: impl Fn(&Request) -> Result<Response, HttpError> + 'static,
    ) -> &mut Self {
        self.stage.world.borrow_mut().network = Some(Rc::new(answer));
        self
    }

    /// Answers for the models that `infer` steps ask. The closure is given the provider's `url` and the `body` of the
    /// question; an error is what the provider says with an error status.
    pub fn model(
        &mut self,
        answer: impl Fn(&Value) -> Result<Value, Value> + 'static,
    ) -> &mut Self {
        self.stage.world.borrow_mut().model = Some(Rc::new(answer));
        self
    }

    /// A setting that functions read with `ctx.config`.
    pub fn config(&mut self, key: impl Into<String>, value: impl Into<String>) -> &mut Self {
        self.stage.world.borrow_mut().settings.insert(key.into(), value.into());
        self
    }

    /// Whether results are stored while a function goes on, as it declares; they are unless said. Without, each step
    /// is a call of its own, as where a worker is started with `--checkpoints off`.
    pub fn checkpoints(&mut self, on: bool) -> &mut Self {
        self.stage.checkpoints.set(on);
        self
    }

    /// What may happen again after a crash: an effect, or the id of a step. [`crash::everywhere`] does not report it.
    ///
    /// [`crash::everywhere`]: crate::crash::everywhere
    pub fn may_repeat(&mut self, name: &str) -> &mut Self {
        self.stage.watch.borrow_mut().allow(name);
        self
    }

    /// Answers a request that the server makes.
    pub(super) fn answer(&mut self, request: DueRequest) {
        let answer =
            if request.is_inference { Ok(self.inferred(&request)) } else { self.fetched(&request) };
        self.stage.engine.borrow_mut().answer(request, answer);
    }

    fn fetched(&self, due: &DueRequest) -> Result<Answered, String> {
        let mut request = native::request(due.method.clone(), due.url.clone());
        for (name, value) in &due.headers {
            request = request.header(name, value);
        }
        let request = request.body(due.body.clone());
        let network = self.stage.world.borrow().network.clone().unwrap_or_else(|| {
            panic!(
                "step `{}` makes a request, and this test answers none: call `kit.http(..)`",
                due.step
            )
        });
        self.stage.note_request(&request);
        let response = network(&request).map_err(|error| error.to_string())?;
        let mut headers: Vec<(String, String)> = Vec::new();
        for (name, value) in &response.headers {
            match headers.iter_mut().find(|(known, _)| known.eq_ignore_ascii_case(name)) {
                Some((_, all)) => *all = format!("{all},{value}"),
                None => headers.push((name.clone(), value.clone())),
            }
        }
        let body = String::from_utf8_lossy(response.bytes()).into_owned();
        Ok(Answered { status: response.status, headers, body })
    }

    fn inferred(&self, due: &DueRequest) -> Answered {
        let model = self.stage.world.borrow().model.clone().unwrap_or_else(|| {
            panic!(
                "step `{}` asks a model, and this test answers for none: call `kit.model(..)`",
                due.step
            )
        });
        let body: Value = serde_json::from_str(&due.body).unwrap_or_default();
        let (status, told) = match model(&json!({ "url": due.url, "body": body })) {
            Ok(told) => (200, told),
            Err(words) => (500, words),
        };
        Answered { status, headers: Vec::new(), body: told.to_string() }
    }
}

fn encoded(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|problem| {
        Error::stop(format!("what the test answers has no JSON form: {problem}"))
    })
}
