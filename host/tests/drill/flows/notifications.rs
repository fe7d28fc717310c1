//! What Front, GitHub, Vercel and Todoist tell by webhooks, from the delivery to what people read.

mod front;
mod github;
mod todoist;
mod vercel;

use std::rc::Rc;

use serde_json::{Value, json};

use super::deliveries;
use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::site::Site;
use super::stage::Stage;

/// The steps of a function that tells, and does nothing else.
const TELLING: [&str; 3] = ["enrich-context", "build-prompt", "notify-gateway"];

struct Notifications {
    front: Site,
    todoist: Site,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    deliveries::secrets(stage, &["front", "github", "vercel", "todoist"]);
    let (front, todoist) = (front::site(stage), todoist::site(stage));
    stage.secret("front_api_token", front::TOKEN);
    stage.secret("todoist_api_token", todoist::TOKEN);
    let (at_front, at_todoist) = (front.origin(), todoist.origin());
    stage.grant(&format!(
        r#"[components.notifications]
http = [
    {{ to = "{at_front}/conversations/*", methods = ["GET"], private = true }},
    {{ to = "{at_todoist}/api/v1/**", methods = ["GET"], private = true }},
]
secrets = [
    {{ name = "front_api_token", to = ["{at_front}"] }},
    {{ name = "todoist_api_token", to = ["{at_todoist}"] }},
]
[components.notifications.config]
VIP_SENDERS = "ada@vip.example, @king.example"
FRONT_API_URL = "{at_front}"
TODOIST_API_URL = "{at_todoist}/api/v1"
"#
    ));
    Rc::new(Notifications { front, todoist })
}

#[async_trait::async_trait(?Send)]
impl Flow for Notifications {
    fn name(&self) -> &'static str {
        "webhooks and notifications"
    }

    async fn play(&self, scene: &Scene) {
        tokio::join!(
            front::play(scene, &self.front),
            github::play(scene),
            vercel::play(scene),
            todoist::play(scene, &self.todoist),
        );
        for token in [front::TOKEN, todoist::TOKEN] {
            assert!(!scene.log().contains(token), "a token is in the log");
        }
    }
}

/// The one notice of a run that has told people: its payload.
#[track_caller]
fn notice(scene: &Scene, run: &Ran, kind: &str, (member, value): (&str, &str)) -> Value {
    assert_eq!(run.result(), &json!({"status": "notified", "type": kind, "pushed": true}));
    assert_eq!(scene.record(run, "notify.told")["success"], true);
    let told = scene.told(kind, |payload| payload[member].to_string().contains(value));
    assert_eq!(told.len(), 1, "{kind} {member} {value}: {told:?}");
    told[0]["payload"].clone()
}

/// The lines that people read.
fn lines(payload: &Value) -> Vec<&str> {
    payload["prompt"].as_str().expect("words").lines().collect()
}
