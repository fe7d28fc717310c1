//! Tables here; what must hold of any log in [`properties`].

mod properties;

use protocol::digest::Digest;
use protocol::id::{FunctionId, RunId};

use super::*;
use crate::activation::{By, Percent};

fn id(text: &str) -> FunctionId {
    text.parse().expect("a function id")
}

fn digest(name: &str) -> Digest {
    Digest::of(name.as_bytes())
}

/// A run of this time with this standing.
fn run(millis: u64, standing: std::ops::Range<u16>) -> RunId {
    let runs = (0..).map(|random| RunId::from(ulid::Ulid::from_parts(millis, random)));
    runs.into_iter().find(|run| standing.contains(&super::standing(*run))).expect("a run")
}

/// A line of function `f`: its time, the name of its code (`-` for none), its share, and who.
type Written = (i64, &'static str, f64, By);

fn lines(written: &[Written]) -> Vec<Activation> {
    let line = |(place, (at, name, percent, by)): (usize, &Written)| Activation {
        at: Timestamp::from_millisecond(*at).expect("a time"),
        generation: place as u64 + 1,
        function: id("f"),
        component: "c".to_owned(),
        digest: (*name != "-").then(|| digest(name)),
        home: None,
        mode: None,
        percent: Percent::try_from(*percent).expect("a share"),
        by: *by,
        why: String::new(),
    };
    written.iter().enumerate().map(line).collect()
}

fn history(written: &[Written]) -> History {
    History::default().with(lines(written)).expect("in order")
}

use By::{Discovery, Judgement, Promotion, Reload, Rollback};

#[test]
fn the_run_s_time_says_what_it_began_with_and_what_came_since() {
    let canary = &[(100, "A", 100.0, Discovery), (200, "B", 10.0, Reload)];
    let raised = &[canary[0], canary[1], (300, "B", 50.0, Reload)];
    let promoted = &[canary[0], canary[1], (300, "B", 100.0, Promotion)];
    let judged = &[canary[0], canary[1], (300, "A", 100.0, Judgement)];
    let replaced = &[canary[0], canary[1], (300, "C", 10.0, Reload)];
    let back =
        &[(100, "A", 100.0, Discovery), (200, "B", 100.0, Reload), (300, "A", 100.0, Rollback)];
    let gone = &[(100, "A", 100.0, Discovery), (200, "-", 100.0, Discovery)];
    let again = &[gone[0], gone[1], (300, "B", 100.0, Discovery)];
    let many = &[back[0], back[1], back[2], (400, "C", 100.0, Reload)];
    let (low, middle, high) = (0..1_000, 1_000..5_000, 5_000..10_000);
    for (case, written, at, standing, began, candidates) in [
        ("older than the log", &canary[..], 50, &low, "A", "A"),
        ("at the very moment", canary, 100, &low, "A", "A"),
        ("before a canary", canary, 199, &low, "A", "A"),
        ("of the canary's share", canary, 200, &low, "B", "B"),
        ("not of its share", canary, 200, &middle, "A", "A"),
        ("it began with the canary, whose share is raised", raised, 250, &low, "B", "B"),
        ("it began before the share was raised", raised, 250, &middle, "A", "A"),
        ("it began after", raised, 300, &middle, "B", "B"),
        ("it began after, and is not of the share", raised, 300, &high, "A", "A"),
        ("before a promotion", promoted, 250, &middle, "A", "BA"),
        ("with what was promoted", promoted, 250, &low, "B", "B"),
        ("with what was rolled back", judged, 250, &low, "B", "AB"),
        ("beside what was rolled back", judged, 250, &middle, "A", "A"),
        ("with a canary that another has replaced", replaced, 250, &low, "B", "AB"),
        ("beside one", replaced, 250, &high, "A", "A"),
        ("before a change and a way back", back, 150, &low, "A", "AB"),
        ("between them", back, 250, &low, "B", "AB"),
        ("after them", back, 350, &low, "A", "A"),
        ("before the function was taken away", gone, 150, &low, "A", "A"),
        ("after it was", gone, 250, &low, "-", ""),
        ("before, and it is there again", again, 150, &low, "A", "BA"),
        ("while it was away", again, 250, &low, "-", "B"),
        ("through all of it", many, 150, &low, "A", "CBA"),
        ("from the middle of it", many, 250, &low, "B", "CAB"),
    ] {
        let (history, f) = (history(written), id("f"));
        let run = run(at, standing.clone());
        let named = |name: char| digest(&name.to_string());
        let began = (began != "-").then(|| digest(began));
        assert_eq!(history.began(&f, run), began, "{case}: began");
        let candidates: Vec<_> = candidates.chars().map(named).collect();
        assert_eq!(history.candidates(&f, run), candidates, "{case}: candidates");
        assert_eq!(history.newest(&f, run), candidates.first().copied(), "{case}: newest");
    }
}

#[test]
fn a_canary_with_nothing_beside_it_has_all_runs() {
    let f = id("f");
    for written in
        [&[(100, "B", 1.0, Reload)][..], &[(50, "-", 100.0, Reload), (100, "B", 1.0, Reload)]]
    {
        let history = history(written);
        assert_eq!(history.began(&f, run(100, 9_000..10_000)), Some(digest("B")));
        assert_eq!(history.active(&f).and_then(|line| line.digest), Some(digest("B")));
        assert_eq!(history.canary(&f), None);
    }
}

#[test]
fn active_is_what_most_runs_begin_with_and_the_canary_is_beside_it() {
    let f = id("f");
    let history = history(&[
        (100, "A", 100.0, Discovery),
        (200, "B", 10.0, Reload),
        (300, "B", 20.0, Reload),
    ]);
    assert_eq!(history.generation(), 3);
    assert_eq!(history.active(&f).map(|line| line.generation), Some(1));
    assert_eq!(history.canary(&f).map(|line| line.generation), Some(3));
    assert_eq!(history.canary_began(&f).map(|line| line.generation), Some(2));
    assert_eq!(history.lines(&f).count(), 3);
    assert_eq!(history.functions().map(|(id, _)| id).collect::<Vec<_>>(), [&f]);
    assert_eq!(history.digests().len(), 2);
    let same = history.with([Activation {
        generation: 4,
        digest: Some(digest("A")),
        ..lines_after(&history)
    }]);
    assert_eq!(same.expect("in order").canary(&f), None, "a canary of the base is none");
    assert_eq!(history.active(&id("g")), None);
    assert_eq!(history.candidates(&id("g"), run(100, 0..10_000)), []);
}

/// The last line once more, for a test to change.
fn lines_after(history: &History) -> Activation {
    history.last().expect("a line").clone()
}

#[test]
fn only_is_the_one_version_there_ever_was() {
    for (written, only) in [
        (&[(100, "A", 100.0, Discovery)][..], Some("A")),
        (&[(100, "A", 100.0, Discovery), (200, "A", 100.0, Reload)], Some("A")),
        (&[(100, "A", 100.0, Discovery), (200, "B", 1.0, Reload)], None),
        (&[(100, "A", 100.0, Discovery), (200, "-", 100.0, Reload)], None),
        (&[(100, "-", 100.0, Discovery), (200, "A", 100.0, Reload)], None),
        (&[], None),
    ] {
        assert_eq!(history(written).only(&id("f")), only.map(digest), "{written:?}");
    }
}

#[test]
fn what_was_rolled_back_is_known_until_somebody_activates_again() {
    let a_b = [(100, "A", 100.0, Discovery), (200, "B", 100.0, Discovery)];
    let back = [a_b[0], a_b[1], (300, "A", 100.0, Rollback)];
    let twice =
        [(50, "Z", 100.0, Discovery), back[0], back[1], back[2], (400, "Z", 100.0, Rollback)];
    let judged = [a_b[0], (200, "B", 10.0, Discovery), (300, "A", 100.0, Judgement)];
    let new = [(100, "B", 100.0, Discovery), (200, "-", 100.0, Rollback)];
    let forced = [back[0], back[1], back[2], (400, "B", 100.0, Reload)];
    for (case, written, back) in [
        ("nobody went back", &a_b[..], ""),
        ("a person did", &back, "B"),
        ("twice in a row", &twice, "AB"),
        ("a judgement did", &judged, "B"),
        ("the function had not been there", &new, "B"),
        ("it was activated again", &forced, ""),
        ("a later change", &[back[0], back[1], back[2], (400, "C", 100.0, Discovery)], ""),
    ] {
        for name in ["A", "B", "C", "Z"] {
            let history = history(written);
            let found = history.was_rolled_back(&id("f"), digest(name));
            assert_eq!(found, back.contains(name), "{case}: {name}");
        }
    }
}

#[test]
fn one_function_goes_a_step_back() {
    let a = (100, "A", 100.0, Discovery);
    for (written, to) in [
        (&[a][..], None),
        (&[a, (200, "B", 100.0, Reload)], Some("A")),
        (&[a, (200, "B", 10.0, Reload)], Some("A")),
        (&[a, (200, "B", 100.0, Reload), (300, "B", 100.0, Reload)], Some("A")),
        (&[a, (200, "-", 100.0, Reload)], Some("A")),
    ] {
        let change = history(written).step_back(&id("f"));
        assert_eq!(change.as_ref().and_then(|change| change.digest), to.map(digest), "{written:?}");
        assert_eq!(change.is_some(), to.is_some(), "{written:?}");
    }
}

#[test]
fn generations_that_are_not_there_cannot_be_gone_back_to() {
    let history = history(&[(100, "A", 100.0, Discovery)]);
    assert_eq!(history.rollback(1), Ok(Vec::new()));
    for asked in [0, 2] {
        assert_eq!(history.rollback(asked), Err(UnknownGeneration { asked, newest: 1 }));
    }
}

#[test]
fn lines_out_of_order_are_refused() {
    let two = history(&[(100, "A", 100.0, Discovery), (200, "B", 100.0, Reload)]);
    let last = lines_after(&two);
    let at = |millis| Timestamp::from_millisecond(millis).expect("a time");
    let older = Activation { at: at(199), generation: 3, ..last.clone() };
    assert_eq!(two.with([older]), Err(Disorder::Time { at: at(199), last: at(200) }));
    let counted_back = Activation { generation: 1, ..last };
    assert_eq!(two.with([counted_back]), Err(Disorder::Generation { generation: 1, last: 2 }));
}
