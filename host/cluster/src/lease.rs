//! One of many, elected by a `Lease`: whoever holds it leads, until it gives it up or cannot renew it.
//!
//! No clocks of two machines are compared: a lease has run out when it has not changed for its own length, as the one who
//! looks has measured it. Its holder stops leading earlier than that, by its own clock, so that there are never two. A
//! process that is held still as a whole cannot know that it is; what the leader does must be harmless to do twice.

mod decide;

use std::time::Duration;

use jiff::Timestamp;
use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use kube::api::{ObjectMeta, PostParams};
use kube::{Api, Client};
use tokio::sync::watch;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use self::decide::{Action, Candidate, Seen};
pub use self::decide::{Times, TimesError};

/// One of those who would lead.
pub struct Election {
    leases: Api<Lease>,
    name: String,
    candidate: Candidate,
    leads: watch::Sender<bool>,
    /// What was told last, so that an outage is one line.
    trouble: Option<String>,
}

impl Election {
    /// A candidate for the lease of this name. `identity` is to be unique: a pod's name is. The receiver tells whether it
    /// leads.
    pub fn new(
        client: Client,
        namespace: &str,
        name: &str,
        identity: &str,
        times: Times,
    ) -> (Self, watch::Receiver<bool>) {
        let (leads, told) = watch::channel(false);
        let election = Self {
            leases: Api::namespaced(client, namespace),
            name: name.to_owned(),
            candidate: Candidate::new(identity, times),
            leads,
            trouble: None,
        };
        (election, told)
    }

    /// Takes part until it is stopped; then it gives the lease up, if it has it, and the next one takes it at once.
    pub async fn run(mut self, stop: CancellationToken) {
        while !stop.is_cancelled() {
            self.turn().await;
            let pause = tokio::time::sleep(self.candidate.times().retry());
            let lapse = self.lapse();
            tokio::select! {
                () = stop.cancelled() => break,
                () = lapse => self.tell(),
                () = pause => {}
            }
        }
        if self.candidate.leads(Instant::now()) {
            let limit = self.candidate.times().retry();
            if let Ok(Err(error)) = tokio::time::timeout(limit, self.give_up()).await {
                tracing::warn!(lease = self.name, %error, "the lease is not given up, and runs out by itself");
            }
        }
        self.leads.send_replace(false);
    }

    /// Looks, and does what follows. Whatever the server takes its time for, leading ends when it has to.
    async fn turn(&mut self) {
        let limit = self.candidate.times().retry();
        let lapse = self.lapse();
        let leads = self.leads.clone();
        let asked = tokio::time::timeout(limit, self.ask());
        let result = {
            tokio::pin!(asked, lapse);
            tokio::select! {
                result = &mut asked => result,
                () = &mut lapse => {
                    leads.send_if_modified(|leads| std::mem::replace(leads, false));
                    asked.await
                }
            }
        };
        let trouble = match result {
            Ok(Ok(())) => None,
            Ok(Err(error)) => Some(error.to_string()),
            Err(_) => Some(format!("no answer within {limit:?}")),
        };
        if let Some(error) = trouble.as_ref().filter(|it| self.trouble.as_ref() != Some(it)) {
            tracing::warn!(lease = self.name, error, "the lease cannot be asked for");
        }
        self.trouble = trouble;
        self.tell();
    }

    async fn ask(&mut self) -> Result<(), kube::Error> {
        let lease = self.leases.get_opt(&self.name).await?;
        self.candidate.observe(lease.as_ref().map(seen), Instant::now());
        // Before the question: the answer may have taken its time.
        let asked = Instant::now();
        let kept = match (self.candidate.action(asked), lease) {
            (Action::Wait, _) | (Action::Renew, None) => return Ok(()),
            (Action::Take, None) => {
                let lease = self.filled(Lease {
                    metadata: ObjectMeta { name: Some(self.name.clone()), ..ObjectMeta::default() },
                    ..Lease::default()
                });
                self.leases.create(&PostParams::default(), &lease).await
            }
            (Action::Take | Action::Renew, Some(lease)) => {
                let lease = self.filled(lease);
                self.leases.replace(&self.name, &PostParams::default(), &lease).await
            }
        };
        match kept {
            Ok(lease) => {
                self.candidate.held(asked);
                self.candidate.observe(Some(seen(&lease)), Instant::now());
                Ok(())
            }
            // Somebody was faster: the next look tells who.
            Err(kube::Error::Api(status)) if status.code == 409 => Ok(()),
            Err(error) => Err(error),
        }
    }

    /// A lease as it is when it is ours.
    fn filled(&self, mut lease: Lease) -> Lease {
        let now = Some(MicroTime(Timestamp::now()));
        let before = lease.spec.take().unwrap_or_default();
        let identity = Some(self.candidate.identity().to_owned());
        let ours = before.holder_identity == identity;
        let changes = before.lease_transitions.unwrap_or(0);
        let passes = !ours && before.holder_identity.is_some();
        lease.spec = Some(LeaseSpec {
            holder_identity: identity,
            lease_duration_seconds: i32::try_from(self.candidate.times().lasts().as_secs()).ok(),
            acquire_time: before.acquire_time.filter(|_| ours).or_else(|| now.clone()),
            renew_time: now,
            lease_transitions: Some(changes.saturating_add(i32::from(passes))),
            ..before
        });
        lease
    }

    async fn give_up(&mut self) -> Result<(), kube::Error> {
        let Some(mut lease) = self.leases.get_opt(&self.name).await? else { return Ok(()) };
        let Some(spec) = lease.spec.as_mut() else { return Ok(()) };
        if spec.holder_identity.as_deref() != Some(self.candidate.identity()) {
            return Ok(());
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        self.leases.replace(&self.name, &PostParams::default(), &lease).await.map(drop)
    }

    fn tell(&self) {
        let now = self.candidate.leads(Instant::now());
        let changed = self.leads.send_if_modified(|leads| std::mem::replace(leads, now) != now);
        if changed {
            let words = if now { "this one leads" } else { "this one leads no more" };
            tracing::info!(lease = self.name, identity = self.candidate.identity(), "{words}");
        }
    }

    /// Ends when leading does, unless the lease is renewed before; never for whoever does not lead.
    fn lapse(&self) -> impl Future<Output = ()> + Send + use<> {
        let lapse = self.candidate.lapse().filter(|_| *self.leads.borrow());
        async move {
            match lapse {
                Some(lapse) => tokio::time::sleep_until(lapse).await,
                None => std::future::pending().await,
            }
        }
    }
}

fn seen(lease: &Lease) -> Seen {
    let spec = lease.spec.clone().unwrap_or_default();
    let lasts = spec.lease_duration_seconds.and_then(|seconds| u64::try_from(seconds).ok());
    Seen {
        version: lease.metadata.resource_version.clone().unwrap_or_default(),
        holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
        lasts: Duration::from_secs(lasts.unwrap_or(0)),
    }
}
