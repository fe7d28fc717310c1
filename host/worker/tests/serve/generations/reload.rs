//! `PUT /api/reload`.

use std::fs::File;
use std::time::Duration;

use serde_json::{Value, json};

use super::{Field, begin, post, reload, verdicts, versioned};
use crate::clone::Artifact;

#[tokio::test]
async fn every_component_gets_a_verdict_and_the_good_ones_move_on() {
    let field = Field::start().await;
    let deployed = &field.bus.deployed;
    deployed.place(guests::STEPS);
    deployed.place(guests::CLONABLE);
    assert_eq!(deployed.reload().await.generation.after, 2);
    let answer = field.bus.send(reload("")).await;
    let report = answer.json();
    let unchanged = [("clonable", "unchanged"), ("steps", "unchanged"), ("versioned", "unchanged")];
    assert_eq!(verdicts(&report), unchanged);
    assert_eq!(
        (&report["ok"], &report["generation"]),
        (&json!(true), &json!({"before": 2, "after": 2}))
    );
    assert_eq!(answer.header("etag"), Some("\"2\""));

    deployed.remove("clonable");
    deployed.place_as("steps", Artifact::read(guests::STEPS).half().bytes());
    deployed.place_as("torn", Artifact::text("no component").bytes());
    let report = field.deploy("versioned", &versioned("2")).await;
    let expected = [
        ("clonable", "removed"),
        ("steps", "carried-over"),
        ("torn", "rejected"),
        ("versioned", "activated"),
    ];
    assert_eq!(verdicts(&report), expected);
    assert_eq!((&report["ok"], &report["generation"]["after"]), (&json!(false), &json!(3)));
    let reason = report["components"][2]["reason"].as_str().expect("a reason");
    assert!(reason.contains("torn"), "{reason}");
    // The broken one still serves what it was.
    field.bus.assert_works().await;
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
    assert!(field.generations().await["rejected"]["steps"]["reason"].is_string());

    assert_eq!(field.bus.send(post("/api/rollback", &json!({"to": 2}))).await.status, 200);
    let report = field.bus.send(reload("")).await.json();
    assert_eq!(verdicts(&report)[3], ("versioned", "rolled-back"), "{report}");
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "1.one");
    let report = field.bus.send(reload("?force&why=it+was+not+its+fault")).await.json();
    assert!(verdicts(&report).contains(&("versioned", "activated")), "{report}");
    assert_eq!(field.generations().await["history"][0]["why"], "it was not its fault");
    field.end().await;
}

#[tokio::test]
async fn a_dry_run_says_what_would_be_and_changes_nothing() {
    let field = Field::start().await;
    let log = field.bus.deployed.versions().join("activations.jsonl");
    let before = std::fs::read(&log).expect("a log");
    field.bus.deployed.place_as("versioned", versioned("2").bytes());
    let report = field.bus.send(reload("?dry_run")).await.json();
    assert_eq!(verdicts(&report), [("versioned", "activated")]);
    assert_eq!((&report["dry_run"], &report["generation"]["after"]), (&json!(true), &json!(1)));
    assert_eq!(std::fs::read(&log).expect("a log"), before);
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "1.one");
    assert_eq!(field.number(), 1);
    field.end().await;
}

#[tokio::test]
async fn a_lost_update_is_refused_with_the_present_generation() {
    let field = Field::start().await;
    field.deploy("versioned", &versioned("2")).await;
    field.bus.deployed.place_as("versioned", versioned("3").bytes());
    let refused = field.bus.send(reload("").with("if-match", "\"1\"")).await;
    assert_eq!((refused.status, &refused.json()["generation"]), (412, &json!(2)));
    assert_eq!(field.bus.send(reload("").with("if-match", "soon")).await.status, 400);
    assert_eq!(field.number(), 2);
    for (tag, after) in [("\"2\"", 3), ("*", 3)] {
        let answer = field.bus.send(reload("").with("if-match", tag)).await;
        assert_eq!((answer.status, &answer.json()["generation"]["after"]), (200, &json!(after)));
    }
    field.end().await;
}

