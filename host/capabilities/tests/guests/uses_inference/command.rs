//! The command: what it is given, and that nothing of it stays.

use std::time::Instant;

use serde_json::json;

use super::{Machine, PATIENCE, ask, gone, site};

#[tokio::test]
async fn pi_is_given_exactly_these_arguments_the_prompt_and_no_environment() {
    let machine = Machine::with_pi(
        r#"for argument in "$@"; do echo "$argument"; done > $here/argv
        cat > $here/stdin; env > $here/env; echo; echo "  forty two  "; echo noise >&2"#,
    );
    let site = site(&machine, "").await;
    let question = json!({"prompt": "why?\n$(id) `id`", "system": "be; brief", "model": "large"});
    let reply = ask(&site, question).await.expect("an answer");
    let expected = json!({"text": "forty two", "data": null, "model": "large", "provider": "pi",
        "tokens": null, "attempt": 0});
    assert_eq!(reply, expected);
    let argv = "-p\n--no-session\n--no-extensions\n--no-tools\n--models\nlarge\n--system-prompt\nbe; brief\n";
    assert_eq!(machine.wrote("argv"), argv);
    assert_eq!(machine.wrote("stdin"), "why?\n$(id) `id`");
    let environment = machine.wrote("env");
    let mut names: Vec<_> = environment
        .lines()
        .filter_map(|line| line.split_once('='))
        .map(|(name, _)| name)
        // The shell of the script sets these itself.
        .filter(|name| !["PWD", "OLDPWD", "SHLVL", "_"].contains(name))
        .collect();
    names.sort_unstable();
    assert_eq!(names, ["HOME", "PATH"]);
}

#[tokio::test]
async fn without_a_model_or_a_system_text_neither_is_said() {
    let machine = Machine::with_pi(r#"echo "$@""#);
    let site = site(&machine, "").await;
    let reply = ask(&site, json!({"prompt": "why"})).await.expect("an answer");
    assert_eq!(reply["text"], "-p --no-session --no-extensions --no-tools");
}

#[tokio::test]
async fn a_grandchild_that_keeps_the_output_open_keeps_nobody_waiting_and_ends() {
    let machine = Machine::with_pi("sleep 300 & echo $! > $here/pid; echo yes");
    let site = site(&machine, "").await;
    let began = Instant::now();
    let reply = ask(&site, json!({"prompt": "why"})).await.expect("an answer");
    assert_eq!(reply["text"], "yes");
    assert!(began.elapsed() < PATIENCE);
    gone(machine.pid("pid").await).await;
}

#[tokio::test]
async fn at_the_deadline_a_pi_that_ignores_signals_ends_with_its_children() {
    let machine = Machine::with_pi(
        "trap '' TERM INT HUP; echo $$ > $here/own; sleep 300 & echo $! > $here/pid; wait",
    );
    let site = site(&machine, "").await;
    let began = Instant::now();
    let late = ask(&site, json!({"prompt": "why", "within": 700})).await.expect_err("late");
    assert!(late.contains("CapabilityLate") && late.contains("did not answer within"), "{late}");
    assert!(began.elapsed() < PATIENCE);
    gone(machine.pid("own").await).await;
    gone(machine.pid("pid").await).await;
}

#[tokio::test]
async fn a_call_that_goes_away_takes_pi_and_its_children_with_it() {
    let machine = Machine::with_pi("echo $$ > $here/own; sleep 300 & echo $! > $here/pid; wait");
    let site = site(&machine, "").await;
    tokio::select! {
        answer = ask(&site, json!({"prompt": "why"})) => panic!("{answer:?}"),
        _ = machine.pid("pid") => {}
    }
    gone(machine.pid("own").await).await;
    gone(machine.pid("pid").await).await;
}

#[tokio::test]
async fn a_flood_is_stopped() {
    let machine = Machine::with_pi("echo $$ > $here/own; yes");
    let site = site(&machine, "").await;
    let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("a flood");
    assert!(refused.contains("wrote more than 4194304 bytes, and was stopped"), "{refused}");
    gone(machine.pid("own").await).await;
}

#[tokio::test]
async fn an_exit_code_an_empty_answer_and_a_missing_pi_are_failures_that_say_so() {
    for (script, says) in [
        ("echo yes; echo 'no such model' >&2; exit 3", "exit status: 3: no such model"),
        ("echo", "it answered with nothing"),
        ("kill -9 $$", "signal: 9"),
        // The script takes itself away: the second question finds no program.
        ("exit 0", "it answered with nothing"),
    ] {
        let machine = Machine::with_pi(script);
        let site = site(&machine, "").await;
        let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("a failure");
        assert!(refused.contains(says), "{refused}");
    }
    let machine = Machine::with_pi("echo yes");
    let site = site(&machine, "").await;
    std::fs::remove_file(machine.file("pi")).expect("it was there");
    let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("no pi");
    assert!(refused.contains("there is no `pi` on the worker's PATH"), "{refused}");
}

#[tokio::test]
async fn an_answer_has_the_form_that_was_asked_for_or_is_a_failure() {
    let schema = json!({"type": "object", "required": ["urgent"],
        "properties": {"urgent": {"type": "boolean"}}});
    for (says, expected) in [
        (r#"{"urgent": true}"#, Ok(json!({"urgent": true}))),
        (r#"{"urgent": "yes"}"#, Err("does not fit the schema: $.urgent")),
        ("It is urgent.", Err("is no JSON")),
    ] {
        let machine = Machine::with_pi(&format!(r#"echo "$7" > $here/told; echo '{says}'"#));
        let site = site(&machine, "").await;
        let question = json!({"prompt": "why", "schema": schema, "model": "large"});
        match (ask(&site, question).await, expected) {
            (Ok(reply), Ok(data)) => assert_eq!(reply["data"], data),
            (Err(refused), Err(says)) => {
                assert!(refused.contains("CapabilityFailed"), "{refused}");
                assert!(refused.contains(says), "{refused}");
            }
            (answer, _) => panic!("{answer:?}"),
        }
        let told = machine.wrote("told");
        assert_eq!(told.trim(), "--system-prompt", "pi is told the schema");
    }
}
