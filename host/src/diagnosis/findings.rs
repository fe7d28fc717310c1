//! From what is known to what is wrong. Pure.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use protocol::cron::CronExpression;
use serde::Serialize;
use serde_json::Value;
use url::{Host, Url};

use super::facts::{App, Facts, Server, Trouble, Worker};

/// Clocks that are further apart make signatures invalid after some minutes.
const CLOCKS: i64 = 60;
/// How late the run of a schedule may be listed.
const LATE: SignedDuration = SignedDuration::from_mins(5);

/// Something that is wrong.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Finding {
    /// One word for it, which stays the same.
    pub(crate) code: &'static str,
    /// What it is about: an address, an app, a function.
    pub(crate) about: String,
    /// What is wrong.
    pub(crate) what: String,
    /// What to do.
    pub(crate) fix: String,
}

fn finding(
    code: &'static str,
    about: impl Into<String>,
    what: impl Into<String>,
    fix: impl Into<String>,
) -> Finding {
    Finding { code, about: about.into(), what: what.into(), fix: fix.into() }
}

/// All that is wrong, the worst first.
pub(crate) fn of(facts: &Facts) -> Vec<Finding> {
    let mut all = Vec::new();
    server(&facts.server, &mut all);
    for one in &facts.workers {
        worker(one, &facts.server, &mut all);
    }
    owners(facts, &mut all);
    twice(&facts.server, &mut all);
    schedules(facts, &mut all);
    all
}

fn server(server: &Server, all: &mut Vec<Finding>) {
    let at = &server.origin;
    match &server.trouble {
        Some(Trouble::Away(why)) => all.push(finding(
            "server-away",
            at,
            why,
            "start the server, or correct INNGEST_BASE_URL (INNGEST_DEV for a development server)",
        )),
        Some(Trouble::Key(why)) if server.signed => all.push(finding(
            "key-refused",
            at,
            why,
            "compare INNGEST_SIGNING_KEY with the server's; a development server has none: INNGEST_DEV=URL",
        )),
        Some(Trouble::Key(why)) => all.push(finding(
            "signing-mode",
            at,
            why,
            "the server is not one for development: unset INNGEST_DEV, and set INNGEST_SIGNING_KEY and INNGEST_BASE_URL",
        )),
        Some(Trouble::Other(why)) => all.push(finding("server-odd", at, why, "look at the server's log")),
        None => {}
    }
    if let Some(seconds) = server.clock.filter(|seconds| seconds.abs() > CLOCKS) {
        all.push(finding(
            "clock",
            at,
            format!("the server's clock is {seconds} s from ours; beyond five minutes no signature is believed"),
            "set both machines to the time of the network (NTP)",
        ));
    }
    if server.open && server.signed && !is_loopback(at) {
        all.push(finding(
            "open-pages",
            at,
            "the server answers the dashboard's questions without a key, and can be reached from elsewhere",
            "start the server with --no-ui, or let only operators reach its port",
        ));
    }
    for app in &server.apps {
        if let Some(error) = &app.error {
            all.push(finding(
                "sync-refused",
                &app.id,
                format!("the server refused the last registration: {error}"),
                "mend the function that it names, and `system-bus refresh`",
            ));
        }
    }
}

