//! What a reload would do, without doing it.

use std::collections::BTreeMap;

use protocol::digest::Digest;
use registry::{Offer, Percent, Preview, Registry, Verdict};
use tokio_util::sync::CancellationToken;

use crate::support::{PATIENCE, Place, component, half_faulty, id};

/// The verdicts, by component, and the functions that there would be, with the digests of their code.
fn told(preview: &Preview) -> (Vec<(&str, Verdict)>, BTreeMap<&str, Digest>) {
    let components = preview.report.components.iter();
    let after = preview.after.iter();
    (
        components.map(|one| (one.name.as_str(), one.verdict)).collect(),
        after.map(|(id, next)| (id.as_str(), next.code.digest())).collect(),
    )
}

async fn preview(registry: &Registry, offer: Offer) -> Preview {
    registry.preview(offer).await.expect("a preview")
}

fn offer(name: &str, bytes: &[u8]) -> Offer {
    Offer::Component { name: name.to_owned(), bytes: bytes.into() }
}

#[tokio::test]
async fn what_lies_there_and_what_is_offered_are_loaded_and_nothing_is_changed() {
    let place = Place::new();
    let old = place.put("one", &component(1, &["a", "b"]));
    let other = place.put("two", &component(1, &["c"]));
    let registry = place.open().await;
    registry.reload(&registry::Request::by(registry::By::Reload)).await.expect("a reload");
    let new = component(2, &["a"]);

    // Offered, it stands for one component; what else lies there does not count.
    place.remove("two");
    let seen = preview(&registry, offer("one", &new)).await;
    assert_eq!(
        told(&seen),
        (
            vec![("one", Verdict::Activated), ("two", Verdict::Unchanged)],
            [("a", Digest::of(&new)), ("c", other)].into()
        )
    );
    assert_eq!(seen.before.active(&id("b")).map(|active| active.base.digest()), Some(old));

    // All of what lies there.
    place.put("one", &new);
    let seen = preview(&registry, Offer::Source).await;
    assert_eq!(
        told(&seen),
        (
            vec![("one", Verdict::Activated), ("two", Verdict::Removed)],
            [("a", Digest::of(&new))].into()
        )
    );

    // What a reload refuses.
    let seen = preview(&registry, offer("three", &component(1, &["c"]))).await;
    let refused = seen.report.components.iter().find(|one| one.name == "three");
    assert_eq!(refused.map(|one| one.verdict), Some(Verdict::Rejected), "c is in two");
    let seen = preview(&registry, offer("three", &half_faulty("d", "e"))).await;
    assert_eq!(seen.faults.len(), 1, "{:?}", seen.faults);
    assert!(seen.faults[0].0 == "three" && seen.after.contains_key(&id("d")));

    assert_eq!(registry.present().number(), 1);
    assert!(!place.stored(Digest::of(&new)).exists());
    assert_eq!(registry.rejected(), BTreeMap::new());
}

#[tokio::test]
async fn what_a_preview_has_seen_is_still_taken_up_by_who_watches() {
    let place = Place::new();
    place.put("one", &component(1, &["a"]));
    let registry = place.open().await;
    registry.reload(&registry::Request::by(registry::By::Reload)).await.expect("a reload");
    let new = place.put("one", &component(2, &["a"]));
    preview(&registry, Offer::Source).await;
    assert_eq!(registry.present().number(), 1);
    let stop = CancellationToken::new();
    let watching = tokio::spawn(registry.clone().keep_current(Some(Percent::ALL), stop.clone()));
    let mut present = registry.watch();
    let is_new = present.wait_for(|generation| {
        generation.active(&id("a")).is_some_and(|active| active.base.digest() == new)
    });
    let taken_up = tokio::time::timeout(PATIENCE, is_new).await.is_ok();
    stop.cancel();
    watching.await.expect("no panic");
    assert!(taken_up, "the change was passed over");
}
