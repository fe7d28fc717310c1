//! One look at each service.

mod gateway;
mod local;
mod remote;

use futures::future::join_all;
use system_bus_sdk::prelude::*;

use crate::resolve::{Seen, Service, resolve, success};
use crate::settings::Settings;

/// Services without which nothing goes.
const CRITICAL: [&str; 6] = ["redis", "inngest", "worker", "gateway", "typesense", "agent secrets"];

/// Whether nothing goes without it.
pub(crate) fn is_critical(name: &str) -> bool {
    CRITICAL.contains(&name.to_lowercase().as_str())
}

/// All services, probed side by side. A service that is down is what was found, not a failure.
pub(crate) async fn ping(io: &Io, now: Timestamp) -> Vec<Service> {
    let settings = Settings::of(|key| io.config(key));
    let names = NAMES.into_iter().filter(|name| !settings.skips(name));
    // Without a collection nobody knows where mails are.
    let names = names.filter(|name| *name != FRONT || settings.front.is_some());
    let looks = names.map(|name| Service::look(name, probe(io, &settings, name, now)));
    join_all(looks).await
}

const FRONT: &str = "Front Projection";

const NAMES: [&str; 10] = [
    "Redis",
    "Inngest",
    "Worker",
    "Gateway",
    "Webhooks",
    "Typesense",
    "Agent Secrets",
    "NFS Mounts",
    "Kubernetes",
    FRONT,
];

async fn probe(io: &Io, settings: &Settings, name: &str, now: Timestamp) -> Seen {
    match name {
        "Redis" => remote::redis(io),
        "Inngest" => resolve(io, settings, &settings.inngest, &["/health"], success).await,
        "Worker" => resolve(io, settings, &settings.worker, &["/"], success).await,
        "Gateway" => gateway::look(io, settings).await,
        "Webhooks" => remote::webhooks(io, settings).await,
        "Typesense" => remote::typesense(io, settings).await,
        "Agent Secrets" => local::secrets(io).await,
        "NFS Mounts" => local::mounts(io, settings).await,
        "Kubernetes" => local::kubernetes(io).await,
        _ => remote::front(io, settings, now).await,
    }
}
