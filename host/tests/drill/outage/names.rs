//! Names are not found: a resolver that does not answer, where the worker may have one of its own, and a name that nobody
//! has, in any case.

use serde_json::json;

use super::world::{WITHIN, World};
use super::{Found, GENEROUS};
use crate::Size;

pub(super) async fn scene(world: &World, size: Size) -> Found {
    let mut found = Found::default();
    let mut asked = Vec::new();
    for n in 0..size.pick(40, 8) {
        let data = json!({ "url": "http://nobody.invalid/" });
        asked.push(world.ask("asks", data, &format!("asks-{n}")).await);
    }
    // What needs no name goes on meanwhile.
    let beside = world.ask("keeps", json!({ "name": "beside" }), "beside").await;
    let (runs, mut completed, mut beyond) = (asked.len(), 0, 0);
    let mut kinds = std::collections::BTreeMap::<String, u32>::new();
    for event in asked {
        let ended = world.ended(&event).await;
        let kind = ended.output[0].as_str().unwrap_or_default().to_owned();
        if ended.status != "Completed" || !["Dns", "Timeout"].contains(&kind.as_str()) {
            found.short.push(format!("a run ended as {}: {}", ended.status, ended.output));
            continue;
        }
        completed += 1;
        *kinds.entry(kind).or_default() += 1;
        beyond = beyond.max(ended.output[1].as_u64().unwrap_or(u64::MAX).saturating_sub(WITHIN));
    }
    let went_on = world.ended(&beside).await.status == "Completed";
    found.measured("runs", runs);
    found.measured("runs completed", completed);
    found.measured("typed errors seen", format!("{kinds:?}"));
    found.measured("longest call beyond its deadline", format!("{beyond} ms"));
    found.must(beyond < GENEROUS, || format!("a call took {beyond} ms too long"));
    found.must(went_on, || "a run that needs no name did not complete".to_owned());
    found.must(world.alive().await, || "the worker does not answer".to_owned());
    found
}
