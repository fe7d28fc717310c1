//! The functions that guests import.

use std::sync::Arc;

use protocol::id::RunId;
use runtime::CallState;
use runtime::capability::{Interface, Offer};
use runtime::placement::Capability;
use wasmtime::component::{ComponentNamedList, ComponentType, Lift, Lower};

use super::call::{Aim, Asked, audited};
use super::going::{Going, blocking};
use super::shared::Roots;
use super::space::Ledger;
use super::words::Spot;
use crate::refusal::Answer;

/// Files, for the runtime.
#[derive(Debug)]
pub struct Provider {
    roots: Arc<Roots>,
}

impl Provider {
    /// Files in these roots.
    pub fn new(roots: Arc<Roots>) -> Self {
        Self { roots }
    }
}

impl runtime::Provider for Provider {
    fn capability(&self) -> Capability {
        Capability::Fs
    }

    fn link(&self, offer: &mut Offer<'_>) -> wasmtime::Result<()> {
        // It has types only, and is imported all the same.
        offer.interface("system-bus:durable/fs-types")?;
        let mut files = self.files(offer, "system-bus:durable/fs-read")?;
        files.reads("read", |(root, path)| (root, path, Asked::read))?;
        files.reads("read-at", |(root, path, offset, length)| {
            let part = move |asked: &Asked, going: &Going| asked.read_at(offset, length, going);
            (root, path, part)
        })?;
        files.reads("list-folder", |(root, path)| (root, path, Asked::list))?;
        files.reads("metadata-of", |(root, path)| {
            (root, path, |asked: &Asked, _: &Going| asked.metadata())
        })?;

        let mut files = self.files(offer, "system-bus:durable/fs-write")?;
        files.changes("write", |(root, path, content): (_, _, Vec<u8>)| {
            let put = move |asked: &Asked, ledger: &mut Ledger, going: &Going| {
                asked.write(&content, ledger, going)
            };
            (root, path, put)
        })?;
        files.changes("append", |(root, path, content): (_, _, Vec<u8>)| {
            let add = move |asked: &Asked, ledger: &mut Ledger, going: &Going| {
                asked.append(&content, ledger, going)
            };
            (root, path, add)
        })?;
        files.changes("make-folder", |(root, path)| (root, path, Asked::make_folder))?;
        files.changes("rename", |(root, path, to): (_, _, String)| {
            let rename = move |asked: &Asked, ledger: &mut Ledger, going: &Going| {
                asked.rename(&Spot::parse(&asked.spot.root, &to)?, ledger, going)
            };
            (root, path, rename)
        })?;
        files.changes("remove", |(root, path)| (root, path, Asked::remove))
    }

    fn run_ended(&self, run: RunId) {
        self.roots.run_ended(run);
    }
}

impl Provider {
    fn files<'o>(&self, offer: &'o mut Offer<'_>, name: &str) -> wasmtime::Result<Files<'o>> {
        Ok(Files { interface: offer.interface(name)?, roots: Arc::clone(&self.roots) })
    }
}

/// One interface, whose functions all name a root and a path.
struct Files<'o> {
    interface: Interface<'o>,
    roots: Arc<Roots>,
}

impl Files<'_> {
    /// Defines a function that reads. `question` takes what a guest passes apart: a root, a path, and what is done there.
    fn reads<P, W, T>(
        &mut self,
        name: &'static str,
        question: impl Fn(P) -> (String, String, W) + Clone + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + 'static,
        W: FnOnce(&Asked, &Going) -> Answer<T> + Send + 'static,
        T: ComponentType + Lower + Send + Sync + 'static,
    {
        let roots = Arc::clone(&self.roots);
        self.interface.function(name, move |state: &mut CallState, passed: P| {
            let roots = Arc::clone(&roots);
            let (root, path, work) = question(passed);
            Box::pin(async move {
                let answer = match Asked::find(state, &roots, (&root, &path), Aim::Read).await? {
                    Ok(asked) => blocking(move |going| work(&asked, going)).await?,
                    Err(refusal) => Err(refusal),
                };
                Ok((audited(state, name, (&root, &path), answer),))
            })
        })
    }

    /// The same for a function that changes something, which has to wait for its turn in the root.
    fn changes<P, W>(
        &mut self,
        name: &'static str,
        question: impl Fn(P) -> (String, String, W) + Clone + Send + Sync + 'static,
    ) -> wasmtime::Result<()>
    where
        P: ComponentNamedList + Lift + Send + 'static,
        W: FnOnce(&Asked, &mut Ledger, &Going) -> Answer<()> + Send + 'static,
    {
        let roots = Arc::clone(&self.roots);
        self.interface.function(name, move |state: &mut CallState, passed: P| {
            let roots = Arc::clone(&roots);
            let (root, path, work) = question(passed);
            Box::pin(async move {
                let answer = match Asked::find(state, &roots, (&root, &path), Aim::Change).await? {
                    Ok(asked) => {
                        let mut ledger = asked.space.turn().await;
                        // The turn goes with the work: it is over when the work is, whoever still waits for it.
                        blocking(move |going| work(&asked, &mut ledger, going)).await?
                    }
                    Err(refusal) => Err(refusal),
                };
                Ok((audited(state, name, (&root, &path), answer),))
            })
        })
    }
}
