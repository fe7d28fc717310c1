//! Plain settings, from the operator's file.

#[cfg(target_family = "wasm")]
pub(crate) fn setting(key: &str) -> Option<String> {
    use crate::guest::bindings::wasi::config::store;

    // The host reads them from memory: it has no way to fail.
    store::get(key).expect("the host has its settings")
}

#[cfg(not(target_family = "wasm"))]
pub(crate) use self::stub::setting;

/// The settings of a test.
#[cfg(not(target_family = "wasm"))]
pub(crate) mod stub {
    use std::cell::RefCell;
    use std::collections::BTreeMap;

    /// Settings by their keys.
    pub(crate) type Settings = BTreeMap<String, String>;

    thread_local! {
        static SETTINGS: RefCell<Settings> = const { RefCell::new(BTreeMap::new()) };
    }

    pub(crate) fn setting(key: &str) -> Option<String> {
        SETTINGS.with_borrow(|settings| settings.get(key).cloned())
    }

    /// Sets what this thread reads, and returns what it did before.
    pub(crate) fn install(settings: Settings) -> Settings {
        SETTINGS.replace(settings)
    }
}
