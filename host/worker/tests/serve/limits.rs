//! A guest that panics or breaks a limit: its call fails, by name, and no other.

use serde_json::json;

use crate::bus::Bus;
use crate::call::{ATTEMPTS, CallTo};
use crate::secrets::EVENT_DATA;
use crate::server::Server;

/// What the guest does, the class of the error, and what it says.
const BREAKS: [(&str, &str, &str); 4] = [
    ("panic", "Panic", "this is the guest's own message"),
    ("memory", "LimitExceeded", "more than the limit of 32 MiB"),
    ("result", "LimitExceeded", "more than the limit of 4 MiB"),
    ("exit", "Trap", "called exit"),
];

#[tokio::test]
async fn a_broken_limit_in_a_step_is_the_steps_failure_and_names_function_and_limit() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let begins = "function breaks-in-step of component hostile: in step \"break\" it ";
    for (what, class, says) in BREAKS {
        for (attempt, code, no_retry) in
            [(0, "StepError", "false"), (ATTEMPTS - 1, "StepFailed", "true")]
        {
            let data = json!({ "what": what });
            let answer = bus.call(&CallTo { data, attempt, ..CallTo::new("breaks-in-step") }).await;
            assert_eq!(answer.retry(), (Some(no_retry), None), "{what}: {answer:?}");
            let op = answer.op();
            assert_eq!((&op["op"], &op["displayName"]), (&json!(code), &json!("break")), "{what}");
            assert_eq!(op["error"]["name"], class, "{what}");
            let message = op["error"]["message"].as_str().expect("a message");
            assert!(message.starts_with(begins) && message.contains(says), "{what}: {message}");
            assert!(!message.contains(EVENT_DATA), "{what}: {message}");
        }
        bus.assert_works().await;
    }
    bus.end().await;
}

#[tokio::test]
async fn a_broken_limit_outside_of_steps_is_the_functions_failure() {
    let server = Server::start();
    let bus = Bus::signed(&server).await;
    let begins = "function breaks of component hostile: it ";
    for (what, class, says) in
        BREAKS.into_iter().chain([("loop", "LimitExceeded", "longer than the limit of 2s")])
    {
        for (attempt, status, no_retry) in [(0, 500, "false"), (ATTEMPTS - 1, 400, "true")] {
            let data = json!({ "what": what });
            let answer = bus.call(&CallTo { data, attempt, ..CallTo::new("breaks") }).await;
            assert_eq!((answer.status, answer.retry()), (status, (Some(no_retry), None)), "{what}");
            let error = answer.json();
            assert_eq!(error["name"], class, "{what}");
            let message = error["message"].as_str().expect("a message");
            assert!(message.starts_with(begins) && message.contains(says), "{what}: {message}");
        }
        bus.assert_works().await;
    }
    bus.end().await;
}
