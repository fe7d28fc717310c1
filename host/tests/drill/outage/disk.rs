//! The disk is full: the operator's quota of a root, and a disk that has no room.

use serde_json::json;

use super::Found;
use super::world::{QUOTA, World};
use crate::Size;

/// Bytes of one file.
const FILE: u64 = 100 << 10;

pub(super) async fn scene(world: &World, size: Size) -> Found {
    let mut found = Found::default();
    let runs = size.pick(60, 16);
    fill(world, "small", runs, &mut found).await;
    if world.private() {
        fill(world, "full", runs, &mut found).await;
    } else {
        found.measured("full", "left out: this user may not mount a small disk");
    }
    found
}

/// Writes more than fits into a root, from many runs at once; removes a file, and writes again.
async fn fill(world: &World, root: &str, runs: u32, found: &mut Found) {
    let mut asked = Vec::new();
    for n in 0..runs {
        let name = format!("{root}-{n}");
        let data = json!({ "root": root, "name": name, "size": FILE });
        asked.push((world.ask("writes", data, &name).await, name));
    }
    let (mut completed, mut refused, mut wrong) = (Vec::new(), 0, Vec::new());
    let mut attempts = 0;
    for (event, name) in asked {
        let ended = world.ended(&event).await;
        attempts += world.counter.counts(&name).get("attempt").copied().unwrap_or_default();
        if ended.status == "Completed" {
            completed.push(name);
        } else if ended.output.to_string().contains("CapabilityExhausted") {
            refused += 1;
        } else {
            wrong.push(format!("{name}: {} {}", ended.status, ended.output));
        }
    }
    let files = world.result("looks", json!({ "root": root })).await;
    let whole = |name: &&String| files[name.as_str()] == json!(FILE);
    let lost = completed.len() - completed.iter().filter(whole).count();
    let there = files.as_object().map_or(0, serde_json::Map::len);
    found.measured(&format!("{root}: runs"), runs);
    found.measured(&format!("{root}: runs completed"), completed.len());
    found.measured(&format!("{root}: typed errors seen (Exhausted)"), refused);
    found.measured(&format!("{root}: retries"), attempts.saturating_sub(runs));
    found.measured(&format!("{root}: files there, with nothing left over"), there);
    found.measured(&format!("{root}: writes that were answered and are lost"), lost);
    found.must(wrong.is_empty(), || format!("{root}: {}", wrong.join("; ")));
    found.must(!completed.is_empty() && refused > 0, || format!("{root} was not filled"));
    found.must(lost == 0, || format!("{root}: {lost} files are not whole"));
    found.must(there == completed.len(), || {
        format!("{root}: {there} files are there, and {} were written", completed.len())
    });
    let most = usize::try_from(QUOTA / FILE).unwrap_or_default();
    found.must(completed.len() <= most, || format!("{root}: more was written than fits"));

    // With room again it goes on.
    let Some(name) = completed.first() else { return };
    world.result("removes", json!({ "root": root, "name": name })).await;
    world.result("writes", json!({ "root": root, "name": name, "size": FILE })).await;
}
