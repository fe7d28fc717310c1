//! One provider after the other, one budget for all, and leaving alone what fails.

use std::io::Write;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::{Value, json};
use tracing_subscriber::fmt::MakeWriter;

use super::server::{Server, provider, says};
use super::{Machine, PATIENCE, ask, site};

/// Lines of a log, for a test to read.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<u8>>>);

impl Write for Lines {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().expect("unpoisoned").write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

impl MakeWriter<'_> for Lines {
    type Writer = Self;

    fn make_writer(&self) -> Self {
        self.clone()
    }
}

impl Lines {
    /// The records of use, in order.
    fn records(&self) -> Vec<Value> {
        let text = String::from_utf8(self.0.lock().expect("unpoisoned").clone()).expect("text");
        let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).expect("JSON"));
        lines
            .filter(|line| line["target"] == "telemetry")
            .map(|line| line["fields"].clone())
            .collect()
    }
}

#[tokio::test]
async fn the_next_provider_answers_when_one_fails_and_everything_is_recorded() {
    let log = Lines::default();
    let subscriber = tracing_subscriber::fmt().json().with_writer(log.clone()).finish();
    let _until_the_end = crate::captured::listen(subscriber);
    let server = Server::answering(Duration::ZERO, |_| (500, json!({"error": "down"}))).await;
    let machine = Machine::with_pi("echo from pi");
    let grants = format!("{}\n[[inference.providers]]\nkind = 'pi'", provider(&server));
    let site = site(&machine, &grants).await;
    let question = json!({"prompt": "a private text", "action": "recorded", "task": "summary"});
    let reply = ask(&site, question).await.expect("an answer");
    assert_eq!((&reply["text"], &reply["attempt"]), (&json!("from pi"), &json!(1)));

    let records = log.records();
    let kinds: Vec<_> = records.iter().map(|record| record["record"].as_str()).collect();
    let expected = ["request", "route", "fallback", "route", "result"];
    let expected: Vec<_> = expected.iter().map(|kind| format!("inference.{kind}")).collect();
    assert_eq!(kinds, expected.iter().map(|kind| Some(kind.as_str())).collect::<Vec<_>>());
    for record in &records {
        assert_eq!(record["component"], "uses-inference", "{record}");
    }
    let result = records.last().expect("a result");
    assert_eq!((&result["provider"], &result["success"]), (&json!("pi"), &json!(true)));
    assert!(result["duration_ms"].is_u64(), "{result}");
    let all = Value::from(records).to_string();
    assert!(!all.contains("private"), "what was said is nobody's business: {all}");
}

#[tokio::test]
async fn all_attempts_share_one_budget() {
    let slow = Server::answering(Duration::from_mins(5), |_| says("late")).await;
    let machine = Machine::with_pi("echo asked > $here/asked; echo from pi");
    let grants = format!("{}\n[[inference.providers]]\nkind = 'pi'", provider(&slow));
    let site = site(&machine, &grants).await;
    let began = Instant::now();
    let late = ask(&site, json!({"prompt": "why", "within": 500})).await.expect_err("late");
    assert!(late.contains("CapabilityLate"), "{late}");
    assert!(began.elapsed() < PATIENCE);
    assert!(!machine.file("asked").exists(), "there was no time left for the second");
}

#[tokio::test]
async fn a_provider_with_a_time_of_its_own_leaves_the_rest_to_the_next() {
    let slow = Server::answering(Duration::from_mins(5), |_| says("late")).await;
    let machine = Machine::with_pi("echo from pi");
    let grants =
        format!("{}within = '300ms'\n[[inference.providers]]\nkind = 'pi'", provider(&slow));
    let site = site(&machine, &grants).await;
    let reply = ask(&site, json!({"prompt": "why"})).await.expect("an answer");
    assert_eq!((&reply["text"], &reply["attempt"]), (&json!("from pi"), &json!(1)));
}

#[tokio::test]
async fn no_more_providers_are_asked_than_attempts_are_allowed() {
    let broken = Server::answering(Duration::ZERO, |_| (500, json!({}))).await;
    let machine = Machine::with_pi("echo from pi");
    let grants = format!(
        "[inference]\nattempts = 1\n{}\n[[inference.providers]]\nkind = 'pi'",
        provider(&broken)
    );
    let site = site(&machine, &grants).await;
    let refused = ask(&site, json!({"prompt": "why"})).await.expect_err("one attempt");
    assert!(refused.contains("CapabilityUnavailable") && refused.contains("500"), "{refused}");
}

#[tokio::test]
async fn a_provider_that_fails_is_left_alone_and_tried_again_after_the_pause() {
    let server = Server::answering(Duration::ZERO, |count| {
        if count < 2 { (500, json!({})) } else { says("well again") }
    })
    .await;
    let machine = Machine::with_pi("echo from pi");
    let grants = format!(
        "[inference]\nfailures = 2\npause = '3s'\n{}\n[[inference.providers]]\nkind = 'pi'",
        provider(&server)
    );
    let site = site(&machine, &grants).await;
    for _ in 0..4 {
        let reply = ask(&site, json!({"prompt": "why"})).await.expect("an answer");
        assert_eq!(reply["text"], "from pi");
    }
    assert_eq!(server.asked(), 2, "the third and fourth question went past it");
    tokio::time::sleep(Duration::from_secs(3)).await;
    let reply = ask(&site, json!({"prompt": "why"})).await.expect("an answer");
    assert_eq!(reply["text"], "well again");
}

#[tokio::test]
async fn an_action_that_fails_is_left_alone_and_others_of_the_component_go_on() {
    let machine = Machine::with_pi(r#"echo x >> $here/count; read prompt; echo "$prompt""#);
    let site = site(&machine, "[inference]\nfailures = 2\npause = '1h'").await;
    let unfit = json!({"prompt": "no JSON", "action": "parse", "schema": {"type": "object"}});
    for _ in 0..2 {
        let refused = ask(&site, unfit.clone()).await.expect_err("no JSON");
        assert!(refused.contains("is no JSON"), "{refused}");
    }
    let skipped = ask(&site, unfit).await.expect_err("left alone");
    assert!(skipped.contains("`uses-inference:parse` failed too often"), "{skipped}");
    assert_eq!(machine.wrote("count").lines().count(), 2);
    let other = json!({"prompt": "hello", "action": "greet"});
    assert_eq!(ask(&site, other).await.expect("an answer")["text"], "hello");
}
