//! What is shared stays usable, whatever one asker does.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::join_all;
use serde_json::json;

use super::server::{Server, provider, says};
use super::{Machine, ask, site};

#[tokio::test]
async fn no_more_questions_run_at_once_than_the_operator_allows() {
    let server = Server::answering(Duration::from_millis(100), |_| says("yes")).await;
    let machine = Machine::with_pi("exit 1");
    let site = site(&machine, &format!("[inference]\nat_once = 2\n{}", provider(&server))).await;
    let all = join_all((0..6).map(|_| ask(&site, json!({"prompt": "why"})))).await;
    assert!(all.iter().all(Result::is_ok), "{all:?}");
    assert_eq!(server.asked(), 6);
    assert_eq!(server.seen.most.load(Ordering::SeqCst), 2);
}

#[tokio::test]
async fn waiting_for_a_turn_counts_against_the_time_of_a_question() {
    let server = Server::answering(Duration::from_secs(3), |_| says("yes")).await;
    let machine = Machine::with_pi("exit 1");
    let site = site(&machine, &format!("[inference]\nat_once = 1\n{}", provider(&server))).await;
    let first = ask(&site, json!({"prompt": "why"}));
    let second = async {
        while server.asked() == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        ask(&site, json!({"prompt": "why", "within": 300})).await
    };
    let (first, second) = tokio::join!(first, second);
    assert!(first.is_ok(), "{first:?}");
    let late = second.expect_err("no turn");
    assert!(late.contains("CapabilityLate") && late.contains("no turn came"), "{late}");
    assert_eq!(server.asked(), 1);
}

#[tokio::test]
async fn an_asker_in_a_hurry_or_with_a_bad_question_spoils_no_provider_for_others() {
    let bad = Arc::new(AtomicBool::new(false));
    let turned = Arc::clone(&bad);
    let server = Server::answering(Duration::from_millis(150), move |_| {
        if turned.load(Ordering::SeqCst) {
            (400, json!({"error": "too long"}))
        } else {
            says("yes")
        }
    })
    .await;
    let machine = Machine::with_pi("exit 1");
    let grants = format!("[inference]\nfailures = 2\npause = '1h'\n{}", provider(&server));
    let site = site(&machine, &grants).await;
    for attempt in 0..6 {
        bad.store(attempt >= 3, Ordering::SeqCst);
        let mut question = json!({"prompt": "why", "action": format!("hostile-{attempt}")});
        if attempt < 3 {
            question["within"] = json!(100);
        }
        let refused = ask(&site, question).await.expect_err("late, or a bad question");
        assert!(refused.contains("did not answer within") || refused.contains("400"), "{refused}");
    }
    bad.store(false, Ordering::SeqCst);
    assert!(ask(&site, json!({"prompt": "why", "action": "honest"})).await.is_ok());
}
