//! Two step tables of one function.

use protocol::function::DeclaredStep;

use super::Difference;

/// What is different between two tables, in the order of the new one; what is gone stands where it was.
pub(super) fn compare(old: &[DeclaredStep], new: &[DeclaredStep]) -> Vec<Difference> {
    let kept = in_order(old, new);
    let mut all = Vec::new();
    let (mut old_from, mut new_from) = (0, 0);
    let ends = kept.iter().copied().chain([(old.len(), new.len())]);
    for (old_to, new_to) in ends {
        between(old, new, (old_from..old_to, new_from..new_to), &mut all);
        if let (Some(was), Some(is)) = (old.get(old_to), new.get(new_to))
            && !alike(was, is)
        {
            all.push(Difference::StepRetyped { step: is.id.clone() });
        }
        (old_from, new_from) = (old_to + 1, new_to + 1);
    }
    all
}

/// The pairs of steps with the same id that keep their order: as many as there can be.
fn in_order(old: &[DeclaredStep], new: &[DeclaredStep]) -> Vec<(usize, usize)> {
    let width = new.len() + 1;
    // How long the longest such row is from each pair of places on.
    let mut longest = vec![0_usize; (old.len() + 1) * width];
    for at in (0..old.len()).rev() {
        for to in (0..new.len()).rev() {
            longest[at * width + to] = if old[at].id == new[to].id {
                longest[(at + 1) * width + to + 1] + 1
            } else {
                longest[(at + 1) * width + to].max(longest[at * width + to + 1])
            };
        }
    }
    let (mut at, mut to, mut pairs) = (0, 0, Vec::new());
    while at < old.len() && to < new.len() {
        if old[at].id == new[to].id {
            pairs.push((at, to));
            (at, to) = (at + 1, to + 1);
        } else if longest[(at + 1) * width + to] >= longest[at * width + to + 1] {
            at += 1;
        } else {
            to += 1;
        }
    }
    pairs
}

/// What stands between two steps that stayed.
fn between(
    old: &[DeclaredStep],
    new: &[DeclaredStep],
    (was, is): (std::ops::Range<usize>, std::ops::Range<usize>),
    all: &mut Vec<Difference>,
) {
    let elsewhere =
        |table: &[DeclaredStep], step: &DeclaredStep| table.iter().any(|other| other.id == step.id);
    let claimed = |step: &DeclaredStep| new.iter().any(|one| one.alias.as_ref() == Some(&step.id));
    let mut gone: Vec<_> =
        old[was].iter().filter(|step| !elsewhere(new, step) && !claimed(step)).collect();
    for step in &new[is] {
        if elsewhere(old, step) {
            all.push(Difference::StepReordered { step: step.id.clone() });
            continue;
        }
        let to = step.id.clone();
        let former = old.iter().find(|was| step.alias.as_ref() == Some(&was.id));
        if let Some(former) = former {
            let from = former.id.clone();
            all.push(if alike(former, step) {
                Difference::StepRenamed { from, to, aliased: true }
            } else {
                Difference::StepRetyped { step: to }
            });
        } else if let Some(at) = gone.iter().position(|was| alike(was, step)) {
            let from = gone.remove(at).id.clone();
            all.push(Difference::StepRenamed { from, to, aliased: false });
        } else {
            all.push(Difference::StepAdded { step: to });
        }
    }
    all.extend(gone.into_iter().map(|step| Difference::StepRemoved { step: step.id.clone() }));
}

/// Whether what one of them left behind could be the other's, as far as a table tells.
fn alike(one: &DeclaredStep, other: &DeclaredStep) -> bool {
    (&one.kind, one.keyed) == (&other.kind, other.keyed)
}
