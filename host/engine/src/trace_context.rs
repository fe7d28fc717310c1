//! The trace that a worker is told with each call of a run, in headers or in an envelope, as W3C writes it.

use sha2::{Digest, Sha256};

use crate::app::uuid_of;
use crate::call::Names;

/// What stands in `traceparent` and `tracestate`: one trace for a run, and in it a span of the server's for each call.
pub(crate) struct TraceContext {
    pub(crate) parent: String,
    pub(crate) state: String,
}

impl TraceContext {
    pub(crate) fn of(names: &Names) -> Self {
        let trace = &digits(&names.run.to_string())[..32];
        let span = &digits(&names.request)[..16];
        let app = uuid_of(&names.app);
        Self {
            parent: format!("00-{trace}-{span}-01"),
            state: format!("inngest@fn={},inngest@app={app}", names.function),
        }
    }
}

/// Hexadecimal digits that belong to a text and to no other.
fn digits(text: &str) -> String {
    hex::encode(Sha256::digest(text))
}
