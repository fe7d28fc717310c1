//! What all questions share: the providers, the circuits, and how many are asked at once.

use std::sync::Arc;
use std::time::Duration;

use reqwest::Url;
use tokio::sync::Semaphore;
use tokio::time::{Instant, timeout_at};

use super::answer::{Failed, Said, judge};
use super::breakers::Breakers;
use super::circuit::Patience;
use super::grant::{Providers, Source};
use super::openai::{Caller, endpoint};
use super::pi::{self, Environment};
use super::provider::SetupError;
use super::question::{Question, Subject};
use super::record::Record;
use super::route::{Leg, route};
use crate::bindings::system_bus::durable::inference::Reply;
use crate::grants::{Grants, Wrong};
use crate::refusal::{Answer, Reason, Refusal};

/// Looks a secret of the operator up by its name. May block.
pub type Lookup = Arc<dyn Fn(&str) -> Option<String> + Send + Sync>;

/// From how much time on it is the provider's fault to be late, not that of an asker who is in a hurry.
const FAIR: Duration = Duration::from_secs(10);

/// Settings and addresses that cannot be used.
pub(crate) fn wrong(grants: &Grants) -> Vec<Wrong> {
    let settings = &grants.inference;
    let zero = zero(settings).map(|setting| {
        Wrong::at(&["inference", setting], SetupError::Zero { setting }.to_string())
    });
    let each = settings.providers.iter().enumerate();
    let addresses = each.filter_map(|(position, source)| {
        let error = address(source).err()?;
        Some(Wrong::at(
            &["inference", "providers", &position.to_string(), "url"],
            error.to_string(),
        ))
    });
    zero.into_iter().chain(addresses).collect()
}

/// The setting with which nothing would ever be asked, if there is one.
fn zero(settings: &Providers) -> Option<&'static str> {
    let counts = [
        ("at_once", settings.at_once() == 0),
        ("attempts", settings.attempts() == 0),
        ("failures", settings.failures() == 0),
    ];
    counts.into_iter().find_map(|(setting, zero)| zero.then_some(setting))
}

fn address(source: &Source) -> Result<Option<Url>, SetupError> {
    match source {
        Source::Pi { .. } => Ok(None),
        Source::Openai { url, .. } => endpoint(url).map(Some).map_err(SetupError::Address),
    }
}

/// What all questions share.
pub(super) struct Shared {
    pub(super) settings: Providers,
    sources: Vec<Source>,
    /// For each source, where its questions go if that is an address.
    endpoints: Vec<Option<Url>>,
    environment: Environment,
    lookup: Lookup,
    caller: Caller,
    places: Semaphore,
    subjects: Breakers<Subject>,
    providers: Breakers<usize>,
}

impl Shared {
    pub(super) fn new(
        settings: Providers,
        environment: Environment,
        lookup: Lookup,
    ) -> Result<Self, SetupError> {
        if let Some(setting) = zero(&settings) {
            return Err(SetupError::Zero { setting });
        }
        let mut sources = settings.providers.clone();
        if sources.is_empty() {
            sources.push(Source::Pi {
                program: None,
                model: None,
                tasks: Vec::new(),
                within: None,
            });
        }
        let endpoints = sources.iter().map(address).collect::<Result<_, _>>()?;
        let patience = Patience { failures: settings.failures(), pause: settings.pause() };
        Ok(Self {
            places: Semaphore::new(settings.at_once().min(Semaphore::MAX_PERMITS)),
            settings,
            sources,
            endpoints,
            environment,
            lookup,
            caller: Caller::default(),
            subjects: Breakers::new(patience),
            providers: Breakers::new(patience),
        })
    }

    /// Asks one provider after the other until one answers, for as long as `within`.
    pub(super) async fn ask(
        &self,
        question: &Question,
        within: Duration,
        asks: &runtime::Caller,
    ) -> Answer<Reply> {
        let until = Instant::now() + within;
        let record = Record::request(asks, &question.subject, question.task.as_deref(), within);
        let Subject { component, action, .. } = &question.subject;
        let what = format!("{component}:{action}");
        let circuit = self.subjects.enter(question.subject.clone()).map_err(|skipped| {
            record.skipped(&what, skipped.left);
            Refusal::unavailable(format!(
                "`{what}` failed too often; models are asked for it again in {:.1} s",
                skipped.left.as_secs_f64()
            ))
        })?;
        let Ok(place) = timeout_at(until, self.places.acquire()).await else {
            let message = format!(
                "no turn came within {within:?}: as many questions are under way as `at_once` of \
                 [inference] allows"
            );
            record.failure(&message);
            return Err(Refusal::new(Reason::Late, message));
        };
        let _place = place.expect("nobody closes it");
        match self.try_each(question, until, &record).await {
            Ok(reply) => {
                circuit.worked();
                Ok(reply)
            }
            Err(refusal) => {
                record.failure(&refusal.message);
                circuit.failed();
                Err(refusal)
            }
        }
    }

