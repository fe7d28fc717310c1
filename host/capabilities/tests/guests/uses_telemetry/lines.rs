//! What a guest logs and prints.

use serde_json::{Value, json};

use super::Desk;
use crate::site::{RUN, call, replayed};

/// What was said, each line with the stream it came by, or `log`.
fn said(lines: &[Value]) -> Vec<(String, String)> {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let line = |line: &Value| {
        let by = text(&line["fields"]["stream"]).unwrap_or_else(|| "log".to_owned());
        (by, text(&line["fields"]["message"]).expect("a message"))
    };
    lines.iter().map(line).collect()
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(by, line)| ((*by).to_owned(), (*line).to_owned())).collect()
}

#[tokio::test]
async fn lines_arrive_with_the_run_the_step_the_attempt_and_the_code() {
    let desk = Desk::new().await;
    assert_eq!(desk.site.run("speaks", json!({})).await, "done 4");
    let lines = desk.events("guest");
    assert_eq!(
        said(&lines),
        pairs(&[
            ("log", "logged before"),
            ("stdout", "printed before"),
            ("log", "at trace"),
            ("log", "at debug"),
            ("log", "at info"),
            ("log", "at warn"),
            ("log", "at error"),
            ("stdout", "printed"),
            ("stdout", "in two lines"),
            ("stderr", "to the other stream"),
            ("log", "logged between"),
        ])
    );
    let levels: Vec<_> = lines.iter().map(|line| line["level"].as_str().expect("one")).collect();
    assert_eq!(levels[2..7], ["TRACE", "DEBUG", "INFO", "WARN", "ERROR"]);
    let digest = desk.site.component.digest().short();
    for (at, line) in lines.iter().enumerate() {
        let fields = &line["fields"];
        assert_eq!(
            (&fields["component"], &fields["function"], &fields["run"]),
            (&json!("uses-telemetry"), &json!("speaks"), &json!(RUN)),
        );
        assert_eq!((&fields["digest"], &fields["attempt"]), (&json!(digest), &json!(0)));
        let in_step = (2..10).contains(&at);
        let (step, outside) =
            if in_step { (json!("say"), json!(null)) } else { (json!(null), json!(true)) };
        assert_eq!((&fields["step"], &fields["outside"]), (&step, &outside), "{line}");
        assert_eq!(line["span"]["called"] == "say", in_step, "the step's span: {line}");
    }
    assert!(lines[0]["fields"]["context"].as_str().is_some_and(|it| it.contains("uses_telemetry")));
}

#[tokio::test]
async fn what_a_replay_says_again_is_told_once() {
    let desk = Desk::new().await;
    let memos = [("say", Value::Null), ("again", Value::Null)];
    // One step for each call, as where a server stores nothing meanwhile.
    for done in 0..=2 {
        desk.site.run_once("speaks", replayed(RUN, &memos[..done])).await;
    }
    let lines = desk.events("guest");
    let said = said(&lines);
    assert_eq!(said.len(), 11, "{said:?}");
    for once in ["logged before", "printed before", "logged between"] {
        assert_eq!(said.iter().filter(|(_, line)| line == once).count(), 1, "{once}: {said:?}");
    }
}

#[tokio::test]
async fn a_flood_of_lines_is_cut_off_and_what_was_dropped_is_counted() {
    let desk = Desk::new().await;
    assert_eq!(desk.site.run("babbles", json!({})).await, "done 6000");
    let lines = desk.events("guest");
    assert_eq!(lines.len(), 1000);
    assert_eq!(lines[999]["fields"]["message"], "logged 499");
    let told = desk.events("runtime::logging");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!((&told[0]["level"], &told[0]["fields"]["dropped"]), (&json!("WARN"), &json!(5001)));
    assert_eq!(told[0]["fields"]["run"], RUN);
    assert_eq!(desk.events("telemetry").len(), 1000);
    let told = desk.events("capabilities::telemetry::provider");
    assert_eq!(told.len(), 1, "{told:?}");
    assert_eq!(told[0]["fields"]["dropped"], 2000);
}

#[tokio::test]
async fn nothing_that_is_said_begins_another_line_or_is_endless() {
    let desk = Desk::new().await;
    assert_eq!(desk.site.run_call("forges", call(RUN, &json!({}))).await, "done 5");
    let lines = desk.events("guest");
    let said = said(&lines);
    let [(_, logged), (_, printed), (_, long), (_, wide)] = &said[..] else { panic!("{said:?}") };
    assert_eq!(logged, "well\\n2026-01-01T00:00:00Z ERROR worker: all is lost\\u{1b}[2J");
    assert_eq!(printed, "well\\r2026-01-01T00:00:00Z ERROR worker: all is lost\\u{1b}[2J\\u{202e}");
    assert_eq!(*long, format!("{}… ({} more bytes)", "é".repeat(4096), 40_000 - 8192));
    assert_eq!(*wide, format!("{}… ({} more bytes)", "🦀".repeat(2048), 80_000 - 8192));
    let record = &desk.events("telemetry")[0]["fields"];
    assert_eq!(*record["message"].as_str().expect("one"), **logged);
}
