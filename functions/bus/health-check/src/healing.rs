//! Asking for healing: of the gateway's way to people, and of what runs functions. What else is down has no healer.

mod body;

use outside::{Note, Store};
use system_bus_sdk::prelude::*;

pub use self::body::HealingRequested;

use crate::COMPONENT;
use crate::gate::{self, Gate};
use crate::report::Found;
use crate::request::{HealthRequest, Mode};
use crate::settings::Settings;
use body::Target;

/// The way to people.
const GATEWAY: Domain = Domain {
    name: "gateway-bridge",
    target: "system/gateway.bridge.health.requested",
    services: ["Gateway", "Redis"],
};
/// What runs functions.
const RUNTIME: Domain = Domain {
    name: "inngest-runtime",
    target: "system/inngest.runtime.health.requested",
    services: ["Inngest", "Worker"],
};

/// What one healer looks after.
#[derive(Clone, Copy, Debug)]
struct Domain {
    name: &'static str,
    /// The event that has its healer look.
    target: &'static str,
    services: [&'static str; 2],
}

/// Healing that was asked for, or would have been.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// Which healer it is for.
    pub domain: String,
    /// What it is to heal.
    pub target: String,
    /// Whether it was asked.
    pub dispatched: bool,
    /// Why it was not, or how long ago.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// Asks for what is down: one request for each healer, and not again while the pause lasts.
pub(crate) async fn dispatch(
    ctx: &Ctx,
    event: &Incoming<HealthRequest>,
    mode: Mode,
    found: &Found,
) -> Result<Vec<Asked>> {
    let mut all = Vec::new();
    for domain in [GATEWAY, RUNTIME] {
        let down = found.down().filter(|one| domain.services.contains(&one.name.as_str()));
        let down: Vec<_> = down.collect();
        if down.is_empty() {
            continue;
        }
        let names = down.iter().map(|one| one.name.as_str()).collect::<Vec<_>>().join(", ");
        let (run, now) = (ctx.run_id(), ctx.now());
        // Marked before it is asked for. A pause that began only when asking had worked would never begin where
        // it does not, and each check would ask again.
        let gate: Gate = ctx
            .step("claim-self-heal", async |io| {
                let pause = Settings::of(|key| io.config(key)).healing_pause;
                let key = format!("health:self-heal:{}:last_attempt", domain.name);
                Ok(gate::pass(Store::of(&io), &key, pause, run, now))
            })
            .key(domain.name)
            .await?;
        let mut asked = Asked {
            domain: domain.name.to_owned(),
            target: names.clone(),
            dispatched: false,
            reason: gate.without_redis.clone(),
        };
        if gate.open {
            let target = Target { domain: domain.name, event: domain.target, names, down };
            let request = Outgoing::of(&body::request(run, event, mode, found, &target));
            let sent = send(ctx, domain, request.id(gate.id)).await;
            asked.dispatched = sent.is_ok();
            // People are told of what is down all the same.
            asked.reason = sent.err().map(|error| error.to_string()).or(asked.reason);
        } else {
            asked.reason = Some("it was asked for a short time ago".to_owned());
        }
        ctx.step("record-self-heal", async |io| {
            record(&io, &asked, gate.open);
            Ok(())
        })
        .key(domain.name)
        .await?;
        all.push(asked);
    }
    Ok(all)
}

async fn send(ctx: &Ctx, domain: Domain, request: Outgoing) -> Result<String> {
    if domain.name == GATEWAY.name {
        return ctx.send("dispatch-gateway-bridge-self-heal", request).await;
    }
    ctx.send("dispatch-inngest-runtime-self-heal", request).await
}

fn record(io: &Io, asked: &Asked, tried: bool) {
    let note = Note::of(COMPONENT, "system.health.self-healing.dispatch")
        .with("domain", &asked.domain)
        .with("target", &asked.target)
        .with("dispatched", asked.dispatched)
        .with("reason", &asked.reason);
    if tried && !asked.dispatched {
        note.failed(io, "healing could not be asked for");
    } else {
        note.done(io);
    }
}