    async fn try_each(
        &self,
        question: &Question,
        until: Instant,
        record: &Record<'_>,
    ) -> Answer<Reply> {
        let (task, model) = (question.task.as_deref(), question.model.as_deref());
        let legs = route(&self.sources, task, model, self.settings.attempts());
        let mut failures: Vec<(String, Failed)> = Vec::new();
        for (attempt, leg) in (0_u32..).zip(&legs) {
            if Instant::now() >= until {
                break;
            }
            let provider = self.sources[leg.provider].name();
            match self.attempt(question, leg, attempt, until, record).await {
                Ok((said, data)) => {
                    record.result(provider, attempt, &said);
                    let Said { text, model, usage } = said;
                    let provider = provider.to_owned();
                    return Ok(Reply { text, data, model, provider, usage, attempt });
                }
                Err(failed) => {
                    record.fallback(provider, attempt, failed.message());
                    failures.push((provider.to_owned(), failed));
                }
            }
        }
        Err(refusal(&failures, task))
    }

    /// One attempt, with the circuit of its provider.
    async fn attempt(
        &self,
        question: &Question,
        leg: &Leg,
        attempt: u32,
        until: Instant,
        record: &Record<'_>,
    ) -> Result<(Said, Option<String>), Failed> {
        let source = &self.sources[leg.provider];
        let circuit = self.providers.enter(leg.provider).map_err(|skipped| {
            record.skipped(source.name(), skipped.left);
            let left = skipped.left.as_secs_f64();
            Failed::Unavailable(format!("it failed too often and is left alone for {left:.1} s"))
        })?;
        record.route(source.name(), leg.model.as_deref(), attempt);
        let began = Instant::now();
        let until = source.within().map_or(until, |own| until.min(began + own));
        let asked = timeout_at(until, self.ask_source(question, leg)).await;
        let given = until - began;
        let asked = asked
            .unwrap_or_else(|_| Err(Failed::Late(format!("it did not answer within {given:?}"))));
        match &asked {
            Ok(_) | Err(Failed::Unfit(_)) => circuit.worked(),
            Err(Failed::Unavailable(_)) => circuit.failed(),
            Err(Failed::Late(_)) => {
                let fair = FAIR.min(self.settings.within());
                if given >= source.within().map_or(fair, |own| own.min(fair)) {
                    circuit.failed();
                }
            }
        }
        let said = asked?;
        let data = judge(&said.text, question.schema.as_ref())?;
        Ok((said, data))
    }

    async fn ask_source(&self, question: &Question, leg: &Leg) -> Result<Said, Failed> {
        match (&self.sources[leg.provider], &self.endpoints[leg.provider]) {
            (Source::Openai { model, secret, .. }, Some(endpoint)) => {
                let key = match secret {
                    Some(name) => Some(self.key(name.as_str()).await?),
                    None => None,
                };
                self.caller.ask(endpoint.clone(), key.as_deref(), model, question).await
            }
            (source, _) => {
                let program = match source {
                    Source::Pi { program, .. } => program.as_deref(),
                    Source::Openai { .. } => None,
                };
                pi::ask(&self.environment, program, leg.model.as_deref(), question).await
            }
        }
    }

    async fn key(&self, name: &str) -> Result<String, Failed> {
        let (lookup, wanted) = (Arc::clone(&self.lookup), name.to_owned());
        let found = tokio::task::spawn_blocking(move || lookup(&wanted)).await.ok().flatten();
        found.filter(|key| !key.is_empty()).ok_or_else(|| {
            Failed::Unavailable(format!("the secret `{name}` of this provider has no value"))
        })
    }
}

/// All that was tried, in one refusal.
fn refusal(failures: &[(String, Failed)], task: Option<&str>) -> Refusal {
    if failures.is_empty() {
        return Refusal::unavailable(format!(
            "no provider of [inference] takes questions of the task {task:?}: add it to `tasks` of \
             one, or name one without `tasks`"
        ));
    }
    let said: Vec<_> = failures
        .iter()
        .map(|(provider, failed)| format!("{provider}: {}", failed.message()))
        .collect();
    let message = format!("no model answered: {}", said.join("; "));
    let all = |fits: fn(&Failed) -> bool| failures.iter().all(|(_, failed)| fits(failed));
    let late = matches!(failures.last(), Some((_, Failed::Late(_))));
    let reason = if late {
        Reason::Late
    } else if all(|failed| matches!(failed, Failed::Unavailable(_))) {
        Reason::Unavailable
    } else {
        Reason::Failed
    };
    Refusal::new(reason, message)
}
