//! What is proved before anything new happens.

use super::*;

/// Three steps that ended one after another.
const ROW: [(&str, &str); 3] =
    [("a", r#"{"data":1}"#), ("b", r#"{"data":2}"#), ("c", r#"{"data":3}"#)];

fn row() -> Setup<'static> {
    Setup { memos: &ROW, stack: &["a", "b", "c"], ..PLAIN }
}

/// Code that runs these groups one after another, each side by side, and then returns.
fn runs(setup: &Setup<'_>, rigour: Rigour, groups: &[&[Found<'_>]]) -> String {
    let mut replay = rigorous(call(setup), rigour);
    for group in groups {
        let mut found = group.iter().copied();
        for _ in 0..group.len() {
            let said = told(replay.next(found.by_ref(), &[]));
            if !said.contains('=') && !said.contains('!') {
                return said;
            }
        }
    }
    ended(&replay.ended(Ok(raw("0"))))
}

fn both(setup: &Setup<'_>, groups: &[&[Found<'_>]]) -> [String; 2] {
    [Rigour::Strict, Rigour::Proof].map(|rigour| runs(setup, rigour, groups))
}

#[test]
fn code_that_asks_for_all_in_order_goes_on_and_a_proof_ends_there() {
    let (a, b, c) = (run("a"), run("b"), run("c"));
    for (groups, then) in [
        (&[&[a][..], &[b], &[c], &[run("d")]][..], "run 3"),
        (&[&[a], &[b], &[c], &[run("d"), run("e")]], "StepPlanned d, StepPlanned e"),
        (&[&[a], &[b], &[c]], "done 0"),
        (&[&[b, a], &[c]], "done 0"),
        (&[&[c, b, a]], "done 0"),
        // Beside what has ended something new may stand.
        (&[&[a, b, c, run("d")]], "run 3"),
    ] {
        assert_eq!(both(&row(), groups), [then, "fits"], "{groups:?}");
    }
}

