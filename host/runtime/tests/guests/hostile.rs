use std::time::Duration;

use serde_json::json;

use crate::call::{Made, impatient, load, runtime};

/// What each breaks, and what the error must say.
const BREAKS: [(&str, &str, &str); 10] = [
    ("loop", "LimitExceeded", "for longer than the limit of"),
    ("memory", "LimitExceeded", "more than the limit of 64 MiB"),
    ("stack", "LimitExceeded", "of stack; look for endless recursion"),
    ("output", "LimitExceeded", "more than the limit of 1 MiB to its standard output"),
    ("result", "LimitExceeded", "of JSON, more than the limit of 4 MiB"),
    ("host-call", "LimitExceeded", "more than the limit of 8 MiB to the host in one call"),
    ("handles", "LimitExceeded", "held more than 10000 things of the host at one time"),
    ("panic", "Panic", "this is the guest's own message"),
    ("trap", "Trap", "trapped: "),
    ("exit", "Trap", "called exit"),
];

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_limit_ends_its_call_and_no_other() {
    let patient = load(&runtime(&[]), guests::HOSTILE).await.expect("a component");
    let hasty = load(&impatient(), guests::HOSTILE).await.expect("a component");
    let bystander = {
        let component = load(&runtime(&[]), guests::STEPS).await.expect("a component");
        tokio::spawn(async move {
            let mut calls = 0_u32;
            loop {
                let made = Made { data: json!({}), ..Made::default() };
                assert_eq!(made.told(&component, "five").await, "ran one 1");
                calls += 1;
                tokio::time::sleep(Duration::from_millis(1)).await;
                if calls == u32::MAX {
                    return;
                }
            }
        })
    };
    for (function, place) in [("breaks", "it "), ("breaks-in-step", "in step \"break\" it ")] {
        for (what, class, says) in BREAKS {
            let made = Made { data: json!({ "what": what }), ..Made::default() };
            let component = if what == "loop" { &hasty } else { &patient };
            let said = made.told(component, function).await;
            let begins = format!("{class}: function {function} of component hostile: {place}");
            assert!(said.starts_with(&begins) && said.contains(says), "{what}: {said}");
        }
        let made = Made { data: json!({ "what": "nothing" }), ..Made::default() };
        for component in [&patient, &hasty] {
            let said = made.told(component, function).await;
            assert!(said.contains("kept"), "the component goes on serving: {said}");
        }
    }
    assert!(!bystander.is_finished(), "the calls beside it went on undisturbed");
    bystander.abort();
}

#[tokio::test]
async fn a_spinning_guest_and_a_panic_name_their_source_line() {
    let component = load(&impatient(), guests::HOSTILE).await.expect("a component");
    for what in ["loop", "panic"] {
        let made = Made { data: json!({ "what": what }), ..Made::default() };
        let said = made.told(&component, "breaks").await;
        assert!(said.contains("guests/hostile.rs:"), "{what}: {said}");
    }
}

#[tokio::test]
async fn many_spinning_guests_leave_the_thread_to_others() {
    let component = load(&impatient(), guests::HOSTILE).await.expect("a component");
    let spinning: Vec<_> = (0..8)
        .map(|_| {
            let component = component.clone();
            tokio::spawn(async move {
                let made = Made { data: json!({ "what": "loop" }), ..Made::default() };
                made.told(&component, "breaks").await
            })
        })
        .collect();
    tokio::task::yield_now().await;
    let made = Made { data: json!({ "what": "nothing" }), ..Made::default() };
    assert!(made.told(&component, "breaks").await.contains("kept"));
    for spinning in spinning {
        assert!(spinning.await.expect("no panic").contains("for longer than"));
    }
}

#[tokio::test]
async fn a_call_that_logs_too_much_goes_on_without_the_rest() {
    let lines = crate::replay::Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let component = load(&runtime(&[]), guests::HOSTILE).await.expect("a component");
    let made = Made { data: json!({ "what": "log" }), ..Made::default() };
    assert_eq!(made.told(&component, "breaks").await, "done \"logged them all\"");
    let lines = lines.taken();
    assert_eq!((lines.len(), lines.first().map(String::as_str)), (1_000, Some("line 0")));
}

#[tokio::test]
async fn more_calls_than_instances_wait_for_their_turn() {
    let component = load(&runtime(&[]), guests::STEPS).await.expect("a component");
    let calls: Vec<_> = (0..400)
        .map(|_| {
            let component = component.clone();
            tokio::spawn(async move {
                let made = Made { data: json!({}), ..Made::default() };
                made.told(&component, "five").await
            })
        })
        .collect();
    for call in calls {
        assert_eq!(call.await.expect("no panic"), "ran one 1");
    }
}
