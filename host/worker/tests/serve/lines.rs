//! What a guest says, in the log of a worker.

use protocol::signature::Trust;

use crate::bus::{Bus, deployed, options};
use crate::call::CallTo;
use crate::secrets::logged;
use crate::server::Server;

/// No other test has this run.
const OWN: &str = "01M81GXW71CEV7JQT6T4T8C0DE";

#[tokio::test]
async fn a_line_names_its_run_attempt_step_code_and_generation() {
    let server = Server::start();
    let deployed = deployed(&[guests::REPLAY, guests::STEPS]).await;
    let bus = Bus::with(options(Trust::Dev, server.address), deployed).await.registered().await;
    bus.call(&CallTo { run: OWN, attempt: 1, ..CallTo::new("logs") }).await;
    let present = bus.deployed.registry.present();
    let generation = format!("generation={}", present.number());
    let digest = present.components()["replay"].component().digest().short();
    let code = format!("digest=\"{digest}\"");
    let call = format!("call{{run={OWN} function=\"bus-logs\" attempt=1 {generation}");
    bus.end().await;

    let log = logged();
    let line = |said: &str| {
        let mut lines = log.lines().filter(|line| line.contains(OWN) && line.contains(said));
        lines.next().unwrap_or_else(|| panic!("{said}: {log}"))
    };
    let (before, within) = (line("guest: begin"), line("guest: in one"));
    for line in [before, within] {
        for part in [&*call, &code, "component=\"replay\"", "function=\"logs\"", "attempt=1"] {
            assert!(line.contains(part), "{part}: {line}");
        }
    }
    assert!(before.contains("outside=true") && !before.contains("step"), "{before}");
    assert!(within.contains("step{called=\"one\"}") && within.contains("step=\"one\""), "{within}");
}
