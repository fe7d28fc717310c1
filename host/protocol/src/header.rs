//! Names of the headers that carry meaning on the wire, in the lower case that HTTP libraries compare.

/// Language and version of the SDK; its absence on a reply means "not an SDK" to the server.
pub const SDK: &str = "x-inngest-sdk";
/// Execution version: sent by the server, answered by the worker.
pub const REQUEST_VERSION: &str = "x-inngest-req-version";
/// `true` makes this attempt's error final.
pub const NO_RETRY: &str = "x-inngest-no-retry";
/// When to try again: whole seconds or a date.
pub const RETRY_AFTER: &str = "retry-after";
/// Signature over the body, see [`crate::signature`].
pub const SIGNATURE: &str = "x-inngest-signature";
/// Informational: the HTTP framework.
pub const FRAMEWORK: &str = "x-inngest-framework";
/// `dev` or `cloud`; what kind of server speaks.
pub const SERVER_KIND: &str = "x-inngest-server-kind";
/// Copy of the server kind that asked for a sync.
pub const EXPECTED_SERVER_KIND: &str = "x-inngest-expected-server-kind";
/// `in_band` or `out_of_band`.
pub const SYNC_KIND: &str = "x-inngest-sync-kind";
/// Branch environment.
pub const ENV: &str = "x-inngest-env";
/// Marker that the SDK itself wrote this reply.
pub const SDK_HANDLED: &str = "x-inngest-sdk-handled";
/// The run's id on a call.
pub const RUN_ID: &str = "x-run-id";
/// The targeted step on a call; the same as the `stepId` of the query.
pub const STEP_ID: &str = "x-inngest-step-id";
/// Makes the ids of sent events deterministic, so that a repeated request does not send twice.
pub const EVENT_ID_SEED: &str = "x-inngest-event-id-seed";
