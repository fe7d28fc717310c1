//! Tables here; how often the judgement is right in [`simulation`].

mod simulation;

use std::time::Duration;

use jiff::Timestamp;
use protocol::id::RunId;

use super::{MAX_RUNS, Policy, Tally, Verdict};

const MINUTE: Duration = Duration::from_mins(1);
const HOUR: Duration = Duration::from_hours(1);

fn run(number: u64) -> RunId {
    RunId::from(ulid::Ulid::from_parts(number, 0))
}

/// So many runs of three steps each; in the first so many a step fails once and is repeated.
fn tally(runs: u64, troubled: u64) -> Tally {
    let mut tally = Tally::default();
    for number in 0..runs {
        tally.call(run(number), 0, Timestamp::UNIX_EPOCH);
        if number < troubled {
            tally.step(run(number), true);
            tally.call(run(number), 1, Timestamp::UNIX_EPOCH);
        }
        (0..3).for_each(|_| tally.step(run(number), false));
    }
    tally
}

/// The word for a verdict.
fn word(verdict: &Verdict) -> &'static str {
    match verdict {
        Verdict::Hold { .. } => "hold",
        Verdict::Promote { .. } => "promote",
        Verdict::RollBack { .. } => "back",
    }
}

#[test]
fn a_function_with_many_runs_is_judged_by_its_ratios() {
    let policy = Policy::default();
    for (case, candidate, base, elapsed, verdict, says) in [
        ("nothing came", (0, 0), (0, 0), MINUTE, "hold", "0 runs began with it"),
        ("too few, however bad", (9, 9), (90, 0), MINUTE, "hold", "it is judged from 10 on"),
        ("enough, and bad", (10, 4), (90, 0), MINUTE, "back", "4 of 10 (40.0 %) runs had trouble"),
        (
            "says what the base did",
            (10, 4),
            (90, 0),
            MINUTE,
            "back",
            "with the base 0 of 90 (0.0 %)",
        ),
        ("it may be chance", (10, 1), (90, 0), MINUTE, "hold", "may be chance"),
        ("as bad as the base", (100, 30), (900, 270), HOUR, "promote", "it is not worse"),
        ("a little worse, and surely", (4_000, 160), (4_000, 40), HOUR, "promote", "not worse"),
        ("better", (100, 0), (900, 270), HOUR, "promote", "not worse"),
        ("well, but not long", (60, 0), (540, 0), MINUTE, "hold", "promoted after 10m"),
        ("well, but too few", (20, 0), (180, 0), HOUR, "hold", "promoted from 50 runs on"),
        ("well", (50, 0), (450, 0), HOUR, "promote", "0 of 50 (0.0 %) runs had trouble"),
        ("in doubt to the end", (60, 6), (8, 0), 72 * HOUR, "back", "after 72h still in doubt"),
        ("too few to the end", (1, 0), (3, 0), 72 * HOUR, "hold", "by hand"),
    ] {
        let policy = Policy { rare_below: 0.0, ..policy.clone() };
        let of = |(runs, troubled)| tally(runs, troubled);
        let found = policy.judge(&of(candidate), &of(base), elapsed);
        assert_eq!(word(&found), verdict, "{case}: {found:?}");
        assert!(found.why().contains(says), "{case}: {found:?}");
    }
}

#[test]
fn a_rare_function_is_judged_by_counts() {
    let policy = Policy::default();
    for (case, candidate, base, elapsed, verdict, says) in [
        ("one run a day", (1, 0), (9, 0), 24 * HOUR, "hold", "judged from 2 on"),
        ("one bad run is no rule", (2, 1), (9, 0), 24 * HOUR, "hold", "may be chance"),
        ("two are", (2, 2), (9, 0), 24 * HOUR, "back", "counts decide"),
        ("unless the base is as bad", (2, 2), (9, 9), 24 * HOUR, "hold", "promoted from 3 runs on"),
        ("three good ones", (3, 0), (9, 0), 24 * HOUR, "promote", "not worse"),
        ("three at once are not rare", (3, 0), (0, 0), MINUTE, "hold", "judged from 10 on"),
        ("overdue", (2, 0), (20, 0), 72 * HOUR, "promote", "nothing speaks against it"),
    ] {
        let of = |(runs, troubled)| tally(runs, troubled);
        let found = policy.judge(&of(candidate), &of(base), elapsed);
        assert_eq!(word(&found), verdict, "{case}: {found:?}");
        assert!(found.why().contains(says), "{case}: {found:?}");
    }
}

