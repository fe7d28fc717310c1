//! A worker with newer code takes over runs that older code began.

use serde_json::json;

use crate::counter::Counter;
use crate::{Server, folder_of, turn, worker};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_renamed_step_runs_again_and_a_removed_one_fails_alone() {
    let _turn = turn().await;
    let server = Server::start(None).expect("a server of any mode");
    let counter = Counter::start().await;
    let (old, _components) = worker(&server).await;
    for (function, step) in [("five", "three"), ("parallel", "b")] {
        counter.hold(function, step);
    }
    let begin = async |function: &str| {
        let data = json!({"count": counter.url(function)});
        server.send(&format!("testing/{function}.requested"), &data).await
    };
    let (renamed, removed) = (begin("five").await, begin("parallel").await);
    counter.reached("five", "three", 1).await;
    counter.reached("parallel", "b", 1).await;

    let address = old.kill();
    let newer = folder_of(&[guests::CHANGED]);
    let _new = server.worker(&newer, address).await;
    counter.release();
    assert_eq!(server.ended(&renamed).await.result(), json!([1, 2, 3, 4, 5]));
    let counts = counter.counts("five");
    let once = ["one", "two", "three", "drei", "four", "five"].map(|step| counts.get(step));
    assert_eq!(once, [Some(&1); 6], "what had ended is not done again: {counts:?}");

    // The server asks for the removed step until its attempts are used up; its failure is nobody's then.
    assert_eq!(server.ended(&removed).await.result(), json!(4));
    assert_eq!(counter.counts("parallel").get("sum"), Some(&1));
}
