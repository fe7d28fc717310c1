//! Requests that the engine makes in a run's name.

use super::*;

fn gateway(name: &str) -> Value {
    let url = format!("http://others/{name}");
    op("Gateway", name, &json!({"opts": {"url": url, "method": "GET"}}))
}

fn model(name: &str) -> Value {
    let opts = json!({"url": "http://others/model", "body": {"model": "m"}});
    op("AIGateway", name, &json!({"opts": opts}))
}

fn replied(status: u16, body: &str) -> Response {
    Response::Answered { status, headers: Vec::new(), body: body.to_owned() }
}

/// A function that makes one request and returns what came of it.
fn asking(ask: Value, others: impl Fn(&Request) -> Response + 'static) -> World {
    let mut world = World::simple(move |call| match call.memo("g") {
        Some(memo) => answer(200, memo),
        None => ops(std::slice::from_ref(&ask)),
    });
    world.others = Box::new(others);
    world.send(&json!({"name": "a/b"}));
    world
}

#[test]
fn any_answer_to_a_request_is_a_result() {
    let mut world = asking(gateway("g"), |_| replied(404, "no"));
    world.go();
    assert_eq!(
        world.output(),
        r#"{"data":{"body":"no","headers":{},"status_code":404,"url":"http://others/g"}}"#
    );
    assert_eq!(world.lines(&[]), ["- 0", "- 0"]);
}

#[test]
fn a_model_s_answer_is_a_result_only_below_300() {
    let mut world = asking(model("g"), |_| replied(200, r#"{"text":"hi"}"#));
    world.go();
    assert_eq!(world.output(), r#"{"data":{"text":"hi"}}"#);

    let mut world = asking(model("g"), |_| replied(429, r#"{"slow":true}"#));
    world.go();
    let error: Value = serde_json::from_str(&world.output()).expect("JSON");
    assert_eq!(error["error"]["name"], "AIGatewayError");
    assert_eq!(error["error"]["data"], json!({"slow": true}));
    assert_eq!(world.lines(&[]), ["- 0", "- 1", "- 2", "- 3", "- 4", "- 0"]);
}

#[test]
fn a_request_that_fails_brings_the_worker_s_next_call() {
    let tries = std::cell::Cell::new(0);
    let mut world = asking(gateway("g"), move |_| {
        tries.set(tries.get() + 1);
        if tries.get() < 3 { Response::Failed("refused".to_owned()) } else { replied(200, "ok") }
    });
    world.go();
    assert!(world.output().contains(r#""body":"ok""#));
    assert_eq!(world.lines(&[]), ["- 0", "- 1", "- 2", "- 0"]);

    let mut world = asking(gateway("g"), |_| Response::Failed("refused".to_owned()));
    world.go();
    assert_eq!(
        world.output(),
        r#"{"error":{"message":"the request could not be made: refused","name":"GatewayError"}}"#
    );
}

#[test]
fn a_restart_asks_the_worker_again() {
    let mut world = asking(gateway("g"), |_| replied(200, "ok"));
    while world.errands.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    world.restart();
    world.go();
    assert!(world.output().contains(r#""body":"ok""#));
    assert_eq!(world.lines(&[]), ["- 0", "- 0", "- 0"]);
}

#[test]
fn requests_side_by_side_are_joined_and_only_the_failed_one_is_repeated() {
    let asked = std::rc::Rc::new(std::cell::RefCell::new(Vec::new()));
    let seen = std::rc::Rc::clone(&asked);
    let mut world = World::simple(|call| {
        match (call.targets("s"), call.body["ctx"]["stack"]["current"].as_u64()) {
            (true, _) => ran("s"),
            (_, Some(3)) => answer(200, &json!(call.at)),
            _ => {
                let missing = [gateway("g"), gateway("h"), planned("s")];
                let missing =
                    missing.into_iter().filter(|op| !call.has(op["name"].as_str().expect("it")));
                ops(&missing.collect::<Vec<_>>())
            }
        }
    });
    world.others = Box::new(move |request| {
        let path = request.url.path().to_owned();
        seen.borrow_mut().push(path.clone());
        let first = seen.borrow().iter().filter(|other| **other == path).count() == 1;
        if first && path == "/h" {
            Response::Failed("refused".to_owned())
        } else {
            replied(200, "")
        }
    });
    world.send(&json!({"name": "a/b"}));
    world.go();
    assert_eq!(world.run().status, Status::Completed);
    assert_eq!(*asked.borrow(), ["/g", "/h", "/h"]);
    assert_eq!(world.lines(&["s"]), ["- 0", "s 0 plan", "- 1 plan", "- 0"]);
}

#[test]
fn a_canceled_run_ignores_what_comes_back() {
    let mut world = asking(gateway("g"), |_| replied(200, "ok"));
    while world.errands.is_empty() {
        world.step(at("2026-11-22T14:00:00Z"));
    }
    let id = world.run().id;
    world.cancel(id);
    world.go();
    assert_eq!((world.calls.len(), world.run().status), (1, Status::Cancelled));
}
