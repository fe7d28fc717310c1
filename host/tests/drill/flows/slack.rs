//! The history of Slack channels, from a batch of requests to the index.

mod channels;
mod failures;
mod index;
mod service;

use std::rc::Rc;

use serde_json::{Value, json};

use self::index::{Index, KEY};
use self::service::{Slack, TOKEN};
use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const FUNCTION: &str = "slack-channel-backfill";
const EVENT: &str = "channel/slack.backfill.requested";

struct Backfill {
    slack: Slack,
    index: Index,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let (slack, index) = (Slack::on(stage), Index::on(stage));
    stage.secret("slack_user_token", TOKEN);
    stage.secret("typesense_api_key", KEY);
    let (at, indexed) = (slack.site.origin(), index.site.origin());
    stage.grant(&format!(
        r#"[components.slack-backfill]
secrets = [
    {{ name = "slack_user_token", to = ["{at}"] }},
    {{ name = "typesense_api_key", to = ["{indexed}"] }},
]
http = [
    {{ to = "{at}/api/*", methods = ["GET"], private = true }},
    {{ to = "{indexed}/collections/**", methods = ["GET", "POST"], private = true }},
]
[components.slack-backfill.config]
SLACK_API_URL = "{at}/api/"
TYPESENSE_URL = "{indexed}"
"#
    ));
    Rc::new(Backfill { slack, index })
}

#[async_trait::async_trait(?Send)]
impl Flow for Backfill {
    fn name(&self) -> &'static str {
        "slack-backfill-batch and -channel-backfill"
    }

    async fn play(&self, scene: &Scene) {
        // First, since it has a hundred pages with pauses between them.
        let endless = scene.send(EVENT, &channel("endless", "long-chat")).await;
        let mut runs = channels::batch(self, scene).await;
        runs.push(channels::slower(self, scene).await);
        runs.extend(failures::play(self, scene).await);
        runs.extend(channels::endless(self, scene, &endless).await);
        self.slack.assert_asked_with_the_token();
        self.index.assert_asked_with_the_key();
        for secret in [TOKEN, KEY] {
            scene.hides(secret, &runs.iter().collect::<Vec<_>>());
        }
    }
}

/// A request for all that a channel of the stand-in has.
fn channel(id: &str, name: &str) -> Value {
    json!({
        "channelId": id,
        "channelName": name,
        "oldestTs": "1000",
        "latestTs": "9000",
        "reason": "drill",
    })
}

/// The steps of a run with these for its pages.
fn steps<'a>(pages: &[&'a str]) -> Vec<&'a str> {
    let before = [
        "resolve-time-range",
        "lease-slack-user-token",
        "ensure-slack-messages-collection",
        "emit-slack-backfill-started",
    ];
    let after = ["index-search-matches", "emit-slack-backfill-completed"];
    [&before[..], pages, &after].concat()
}

async fn backfilled(scene: &Scene, event: &Value) -> Ran {
    scene.run(FUNCTION, EVENT, event).await
}
