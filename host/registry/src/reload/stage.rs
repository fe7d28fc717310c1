//! What a reload would make of what it found: everything is loaded and checked before anything is changed.

mod offered;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use futures::stream::{self, StreamExt};
use protocol::digest::{Digest, Hashed};
use protocol::id::FunctionId;
use runtime::Component as Code;

use super::report::{Component, Report, Span, Verdict};
use super::{Request, millis};
use crate::activation::{Change, Percent};
use crate::canary::mode_of;
use crate::generation::Generation;
use crate::registry::{Registry, Rejected, lock};
use crate::source::{Content, Found};

/// What a reload would make of what it found.
pub(super) struct Stage<'r> {
    registry: &'r Registry,
    before: &'r Generation,
    request: &'r Request,
    items: BTreeMap<String, Item>,
}

/// A component that is there or was active.
struct Item {
    digest: Option<Digest>,
    bytes: Option<Hashed>,
    /// The code that will be active for it.
    code: Option<Arc<Code>>,
    verdict: Verdict,
    reason: Option<String>,
    /// The functions that it shares with others, for which it is refused.
    duplicates: Vec<FunctionId>,
    took_ms: u64,
}

impl Item {
    /// Nothing but a verdict.
    fn of(verdict: Verdict) -> Self {
        Self {
            digest: None,
            bytes: None,
            code: None,
            verdict,
            reason: None,
            duplicates: Vec::new(),
            took_ms: 0,
        }
    }

    fn refuse(&mut self, active: Option<&Arc<Code>>, reason: String) {
        self.code = active.cloned();
        self.verdict = if active.is_some() { Verdict::CarriedOver } else { Verdict::Rejected };
        self.reason = Some(reason);
    }

    fn functions(&self) -> impl Iterator<Item = &FunctionId> {
        self.code.iter().flat_map(|code| code.functions()).map(|function| &function.id)
    }
}

impl<'r> Stage<'r> {
    pub(super) fn new(
        registry: &'r Registry,
        before: &'r Generation,
        request: &'r Request,
    ) -> Self {
        Self { registry, before, request, items: BTreeMap::new() }
    }

    /// Loads what is new, and checks it against everything else.
    pub(super) async fn load(mut self, found: BTreeMap<String, Found>) -> Self {
        let active = self.active();
        for (name, code) in &active {
            if !found.contains_key(name) {
                let item = Item { digest: Some(code.digest()), ..Item::of(Verdict::Removed) };
                self.items.insert(name.clone(), item);
            }
        }
        self.take(found, &active).await;
        self
    }

    /// Loads what was found, and checks everything there is then.
    async fn take(&mut self, found: BTreeMap<String, Found>, active: &BTreeMap<String, Arc<Code>>) {
        let at_once = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
        let loads = stream::iter(found).map(|(name, found)| {
            let active = active.get(&name);
            let this = &*self;
            async move {
                let item = this.item(&name, found, active).await;
                (name, item)
            }
        });
        let items: Vec<_> = loads.buffer_unordered(at_once).collect().await;
        self.items.extend(items);
        self.refuse_lost_functions(active);
        self.refuse_moving_canaries(active);
        self.refuse_duplicates(active);
    }

    /// The active code of each component.
    fn active(&self) -> BTreeMap<String, Arc<Code>> {
        let components = self.before.components().into_iter();
        components
            .map(|(name, version)| (name.to_owned(), Arc::clone(version.component())))
            .collect()
    }

    async fn item(&self, name: &str, found: Found, active: Option<&Arc<Code>>) -> Item {
        let began = Instant::now();
        let mut item = Item::of(Verdict::Activated);
        let (content, digest) = match found {
            Found::Ready { content, digest, .. } => (content, digest),
            Found::Unsettled => {
                let reason = "it is still being written; it is looked at again when it is complete";
                item.refuse(active, reason.to_owned());
                return item;
            }
            Found::Faulty { reason } => {
                item.refuse(active, reason);
                return item;
            }
        };
        item.digest = Some(digest);
        if active.is_some_and(|code| code.digest() == digest) && !self.ends_canary(name) {
            item.code = active.cloned();
            item.verdict = Verdict::Unchanged;
            return item;
        }
        if let Some(percent) = self.canary_of(name, digest)
            && (self.request.percent.is_none_or(|asked| asked == percent) || self.is_discovery())
        {
            item.code = active.cloned();
            item.verdict = Verdict::Unchanged;
            item.reason = Some(format!(
                "it is the canary of {percent} percent of the runs; name another percentage to change that"
            ));
            return item;
        }
        if self.was_rolled_back(name, digest) && !self.request.force {
            item.code = active.cloned();
            item.verdict = Verdict::RolledBack;
            item.reason = Some(
                "this version was rolled back; put another one there, or ask with `force`"
                    .to_owned(),
            );
            return item;
        }
        if self.is_behind(name, digest) && !self.request.force {
            item.code = active.cloned();
            item.verdict = Verdict::Superseded;
            item.reason = Some(
                "this version was active before the present one, and has not changed here since; put the newer one \
                 there, or ask with `force`"
                    .to_owned(),
            );
            return item;
        }
        match self.code(name, &content).await {
            Ok((code, bytes)) => {
                item.code = Some(code);
                item.bytes = Some(bytes);
            }
            Err(reason) => item.refuse(active, reason),
        }
        item.took_ms = millis(began);
        item
    }

