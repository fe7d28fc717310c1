//! The health of the system, from a heartbeat to the summary of a day: everything well, things that go wrong and come back,
//! and what people are told of it. One after another, since all of it compares with what was before.

mod around;
mod beats;
mod checks;
mod telling;

use std::path::PathBuf;
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde_json::{Value, json};

use self::around::Around;
use super::flow::Flow;
use super::scene::{Ran, Scene};
use super::stage::Stage;

const CHECK: &str = "check/system-health";
const REQUESTED: &str = "system/health.requested";
const CHECKED: &str = "system.health.checked";

const LOOK: [&str; 3] = ["ping-services", "emit-otel-health-summary", "push-to-convex"];
const SIGNALS: [&str; 2] = ["check-otel-error-rate", "check-memory-write-gate-drift"];
const COMPARE: &str = "reconcile-health-transition-latch";
const RECEIPT: &str = "record-health-transition-receipt";
const TELL: [&str; 2] = ["notify-health-transitions", "notify-convex-health-transitions"];
const COMMIT: &str = "commit-health-transition-latch";
const END: [&str; 2] = ["emit-network-update", "record-health-check-result"];

struct Health {
    around: Around,
    sessions: PathBuf,
}

pub(super) fn set(stage: &mut Stage) -> Rc<dyn Flow> {
    let sessions = beats::set(stage);
    Rc::new(Health { around: Around::on(stage), sessions })
}

#[async_trait::async_trait(?Send)]
impl Flow for Health {
    fn name(&self) -> &'static str {
        "system-heartbeat and check/system-health"
    }

    async fn play(&self, scene: &Scene) {
        away_from_schedules().await;
        self.beats(scene).await;
        self.well(scene).await;
        self.signals(scene).await;
        self.without_telemetry(scene).await;
        self.opened(scene).await;
        self.repeated(scene).await;
        self.fatal(scene).await;
        self.asked_before(scene).await;
        self.held_back(scene).await;
        self.improved(scene).await;
        self.resolved(scene).await;
        self.each_probe(scene).await;
        self.a_day(scene).await;
        for key in [super::stage::TYPESENSE_KEY, super::stage::CONVEX_KEY] {
            scene.hides(key, &[]);
        }
    }
}

/// What begins by itself at the quarters of an hour, or at five past midnight, compares with what was before as well.
async fn away_from_schedules() {
    let into = now().as_second().rem_euclid(900).unsigned_abs();
    if into > 720 {
        tokio::time::sleep(Duration::from_secs(920 - into)).await;
    }
    let clock = local();
    let into = i64::from(clock.minute()) * 60 + i64::from(clock.second());
    if clock.hour() == 0 && (120..305).contains(&into) {
        tokio::time::sleep(Duration::from_secs((305 - into).unsigned_abs())).await;
    }
}

fn now() -> Timestamp {
    Timestamp::now()
}

/// The time on the Pacific coast.
fn local() -> jiff::Zoned {
    now().to_zoned(TimeZone::get("America/Los_Angeles").expect("it is known"))
}

/// Checks, in this mode.
async fn check(scene: &Scene, mode: &str) -> Ran {
    let data = json!({"mode": mode, "source": "drill"});
    scene.run(CHECK, REQUESTED, &data).await
}

/// A service, as a check found it.
#[track_caller]
fn service<'a>(run: &'a Ran, name: &str) -> &'a Value {
    let all = run.output["services"].as_array().expect("services");
    let mut own = all.iter().filter(|one| one["name"] == name);
    own.next().unwrap_or_else(|| panic!("no {name}: {run:?}"))
}

/// Steps in their order.
fn steps(parts: &[&[&'static str]]) -> Vec<&'static str> {
    parts.concat()
}
