//! Generated histories: a function with any steps under any flow control, any events, cancellations and time between
//! them, and crashes of the engine and of the worker at any points. What must hold, holds after every input:
//!
//! - a step that has ended never runs again, and its place among those that have ended never changes;
//! - no limit is exceeded: calls, begun runs, singletons;
//! - every event that was taken in starts its run, waits for it, or was held back by a rule, which is told;
//! - every run ends, and is told of once.
//!
//! Each history is small, and there are many: what breaks an invariant takes few inputs, if they are the right ones.

use std::collections::{BTreeMap, BTreeSet};

use proptest::prelude::*;
use proptest::test_runner::TestRunner;

use super::*;

mod made;
mod watched;

use made::{History, history};
use watched::Watched;

/// How many histories are tried in all.
const HISTORIES: u32 = 100_000;

/// In how many tests, so that they run side by side.
const SHARES: u32 = 8;

/// Tries a share of the histories, and says how many there were and how much time passed in them.
fn share() {
    let config = ProptestConfig {
        cases: HISTORIES / SHARES,
        // A history that breaks something is printed; a file of it would be in the source tree.
        failure_persistence: None,
        ..ProptestConfig::default()
    };
    let tried = std::cell::RefCell::new((0_u32, jiff::SignedDuration::ZERO));
    let outcome = TestRunner::new(config).run(&history(), |history| {
        let end = play(&history)?;
        let mut tried = tried.borrow_mut();
        tried.0 += 1;
        tried.1 += end.duration_since(at(START));
        Ok(())
    });
    let (histories, passed) = tried.into_inner();
    if let Err(fault) = outcome {
        panic!("{fault}");
    }
    assert_eq!(histories, HISTORIES / SHARES);
    let days = passed.as_hours() / 24;
    println!("{histories} of {HISTORIES} histories, {days} days of their time");
    assert!(days > 10_000, "they are about months: {days} days");
}

/// Plays a history to its end; when that is.
fn play(history: &History) -> Result<Timestamp, TestCaseError> {
    let mut watched = Watched::start(history);
    let mut events = history.events.iter().peekable();
    let (mut clock, horizon) = (at(START), at("2035-01-01T00:00:00Z"));
    for input in 0_usize.. {
        prop_assert!(input < 3_000, "it comes to rest: {:?}", watched.world.runs());
        if history.engine_dies.contains(&input) {
            watched.world.restart();
        }
        if history.worker_dies.contains(&input) {
            watched.lose_replies();
        }
        let next = events.peek().map(|event| clock + event.after);
        let moved = watched.step(next.unwrap_or(horizon));
        watched.check()?;
        if moved && events.peek().is_none() && watched.is_over() {
            break;
        }
        if moved {
            continue;
        }
        let Some(event) = events.next() else { break };
        clock += event.after;
        watched.world.now = watched.world.now.max(clock);
        watched.happen(event);
        watched.check()?;
    }
    watched.check_end()?;
    Ok(watched.world.now)
}

macro_rules! shares {
    ($($name:ident)*) => {
        $(#[test]
        fn $name() {
            share();
        })*

        #[test]
        fn no_share_is_left_out() {
            assert_eq!([$(stringify!($name)),*].len(), usize::try_from(SHARES).expect("few"));
        }
    };
}

shares! {
    invariants_hold_in_the_first_share
    invariants_hold_in_the_second_share
    invariants_hold_in_the_third_share
    invariants_hold_in_the_fourth_share
    invariants_hold_in_the_fifth_share
    invariants_hold_in_the_sixth_share
    invariants_hold_in_the_seventh_share
    invariants_hold_in_the_eighth_share
}
