//! What leaves the versions folder, and what is refused for lack of room.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use protocol::digest::Digest;
use protocol::role::Role;
use registry::{Back, Reason, Registry, RegistryOptions, ReloadError, Rules};

use crate::support::{Place, active, ask, component, id, refused, reload, run_at};

/// So long after the last line that the server's word is from then, margins included.
const LATER: Duration = Duration::from_hours(1);

/// A registry with three versions behind it, the last of which is active.
async fn with_three(place: &Place, options: RegistryOptions) -> (Arc<Registry>, [Digest; 3]) {
    let registry = place.open_with(options, &place.folder()).await;
    let mut digests = Vec::new();
    for version in 1..=3 {
        digests.push(place.put("one", &component(version, &["a"])));
        reload(&registry).await;
    }
    (registry, digests.try_into().expect("three"))
}

fn keeping(place: &Place, keep: usize) -> RegistryOptions {
    RegistryOptions { retention: Rules { keep, age: Duration::ZERO }, ..place.options() }
}

/// The role whose worker serves the function.
fn home(registry: &Registry) -> Role {
    registry.present().history().homes().next().expect("a home").1
}

async fn reason(registry: &Registry, digest: Digest, now: Timestamp) -> Option<Reason> {
    let kept = registry.kept(now).await.expect("listed");
    kept.into_iter().find(|one| one.digest == digest).expect("stored").reason
}

#[tokio::test]
async fn a_version_goes_when_the_server_says_that_no_run_needs_it() {
    let place = Place::new();
    let (registry, [one, two, three]) = with_three(&place, keeping(&place, 2)).await;
    let now = Timestamp::now() + LATER;
    // Nobody has asked yet.
    let unasked = reason(&registry, one, now).await;
    assert!(matches!(unasked, Some(Reason::Unasked { .. })), "{unasked:?}");
    assert_eq!(registry.free_versions(now).await.expect("looked"), []);
    // There is a run from the time of the first.
    let first = registry.present().history().all().next().expect("a line").at.as_millisecond();
    let run = run_at(u64::try_from(first).expect("after 1970"), 1);
    registry.needed_since(home(&registry), &id("a"), Some(run), now);
    let needed = reason(&registry, one, now).await;
    assert!(matches!(needed, Some(Reason::Needed { .. })), "{needed:?}");
    assert_eq!(registry.free_versions(now).await.expect("looked"), []);
    // It has ended.
    registry.needed_since(home(&registry), &id("a"), None, now);
    assert_eq!(registry.free_versions(now).await.expect("looked"), [one]);
    assert!(!place.stored(one).exists());
    assert_eq!(reason(&registry, two, now).await, Some(Reason::Recent(id("a"))));
    assert_eq!(reason(&registry, three, now).await, Some(Reason::Active(id("a"))));
}

#[tokio::test]
async fn nobody_goes_back_to_what_has_left() {
    let place = Place::new();
    let (registry, [one, two, three]) = with_three(&place, keeping(&place, 1)).await;
    let now = Timestamp::now() + LATER;
    registry.needed_since(home(&registry), &id("a"), None, now);
    let gone = registry.free_versions(now).await.expect("looked");
    assert_eq!(gone.len(), 2, "{one} and {two}: {gone:?}");
    drop(registry);
    let registry = place.open().await;
    let error = registry.roll_back(&Back::default()).await.expect_err("it is gone");
    assert!(matches!(&error, ReloadError::Store(text) if text.contains(&two.short())), "{error}");
    assert_eq!((registry.present().number(), active(&registry, "a")), (3, Some(three)));
}

#[tokio::test]
async fn a_deploy_without_room_is_refused_with_what_takes_it() {
    let place = Place::new();
    let size = u64::try_from(component(1, &["a"]).len()).expect("small");
    let options = RegistryOptions { limit: 3 * size, ..keeping(&place, 5) };
    let (registry, [one, _, three]) = with_three(&place, options).await;
    place.put("one", &component(4, &["a"]));
    let error = refused(&registry, &ask()).await;
    let text = error.to_string();
    assert!(matches!(error, ReloadError::Store(_)), "{text}");
    let needed = format!("{} bytes, and its limit is {}", 4 * size, 3 * size);
    let holds = format!("{} ({size} bytes: one of the last versions of a)", one.short());
    assert!(text.contains(&needed) && text.contains(&holds), "{text}");
    assert_eq!((registry.present().number(), active(&registry, "a")), (3, Some(three)));
    // What is there already needs no room.
    place.put("one", &component(1, &["a"]));
    assert_eq!(reload(&registry).await.generation.after, 4);
}

#[tokio::test]
async fn what_no_run_needs_makes_room_by_itself() {
    let place = Place::new();
    let size = u64::try_from(component(1, &["a"]).len()).expect("small");
    let options = RegistryOptions { limit: 3 * size, ..keeping(&place, 1) };
    let (registry, [one, two, _]) = with_three(&place, options).await;
    registry.needed_since(home(&registry), &id("a"), None, Timestamp::now() + LATER);
    place.put("one", &component(4, &["a"]));
    assert_eq!(reload(&registry).await.generation.after, 4);
    assert!(!place.stored(one).exists() && !place.stored(two).exists());
}
