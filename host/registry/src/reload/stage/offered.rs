//! A stage that nothing is activated from.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use protocol::digest::Digest;
use protocol::id::FunctionId;

use super::{Item, Stage};
use crate::reload::Next;
use crate::reload::report::Verdict;
use crate::source::{Again, Content, Found, Origin};

impl Stage<'_> {
    /// Loads one component that somebody offers; everything else that is active stays as it is.
    pub(in crate::reload) async fn load_offered(mut self, name: String, bytes: Arc<[u8]>) -> Self {
        let active = self.active();
        for (other, code) in active.iter().filter(|(other, _)| **other != name) {
            let (digest, code) = (Some(code.digest()), Some(Arc::clone(code)));
            let item = Item { digest, code, ..Item::of(Verdict::Unchanged) };
            self.items.insert(other.clone(), item);
        }
        let digest = Digest::of(&bytes);
        let found = Found::Ready {
            origin: Origin::File(PathBuf::from(&name)),
            digest,
            content: Content::new(digest, Some(bytes), Again::Nowhere),
        };
        self.take(BTreeMap::from([(name, found)]), &active).await;
        self
    }

    /// The code that each function would have.
    pub(in crate::reload) fn after(&self) -> BTreeMap<FunctionId, Next> {
        let mut after = BTreeMap::new();
        for (name, item) in &self.items {
            if let Some(code) = &item.code {
                let next = || Next { component: name.clone(), code: Arc::clone(code) };
                after.extend(code.functions().iter().map(|config| (config.id.clone(), next())));
            }
        }
        after
    }

    /// The functions of new components that would be left out, each with the component's name and the fault.
    pub(in crate::reload) fn faults(&self) -> Vec<(String, String)> {
        let new = self.items.iter().filter(|(_, item)| item.verdict == Verdict::Activated);
        let faults = new.flat_map(|(name, item)| {
            let refused = item.code.iter().flat_map(|code| code.refused());
            refused.map(|refused| (name.clone(), refused.to_string()))
        });
        faults.collect()
    }
}
