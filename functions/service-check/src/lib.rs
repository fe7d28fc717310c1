//! Probes services side by side, says whether all is well, and asks for the healing of those that
//! are down. See the README for the events.

mod healing;
mod probe;
mod report;
mod request;

use futures::future::join_all;
use system_bus_sdk::prelude::*;

pub use self::healing::{Context, Evidence, HealingRequested, Playbook};
pub use self::report::{Report, Service, Status};
pub use self::request::{Mode, Probe, ServicesRequest, Target};

/// Checks the services that an event names.
#[function(
    id = "check/services",
    name = "Check services",
    on("system/services.check.requested"),
    retries = 1
)]
pub async fn check_services(ctx: Ctx, event: Incoming<ServicesRequest>) -> Result<Report> {
    let request = &event.data;
    let mode = Mode::of(request.mode.as_deref());
    if mode == Mode::Signals {
        return Ok(Report::unchecked(mode));
    }

    let (targets, patience) = (request.targets(), request.timeout());
    let probes = targets.iter().map(|target| {
        let body = async move |io: Io| Ok(probe::probe(&io, target, patience).await);
        ctx.step("probe", body).key(&target.name)
    });
    let services = join_all(probes).await.into_iter().collect::<Result<Vec<Service>>>()?;
    let mut report = Report::of(mode, services);

    let requests = healing::requests(ctx.run_id(), &event, &report);
    if !requests.is_empty() {
        report.healing = ctx.send_all("request-healing", requests).await?;
    }
    Ok(report)
}

component![check_services];

#[cfg(test)]
mod tests;