#[tokio::test]
async fn of_two_deployers_who_race_one_wins_and_the_other_is_told() {
    let field = Field::start().await;
    field.bus.deployed.place_as("versioned", versioned("2").bytes());
    let deployer = async || loop {
        let answer = field.bus.send(reload("").with("if-match", "\"1\"")).await;
        if answer.status != 409 {
            return answer.status;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let (one, other) = tokio::join!(deployer(), deployer());
    assert_eq!([one.min(other), one.max(other)], [200, 412]);
    assert_eq!(field.number(), 2);
    field.end().await;
}

#[tokio::test]
async fn while_one_reload_is_under_way_another_is_told_to_come_back() {
    let field = Field::start().await;
    field.bus.deployed.place_as("versioned", versioned("2").bytes());
    // Whoever holds the log's lock keeps a reload from being written.
    let log = File::open(field.bus.deployed.versions().join("activations.jsonl")).expect("a log");
    log.lock().expect("nobody writes");
    let first = field.bus.send(reload(""));
    let second = async {
        let busy = loop {
            // A dry run needs no lock, so it ends where it is the first.
            let answer = field.bus.send(reload("?dry_run")).await;
            if answer.status != 200 {
                break answer;
            }
        };
        assert_eq!((busy.status, busy.header("retry-after")), (409, Some("1")));
        assert_eq!(busy.json()["error"], "busy");
        let rollback = field.bus.send(post("/api/rollback", &json!({}))).await;
        assert_eq!((rollback.status, rollback.header("retry-after")), (409, Some("1")));
        log.unlock().expect("it was ours");
    };
    let (mut first, ()) = tokio::join!(first, second);
    if first.status == 409 {
        // The dry run was there before it.
        first = field.bus.send(reload("")).await;
    }
    assert_eq!((first.status, &first.json()["generation"]["after"]), (200, &json!(2)));
    field.end().await;
}

#[tokio::test]
async fn a_share_makes_a_canary_and_what_cannot_be_meant_is_refused() {
    let field = Field::start().await;
    field.bus.deployed.place_as("versioned", versioned("2").bytes());
    for bad in ["?percent=0", "?percent=101", "?percent=some", "?dry_run=maybe", "?dryrun=1"] {
        let answer = field.bus.send(reload(bad)).await;
        assert_eq!((answer.status, &answer.json()["error"]), (400, &json!("bad-request")), "{bad}");
    }
    assert_eq!(field.number(), 1);
    let report = field.bus.send(reload("?percent=12.5")).await.json();
    assert_eq!(verdicts(&report), [("versioned", "activated")]);
    let seen = field.generations().await;
    let canary = &seen["functions"][0]["canary"];
    assert_eq!((&canary["percent"], &canary["runs"]), (&json!(12.5), &json!(0)), "{seen}");
    assert_ne!(canary["digest"], seen["functions"][0]["digest"]);
    assert_eq!(seen["components"].as_array().map(Vec::len), Some(1), "the base is what serves");
    // Neither asking again nor asking for something else promotes it.
    for same in ["?percent=12.5", ""] {
        let again = field.bus.send(reload(same)).await.json();
        assert_eq!(verdicts(&again), [("versioned", "unchanged")], "{same}");
    }
    let all = field.bus.send(reload("?percent=100")).await.json();
    assert_eq!(
        (&all["generation"]["after"], verdicts(&all)),
        (&json!(3), vec![("versioned", "activated")])
    );
    assert_eq!(field.generations().await["functions"][0]["canary"], Value::Null);
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
    field.end().await;
}

#[tokio::test]
async fn an_empty_folder_is_taken_for_a_mistake_unless_it_is_forced() {
    let field = Field::start().await;
    field.bus.deployed.remove("versioned");
    let refused = field.bus.send(reload("")).await;
    assert_eq!((refused.status, &refused.json()["error"]), (422, &json!("empty")));
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "1.one");
    let report = field.bus.send(reload("?force=true")).await.json();
    assert_eq!((verdicts(&report), field.number()), (vec![("versioned", "removed")], 2));
    field.end().await;
}
