//! Which app has which function: what a function invokes by its id alone is found here.

use std::collections::BTreeMap;

use crate::id::{AppId, FunctionId};

/// Which app has which function. A function has one home, so its id finds it, whatever role serves it.
#[derive(Debug, Clone)]
pub struct Directory {
    own: AppId,
    elsewhere: BTreeMap<FunctionId, AppId>,
}

impl Directory {
    /// A directory that knows no app but the worker's own.
    pub fn new(own: AppId) -> Self {
        Self { own, elsewhere: BTreeMap::new() }
    }

    /// The same with the functions of another app. What the worker's own app has is never looked for elsewhere:
    /// leave it out of `functions`.
    #[must_use]
    pub fn with(mut self, app: &AppId, functions: impl IntoIterator<Item = FunctionId>) -> Self {
        for function in functions {
            self.elsewhere.entry(function).or_insert_with(|| app.clone());
        }
        self
    }

    /// The slug by which the server knows a function. One that no app is known to have counts as the worker's own:
    /// the server answers the invocation with an error that names it.
    ///
    /// ```
    /// use protocol::directory::Directory;
    ///
    /// let host = "system-bus-host".parse().unwrap();
    /// let cluster = "system-bus-cluster".parse().unwrap();
    /// let directory = Directory::new(host).with(&cluster, ["charge".parse().unwrap()]);
    /// assert_eq!(directory.slug(&"charge".parse().unwrap()), "system-bus-cluster-charge");
    /// assert_eq!(directory.slug(&"check".parse().unwrap()), "system-bus-host-check");
    /// ```
    pub fn slug(&self, function: &FunctionId) -> String {
        self.elsewhere.get(function).unwrap_or(&self.own).slug(function)
    }
}
