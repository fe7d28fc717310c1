//! What starts functions, as the engine knows it.

use serde_json::Value;

use super::scene::Scene;
use super::stage::{ROLES, app_of};

/// The schedules and the events that start a function, in their order.
pub(super) async fn triggers(scene: &Scene, function: &str) -> Vec<String> {
    for role in ROLES {
        let url = format!("{}/v2/apps/{}/functions?limit=100", scene.engine(), app_of(role));
        let answer = reqwest::get(url).await.expect("an answer");
        let list: Value = answer.json().await.expect("JSON");
        let mut all = list["data"].as_array().expect("functions").iter();
        if let Some(found) = all.find(|one| one["id"] == function) {
            let triggers = found["triggers"].as_array().expect("triggers").iter();
            let values = triggers.filter_map(|trigger| trigger["value"].as_str());
            return values.map(str::to_owned).collect();
        }
    }
    panic!("nobody serves {function}")
}
