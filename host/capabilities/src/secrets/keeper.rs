//! The one that writes the [`Shelf`]: reads every secret at the start, and again when it changes or runs out.

use std::sync::Arc;
use std::sync::mpsc;
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::sync::oneshot;
use tokio::time::Instant;

use super::lease::Lease;
use super::shelf::Shelf;
use super::source::{Named, NotRead, Place, Stamp};
use super::vault::VaultError;
use crate::grants::Name;

/// How often files are looked at.
const LOOK: Duration = Duration::from_secs(1);

/// A thread of its own, so that a vault needs no runtime around it; it ends, and is waited for, when this is dropped.
pub(super) struct Keeper {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Keeper {
    /// Reads all of them, and keeps those current that change. Waits until all are read.
    pub(super) fn start(secrets: Vec<Named>, shelf: Arc<Shelf>) -> Result<Self, VaultError> {
        let (stop, stopped) = oneshot::channel();
        let (say, said) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("secrets".to_owned())
            .spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
                match runtime {
                    Ok(runtime) => runtime.block_on(keep(secrets, &shelf, &say, stopped)),
                    Err(error) => drop(say.send(Err(VaultError::Thread(error)))),
                }
            })
            .map_err(VaultError::Thread)?;
        let keeper = Self { stop: Some(stop), thread: Some(thread) };
        match said.recv() {
            Ok(Ok(())) => Ok(keeper),
            Ok(Err(error)) => Err(error),
            Err(_) => Err(VaultError::Thread(std::io::Error::other("it ended at once"))),
        }
    }
}

impl Drop for Keeper {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic in the thread was reported already.
            drop(thread.join());
        }
    }
}

async fn keep(
    secrets: Vec<Named>,
    shelf: &Shelf,
    say: &mpsc::Sender<Result<(), VaultError>>,
    mut stopped: oneshot::Receiver<()>,
) {
    let read = async {
        let (mut kept, mut values) = (Vec::new(), Vec::new());
        for (name, place) in secrets {
            let (stamp, began) = (place.stamp(), Instant::now());
            let value = place.read().await.map_err(|error| VaultError::NotRead {
                name: name.to_string(),
                why: error.to_string(),
            })?;
            values.push((name.clone(), Some(value)));
            kept.extend(Kept::new(name, place, stamp, began));
        }
        shelf.put(values);
        Ok(kept)
    };
    let read = tokio::select! {
        read = read => read,
        _ = &mut stopped => return,
    };
    let mut kept = match read {
        Ok(kept) => kept,
        Err(error) => return drop(say.send(Err(error))),
    };
    drop(say.send(Ok(())));
    while let Some(next) = kept.iter().map(Kept::due).min() {
        let turn = async {
            tokio::time::sleep_until(next).await;
            for secret in &mut kept {
                if secret.due() <= Instant::now() {
                    secret.refresh(shelf).await;
                }
            }
        };
        tokio::select! {
            () = turn => {}
            _ = &mut stopped => return,
        }
    }
}

/// A secret that may change.
struct Kept {
    name: Name,
    place: Place,
    watch: Watch,
}

enum Watch {
    File { stamp: Option<Stamp>, next: Instant, warned: bool },
    Lease(Lease),
}

impl Kept {
    /// None for one that stays as it is.
    fn new(name: Name, place: Place, stamp: Option<Stamp>, began: Instant) -> Option<Self> {
        let watch = match &place {
            Place::File(_) => Watch::File { stamp, next: began + LOOK, warned: false },
            Place::Command { lasts: Some(lasts), .. } => Watch::Lease(Lease::new(*lasts, began)),
            Place::Env(_) | Place::Command { lasts: None, .. } => return None,
        };
        Some(Self { name, place, watch })
    }

    fn due(&self) -> Instant {
        match &self.watch {
            Watch::File { next, .. } => *next,
            Watch::Lease(lease) => lease.due(),
        }
    }

    /// Reads it again where it is time, and puts it onto the shelf.
    async fn refresh(&mut self, onto: &Shelf) {
        let now = Instant::now();
        match &mut self.watch {
            Watch::File { stamp, next, warned } => {
                *next = now + LOOK;
                let seen = self.place.stamp();
                if seen == *stamp {
                    return;
                }
                match self.place.read().await {
                    Ok(value) => {
                        (*stamp, *warned) = (seen, false);
                        onto.put([(self.name.clone(), Some(value))]);
                        tracing::info!(secret = %self.name, "the secret has changed");
                    }
                    // It is asked again at the next look; said once.
                    Err(error) if !*warned => {
                        *warned = true;
                        let secret = &self.name;
                        tracing::warn!(%secret, %error, "the secret cannot be read again; its old value stays");
                    }
                    Err(_) => {}
                }
            }
            Watch::Lease(lease) => {
                let read = self.place.read().await;
                renewed(&self.name, lease, now, read, onto);
            }
        }
    }
}

/// What a renewal that began at `began` came to.
fn renewed(
    name: &Name,
    lease: &mut Lease,
    began: Instant,
    read: Result<super::value::Value, NotRead>,
    shelf: &Shelf,
) {
    match read {
        Ok(value) => {
            *lease = lease.renewed(began);
            shelf.put([(name.clone(), Some(value))]);
            tracing::debug!(secret = %name, "the secret was renewed");
        }
        Err(error) => {
            let now = Instant::now();
            let expired = lease.has_expired(now);
            lease.failed(now);
            if expired {
                shelf.put([(name.clone(), None)]);
            }
            tracing::warn!(
                secret = %name, %error, expired,
                "the secret cannot be renewed; it is asked for again"
            );
        }
    }
}
