//! Components from OCI registries.
//!
//! A component is one layer of a manifest, as `wkg oci push` and `oras push` write it; the layer's digest is the
//! component's. A tag is asked for from time to time, a digest once. A registry that is away changes nothing: what was
//! known stays, and it is asked again, less and less often.

mod credentials;
pub(crate) mod fetch;
mod manifest;
mod poll;
mod reference;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use protocol::digest::Digest;
use tokio::sync::{Notify, Semaphore};
use tokio::task::JoinSet;

pub use self::credentials::{Credentials, CredentialsError};
use self::fetch::{Away, Fetcher, Resolved};
use self::poll::Poll;
pub use self::reference::{ComponentReference, ReferenceError};
use crate::source::{Scan, SourceError};

/// So many questions are under way at a time.
const AT_ONCE: usize = 4;

/// What to take from registries, and how.
#[derive(Debug, Clone)]
pub struct OciOptions {
    /// Which components. Two of one name are both faulty.
    pub references: Vec<ComponentReference>,
    /// How often to ask what a tag means.
    pub every: Duration,
    /// How long the first scan waits for registries before it goes on without them.
    pub patience: Duration,
    /// How long one question may take, download included.
    pub limit: Duration,
    /// The largest component, in bytes.
    pub largest: u64,
    /// Who we are.
    pub credentials: Credentials,
    /// Registries that are asked over plain HTTP, such as `registry.local:5000`. Those of this machine always are.
    pub plain_http: Vec<String>,
}

impl Default for OciOptions {
    fn default() -> Self {
        Self {
            references: Vec::new(),
            every: Duration::from_secs(30),
            patience: Duration::from_secs(5),
            limit: Duration::from_mins(2),
            largest: 256 << 20,
            credentials: Credentials::default(),
            plain_http: Vec::new(),
        }
    }
}

/// The components that a list of references leads to.
#[derive(Debug)]
pub struct Oci {
    options: OciOptions,
    fetcher: Fetcher,
    state: Mutex<State>,
    /// Told when there are other references.
    others: Notify,
}

#[derive(Debug)]
struct State {
    polls: Vec<Poll>,
    /// Whether a scan has waited for the registries.
    waited: bool,
    /// Whether a scan would say something else than the last one.
    news: bool,
}

/// An answer, and whose it is.
type Answer = (ComponentReference, Result<Option<Resolved>, Away>);

impl Oci {
    /// Asks nobody yet.
    pub fn new(options: OciOptions) -> Self {
        let now = Instant::now();
        let polls = options.references.iter().cloned();
        let polls = polls.map(|reference| Poll::new(reference, now)).collect();
        let fetcher = Fetcher::new(options.clone());
        let state = Mutex::new(State { polls, waited: false, news: true });
        Self { options, fetcher, state, others: Notify::new() }
    }

    /// From now on there are these references, and no others. What is known of those that stay is kept; of a component
    /// that has another reference now, what is active stays until that one has been asked for.
    pub fn take_from(&self, references: Vec<ComponentReference>) {
        self.fetcher.take_from(references.clone());
        let now = Instant::now();
        let mut state = self.lock();
        let mut before = std::mem::take(&mut state.polls);
        let poll = |reference: ComponentReference| {
            let known = before.iter().position(|poll| poll.reference == reference);
            known.map_or_else(|| Poll::new(reference, now), |at| before.swap_remove(at))
        };
        state.polls = references.into_iter().map(poll).collect();
        // What is gone is news; what is new is asked for first.
        state.news |= !before.is_empty();
        drop(state);
        self.others.notify_one();
    }

    /// Everything that is known. Only the first scan asks the registries, and waits for them no longer than the patience
    /// of the options: what they have not said by then is unsettled.
    pub async fn scan(&self) -> Scan {
        let first = !std::mem::replace(&mut self.lock().waited, true);
        if first {
            let all = self.ask(|poll, _| poll.is_fresh());
            if tokio::time::timeout(self.options.patience, all).await.is_err() {
                tracing::warn!(
                    patience = ?self.options.patience,
                    "going on without the registries that have not answered yet"
                );
            }
        }
        let mut state = self.lock();
        state.news = false;
        let mut scan = Scan::default();
        for poll in &mut state.polls {
            let (found, trouble) = poll.found(&self.fetcher);
            scan.troubles.extend(trouble);
            let name = poll.reference.name().to_owned();
            let one = Scan { components: [(name, found)].into(), troubles: Vec::new() };
            scan = crate::source::join(scan, one);
        }
        scan
    }

    /// Asks every registry now, whatever was planned: before a scan that must not miss what was just published.
    pub async fn refresh(&self) {
        self.ask(|poll, _| poll.next().is_some()).await;
    }

    /// Returns when a scan would find something else than the last one did. Cancelling it loses nothing; one caller at
    /// a time.
    pub async fn changed(&self) {
        loop {
            let next = {
                let state = self.lock();
                if state.news {
                    return;
                }
                state.polls.iter().filter_map(Poll::next).min()
            };
            let due = async {
                match next {
                    Some(next) => tokio::time::sleep_until(next.into()).await,
                    // Only digests, and all are there.
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                () = due => {}
                () = self.others.notified() => {}
            }
            self.ask(|poll, now| poll.next().is_some_and(|next| next <= now)).await;
        }
    }

    /// A component by its digest, from any of the repositories. `None` when all say that they do not have it.
    pub async fn fetch(&self, digest: &Digest) -> Result<Option<Arc<[u8]>>, SourceError> {
        self.fetcher.fetch(digest).await
    }

    /// Asks for the references that are wanted, a few at a time. Answers count as they come, so that giving up loses
    /// only those that have not.
    async fn ask(&self, wanted: impl Fn(&Poll, Instant) -> bool) {
        let now = Instant::now();
        let places = Arc::new(Semaphore::new(AT_ONCE));
        let mut questions = JoinSet::<Answer>::new();
        for poll in &self.lock().polls {
            if !wanted(poll, now) {
                continue;
            }
            let (fetcher, places) = (self.fetcher.clone(), places.clone());
            let (reference, known) = (poll.reference.clone(), poll.known());
            questions.spawn(async move {
                let _place = places.acquire().await;
                let known = known
                    .as_ref()
                    .map(|(manifest, component)| (manifest.as_str(), component.as_ref()));
                {
                    let answer = fetcher.resolve(&reference, known).await;
                    (reference, answer)
                }
            });
        }
        while let Some(answer) = questions.join_next().await {
            match answer {
                Ok((reference, answer)) => self.answer(&reference, answer),
                Err(error) => tracing::error!(%error, "a question to a registry has ended early"),
            }
        }
    }

    fn answer(&self, reference: &ComponentReference, answer: Result<Option<Resolved>, Away>) {
        let mut state = self.lock();
        let State { polls, news, .. } = &mut *state;
        // There may be others by now.
        let Some(poll) = polls.iter_mut().find(|poll| poll.reference == *reference) else { return };
        let reason = answer.as_ref().err().map(|Away(reason)| reason.clone());
        if poll.answer(answer, self.options.every, Instant::now()) {
            *news = true;
            if let Some(reason) = reason {
                tracing::warn!(reference = %poll.reference, reason, "a registry cannot be asked; what is known stays in use");
            }
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
