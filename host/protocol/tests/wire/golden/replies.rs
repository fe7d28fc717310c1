//! Every reply: what the server is told about an outcome, on the first attempt and the last, for a run whose execution
//! version is not recorded yet (-1), is 1, or is 2. And what it is told about a call that was refused or handed back.

use std::fmt::Write;
use std::path::PathBuf;
use std::time::Duration;

use protocol::call::{Attempt, Terms};
use protocol::handback::hand_back;
use protocol::id::StepId;
use protocol::op::{ErrorObject, Op, OpCode, Retry, Timeout, WaitForEvent};
use protocol::outcome::Outcome;
use protocol::replay::Misfit;
use protocol::reply::Reply;

use super::{assert_all_shown, error, json, step, timing};

const UNIQUE: &str = "01M81GXW71CEV7JQT6T4T8NAKZ";

const MOST: u32 = 5;

fn planned(race: bool) -> Outcome {
    let op = |name, code| Op { step: step(name), code, race };
    let wait = WaitForEvent {
        event: "shop/order.paid".to_owned(),
        timeout: Timeout::new(Duration::from_hours(1)).expect("within what the server accepts"),
        condition: None,
    };
    Outcome::Planned(vec![op("pack", OpCode::StepPlanned), op("paid", OpCode::WaitForEvent(wait))])
}

fn ran(race: bool) -> Outcome {
    let data = json(r#"{"parcel":7}"#);
    Outcome::StepRan { step: step("pack"), race, data, timing: Some(timing()) }
}

fn step_failed(retry: Retry, race: bool) -> Outcome {
    let timing = Some(timing());
    Outcome::StepFailed { step: step("pack"), race, error: error(), retry, timing }
}

fn failed(retry: Retry) -> Outcome {
    Outcome::Failed { error: error(), retry }
}

fn target_not_found(found: &[&str]) -> Outcome {
    Outcome::TargetNotFound {
        target: StepId::hash("gone"),
        found: found.iter().map(|name| step(name)).collect(),
        ending: "it returned".to_owned(),
    }
}

/// Every outcome under the name of its file.
fn outcomes() -> Vec<(&'static str, Outcome)> {
    let pause = Retry::After(Duration::from_millis(90_500));
    let after_a_row = vec![
        Op {
            step: step("weigh"),
            code: OpCode::StepRun { data: json("3"), timing: Some(timing()) },
            race: false,
        },
        Op { step: step("pack"), code: OpCode::StepPlanned, race: false },
    ];
    vec![
        ("done", Outcome::Done(json(r#"{"parcels":[7,8]}"#))),
        ("done-null", Outcome::Done(json("null"))),
        ("planned", planned(false)),
        ("planned-in-race", planned(true)),
        ("planned-after-steps-that-ran", Outcome::Planned(after_a_row)),
        ("switch", Outcome::Switch),
        ("again", Outcome::Again { unique: UNIQUE.to_owned() }),
        ("superseded", Outcome::Superseded),
        ("fits", Outcome::Fits),
        ("unfit", Outcome::Unfit(Misfit::Orphaned { ids: vec![StepId::hash("gone")] })),
        ("step-ran", ran(false)),
        ("step-ran-in-race", ran(true)),
        ("step-failed-again", step_failed(Retry::Again, false)),
        ("step-failed-after", step_failed(pause, false)),
        ("step-failed-never", step_failed(Retry::Never, false)),
        ("step-failed-in-race", step_failed(Retry::Again, true)),
        ("failed-again", failed(Retry::Again)),
        ("failed-after", failed(pause)),
        ("failed-never", failed(Retry::Never)),
        ("target-not-found", target_not_found(&["pack", "weigh"])),
        ("target-not-found-nothing-met", target_not_found(&[])),
    ]
}

/// One reply: status, headers in their order, body.
fn text(reply: &Reply) -> String {
    let mut text = format!("HTTP {}\n", reply.status);
    for (name, value) in reply.headers() {
        writeln!(text, "{name}: {value}").expect("memory");
    }
    let body = std::str::from_utf8(&reply.body).expect("JSON is text");
    writeln!(text, "\n{body}").expect("memory");
    text
}

/// What is said on all terms there are, each under its own heading.
fn on_all_terms(say: impl Fn(Terms) -> Option<Reply>) -> String {
    let mut file = String::new();
    for (which, number) in [("first", 0), ("last", MOST - 1)] {
        for version in [-1, 1, 2] {
            let reply = say(Terms { attempt: Attempt { number, most: MOST }, version });
            let reply = reply.map_or_else(|| "no reply\n".to_owned(), |reply| text(&reply));
            writeln!(file, "### {which} attempt, version {version}\n{reply}").expect("memory");
        }
    }
    // No empty line at the end.
    file.pop();
    file
}

pub(super) fn files() -> Vec<(PathBuf, String)> {
    let mut files: Vec<(String, String)> = outcomes()
        .into_iter()
        .map(|(name, outcome)| {
            let said = on_all_terms(|terms| Some(Reply::of(outcome.clone(), terms)));
            (name.to_owned(), said)
        })
        .collect();
    let target = StepId::hash("pack");
    for (name, target) in [("discovery", None), ("target", Some(&target))] {
        let said = on_all_terms(|terms| hand_back(target, terms, UNIQUE, "the worker stops"));
        files.push((format!("handed-back-{name}"), said));
    }
    let refused = Reply::refused(404, &ErrorObject::new("UnknownFunction", "there is no charge"));
    files.push(("refused".to_owned(), text(&refused)));
    files.into_iter().map(|(name, text)| (format!("reply/{name}.http").into(), text)).collect()
}

#[test]
fn every_outcome_is_shown() {
    let outcomes: Vec<_> = outcomes().into_iter().map(|(_, outcome)| outcome).collect();
    assert_all_shown(&outcomes);
    assert_all_shown(outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::StepFailed { retry, .. } => Some(retry),
        _ => None,
    }));
    assert_all_shown(outcomes.iter().filter_map(|outcome| match outcome {
        Outcome::Failed { retry, .. } => Some(retry),
        _ => None,
    }));
}
