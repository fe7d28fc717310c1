//! From what is announced to what is told.

use protocol::id::AppId;
use protocol::introspect::Capabilities;
use protocol::sync::{Announced, SyncPayload, connect_url};
use url::Url;

use crate::options::Options;

/// What stays the same in every payload of one worker.
#[derive(Debug, Clone)]
pub(crate) struct Payloads {
    pub(crate) app: AppId,
    version: Option<String>,
    url: Url,
    capabilities: Capabilities,
}

impl Payloads {
    /// Of a worker that the server calls at `url`.
    pub(crate) fn served(options: &Options, url: &Url) -> Self {
        Self {
            app: options.app.clone(),
            version: options.app_version.clone(),
            url: url.clone(),
            capabilities: options.capabilities(),
        }
    }

    /// Of a worker that connects.
    pub(crate) fn connected(options: &Options) -> Self {
        Self {
            app: options.app.clone(),
            version: options.app_version.clone(),
            url: connect_url(&options.app),
            capabilities: Capabilities::default(),
        }
    }

    pub(crate) fn of(&self, announced: &Announced) -> SyncPayload {
        SyncPayload::new(&self.app, self.version.as_deref(), &self.url, announced)
            .announcing(self.capabilities)
    }
}
