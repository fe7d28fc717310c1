//! Whatever is done in whatever order: one owner for each function, one number for each change, one view for all.

use proptest::prelude::*;
use registry::activation::Percent;
use registry::{Back, ReloadError, Request};

use crate::support::{Place, ask, component, id, owners};

const NAMES: [&str; 3] = ["one", "two", "three"];

/// What each of the files may hold: two of the sets share functions with others.
const SETS: [&[&str]; 4] = [&["a"], &["b"], &["a", "b"], &["c"]];

/// Something that somebody does.
#[derive(Debug, Clone)]
enum Deed {
    Put { name: usize, set: usize, version: u32 },
    Remove { name: usize },
    Reload { percent: f64, force: bool },
    Back { to: Option<u64>, function: Option<usize> },
    Judge,
}

fn deed() -> impl Strategy<Value = Deed> {
    let put = (0..NAMES.len(), 0..SETS.len(), 1..3_u32)
        .prop_map(|(name, set, version)| Deed::Put { name, set, version });
    let reload = (prop_oneof![Just(100.0), Just(30.0)], any::<bool>())
        .prop_map(|(percent, force)| Deed::Reload { percent, force });
    let back = (proptest::option::of(0..6_u64), proptest::option::of(0..3_usize))
        .prop_map(|(to, function)| Deed::Back { to, function });
    prop_oneof![
        4 => put,
        1 => (0..NAMES.len()).prop_map(|name| Deed::Remove { name }),
        4 => reload,
        2 => back,
        1 => Just(Deed::Judge),
    ]
}

async fn keeps_its_promises(deeds: Vec<Deed>) {
    let place = Place::new();
    let registry = place.open().await;
    let elsewhere = tempfile::tempdir().expect("a folder");
    let second = place.open_with(place.options(), elsewhere.path()).await;
    for deed in deeds {
        let before = registry.present();
        let lines = before.history().all().count();
        let done = match &deed {
            Deed::Put { name, set, version } => {
                place.put(NAMES[*name], &component(*version, SETS[*set]));
                None
            }
            Deed::Remove { name } => {
                let _ = std::fs::remove_file(place.path(NAMES[*name]));
                None
            }
            Deed::Reload { percent, force } => {
                let percent = Some(Percent::try_from(*percent).expect("a share"));
                Some(registry.reload(&Request { percent, force: *force, ..ask() }).await)
            }
            Deed::Back { to, function } => {
                let function = function.map(|number| id(["a", "b", "c"][number]));
                Some(registry.roll_back(&Back { to: *to, function, ..Back::default() }).await)
            }
            Deed::Judge => {
                registry.judge_canaries().await;
                None
            }
        };
        let after = registry.present();
        let more = after.history().all().count() > lines;
        assert_eq!(after.number(), before.number() + u64::from(more), "{deed:?}");
        match done {
            Some(Ok(report)) => assert_eq!(report.generation.after, after.number(), "{deed:?}"),
            Some(Err(
                ReloadError::Empty { .. }
                | ReloadError::First { .. }
                | ReloadError::Unknown(_)
                | ReloadError::NoFunction(_),
            ))
            | None => {
                assert!(!more, "{deed:?}");
            }
            Some(Err(error)) => panic!("{deed:?}: {error}"),
        }
        assert_eq!(after.absent(), [], "{deed:?}");
        for (function, active) in after.functions() {
            let code = active.base.component();
            assert!(code.functions().iter().any(|one| one.id == *function), "{deed:?}");
            // One component has it: the others, as they are active, do not declare it.
            let others =
                after.components().into_iter().filter(|(name, _)| *name != active.component);
            for (name, version) in others {
                let declares =
                    version.component().functions().iter().any(|one| one.id == *function);
                let serves =
                    after.functions().any(|(id, one)| id == function && one.component == name);
                assert!(!serves, "{deed:?}: {function} is in {name} too, declared: {declares}");
            }
        }
        // Only the log tells it.
        second.choose(&id("a"), crate::support::run_at(1, 1)).await;
        second.adopt().await;
        assert_eq!(owners(&second), owners(&registry), "{deed:?}");
        assert_eq!(second.present().digest(), after.digest(), "{deed:?}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, max_shrink_iters: 40, ..ProptestConfig::default() })]

    #[test]
    fn any_order_of_reloads_rollbacks_and_canaries(deeds in prop::collection::vec(deed(), 1..14)) {
        let runtime = tokio::runtime::Runtime::new().expect("a runtime");
        runtime.block_on(keeps_its_promises(deeds));
    }
}
