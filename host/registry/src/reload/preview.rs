//! What a reload would do, without doing it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Instant;

use protocol::id::FunctionId;
use runtime::Component;

use super::stage::Stage;
use super::{ReloadError, Report, Request, millis};
use crate::activation::By;
use crate::generation::Generation;
use crate::registry::Registry;

/// What would be deployed.
#[derive(Debug, Clone)]
pub enum Offer {
    /// What lies in the folder and what the references name, all of it.
    Source,
    /// One component, in the place of the active one of that name; all others stay.
    Component {
        /// Its name: the stem of its file.
        name: String,
        /// Its bytes.
        bytes: Arc<[u8]>,
    },
}

/// What a reload would do.
#[derive(Debug)]
pub struct Preview {
    /// What is active now.
    pub before: Arc<Generation>,
    /// What the reload would answer.
    pub report: Report,
    /// The code that each function would have, loaded. A function of [`Preview::before`] that is not here would be gone.
    pub after: BTreeMap<FunctionId, Next>,
    /// Functions of new components that would be left out for their faults: the component's name and what is wrong.
    pub faults: Vec<(String, String)>,
}

/// The code that a function would have.
#[derive(Debug, Clone)]
pub struct Next {
    /// The name of its component.
    pub component: String,
    /// The code.
    pub code: Arc<Component>,
}

impl Registry {
    /// What a reload for all runs would do. Nothing is changed: nothing is put into the versions folder or written to the
    /// log, and no reload has to wait for it. Compiled code may be added to the cache.
    ///
    /// Fails when there is nothing to load from, as a reload does.
    pub async fn preview(&self, offer: Offer) -> Result<Preview, ReloadError> {
        let began = Instant::now();
        self.refresh().await;
        let before = self.adopt().await;
        let request = Request { dry_run: true, ..Request::by(By::Reload) };
        let stage = Stage::new(self, &before, &request);
        let stage = match offer {
            Offer::Component { name, bytes } => stage.load_offered(name, bytes).await,
            Offer::Source => {
                let source = self.source.as_ref().ok_or(ReloadError::NoSource)?;
                source.refresh().await;
                let scan = source.scan().await;
                self.passed_over.notify_one();
                for trouble in &scan.troubles {
                    tracing::warn!(trouble, "not everything could be looked at");
                }
                stage.load(scan.components).await
            }
        };
        let (after, faults) = (stage.after(), stage.faults());
        let mut report = stage.report(before.number());
        report.took_ms = millis(began);
        Ok(Preview { before, report, after, faults })
    }
}
