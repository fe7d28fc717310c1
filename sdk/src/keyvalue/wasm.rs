//! The host's half of values by key: the only file of this module that touches its bindings.

use super::Answer;
use super::told::refusal;
use crate::refusal::{Reason, Refused};

use self::bindings::wasi::keyvalue::{atomics, batch, store};

#[allow(missing_docs, unreachable_pub, clippy::pedantic, reason = "generated from `wit/`")]
mod bindings {
    wit_bindgen::generate!({
        inline: "
            package system-bus:values;
            world values {
                import wasi:keyvalue/store@0.2.0-draft2;
                import wasi:keyvalue/atomics@0.2.0-draft2;
                import wasi:keyvalue/batch@0.2.0-draft2;
            }
        ",
        path: "../wit/deps/keyvalue-draft2",
        world: "system-bus:values/values",
        generate_all,
    });
}

pub(super) struct Bucket(store::Bucket);

pub(super) struct Cas(atomics::Cas);

impl Bucket {
    pub(super) fn open(name: &str) -> Answer<Self> {
        let denied = || {
            let message = format!(
                "the operator has not granted the bucket {name:?}: `buckets` or `shared` of the \
                 component's `keyvalue` in the file of grants would"
            );
            Refused::new(Reason::Denied, message)
        };
        store::open(name).map(Self).map_err(|error| match error {
            store::Error::AccessDenied => denied(),
            error => told(error),
        })
    }

    pub(super) fn get(&self, key: &str) -> Answer<Option<Vec<u8>>> {
        self.0.get(key).map_err(told)
    }

    pub(super) fn set(&self, key: &str, value: &[u8]) -> Answer<()> {
        self.0.set(key, value).map_err(told)
    }

    pub(super) fn delete(&self, key: &str) -> Answer<()> {
        self.0.delete(key).map_err(told)
    }

    pub(super) fn exists(&self, key: &str) -> Answer<bool> {
        self.0.exists(key).map_err(told)
    }

    pub(super) fn list_keys(&self, after: Option<&str>) -> Answer<(Vec<String>, Option<String>)> {
        self.0.list_keys(after).map(|page| (page.keys, page.cursor)).map_err(told)
    }

    pub(super) fn increment(&self, key: &str, by: i64) -> Answer<i64> {
        atomics::increment(&self.0, key, by).map_err(told)
    }

    pub(super) fn watch(&self, key: &str) -> Answer<Cas> {
        atomics::Cas::new(&self.0, key).map(Cas).map_err(told)
    }

    pub(super) fn get_many(&self, keys: &[String]) -> Answer<Vec<(String, Option<Vec<u8>>)>> {
        batch::get_many(&self.0, keys).map_err(told)
    }

    pub(super) fn set_many(&self, all: &[(String, Vec<u8>)]) -> Answer<()> {
        batch::set_many(&self.0, all).map_err(told)
    }

    pub(super) fn delete_many(&self, keys: &[String]) -> Answer<()> {
        batch::delete_many(&self.0, keys).map_err(told)
    }
}

impl Cas {
    pub(super) fn current(&self) -> Answer<Option<Vec<u8>>> {
        self.0.current().map_err(told)
    }

    /// None where it was done, and the value as it is now where it was not.
    pub(super) fn swap(self, value: &[u8]) -> Answer<Option<Self>> {
        match atomics::swap(self.0, value) {
            Ok(()) => Ok(None),
            Err(atomics::CasError::CasFailed(now)) => Ok(Some(Self(now))),
            Err(atomics::CasError::StoreError(error)) => Err(told(error)),
        }
    }
}

fn told(error: store::Error) -> Refused {
    match error {
        store::Error::NoSuchStore => Refused::new(Reason::Missing, "there is no such bucket"),
        store::Error::AccessDenied => {
            Refused::new(Reason::Denied, "the operator has not granted this to the component")
        }
        store::Error::Other(text) => refusal(text),
    }
}
