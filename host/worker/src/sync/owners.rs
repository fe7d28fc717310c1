//! Asks the server who else has functions of ours.

use protocol::id::AppId;
use protocol::sync::{Announced, Conflict};

use crate::neighbours;
use crate::options::Options;
use crate::server_api::{ApiError, ServerApi};

/// Knows which apps to ask about.
#[derive(Debug, Clone)]
pub(crate) struct Owners {
    own: AppId,
    /// Asked about even where the server does not list its apps.
    known: Vec<AppId>,
    api: ServerApi,
}

impl Owners {
    pub(crate) fn new(options: &Options, api: ServerApi) -> Self {
        Self { own: options.app.clone(), known: neighbours::beside(options), api }
    }

    /// The functions that other apps have too and that are live there. It fails only where the server cannot be asked
    /// at all; what one route does not tell is taken not to be in the way.
    pub(crate) async fn conflicts(&self, announced: &Announced) -> Result<Vec<Conflict>, ApiError> {
        if announced.functions.is_empty() {
            return Ok(Vec::new());
        }
        let mut apps = self.known.clone();
        match self.api.apps().await {
            Ok(listed) => apps.extend(listed),
            Err(error @ ApiError::Unreachable { .. }) => return Err(error),
            Err(error) => tracing::debug!(%error, "the server does not list its apps"),
        }
        apps.retain(|app| *app != self.own);
        apps.sort();
        apps.dedup();
        let mut conflicts = Vec::new();
        for app in &apps {
            match self.api.functions(app).await {
                Ok(held) => conflicts.extend(announced.conflicts(app, &held)),
                Err(error @ ApiError::Unreachable { .. }) => return Err(error),
                Err(error) => {
                    tracing::debug!(%app, %error, "the functions of another app are not told")
                }
            }
        }
        conflicts.sort();
        conflicts.dedup();
        Ok(conflicts)
    }
}
