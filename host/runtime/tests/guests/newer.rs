use protocol::function::Mode;
use protocol::replay::Rigour;
use protocol::role::Role;
use runtime::Stored;
use serde_json::json;

use super::began::left_behind;
use crate::call::{Made, load, runtime, words};
use crate::stage::Stage;

/// What the newer code says to what the older code left behind, strictly and as a proof; and what it did meanwhile.
async fn told(function: &str, steps: usize, target: Option<&str>) -> ([String; 2], Vec<String>) {
    let left = left_behind(function, steps).await;
    let memos: Vec<_> = left.iter().map(|(name, memo)| (name.as_str(), memo.clone())).collect();
    let component = load(&runtime(&[]), guests::NEWER).await.expect("a component");
    let stage = Stage::storing(&[Stored::Kept]);
    let mut said = Vec::new();
    for rigour in [Rigour::Proof, Rigour::Strict] {
        let planned_only = target.is_some();
        let data = json!({});
        let made = Made { memos: &memos, data, target, planned_only, rigour, ..Made::default() };
        let outcome = made.on(stage.clone(), &component, function).await.expect("no fault");
        said.push(words(&outcome));
        if rigour == Rigour::Proof {
            assert_eq!(stage.said(), [""; 0], "a proof does nothing");
        }
    }
    (said.try_into().expect("two"), stage.said())
}

#[tokio::test]
async fn code_that_does_not_fit_ends_and_nothing_has_happened() {
    for (function, steps, target, verdict) in [
        ("renamed", 2, None, "orphaned: this code never asks for 1 stored step"),
        ("removed", 2, None, "orphaned: "),
        ("inserted", 2, None, "orphaned: "),
        ("reordered", 1, None, "orphaned: "),
        ("reordered", 2, None, "reordered: "),
        ("retyped", 2, None, "type-changed: what is stored for step \"b\" does not fit"),
        ("rekinded", 2, None, "type-changed: what is stored for step \"b\" does not fit"),
        ("panics", 1, None, "diverged: "),
        ("panics", 2, None, "diverged: "),
        ("looks-out", 1, None, "diverged: "),
        ("siblings", 1, Some("b"), "target-missing: "),
    ] {
        let ([proof, strict], did) = told(function, steps, target).await;
        assert!(strict.starts_with(verdict), "{function} after {steps}: {strict}");
        assert_eq!(proof, strict, "{function} after {steps}");
        assert_eq!(did, [""; 0], "{function} after {steps}");
    }
}

#[tokio::test]
async fn what_went_wrong_is_said() {
    let ([_, panicked], _) = told("panics", 1, None).await;
    assert!(panicked.contains("panicked") && panicked.contains("one is not enough"), "{panicked}");
    let ([_, looked], _) = told("looks-out", 1, None).await;
    assert!(looked.contains("outside of a step"), "{looked}");
    let ([_, retyped], _) = told("retyped", 2, None).await;
    assert!(retyped.contains("String"), "{retyped}");
}

#[tokio::test]
async fn code_that_fits_goes_on() {
    for (function, steps, target, then, did) in [
        ("aliased", 2, None, "done 33", &["store c"][..]),
        ("aliased", 1, None, "done 51", &["store bee", "store c"]),
        ("extended", 3, None, "done 6", &["store d"]),
        ("sends", 3, None, "done 6", &["send testing/row.done from tell", "store tell"]),
        ("aliased-siblings", 1, Some("b[7]"), "", &["store b[7]"]),
    ] {
        let ([proof, strict], said) = told(function, steps, target).await;
        assert_eq!(proof, "fits", "{function} after {steps}");
        assert_eq!(said, did, "{function} after {steps}: {strict}");
        if !then.is_empty() {
            assert_eq!(strict, then, "{function} after {steps}");
        }
    }
}

#[tokio::test]
async fn a_call_for_the_former_id_is_answered_under_it() {
    let left = left_behind("aliased-siblings", 1).await;
    let memos: Vec<_> = left.iter().map(|(name, memo)| (name.as_str(), memo.clone())).collect();
    let component = load(&runtime(&[]), guests::NEWER).await.expect("a component");
    for rigour in [Rigour::Lenient, Rigour::Strict] {
        let made = Made {
            memos: &memos,
            data: json!({}),
            target: Some("b[7]"),
            planned_only: true,
            rigour,
            ..Made::default()
        };
        assert_eq!(made.told(&component, "aliased-siblings").await, "ran b[7] 20");
    }
}

#[tokio::test]
async fn without_a_proof_the_function_sees_that_a_memo_does_not_decode() {
    let left = left_behind("retyped", 3).await;
    let memos: Vec<_> = left.iter().map(|(name, memo)| (name.as_str(), memo.clone())).collect();
    let component = load(&runtime(&[]), guests::NEWER).await.expect("a component");
    let made = Made { memos: &memos, data: json!({}), ..Made::default() };
    assert_eq!(made.told(&component, "retyped").await, "done 104", "it swallows the error");
}

#[tokio::test]
async fn the_manifest_tells_what_can_be_read_off_the_code() {
    let component = load(&runtime(&[]), guests::NEWER).await.expect("a component");
    let find = |id: &str| {
        let found = component.functions().iter().find(|function| function.id.as_str() == id);
        found.expect("it is there").clone()
    };
    let aliased = find("aliased");
    assert_eq!((aliased.mode, aliased.role), (Mode::Pinned, Some(Role::Host)));
    let steps: Vec<_> =
        aliased.steps.iter().map(|step| (step.id.as_str(), step.alias.as_deref())).collect();
    assert_eq!(steps, [("a", None), ("bee", Some("b")), ("c", None)]);
    let rekinded: Vec<_> = find("rekinded").steps.into_iter().map(|step| step.kind).collect();
    assert_eq!(rekinded, ["run", "sleep", "run"]);
    assert!(find("aliased-siblings").steps[1].keyed, "in a macro, too");
}