    async fn code(&self, name: &str, content: &Content) -> Result<(Arc<Code>, Hashed), String> {
        let bytes = content.hashed().await.map_err(|error| error.to_string())?;
        let code = Code::load(&self.registry.runtime, name, bytes.clone()).await;
        Ok((code.map_err(|error| error.to_string())?, bytes))
    }

    fn is_discovery(&self) -> bool {
        self.request.by == crate::activation::By::Discovery
    }

    /// Which share of the runs this digest has as a canary of this component.
    fn canary_of(&self, name: &str, digest: Digest) -> Option<Percent> {
        let mut active = self.before.functions().filter(|(_, active)| active.component == name);
        active.find_map(|(_, active)| {
            let (version, percent) = active.canary.as_ref()?;
            (version.digest() == digest).then_some(*percent)
        })
    }

    /// Whether the file was put back while its canary runs: that ends the canary.
    fn ends_canary(&self, name: &str) -> bool {
        let mut active = self.before.functions().filter(|(_, active)| active.component == name);
        active.any(|(_, active)| active.canary.is_some())
    }

    fn was_rolled_back(&self, name: &str, digest: Digest) -> bool {
        let history = self.before.history();
        let mut active = self.before.functions().filter(|(_, active)| active.component == name);
        active.any(|(function, _)| history.was_rolled_back(function, digest))
    }

    /// Whether a file holds what was active once, and nobody has put it there since this worker looked last: other workers,
    /// or this one before its restart, have moved on.
    fn is_behind(&self, name: &str, digest: Digest) -> bool {
        if self.canary_of(name, digest).is_some() {
            // Its share is what changes.
            return false;
        }
        let unchanged = match &*lock(&self.registry.considered) {
            None => true,
            Some(considered) => considered.get(name) == Some(&digest),
        };
        let mut lines = self.before.history().all();
        unchanged && lines.any(|line| line.digest == Some(digest) && line.component == name)
    }

    /// What was found, for the next look. What could not be read is as it was.
    pub(super) fn consider(&self) {
        let mut considered = lock(&self.registry.considered);
        let before = considered.take().unwrap_or_default();
        let now = self.items.iter().filter(|(_, item)| item.verdict != Verdict::Removed);
        let now = now.filter_map(|(name, item)| {
            let digest = item.digest.or_else(|| before.get(name).copied())?;
            Some((name.clone(), digest))
        });
        *considered = Some(now.collect());
    }

    /// A function that is served now and has a fault in the new code would be gone: the whole component stays old.
    fn refuse_lost_functions(&mut self, active: &BTreeMap<String, Arc<Code>>) {
        for (name, item) in &mut self.items {
            let (Some(code), Some(old)) = (&item.code, active.get(name)) else { continue };
            let served =
                |id: &str| old.functions().iter().any(|function| function.id.as_str() == id);
            let faults: Vec<_> = code.refused().iter().filter(|one| served(one.id())).collect();
            if !faults.is_empty() && item.verdict == Verdict::Activated {
                let reason: Vec<_> = faults.iter().map(ToString::to_string).collect();
                item.refuse(Some(old), reason.join("; "));
            }
        }
    }

    /// A function belongs to one app, so it cannot live in two roles at once, which is what a canary that changes its home
    /// would have to do: the runs of its share would come to workers that do not have its code.
    fn refuse_moving_canaries(&mut self, active: &BTreeMap<String, Arc<Code>>) {
        if !self.request.share().is_canary() {
            return;
        }
        for (name, item) in &mut self.items {
            let Some(new) = item.code.as_ref().filter(|_| item.verdict == Verdict::Activated)
            else {
                continue;
            };
            let moves: Vec<_> = new
                .functions()
                .iter()
                .filter_map(|function| {
                    let (old, new) = (self.before.active(&function.id)?, new.home(&function.id));
                    let old = old.base.component().home(&function.id);
                    (old != new).then(|| format!("{} from {old} to {new}", function.id))
                })
                .collect();
            if !moves.is_empty() {
                let reason = format!(
                    "it moves {}, and a share of the runs cannot move: activate it for all of them",
                    moves.join(", ")
                );
                item.refuse(active.get(name), reason);
            }
        }
    }

