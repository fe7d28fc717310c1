//! What the pieces decide. What several processes make of one file is in `tests/log.rs`.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use protocol::digest::Digest;

use super::*;
use crate::activation::{By, Change, Percent};

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millisecond(millis).expect("a time")
}

fn draft(names: &[&str]) -> Draft {
    let change = |name: &&str| Change {
        function: name.parse().expect("a function id"),
        component: "c".to_owned(),
        digest: Some(Digest::of(name.as_bytes())),
        home: None,
        mode: None,
        percent: Percent::ALL,
    };
    Draft { changes: names.iter().map(change).collect(), by: By::Reload, why: "a\nb".to_owned() }
}

fn run(millis: u64) -> RunId {
    RunId::from(ulid::Ulid::from_parts(millis, 7))
}

fn log() -> (tempfile::TempDir, LogFile) {
    let dir = tempfile::tempdir().expect("a folder");
    let log = LogFile::open(dir.path()).expect("a log");
    (dir, log)
}

#[test]
fn lines_hold_from_after_the_clock_and_after_the_line_before() {
    let zero = Duration::ZERO;
    let lead = Duration::from_millis(250);
    let last = draft(&["f"]).lines(1, at(5_000)).remove(0);
    for (now, lead, last, from) in [
        (at(1_000), zero, None, 1_001),
        (at(1_000), lead, None, 1_251),
        (at(6_000), zero, Some(&last), 6_001),
        (at(5_000), zero, Some(&last), 5_001),
        (at(4_000), zero, Some(&last), 5_001),
        (at(4_900), lead, Some(&last), 5_151),
    ] {
        assert_eq!(holds_from(now, lead, last), at(from), "{now} {lead:?}");
    }
    // A fraction of a millisecond does not bring it before a run of the same one.
    let fraction = Timestamp::from_microsecond(1_000_999).expect("a time");
    assert_eq!(holds_from(fraction, zero, None), at(1_001));
}

#[test]
fn a_generation_counts_when_its_last_line_is_there() {
    let mut lines = draft(&["f", "g", "h"]).lines(1, at(1));
    let mut text = lines::render(&lines);
    let first = text.len();
    assert_eq!(text.split(|byte| *byte == b'\n').count(), 4, "one line each, and an end");
    lines.extend(draft(&["f", "g"]).lines(2, at(2)));
    text.extend(lines::render(&lines[3..]));
    for cut in 0..=text.len() {
        let whole = if cut == text.len() {
            5
        } else if cut >= first {
            3
        } else {
            0
        };
        let parsed = lines::parse(&text[..cut]).expect("torn, and not bad");
        assert_eq!(parsed.activations, lines[..whole], "cut at {cut}");
        assert_eq!(parsed.lines, whole);
        assert_eq!(parsed.bytes, [0, first, text.len()][whole.div_ceil(3)]);
    }
}

#[test]
fn zeros_at_the_end_are_a_torn_end_and_zeros_in_the_middle_are_not() {
    let text = lines::render(&draft(&["f"]).lines(1, at(1)));
    let zeros = [text.as_slice(), &[0; 40], b"\n"].concat();
    assert_eq!(lines::parse(&zeros).expect("torn").bytes, text.len());
    let middle = [zeros.as_slice(), text.as_slice()].concat();
    assert_eq!(lines::parse(&middle).expect_err("bad").line, 1);
}

#[tokio::test]
async fn runs_that_a_new_line_may_hold_for_wait_until_it_is_published() {
    let (_dir, log) = log();
    let log = &log.with_lead(Duration::from_millis(100));
    let function = "f".parse().expect("a function id");
    let looks = Cell::new(0);
    let waiting = Cell::new(None);
    let appended = log.append(Some(0), draft(&["f"]), || {
        looks.set(looks.get() + 1);
        if looks.get() == 2 {
            // Nothing is written yet, and it may hold from 1 101 on.
            assert!(log.undecided(run(1_101)));
            assert_eq!(log.decided_now(run(1_101)), None);
            assert!(!log.undecided(run(1_100)), "older runs go on");
            assert_eq!(log.decided_now(run(1_100)).map(|history| history.generation()), Some(0));
            let mut wait = Box::pin(log.decided(run(1_101)));
            let waker = std::task::Waker::noop();
            let polled = wait.as_mut().poll(&mut std::task::Context::from_waker(waker));
            assert!(polled.is_pending());
            waiting.set(Some(wait));
        }
        at(1_000)
    });
    assert_eq!(appended.expect("written").generation, 1);
    let history = waiting.take().expect("it waits").await;
    assert_eq!(history.began(&function, run(1_101)), Some(Digest::of(b"f")));
    assert!(!log.undecided(run(1_101)));
}

#[tokio::test]
async fn runs_go_on_with_what_was_when_writing_has_failed() {
    let (_dir, log) = log();
    log.append(None, draft(&["f"]), || at(1_000)).expect("written");
    let looks = Cell::new(0);
    let failed = catch_unwind(AssertUnwindSafe(|| {
        log.append(None, draft(&["g"]), || {
            looks.set(looks.get() + 1);
            assert!(looks.get() < 2, "a failure in the middle");
            at(2_000)
        })
    }));
    assert!(failed.is_err());
    assert!(!log.undecided(run(3_000)));
    assert_eq!(log.decided(run(3_000)).await.generation(), 1);
    let appended =
        log.append(Some(1), draft(&["g"]), || at(4_000)).expect("it can be written again");
    assert_eq!(appended.generation, 2);
}

#[test]
fn a_draft_without_changes_writes_nothing() {
    let (_dir, log) = log();
    log.append(None, draft(&["f"]), || at(1)).expect("written");
    let before = std::fs::read(log.path()).expect("the file");
    let appended = log.append(Some(1), draft(&[]), || at(2)).expect("nothing to do");
    assert_eq!(appended.generation, 1);
    assert_eq!(std::fs::read(log.path()).expect("the file"), before);
    let stale = log.append(Some(0), draft(&[]), || at(2));
    assert!(matches!(stale, Err(AppendError::Conflict { expected: 0, present: 1 })));
}

#[test]
fn a_writer_that_hangs_does_not_stop_the_others_for_ever() {
    let (_dir, log) = log();
    let log = log.with_patience(Duration::from_millis(20));
    let hanging = std::fs::File::open(log.path()).expect("the file");
    hanging.lock().expect("the lock");
    let error = log.append(None, draft(&["f"]), || at(1)).expect_err("locked");
    assert!(matches!(error, AppendError::Log(LogError::Locked { .. })), "{error}");
    assert!(!log.undecided(run(10)), "nobody waits for it");
    hanging.unlock().expect("the lock");
    log.append(None, draft(&["f"]), || at(1)).expect("written");
    assert!(log.trouble().is_none());
}
