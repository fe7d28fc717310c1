//! What a function is given to work with.

use std::borrow::Cow;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

use futures::future::Either;
use jiff::Timestamp;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::call::{self, DataOf};
use crate::declare::Function;
use crate::error::Result;
use crate::event::{Event, Incoming, Outgoing};
use crate::io::Io;
use crate::replay::Replay;
use crate::step::{
    Fetch, Infer, Inference, Invoke, Run, Send, SendAll, SendSignal, Sleep, Step, WaitFor,
    WaitForSignal, Wake, race,
};

/// A running function's way to its steps.
///
/// Everything it makes is an ordinary future: `?`, `futures::join!`, `select!`, `join_all` and
/// `FuturesUnordered` do what they do elsewhere. A step's id is its identity in the server's
/// memory, across deploys too: renaming one makes running functions do it again.
#[derive(Clone)]
pub struct Ctx {
    replay: Rc<Replay>,
}

impl Ctx {
    pub(crate) fn new(replay: Rc<Replay>) -> Self {
        Self { replay }
    }

    /// A step: its body runs until it has once ended well, and its result is remembered.
    ///
    /// Fails with what the server stored, after the last attempt or when the body said
    /// [`Error::stop`](crate::Error::stop).
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<()> {
    /// let (a, b) = futures::try_join!(
    ///     ctx.step("a", async |_io| Ok(1)),
    ///     ctx.step("b", async |io| {
    ///         let answer = io.http().get("https://api.example/b").send().await?;
    ///         Ok(answer.json::<u32>()?)
    ///     }),
    /// )?;
    /// for part in [a, b] {
    ///     ctx.step("store", async |_io| Ok(part * 2)).key(part).await?;
    /// }
    /// # Ok(())
    /// # }
    /// ```
    pub fn step<T, F>(&self, id: &'static str, body: F) -> Run<T, F>
    where
        F: AsyncFnOnce(Io) -> Result<T>,
        T: Serialize + DeserializeOwned,
    {
        Run::new(&self.replay, id, body)
    }

    /// Begins a record of an action, outside of a step's body: it is kept once, not in every
    /// replay.
    pub fn record(&self, action: impl Into<String>) -> crate::telemetry::Record {
        crate::telemetry::Record::of(action)
    }

    /// Waits for a while, in whole milliseconds and for 366 days at most.
    pub fn sleep(&self, id: &'static str, time: Duration) -> Step<Sleep> {
        Step::new(&self.replay, id, Sleep(Wake::After(time)))
    }

    /// Waits for a point in time.
    pub fn sleep_until(&self, id: &'static str, time: Timestamp) -> Step<Sleep> {
        Step::new(&self.replay, id, Sleep(Wake::At(time)))
    }

    /// Sends one event and ends with its id.
    pub fn send(&self, id: &'static str, event: impl Into<Outgoing>) -> Step<Send> {
        Step::new(&self.replay, id, Send(event.into()))
    }

    /// Sends events in one request and ends with their ids, in order.
    pub fn send_all<E: Into<Outgoing>>(
        &self,
        id: &'static str,
        events: impl IntoIterator<Item = E>,
    ) -> Step<SendAll> {
        let events = events.into_iter().map(Into::into).collect();
        Step::new(&self.replay, id, SendAll(events))
    }

    /// Waits for an event of this type and ends with it, or with `None` when the time was over.
    /// Narrow it with [`where_eq`](Step::where_eq), [`same`](Step::same) or
    /// [`matching`](Step::matching).
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// #[derive(Event, Serialize, Deserialize)]
    /// #[event("shop/order.paid")]
    /// struct OrderPaid { order_id: String, cents: u32 }
    ///
    /// # async fn example(ctx: Ctx) -> Result<u32> {
    /// let paid = ctx
    ///     .wait_for::<OrderPaid>("paid")
    ///     .same(OrderPaid::FIELDS.order_id)
    ///     .timeout(Duration::from_hours(24))
    ///     .await?;
    /// Ok(paid.map_or(0, |paid| paid.data.cents))
    /// # }
    /// ```
    pub fn wait_for<E: Event>(&self, id: &'static str) -> Step<WaitFor<E>> {
        Step::new(&self.replay, id, WaitFor::new(Cow::Borrowed(E::NAME)))
    }

    /// [`wait_for`](Self::wait_for) for an event that has no type: `T` is its data.
    pub fn wait_for_event<T: DeserializeOwned>(
        &self,
        id: &'static str,
        event: impl Into<Cow<'static, str>>,
    ) -> Step<WaitFor<T>> {
        Step::new(&self.replay, id, WaitFor::new(event.into()))
    }

    /// Waits for a signal and ends with its data, or with `None` when the time was over. A signal
    /// is a name that one run at a time waits for, such as `approve/42`.
    pub fn wait_for_signal<T: DeserializeOwned>(
        &self,
        id: &'static str,
        signal: impl Into<String>,
    ) -> Step<WaitForSignal<T>> {
        Step::new(&self.replay, id, WaitForSignal::new(signal.into()))
    }

    /// Sends a signal and ends with the id of the run that waited for it, if one did.
    pub fn send_signal(
        &self,
        id: &'static str,
        signal: impl Into<String>,
        data: &impl Serialize,
    ) -> Step<SendSignal> {
        Step::new(&self.replay, id, SendSignal::new(signal.into(), data))
    }

    /// Runs another function and ends with what it returns. The function is named by the type that
    /// [`#[function]`](crate::function) makes.
    ///
    /// A failure of that function is a failure of this step, with the same name and message.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// #[derive(Event, Serialize, Deserialize)]
    /// #[event("shop/charge.requested")]
    /// struct ChargeRequested { cents: u32 }
    ///
    /// #[function(id = "charge", on(ChargeRequested))]
    /// async fn charge(ctx: Ctx, request: ChargeRequested) -> Result<String> {
    ///     ctx.step("book", async |_io| Ok(format!("booked {}", request.cents))).await
    /// }
    ///
    /// # async fn example(ctx: Ctx) -> Result<()> {
    /// let receipt = ctx.invoke::<charge>("charge", ChargeRequested { cents: 700 }).await?;
    /// assert_eq!(receipt, "booked 700");
    /// # Ok(())
    /// # }
    /// ```
    #[expect(clippy::needless_pass_by_value, reason = "it is handed over, as to `send`")]
    pub fn invoke<F: Function>(
        &self,
        id: &'static str,
        data: impl DataOf<F::Input>,
    ) -> Step<Invoke<F::Output>>
    where
        F::Output: DeserializeOwned,
    {
        Step::new(&self.replay, id, Invoke::new(Cow::Borrowed(F::DECLARATION.id), &data))
    }

    /// [`invoke`](Self::invoke) for a function of which only the id is known.
    pub fn invoke_by_id<T: DeserializeOwned>(
        &self,
        id: &'static str,
        function: impl Into<Cow<'static, str>>,
        data: &impl Serialize,
    ) -> Step<Invoke<T>> {
        Step::new(&self.replay, id, Invoke::new(function.into(), data))
    }

    /// Lets the server make a request, and ends with the answer. It is a GET request unless told
    /// otherwise.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<u32> {
    /// let answer = ctx.fetch("price", "https://prices.example/7").header("accept", "text/plain");
    /// let price = answer.await?.ok()?.text()?;
    /// price.parse::<u32>().stop()
    /// # }
    /// ```
    pub fn fetch(&self, id: &'static str, url: impl Into<String>) -> Step<Fetch> {
        Step::new(&self.replay, id, Fetch::new(url.into()))
    }

    /// Lets the server ask a model, and ends with the provider's answer.
    pub fn infer<T: DeserializeOwned>(
        &self,
        id: &'static str,
        question: Inference,
    ) -> Step<Infer<T>> {
        Step::new(&self.replay, id, Infer::new(question))
    }

    /// Ends with whichever ends first, and drops the other one before anything else happens: a
    /// loser that lives on would go on being planned. After `futures::select` it does live on,
    /// until the end of the `match`.
    ///
    /// From the first race of a run on the server calls the function at each end of a step, and
    /// each further step is a call of its own: checkpoints end there. A wait for an event wins at
    /// once where the race comes before any steps side by side; after them it may have to wait
    /// until its siblings have ended, and a signal does not. What a loser left behind goes on where it is: a step that runs
    /// already runs to its end, an invoked function too.
    ///
    /// ```
    /// use futures::future::Either;
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx) -> Result<Option<u32>> {
    /// let asked = ctx.step("ask", async |_io| Ok(7));
    /// Ok(match ctx.race(asked, ctx.sleep("patience", Duration::from_mins(1))).await {
    ///     Either::Left(answer) => Some(answer?),
    ///     Either::Right(_) => None,
    /// })
    /// # }
    /// ```
    pub async fn race<A: Future, B: Future>(&self, a: A, b: B) -> Either<A::Output, B::Output> {
        race::two(&self.replay, a, b).await
    }

    /// [`race`](Self::race) for any number: ends with the first one and its place among them;
    /// `None` if there was none to begin with.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// # async fn example(ctx: Ctx, mirrors: Vec<String>) -> Result<String> {
    /// let all = mirrors.iter().map(|url| ctx.fetch("mirror", url).key(url));
    /// let Some((_, answer)) = ctx.race_all(all).await else {
    ///     return Err(Error::stop("there is no mirror"));
    /// };
    /// Ok(answer?.ok()?.text()?)
    /// # }
    /// ```
    pub async fn race_all<F: Future>(
        &self,
        contestants: impl IntoIterator<Item = F>,
    ) -> Option<(usize, F::Output)> {
        race::all(&self.replay, contestants).await
    }

    /// Says that the function goes on when one of several steps has ended. [`race`](Self::race)
    /// and [`race_all`](Self::race_all) say it by themselves; to be called before `select!`,
    /// `select_all`, `FuturesUnordered` and their kin where the first end matters. Without it the
    /// function goes on when all have ended, and then sees them in the order in which they did.
    pub fn enter_race(&self) {
        self.replay.enter_race();
    }

    /// A plain setting of this component, from its operator's file; none where there is none.
    ///
    /// It is the same in every call until the operator changes it and starts the worker again. What
    /// steps a function has must not hang on one that may change while a run goes on: read such a
    /// setting in a step, with [`Io::config`]. A component that never calls either does not import
    /// them. In tests [`Harness::config`](crate::testing::Harness::config) has the settings.
    ///
    /// ```
    /// use system_bus_sdk::prelude::*;
    ///
    /// #[function(id = "greet", on("shop/customer.came"))]
    /// async fn greet(ctx: Ctx, _event: Incoming<Value>) -> Result<String> {
    ///     Ok(ctx.config("greeting").unwrap_or_else(|| "hello".to_owned()))
    /// }
    /// # use system_bus_sdk::testing::Harness;
    /// # use serde_json::json;
    /// # let run = |harness: Harness| {
    /// #     harness.run::<greet>(Outgoing::named("shop/customer.came", &json!({}))).output::<String>()
    /// # };
    ///
    /// assert_eq!(run(Harness::new()), "hello");
    /// assert_eq!(run(Harness::new().config("greeting", "welcome")), "welcome");
    /// ```
    pub fn config(&self, key: &str) -> Option<String> {
        crate::config::setting(key)
    }

    /// The id of this run.
    pub fn run_id(&self) -> &str {
        &self.replay.facts.run_id
    }

    /// How often this was tried before, from 0.
    pub fn attempt(&self) -> u32 {
        self.replay.facts.attempt
    }

    /// How often it is tried at most.
    pub fn max_attempts(&self) -> u32 {
        self.replay.facts.max_attempts
    }

    /// The run's time: the same in every call of a run. The clock moves inside step bodies only.
    pub fn now(&self) -> Timestamp {
        self.replay.facts.now.unwrap_or_else(|| {
            Timestamp::try_from(SystemTime::now()).expect("hosts run in this age of the world")
        })
    }

    /// All events of the call, for a function whose server hands them over in batches; otherwise
    /// the one that the function was called with.
    ///
    /// Fails for good when the data of one does not fit.
    pub fn events<T: DeserializeOwned>(&self) -> Result<Vec<Incoming<T>>> {
        call::events(&self.replay.facts.call)
    }
}

impl std::fmt::Debug for Ctx {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Ctx").field("run_id", &self.run_id()).finish_non_exhaustive()
    }
}