fn worker(worker: &Worker, server: &Server, all: &mut Vec<Finding>) {
    let at = &worker.at;
    let health = match &worker.health {
        Ok(health) => health,
        Err(why) => {
            all.push(finding(
                "worker-away",
                at,
                why,
                "start the worker, or name another one with --worker",
            ));
            return;
        }
    };
    let registration = &health["registration"];
    match registration["state"].as_str().unwrap_or_default() {
        "synced" => {}
        "blocked" => {
            for conflict in texts(&health["duplicates"]) {
                all.push(finding(
                    "function-twice",
                    at,
                    conflict,
                    "take the component out of one of the two workers; an app that nobody runs any more is removed on the server",
                ));
            }
        }
        "stood_down" => all.push(finding(
            "stood-down",
            at,
            "another worker has taken over its app",
            "stop it; it ends by itself once no call comes",
        )),
        _ => {
            let why = registration["error"].as_str().unwrap_or("it has not registered yet");
            all.push(finding(
                "not-registered",
                at,
                why,
                "`system-bus refresh`, once what it says is mended",
            ));
        }
    }
    for refused in texts(&health["refused"]) {
        all.push(finding("refused", at, refused, "mend the component, and `system-bus reload`"));
    }
    for warning in texts(&health["warnings"]) {
        let code = if warning.contains("no grant allows") { "missing-grant" } else { "warning" };
        let fix = if code == "missing-grant" {
            "`system-bus grants` prints the lines that are missing"
        } else {
            "see the worker's log"
        };
        all.push(finding(code, at, warning, fix));
    }
    // A server elsewhere cannot call an address that only means this machine.
    let app = server.apps.iter().find(|app| health["app"] == app.id.as_str());
    let url = app.and_then(|app| app.url.as_deref()).unwrap_or_default();
    if is_loopback(url) && !is_loopback(&server.origin) {
        all.push(finding(
            "callback",
            at,
            format!("the server at {} is to call {url}, which only this machine is", server.origin),
            "set INNGEST_SERVE_ORIGIN to an address that the server reaches, or use --transport connect",
        ));
    }
}

/// Functions that nobody answers for.
fn owners(facts: &Facts, all: &mut Vec<Finding>) {
    let live = |app: &App| {
        let healths = facts.workers.iter().filter_map(|worker| worker.health.as_ref().ok());
        healths.into_iter().any(|health| health["app"] == app.id.as_str())
            || app.answers == Some(true)
    };
    for app in facts.server.apps.iter().filter(|app| !app.functions.is_empty() && !live(app)) {
        let at = app.url.as_deref().unwrap_or("its own connection");
        let asked =
            if app.answers == Some(false) { "nobody answers there" } else { "nobody looked" };
        // One that dials in, and that nobody named, may be well.
        if app.answers.is_none() {
            continue;
        }
        all.push(finding(
            "no-owner",
            &app.id,
            format!("{} functions are called at {at}, and {asked}", app.functions.len()),
            "start its worker; where there is none any more, remove the app on the server",
        ));
    }
}

/// Functions that start twice for one event or moment.
fn twice(server: &Server, all: &mut Vec<Finding>) {
    let mut apps: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for app in &server.apps {
        let starts = app.functions.iter().filter(|one| one.listens || !one.crons.is_empty());
        for function in starts {
            apps.entry(&function.id).or_default().push(&app.id);
        }
    }
    for (function, apps) in apps.into_iter().filter(|(_, apps)| apps.len() > 1) {
        all.push(finding(
            "function-twice",
            function,
            format!("the apps {} have it, so it runs once in each", apps.join(" and ")),
            "take the component out of one of the workers; an app that nobody runs any more is removed on the server",
        ));
    }
}

/// Schedules that should have begun a run and did not.
fn schedules(facts: &Facts, all: &mut Vec<Finding>) {
    for app in &facts.server.apps {
        for function in &app.functions {
            for (cron, last) in &function.crons {
                let about = format!("{}/{}", app.id, function.id);
                let Ok(expression) = CronExpression::parse(cron) else {
                    all.push(finding(
                        "cron-odd",
                        about,
                        format!("`{cron}` cannot be read"),
                        "write five fields, perhaps after TZ=Area/City",
                    ));
                    continue;
                };
                // One that never ran may be new: the server does not say since when it has it.
                let Some(last) = *last else { continue };
                let Some(due) = expression.next_after(last).filter(|due| missed(*due, facts.now))
                else {
                    continue;
                };
                all.push(finding(
                    "cron-missed",
                    about,
                    format!("`{cron}` was due at {due}, and its last run is of {last}"),
                    "`system-bus refresh`; where that changes nothing, remove the app on the server and register it again",
                ));
            }
        }
    }
}

fn missed(due: Timestamp, now: Timestamp) -> bool {
    now.duration_since(due) > LATE
}

fn texts(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether an address means this machine only.
fn is_loopback(address: &str) -> bool {
    let url = Url::parse(address).ok();
    match url.as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => name == "localhost",
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    }
}

#[cfg(test)]
mod tests;
