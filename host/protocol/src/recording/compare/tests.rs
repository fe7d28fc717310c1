//! Comparisons, with the code played by hand.

use serde_json::json;
use serde_json::value::{RawValue, to_raw_value};

use super::*;
use crate::id::StepId;
use crate::memo::Shape;
use crate::op::{Op, OpCode};
use crate::replay::Misfit;
use crate::step::StepName;

fn recording(status: RecordedStatus, steps: &[&str], output: Option<Value>) -> Recording {
    let run = "01M81GXW71CEV7JQT6T4T8NAKZ".parse().expect("an id");
    let (app, function) = ("a".parse().expect("an id"), "f".parse().expect("an id"));
    let step = |name: &&str| RecordedStep {
        id: StepId::hash(name),
        name: None,
        ended_at: None,
        memo: RawValue::from_string(r#"{"data":1}"#.to_owned()).expect("JSON"),
    };
    Recording {
        steps: steps.iter().map(step).collect(),
        output: output.map(|output| to_raw_value(&output).expect("JSON")),
        ..Recording::new(run, app, function, status)
    }
}

/// Code that does these steps one after the other, and returns 7.
fn replay(recording: &Recording, code: &[&str]) -> Replayed {
    let mut comparison = Comparison::new(recording);
    while let Some((call, rigour)) = comparison.next().expect("a call") {
        assert!(!call.immediate);
        let known = |name: &&&str| call.memos.get(&StepId::hash(name), Shape::Wrapped).is_some();
        let through = code.iter().take_while(known).count();
        let lost = call.memos.len() - through;
        let outcome = match (code.get(through), lost) {
            (_, lost) if lost > 0 && rigour == Rigour::Proof => {
                Outcome::Unfit(Misfit::Orphaned { ids: vec![StepId::hash("lost")] })
            }
            (None, _) => Outcome::Done(to_raw_value(&7).expect("JSON")),
            (Some(_), _) if rigour == Rigour::Proof => Outcome::Fits,
            (Some(name), _) => {
                let step = StepName { id: StepId::hash(name), name: (*name).to_owned(), index: 0 };
                Outcome::Planned(vec![Op { step, code: OpCode::StepPlanned, race: false }])
            }
        };
        comparison.told(Told::Outcome(outcome));
    }
    comparison.end()
}

#[test]
fn the_same_code_goes_the_same_way_to_the_same_end() {
    let run = recording(RecordedStatus::Completed, &["a", "b"], Some(json!(7.0)));
    let replayed = replay(&run, &["a", "b"]);
    assert!(replayed.is_same(), "{replayed:?}");
    let names: Vec<_> = replayed.followed.iter().map(|step| (step.position, &*step.name)).collect();
    assert_eq!(names, [(1, "a"), (2, "b")]);
    let end = EndOfCode { code: Asks::Returns(json!(7)), compared: true };
    assert_eq!(replayed.end, Some(end));
}

#[test]
fn where_they_part_is_told_with_what_the_code_does_there() {
    use RecordedStatus::{Cancelled, Completed, Failed, Running};
    for (status, steps, output, code, parts) in [
        (
            Completed,
            &["a", "b"][..],
            Some(7),
            &["a", "c"][..],
            Some((2, "orphaned", "asks for `c` (run)")),
        ),
        (
            Completed,
            &["a", "b"],
            Some(7),
            &["x", "a", "b"],
            Some((1, "orphaned", "asks for `x` (run)")),
        ),
        (Completed, &["a", "b"], Some(7), &["a"], Some((2, "orphaned", "returns 7"))),
        (Completed, &["a"], Some(7), &["a", "b"], Some((2, "other-end", "asks for `b` (run)"))),
        (Completed, &["a"], Some(8), &["a"], Some((2, "other-end", "returns 7"))),
        (Failed, &["a"], None, &["a"], Some((2, "other-end", "returns 7"))),
        // Nobody knows what an unfinished run would have done.
        (Running, &["a"], None, &["a", "b"], None),
        (Running, &["a"], None, &["a"], None),
        (Cancelled, &["a"], None, &["a", "b"], None),
        (Completed, &["a"], None, &["a"], None),
    ] {
        let run = recording(status, steps, output.map(|output| json!(output)));
        let replayed = replay(&run, code);
        let told = replayed.parting.as_ref();
        let said = told.map(|parting| (parting.position, parting.reason, parting.code.to_string()));
        let parts = parts.map(|(position, reason, code)| (position, reason, code.to_owned()));
        assert_eq!(said, parts, "{status:?} {steps:?} {code:?}");
    }
}

#[test]
fn code_that_breaks_parts_where_it_does() {
    let run = recording(RecordedStatus::Completed, &["a"], None);
    let mut comparison = Comparison::new(&run);
    comparison.told(Told::Broke("it trapped".to_owned()));
    comparison.told(Told::Broke("it trapped".to_owned()));
    let parting = comparison.end().parting.expect("they part");
    assert_eq!((parting.position, parting.reason), (1, "broken"));
    let said = parting.to_string();
    assert!(
        said.contains("recorded as a step with a result: it trapped. This code breaks"),
        "{said}"
    );
}
