//! Requests for healing: sent again after a wait, left to their owners, incomplete, and given to people; decided by models,
//! and by the rule where they do not decide.

mod ends;
mod model;
mod retries;

use std::rc::Rc;

use serde_json::{Value, json};

use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::site::{Asked, Site};
use super::stage::Stage;

const FUNCTION: &str = "system/self-healing.router";
const REQUESTED: &str = "system/self.healing.requested";
const COMPLETED: &str = "system/self.healing.completed";
const RECORD: &str = "system.self-healing.router";

const DECIDE: &str = "decide-self-healing";
const TOLD: &str = "emit-self-healing-completed";

/// What the first model, and the one after it, are asked in vain.
const BOTH: [&str; 2] = [model::FIRST, model::SECOND];

struct Healing {
    models: Site,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let models = model::set(stage);
    stage.grant(&format!(
        r#"[components.self-healing-router.config]
SELF_HEALING_ROUTER_SLEEP_MIN_MS = "1"
SELF_HEALING_ROUTER_SLEEP_MAX_MS = "1"
SELF_HEALING_ROUTER_SLEEP_STEP_MS = "1"
JOELCLAW_SELF_HEALING_MODEL_ROUTER = "1"
SELF_HEALING_ROUTER_MODEL = "{first}"
SELF_HEALING_ROUTER_FALLBACK_MODEL = "{second}"

[components.self-healing-router.inference]
models = ["{first}", "{second}"]
within = "60s"
"#,
        first = model::FIRST,
        second = model::SECOND,
    ));
    Rc::new(Healing { models })
}

#[async_trait::async_trait(?Send)]
impl Flow for Healing {
    fn name(&self) -> &'static str {
        FUNCTION
    }

    async fn play(&self, scene: &Scene) {
        tokio::join!(
            self.by_the_rule(scene),
            self.by_a_model(scene),
            self.by_the_model_behind(scene),
            self.to_the_event_of_a_model(scene),
            self.incomplete(scene),
            self.owned(scene),
            self.without_an_event(scene),
            self.out_of_budget(scene),
            self.to_people(scene),
        );
        let first = &self.models.asked()[0];
        assert_eq!(first.path, "/v1/chat/completions");
        scene.hides(model::KEY, &[]);
    }
}

/// A request of this name, which a healer of the runtime leaves alone.
fn request(name: &str, further: &Value) -> Value {
    let mut data = json!({
        "sourceFunction": format!("drill/{name}"),
        "targetComponent": "otel-pipeline",
        "problemSummary": format!("{name}: nothing arrives"),
        "domain": "otel-pipeline",
        "targetEventName": format!("drill/mend.{name}"),
    });
    let members = data.as_object_mut().expect("an object");
    members.extend(further.as_object().expect("an object").clone());
    data
}

impl Healing {
    /// The names of the models that were asked about a request, in their order.
    fn asked(&self, name: &str) -> Vec<String> {
        let source = format!("\"drill/{name}\"");
        let about = |asked: &Asked| model::prompt(asked).contains(&source);
        let all = self.models.asked().into_iter().filter(about);
        all.map(|asked| asked.json()["model"].as_str().expect("a name").to_owned()).collect()
    }
}

async fn routed(scene: &Scene, data: &Value) -> Ran {
    scene.run(FUNCTION, REQUESTED, data).await
}

/// What others are told in the end, and what the record says.
async fn told(scene: &Scene, run: &Ran, name: &str, status: &str) -> Value {
    assert_eq!(run.result()["status"], status, "{run:?}");
    let source = format!("drill/{name}");
    let completed = scene.event(COMPLETED, |data| data["sourceFunction"] == source.as_str()).await;
    let data = completed["data"].clone();
    for member in ["status", "action", "reason", "delayMs", "routeToEventName", "nextAttempt"] {
        assert_eq!(data[member], run.output[member], "{member}");
    }
    if name == "runtime" {
        // Its owner has the same event, so it is a detail, which the log of the drill leaves out.
        assert_eq!(scene.records(run), Vec::<Value>::new());
    } else {
        let record = scene.record(run, RECORD);
        let metadata = &record["metadata"];
        assert_eq!(
            (&metadata["status"], &metadata["sourceFunction"]),
            (&json!(status), &json!(source))
        );
        let level = if status == "scheduled" { "info" } else { "warn" };
        assert_eq!(
            (&record["success"], &record["level"]),
            (&json!(level == "info"), &json!(level))
        );
    }
    data
}

/// The message for people about a request, which says this.
async fn message(scene: &Scene, name: &str, words: &[&str]) {
    let source = format!("source: drill/{name}\n");
    let about = |data: &Value| data["text"].as_str().is_some_and(|text| text.contains(&source));
    let message = scene.event("gateway/send.message", about).await;
    assert_eq!(message["data"]["channel"], "telegram");
    let text = message["data"]["text"].as_str().expect("a text");
    assert!(words.iter().all(|words| text.contains(words)), "{text}");
}

/// Nobody was told of a request, and nothing was sent again.
async fn nothing_follows(scene: &Scene, name: &str) {
    let source = format!("drill/{name}");
    let messages = scene.events("gateway/send.message").await;
    assert!(!messages.iter().any(|message| message.to_string().contains(&source)), "{messages:?}");
    let again = scene.events(&format!("drill/mend.{name}")).await;
    assert!(again.is_empty(), "{again:?}");
}