#[test]
fn code_that_does_not_fit_ends_before_anything_happens() {
    let (a, b, c) = (run("a"), run("b"), run("c"));
    let nap = Found { name: "b", kind: "sleep", options: r#"{"milliseconds":1}"# };
    for (what, groups, verdict) in [
        ("renamed first", &[&[run("x")][..], &[b], &[c]][..], "orphaned"),
        ("renamed last", &[&[a], &[b], &[run("x")]], "orphaned"),
        ("removed", &[&[a], &[c]], "orphaned"),
        ("removed last", &[&[a], &[b]], "orphaned"),
        ("all removed", &[], "orphaned"),
        ("inserted before the end", &[&[a], &[run("x")], &[b], &[c]], "orphaned"),
        ("reordered", &[&[b], &[a], &[c]], "reordered"),
        ("reordered last", &[&[a], &[c], &[b]], "reordered"),
        ("another kind", &[&[a], &[nap], &[c]], "type-changed"),
    ] {
        assert_eq!(both(&row(), groups), [verdict; 2], "{what}");
    }
}

#[test]
fn memos_that_the_server_does_not_order_come_in_any_order() {
    let unordered = Setup { stack: &["a"], ..row() };
    let (a, b, c) = (run("a"), run("b"), run("c"));
    assert_eq!(both(&unordered, &[&[c], &[a], &[b]]), ["done 0", "fits"]);
    assert_eq!(both(&unordered, &[&[c], &[a]]), ["orphaned"; 2], "but they have to be asked for");
}

#[test]
fn an_edited_input_is_no_memo() {
    let memos = [("a", r#"{"data":1}"#), ("b", r#"{"input":[5]}"#)];
    let setup = Setup { memos: &memos, stack: &["a"], ..PLAIN };
    assert_eq!(both(&setup, &[&[run("a")], &[run("b")]]), ["run 1 with [5]", "fits"]);
    assert_eq!(both(&setup, &[&[run("a")], &[run("x")]]), ["run 1", "fits"]);
}

#[test]
fn a_dropped_step_was_asked_for() {
    let mut replay = rigorous(call(&row()), Rigour::Strict);
    assert_eq!(told(replay.next([run("a"), run("b")], &[])), "0=1");
    assert_eq!(told(replay.next([run("c")], &[1])), "2=3");
    assert_eq!(told(replay.next([run("d")], &[])), "run 3");
}

#[test]
fn a_target_runs_when_nothing_is_left_to_resolve() {
    let with = |target| Setup { target: Some(target), immediate: false, ..row() };
    let siblings = [run("a"), run("late"), run("b"), run("c")];
    for rigour in [Rigour::Strict, Rigour::Proof] {
        let mut replay = rigorous(call(&with("late")), rigour);
        assert_eq!(told(replay.next(siblings, &[])), "0=1");
        assert_eq!(told(replay.next([], &[])), "2=2");
        assert_eq!(told(replay.next([], &[])), "3=3");
        let then = told(replay.next([run("other")], &[]));
        assert_eq!(then, if rigour == Rigour::Strict { "run 1" } else { "fits" });
    }
    // Another end has won meanwhile, and the code does not want it any more.
    let mut replay = rigorous(call(&with("late")), Rigour::Strict);
    assert_eq!(told(replay.next(siblings, &[])), "0=1");
    assert_eq!(told(replay.next([], &[1])), "2=2");
    assert_eq!(told(replay.next([], &[])), "3=3");
    assert_eq!(told(replay.next([run("other")], &[])), "fits");

    let (a, b, c) = (run("a"), run("b"), run("c"));
    let gone = both(&with("gone"), &[&[a], &[b], &[c], &[run("other")]]);
    assert_eq!(gone, ["target-missing"; 2]);
    assert_eq!(both(&with("gone"), &[&[a], &[b], &[c]]), ["target-missing"; 2]);
    let orphaned = both(&with("late"), &[&[a], &[b], &[run("late")]]);
    assert_eq!(
        orphaned, ["orphaned"; 2],
        "the target does not run beside a memo that is left over"
    );
}

#[test]
fn a_guest_may_say_that_a_memo_is_of_another_type() {
    let says = |rigour| {
        let mut replay = rigorous(call(&row()), rigour);
        assert_eq!(told(replay.next([run("a")], &[])), "0=1");
        let end = replay.misfit(0, "a text was expected").expect("it was found");
        end.map(|end| match end {
            Outcome::Unfit(misfit) => misfit.to_string(),
            other => panic!("{other:?}"),
        })
    };
    for rigour in [Rigour::Strict, Rigour::Proof] {
        let said = says(rigour).expect("it ends there");
        assert!(said.contains("step \"a\"") && said.ends_with("a text was expected"), "{said}");
    }
    assert_eq!(says(Rigour::Lenient), None);
    // What the code has made itself, in this call, no other code can read better.
    let mut replay = rigorous(call(&PLAIN), Rigour::Strict);
    assert!(replay.is_proving());
    assert_eq!(told(replay.next([run("a")], &[])), "run 0");
    assert!(!replay.is_proving());
    replay.finished(raw("null"), TIMING).expect("it ran");
    replay.keep(raw("null")).expect("it ran");
    assert_eq!(told(replay.next([], &[])), "0=null");
    assert!(replay.misfit(0, "a number was expected").expect("it was found").is_none());
    assert!(replay.misfit(7, "").is_err());
}

#[test]
fn code_that_cannot_go_on_has_done_nothing() {
    let mut replay = rigorous(call(&PLAIN), Rigour::Strict);
    assert!(told(replay.next([], &[])).contains("not a step"));
    assert!(replay.is_proving());
    let faulty = Found { name: "z", kind: "sleep", options: "{}" };
    assert!(told(replay.next([faulty], &[])).starts_with("error"));
    assert!(replay.is_proving(), "it was not planned");
}

#[test]
fn a_race_that_has_to_change_the_version_is_proved_before() {
    let found = || [run("a"), of_kind("w", "wait-for-event", WAIT)];
    for (memos, verdict) in [(&[][..], "switch"), (&[("x", "null")], "orphaned")] {
        let mut replay = rigorous(versioned(2, memos), Rigour::Strict);
        replay.enter_race();
        assert_eq!(told(replay.next(found(), &[])), verdict);
    }
}

fn aliased<'f>(name: &'f str, options: &'f str) -> Found<'f> {
    Found { name, kind: "run", options }
}

#[test]
fn an_alias_finds_what_was_stored_under_the_former_id() {
    let was_a = aliased("x", r#"{"alias":"a"}"#);
    for rigour in [Rigour::Lenient, Rigour::Strict] {
        assert_eq!(runs(&row(), rigour, &[&[was_a], &[run("b")], &[run("c")]]), "done 0");
    }
    // The new id comes first.
    let memos = [("x", r#"{"data":9}"#)];
    let mut replay = replay_of(call(&Setup { memos: &memos, stack: &["x"], ..PLAIN }));
    assert_eq!(told(replay.next([was_a], &[])), "0=9");
    // Each repeat has the former repeat's.
    let memos = [("a", r#"{"data":1}"#), ("a:1", r#"{"data":2}"#)];
    let repeats = Setup { memos: &memos, stack: &["a", "a:1"], ..PLAIN };
    let mut replay = rigorous(call(&repeats), Rigour::Strict);
    assert_eq!(told(replay.next([was_a], &[])), "0=1");
    assert_eq!(told(replay.next([was_a], &[])), "1=2");
    assert_eq!(told(replay.next([was_a], &[])), "run 2");
    let ran = replay.finished(raw("3"), TIMING).expect("it ran");
    assert_eq!(ended(&ran), "ran x 3", "what is new has the new id");
}

#[test]
fn a_call_for_the_former_id_runs_the_step_and_reports_the_former_id() {
    let was_a = aliased("x", r#"{"alias":"a"}"#);
    for rigour in [Rigour::Lenient, Rigour::Strict] {
        let setup = Setup { target: Some("a"), immediate: false, ..PLAIN };
        let mut replay = rigorous(call(&setup), rigour);
        assert_eq!(told(replay.next([was_a, run("b")], &[])), "run 0");
        let Outcome::StepRan { step, .. } = replay.finished(raw("1"), TIMING).expect("it ran")
        else {
            panic!("it ran")
        };
        assert_eq!((step.name.as_str(), step.id), ("a", StepId::hash("a")));
    }
    let edited = Setup { memos: &[("a", r#"{"input":[5]}"#)], ..PLAIN };
    assert_eq!(told(replay_of(call(&edited)).next([was_a], &[])), "run 0 with [5]");
}

#[test]
fn an_alias_that_is_another_steps_id_is_an_error() {
    let was_a = aliased("x", r#"{"alias":"a"}"#);
    for found in [[was_a, run("a")], [run("a"), was_a], [was_a, aliased("y", r#"{"alias":"a"}"#)]] {
        let said = told(replay_of(call(&PLAIN)).next(found, &[]));
        assert!(said.contains("\"a\" is the alias of one step"), "{said}");
    }
    for options in [r#"{"alias":7}"#, r#"{"alias":" "}"#] {
        let said = told(replay_of(call(&PLAIN)).next([aliased("x", options)], &[]));
        assert!(said.starts_with("error: step \"x\""), "{said}");
    }
    // An option of another meaning is left alone.
    let nested = r#"{"events":[{"name":"a/b","data":{"alias":"a"}}]}"#;
    let sending = of_kind("s", "send-event", nested);
    assert_eq!(told(replay_of(call(&PLAIN)).next([sending], &[])), "send 1 from s");
}