    /// A function has one owner. Who has it keeps it; of two that are new, neither gets it: which one is meant cannot be
    /// known. A component that is refused goes back to its active code, which may take a function from another one, so
    /// this is repeated until nothing changes.
    fn refuse_duplicates(&mut self, active: &BTreeMap<String, Arc<Code>>) {
        loop {
            let refused = self.duplicates();
            if refused.is_empty() {
                return;
            }
            for (name, (function, reason)) in refused {
                if let Some(item) = self.items.get_mut(&name) {
                    item.refuse(active.get(&name), reason);
                    item.duplicates.push(function);
                }
            }
        }
    }

    /// The new components that share a function with another one, and what is said of each.
    fn duplicates(&self) -> BTreeMap<String, (FunctionId, String)> {
        let mut owners: BTreeMap<&FunctionId, BTreeSet<&str>> = BTreeMap::new();
        for (name, item) in &self.items {
            for function in item.functions() {
                owners.entry(function).or_default().insert(name);
            }
        }
        let mut refused = BTreeMap::new();
        for (function, names) in owners.into_iter().filter(|(_, names)| names.len() > 1) {
            for name in names.iter().filter(|name| self.items[**name].verdict == Verdict::Activated)
            {
                let others: Vec<_> = names.iter().filter(|other| *other != name).copied().collect();
                let reason = format!(
                    "function {function} is already in component {}; give one of them another id, or remove it",
                    others.join(" and ")
                );
                refused.insert((*name).to_owned(), (function.clone(), reason));
            }
        }
        refused
    }

    /// Whether no function would be left, and there are some now.
    pub(super) fn leaves_nothing(&self) -> bool {
        let left = self.items.values().any(|item| item.functions().next().is_some());
        !left && self.before.functions().next().is_some()
    }

    /// The bytes of everything new.
    pub(super) fn bytes(&self) -> Vec<Hashed> {
        let new = self.items.values().filter(|item| item.verdict == Verdict::Activated);
        new.filter_map(|item| item.bytes.clone()).collect()
    }

    /// Puts everything new among what is in memory.
    pub(super) fn keep(&self) {
        let new = self.items.values().filter(|item| item.verdict == Verdict::Activated);
        for code in new.filter_map(|item| item.code.clone()) {
            self.registry.keep(code);
        }
    }

    /// What was refused, with the reason.
    pub(super) fn rejected(&self) -> impl Iterator<Item = (String, Rejected)> {
        let refused = self.items.iter().filter(|(_, item)| item.verdict.is_refusal());
        refused.map(|(name, item)| {
            let reason = item.reason.clone().unwrap_or_default();
            let duplicates = item.duplicates.clone();
            (name.clone(), Rejected { digest: item.digest, duplicates, reason })
        })
    }

    /// What the log is to say.
    pub(super) fn changes(&self) -> Vec<Change> {
        let mut changes = Vec::new();
        for (name, item) in &self.items {
            if item.verdict == Verdict::Activated
                && let Some(code) = &item.code
            {
                changes.extend(code.functions().iter().map(|config| {
                    // What nobody runs yet has nothing to be compared with.
                    let is_new = self.before.active(&config.id).is_none();
                    let percent = if is_new { Percent::ALL } else { self.request.share() };
                    self.change(&config.id, name, Some(code), percent)
                }));
            }
        }
        // A canary takes nothing away: the functions it lacks are those of its base.
        let kept = |function: &FunctionId| {
            self.items.values().any(|item| item.functions().any(|id| id == function))
        };
        for (function, active) in self.before.functions() {
            let goes = match self.items.get(&active.component).map(|item| item.verdict) {
                Some(Verdict::Activated) => !self.request.share().is_canary(),
                Some(Verdict::Removed) => true,
                _ => false,
            };
            if goes && !kept(function) {
                changes.push(self.change(function, &active.component, None, Percent::ALL));
            }
        }
        changes
    }

    fn change(
        &self,
        function: &FunctionId,
        component: &str,
        code: Option<&Arc<Code>>,
        percent: Percent,
    ) -> Change {
        let home = match code {
            Some(code) => Some(code.home(function)),
            None => self.before.active(function).map(|a| a.base.component().home(function)),
        };
        Change {
            function: function.clone(),
            component: component.to_owned(),
            digest: code.map(|code| code.digest()),
            home,
            mode: code.and_then(|code| mode_of(code, function)),
            percent,
        }
    }

    pub(super) fn report(&self, generation: u64) -> Report {
        let components = self.items.iter().map(|(name, item)| Component {
            name: name.clone(),
            digest: item.digest,
            verdict: item.verdict,
            functions: item.functions().cloned().collect(),
            reason: item.reason.clone(),
            duplicates: item.duplicates.clone(),
            took_ms: item.took_ms,
        });
        Report {
            ok: !self.items.values().any(|item| item.verdict.is_refusal()),
            dry_run: self.request.dry_run,
            generation: Span { before: generation, after: generation },
            components: components.collect(),
            took_ms: 0,
        }
    }
}
