//! The types of `wasi:keyvalue`, which both deployed versions share but for what a page of keys ends with.

use wasmtime::component::{ComponentType, Lift, Lower, Resource};

use super::bucket::Bucket;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum Error {
    #[component(name = "no-such-store")]
    NoSuchStore,
    #[component(name = "access-denied")]
    AccessDenied,
    #[component(name = "other")]
    Other(String),
}

/// A page of keys, in 0.2.0-draft.
#[derive(Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct NumberedPage {
    pub(super) keys: Vec<String>,
    pub(super) cursor: Option<u64>,
}

/// A page of keys, in 0.2.0-draft2.
#[derive(Debug, ComponentType, Lift, Lower)]
#[component(record)]
pub(super) struct NamedPage {
    pub(super) keys: Vec<String>,
    pub(super) cursor: Option<String>,
}

/// Why a value was not swapped.
#[derive(ComponentType, Lift, Lower)]
#[component(variant)]
pub(super) enum CasError {
    #[component(name = "store-error")]
    Store(Error),
    /// It is another value now, which this one knows.
    #[component(name = "cas-failed")]
    Changed(Resource<Cas>),
}

/// A value as it was when a guest looked at it.
#[derive(Debug, Clone)]
pub(super) struct Cas {
    pub(super) bucket: Bucket,
    pub(super) key: String,
    pub(super) was: Option<Vec<u8>>,
}