#[test]
fn faults_that_the_base_has_not_roll_back_at_once() {
    let faulty = |runs, faults| {
        let mut tally = tally(runs, 0);
        (0..faults).for_each(|_| tally.fault(run(0)));
        tally
    };
    let judge = |candidate: &Tally, base: &Tally| {
        Policy::default().judge(candidate, base, Duration::from_secs(1))
    };
    let found = judge(&faulty(1, 3), &tally(5, 0));
    assert_eq!(word(&found), "back");
    assert_eq!(
        found.why(),
        "3 of 1 calls ended in a trap or at a limit, with the base none of 5",
        "{found:?}"
    );
    assert_eq!(word(&judge(&faulty(1, 2), &tally(5, 0))), "hold");
    assert_eq!(word(&judge(&faulty(1, 3), &faulty(5, 1))), "hold", "the base has them too");
}

#[test]
fn attempts_of_one_run_are_not_counted_as_if_they_were_independent() {
    let policy = Policy { rare_below: 0.0, ..Policy::default() };
    // One run of ten has failed forty times; by attempts alone that is 40 of 70.
    let mut candidate = tally(10, 0);
    for attempt in 1..=40 {
        candidate.call(run(0), attempt, Timestamp::UNIX_EPOCH);
        candidate.step(run(0), true);
    }
    let found = policy.judge(&candidate, &tally(10, 0), MINUTE);
    assert_eq!(word(&found), "hold", "{found:?}");
    assert!(found.why().contains("1 of 10 (10.0 %) runs had trouble"), "{found:?}");
    // As many runs have trouble as with the base, but each fails many times more.
    let mut candidate = tally(60, 60);
    for (number, attempt) in (0..60).flat_map(|number| (2..=10).map(move |a| (number, a))) {
        candidate.call(run(number), attempt, Timestamp::UNIX_EPOCH);
        candidate.step(run(number), true);
    }
    let found = policy.judge(&candidate, &tally(60, 60), MINUTE);
    assert_eq!(word(&found), "back", "{found:?}");
    assert!(found.why().contains("60 of 60 (100.0 %) runs failed 3 times or more"), "{found:?}");
    assert!(found.why().contains("Of 780 attempts at steps 600 failed"), "{found:?}");
}

#[test]
fn a_tally_knows_so_many_runs_apart() {
    let mut tally = Tally::default();
    let at = |second| Timestamp::from_second(second).expect("a time");
    for number in 0..MAX_RUNS as u64 + 10 {
        tally.call(run(number), 0, at(100 - i64::try_from(number.min(50)).expect("small")));
        tally.failure(run(number));
        tally.fault(run(number));
    }
    assert_eq!((tally.runs(), tally.troubled()), (MAX_RUNS as u64, MAX_RUNS as u64));
    assert_eq!(tally.stubborn(), 0, "two failures each");
    assert_eq!(tally.calls, MAX_RUNS as u64 + 10);
    assert_eq!(tally.failures, tally.faults);
    assert_eq!(tally.first(), Some(at(50)));
}

#[test]
fn a_policy_is_read_with_its_defaults_and_refused_with_reasons() {
    let read = |text: &str| serde_json::from_str::<Policy>(text);
    assert_eq!(read("{}").expect("defaults"), Policy::default());
    let policy = read(r#"{"least_runs": 5, "promote_after": "1h30m"}"#).expect("a policy");
    assert_eq!((policy.least_runs, policy.promote_after), (5, 90 * MINUTE));
    assert_eq!(policy.promote_runs, Policy::default().promote_runs);
    let written = serde_json::to_string(&policy).expect("JSON");
    assert_eq!(read(&written).expect("what was written"), policy);
    for (bad, says) in [
        (r#"{"least_runs": 0}"#, "0 is out of range; write a number of runs from 1 to 4096"),
        (r#"{"promote_runs": 5000}"#, "a number of runs from 1 to 4096"),
        (r#"{"worse_by": 1.5}"#, "a difference of ratios from 0 to 1"),
        (r#"{"confidence": 1}"#, "a number between 0 and 1"),
        (r#"{"rare_below": -1}"#, "a number of runs an hour"),
        (r#"{"faults_roll_back_at": 0}"#, "at least 1"),
        (r#"{"hold_max": "soon"}"#, "is not a duration"),
        (r#"{"least_run": 5}"#, "unknown field `least_run`"),
    ] {
        let error = read(bad).expect_err(bad).to_string();
        assert!(error.contains(says), "{bad}: {error}");
    }
}
