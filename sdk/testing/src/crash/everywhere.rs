//! Repeats a scenario with a crash at each boundary, and compares.

use std::any::Any;
use std::collections::{BTreeMap, BTreeSet};
use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::crash::{Boundary, Finding, Report, Watch, What};
use crate::effects::Effects;
use crate::kit::Kit;

/// Runs a scenario as it is, and then once for each boundary of a step that it came by, with the worker killed there.
/// Another worker is there at once; what the dead one was about is tried again as after any lost call, which takes the
/// engine's pause and an attempt.
///
/// The scenario must do the same each time, and its assertions should hold after a crash, too: let it wait with
/// [`Kit::until_waiting`] and [`Kit::until_ended`], which let the pauses pass.
///
/// # Panics
///
/// When the scenario fails without any crash.
pub fn everywhere(scenario: impl Fn(&mut Kit)) -> Report {
    let mut kit = Kit::new();
    scenario(&mut kit);
    let baseline = Seen::of(&kit);
    let boundaries = std::mem::take(&mut kit.stage.watch.borrow_mut().seen);
    let mut findings = Vec::new();
    for (number, boundary) in boundaries.iter().enumerate() {
        let mut kit = Kit::watched(Watch::dying_at(number));
        let failed = catch_unwind(AssertUnwindSafe(|| scenario(&mut kit))).err();
        let what = compare(&baseline, &kit, boundary, failed.as_deref());
        findings.extend(what.into_iter().map(|what| Finding { boundary: boundary.clone(), what }));
    }
    Report { boundaries, findings }
}

/// What the world could see of a scenario.
struct Seen {
    effects: BTreeMap<String, usize>,
    /// The keys of bodies, by function and step.
    bodies: BTreeMap<(String, String), BTreeSet<String>>,
}

impl Seen {
    fn of(kit: &Kit) -> Self {
        let mut bodies: BTreeMap<_, BTreeSet<_>> = BTreeMap::new();
        for body in &kit.stage.journal.borrow().bodies {
            let step = (body.function.clone(), body.base.clone());
            bodies.entry(step).or_default().insert(body.idempotency_key.clone());
        }
        Self { effects: kit.stage.effects.counts(), bodies }
    }
}

fn compare(
    baseline: &Seen,
    kit: &Kit,
    boundary: &Boundary,
    failed: Option<&(dyn Any + Send)>,
) -> Vec<What> {
    let (died, allowed) = {
        let watch = kit.stage.watch.borrow();
        let same = watch.seen.iter().any(|seen| seen == boundary);
        (watch.has_died && same, watch.allowed.clone())
    };
    if !died {
        return vec![What::Elsewhere];
    }
    let after = Seen::of(kit);
    let effects: &Effects = &kit.stage.effects;
    let mut found = Vec::new();
    for (name, count) in after.effects.iter().filter(|(name, _)| !allowed.contains(*name)) {
        let without = baseline.effects.get(name).copied().unwrap_or_default();
        if *count > without {
            let keys = effects.keys(name);
            found.push(What::Effect { name: name.clone(), count: *count, without, keys });
        }
    }
    for ((function, step), keys) in
        after.bodies.iter().filter(|((_, step), _)| !allowed.contains(step))
    {
        let known = baseline.bodies.get(&(function.clone(), step.clone()));
        let without = known.map_or(0, BTreeSet::len);
        if keys.len() > without {
            let (function, step) = (function.clone(), step.clone());
            let keys = keys.iter().cloned().collect();
            found.push(What::Body { function, step, without, keys });
        }
    }
    found.extend(failed.map(|panic| What::Failed { message: message(panic) }));
    found
}

/// What a panic said.
pub(crate) fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str);
    text.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("it panicked").to_owned()
}
