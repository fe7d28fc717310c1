//! What is asked of healers, and how often.

use outside::testing::World;
use serde_json::json;
use system_bus_sdk::prelude::*;
use system_bus_testing::Kit;

use super::system::{pass, well};
use crate::{HealingRequested, check_system_health};

const RUNTIME: &str = "health:self-heal:inngest-runtime:last_attempt";

fn requests(kit: &Kit) -> Vec<HealingRequested> {
    kit.sent::<HealingRequested>()
}

/// The pause is over: keys of the test's Redis do not end by themselves.
fn forget(world: &World) {
    world.redis(|redis| {
        assert_eq!(redis.expiries[RUNTIME], Duration::from_hours(1));
        redis.texts.remove(RUNTIME);
    });
}

#[system_bus_sdk::test(crash = "everywhere")]
fn each_healer_is_asked_once_with_all_that_it_looks_after(kit: &mut Kit) {
    let (world, system) = well(kit);
    system.borrow_mut().close_port(8288);
    system.borrow_mut().close_port(3111);
    world.without("gateway", "gateway.pid");
    let data = json!({ "source": "heartbeat-15m" });
    let event = Outgoing::named("system/health.requested", &data).id("e1");
    kit.run::<check_system_health>(event).assert_steps([
        "ping-services",
        "emit-otel-health-summary",
        "push-to-convex",
        "claim-self-heal[gateway-bridge]",
        "dispatch-gateway-bridge-self-heal",
        "record-self-heal[gateway-bridge]",
        "claim-self-heal[inngest-runtime]",
        "dispatch-inngest-runtime-self-heal",
        "record-self-heal[inngest-runtime]",
        "reconcile-health-transition-latch",
        "record-health-transition-receipt",
        "notify-health-transitions",
        "notify-convex-health-transitions",
        "commit-health-transition-latch",
        "emit-network-update",
        "record-health-check-result",
    ]);
    let asked = requests(kit);
    assert_eq!(asked.len(), 2);
    let (gateway, runtime) = (&asked[0], &asked[1]);
    assert_eq!(gateway.source_function, "system/check-system-health");
    assert_eq!((&*gateway.domain, &*gateway.target_component), ("gateway-bridge", "Gateway"));
    assert_eq!(gateway.target_event_name, "system/gateway.bridge.health.requested");
    assert_eq!(
        gateway.retry_policy,
        Some(json!({
            "maxRetries": 10, "sleepMinMs": 90_000, "sleepMaxMs": 900_000, "sleepStepMs": 45_000,
        }))
    );
    assert_eq!(
        (&*runtime.domain, &*runtime.target_component),
        ("inngest-runtime", "Inngest, Worker")
    );
    assert_eq!(runtime.target_event_name, "system/inngest.runtime.health.requested");
    assert_eq!((runtime.retry_policy.as_ref(), runtime.attempt, runtime.dry_run), (None, 0, false));
    assert_eq!((&*runtime.owner, &*runtime.fallback_action), ("system", "manual"));
    assert_eq!(runtime.requested_by, "heartbeat-15m");
    assert_eq!(runtime.evidence.len(), 2);
    let context = &runtime.context;
    assert_eq!(context["checkMode"], "core");
    assert_eq!(context["services"], json!(["Inngest", "Worker", "Gateway", "Webhooks"]));
    assert_eq!(
        context["runContextKey"],
        "system/health.requested::system/check-system-health::Inngest, Worker::inngest-runtime::\
         system/inngest.runtime.health.requested::a0::e2"
    );
    assert_eq!(context["sourceEventName"], "system/health.requested");
    assert_eq!(context["sourceEventId"], "e1");
    assert_eq!(context["serviceDetails"].as_array().map(Vec::len), Some(9));
    assert!(context["flowContext"]["runId"].is_string());
    assert!(!runtime.playbook.actions.is_empty() && runtime.playbook.kill.is_empty());
    let actions = world.actions();
    let dispatches = actions.iter().filter(|one| *one == "system.health.self-healing.dispatch");
    assert_eq!(dispatches.count(), 2);
}

#[system_bus_sdk::test]
fn what_has_no_healer_of_its_own_is_left_to_people(kit: &mut Kit) {
    let (world, system) = well(kit);
    system.borrow_mut().close_port(8108);
    for line in ["secrets health", "stat /Volumes/nas-nvme", "kubectl get --raw=/readyz"] {
        system.borrow_mut().failing.insert(line.to_owned(), 1);
    }
    let report = pass(kit);
    assert_eq!(report.degraded.len(), 4);
    assert!(report.healing.is_empty() && requests(kit).is_empty());
    assert_eq!(world.heard().len(), 1);
}

#[system_bus_sdk::test]
fn healing_is_asked_for_once_in_its_pause(kit: &mut Kit) {
    let (world, system) = well(kit);
    system.borrow_mut().close_port(8288);
    for _ in 0..4 {
        pass(kit);
    }
    assert_eq!(requests(kit).len(), 1);
    let report = pass(kit);
    let reason = report.healing[0].reason.as_deref();
    assert_eq!(reason, Some("it was asked for a short time ago"));
    assert!(!report.healing[0].dispatched);
    forget(&world);
    assert!(pass(kit).healing[0].dispatched);
    assert_eq!(requests(kit).len(), 2);
}

#[system_bus_sdk::test]
fn the_pause_begins_with_the_attempt_and_not_with_its_success(kit: &mut Kit) {
    let (world, system) = well(kit);
    system.borrow_mut().close_port(8288);
    kit.stub("dispatch-inngest-runtime-self-heal", |_| {
        Err::<Vec<String>, _>(Error::stop("nothing takes events"))
    });
    let first = pass(kit);
    assert!(!first.healing[0].dispatched);
    assert!(first.healing[0].reason.as_deref().expect("why").contains("nothing takes events"));
    assert!(world.actions().contains(&"system.health.self-healing.dispatch!".to_owned()));
    // People are told all the same, and the next check does not try again.
    assert_eq!(world.kinds(), ["system.fatal"]);
    let second = pass(kit);
    assert_eq!(second.healing[0].reason.as_deref(), Some("it was asked for a short time ago"));
    forget(&world);
    assert!(pass(kit).healing[0].reason.as_deref().expect("why").contains("nothing takes events"));
}

#[system_bus_sdk::test]
fn without_redis_the_server_drops_what_it_has_had(kit: &mut Kit) {
    let (world, _system) = well(kit);
    world.redis_down();
    for _ in 0..4 {
        let report = pass(kit);
        assert_eq!(report.healing[0].target, "Redis");
        assert!(report.healing[0].dispatched);
    }
    let ids: Vec<_> = kit
        .events()
        .into_iter()
        .filter(|one| one.name == "system/self.healing.requested")
        .map(|one| one.id)
        .collect();
    assert!(!ids.is_empty());
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
}
