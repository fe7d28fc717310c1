//! Runs whose version is not to be had.

use std::time::Duration;

use protocol::digest::Digest;

use super::{Field, begin, data, said, versioned};
use crate::call::{ATTEMPTS, CallTo};
use crate::until;

#[tokio::test]
async fn a_run_whose_version_is_missing_is_handed_back_until_it_is_there_again() {
    let field = Field::with(|options| options.idle = Duration::ZERO).await;
    let run = begin().await;
    field.deploy("versioned", &versioned("2")).await;
    let registry = &field.bus.deployed.registry;
    until("the first is gone from memory", async || registry.in_memory_count() == 1).await;
    let digest = Digest::of(versioned("1").bytes());
    let place = field.bus.deployed.versions().join(format!("components/{digest}.wasm"));
    std::fs::remove_file(&place).expect("it was there");

    let memos = [("one", data("1.one"))];
    let call = CallTo { run: &run, memos: &memos, ..CallTo::new("versioned-pinned") };
    let discovery = field.bus.call(&call).await;
    assert_eq!((discovery.status, discovery.op()["op"].as_str()), (206, Some("DiscoveryRequest")));
    let targeted = CallTo { target: Some("two"), ..call.clone() };
    let answer = field.bus.call(&targeted).await;
    assert_eq!((answer.status, answer.retry()), (500, (Some("false"), Some("1"))));
    assert!(answer.body.contains(&digest.short()), "{answer:?}");
    // A last attempt has nowhere to go back to: it waits.
    let last = CallTo { attempt: ATTEMPTS - 1, ..targeted };
    let waits = field.bus.call(&last);
    let mend = async {
        until("it waits", async || registry.in_memory_count() == 1).await;
        tokio::time::sleep(Duration::from_millis(300)).await;
        std::fs::write(&place, versioned("1").bytes()).expect("written");
    };
    let (answer, ()) = tokio::join!(waits, mend);
    assert_eq!(said(&answer), "1.two");
    assert_eq!(said(&field.bus.call(&call).await), "1.two");
    // Whoever does not need it was never in trouble.
    assert_eq!(field.says("versioned", &begin().await, &[]).await, "2.one");
    field.end().await;
}
