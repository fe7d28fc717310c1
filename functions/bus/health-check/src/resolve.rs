//! Finding a service that may be in several places.

use std::time::{Duration, Instant};

use outside::Program;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use system_bus_sdk::Io;
use system_bus_sdk::http::Response;

use crate::settings::Settings;

/// Where the machine of containers is where nobody says.
const USUAL_VM: &str = "192.168.64.2";

/// How a service is.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Service {
    /// What people call it.
    pub name: String,
    /// Whether it is up.
    pub up: bool,
    /// How long the probe took, in milliseconds.
    pub ms: u64,
    /// What the probe saw.
    pub detail: String,
    /// Where it was found, and where it was not.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<Endpoint>,
}

/// Where a service was found, and where it was not.
#[derive(Serialize, Deserialize, Clone, Debug, Default, PartialEq, Eq)]
pub struct Endpoint {
    /// What sort of place it is: `localhost`, `vm`, `service-dns` or `configured`.
    pub class: Option<String>,
    /// What answered.
    pub url: Option<String>,
    /// With which status.
    pub status: Option<u16>,
    /// The beginning of the answer.
    pub body: Option<String>,
    /// What was tried before.
    pub skipped: Vec<Skipped>,
}

/// A place where it is not.
#[derive(Serialize, Deserialize, Clone, Debug, PartialEq, Eq)]
pub struct Skipped {
    /// The place.
    pub url: String,
    /// Why it is not there.
    pub reason: String,
}

/// What a probe saw.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    pub(crate) up: bool,
    pub(crate) detail: String,
    pub(crate) endpoint: Option<Endpoint>,
}

impl Seen {
    pub(crate) fn up(detail: impl Into<String>) -> Self {
        Self { up: true, detail: detail.into(), endpoint: None }
    }

    pub(crate) fn down(detail: impl Into<String>) -> Self {
        Self { up: false, detail: detail.into(), endpoint: None }
    }
}

impl Service {
    /// Lets a probe look, and notes how long it takes.
    pub(crate) async fn look(name: &str, probe: impl Future<Output = Seen>) -> Self {
        let began = Instant::now();
        let Seen { up, detail, endpoint } = probe.await;
        let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
        Self { name: name.to_owned(), up, ms, detail, endpoint }
    }
}

/// Tries the places of a service in their order, and in each the paths, until an answer is one that is wanted.
pub(crate) async fn resolve(
    io: &Io,
    settings: &Settings,
    places: &[String],
    paths: &[&str],
    wanted: impl Fn(&Response) -> Result<(), String>,
) -> Seen {
    let mut endpoint = Endpoint::default();
    for place in places {
        let base = address(io, settings, place).await;
        for path in paths {
            let url = format!("{base}{path}");
            // Where a service redirects to is another one.
            let request = io.http().get(&url).redirects(0).timeout(settings.patience);
            let answer = match request.send().await {
                Ok(answer) => wanted(&answer).map(|()| answer),
                Err(error) => Err(error.to_string()),
            };
            let reason = match answer {
                Ok(answer) => return found(endpoint, place, url, &answer),
                Err(reason) => reason,
            };
            endpoint.skipped.push(Skipped { url, reason });
        }
    }
    let reasons = endpoint.skipped.iter().map(|one| format!("{}: {}", one.url, one.reason));
    let detail = reasons.collect::<Vec<_>>().join("; ");
    Seen { up: false, detail, endpoint: Some(endpoint) }
}

fn found(tried: Endpoint, place: &str, url: String, answer: &Response) -> Seen {
    let detail = format!("{url} answered with status {}", answer.status);
    let endpoint = Endpoint {
        class: Some(class(place).to_owned()),
        url: Some(url),
        status: Some(answer.status),
        body: Some(answer.text().unwrap_or_default().chars().take(200).collect()),
        ..tried
    };
    Seen { endpoint: Some(endpoint), ..Seen::up(detail) }
}

/// A place with its address filled in.
pub(crate) async fn address(io: &Io, settings: &Settings, place: &str) -> String {
    if !place.contains("{vm}") {
        return place.to_owned();
    }
    let vm = match &settings.vm {
        Some(vm) => vm.clone(),
        None => ask_colima(io).await.unwrap_or_else(|| USUAL_VM.to_owned()),
    };
    place.replace("{vm}", &vm)
}

/// Colima prints one object for each of its machines.
async fn ask_colima(io: &Io) -> Option<String> {
    let list = Program::new("colima").args(["list", "--json"]).within(Duration::from_secs(3));
    let listed = list.exit(io).await.ok().filter(|exit| exit.code == 0)?;
    let address = |line: &str| {
        let machine: Value = serde_json::from_str(line).ok()?;
        let address = machine["address"].as_str().unwrap_or_default().trim().to_owned();
        // It becomes part of a URL: nothing but an address may stand there.
        address.parse::<std::net::IpAddr>().ok().map(|_| address)
    };
    listed.stdout.lines().find_map(address)
}

fn class(place: &str) -> &'static str {
    let host = place.split_once("://").map_or(place, |(_, rest)| rest);
    let host = host.split(['/', ':']).next().unwrap_or_default();
    match host {
        "localhost" | "127.0.0.1" => "localhost",
        "{vm}" => "vm",
        host if host.ends_with(".svc.cluster.local") => "service-dns",
        _ => "configured",
    }
}

/// Any status of success.
pub(crate) fn success(answer: &Response) -> Result<(), String> {
    if (200..300).contains(&answer.status) {
        return Ok(());
    }
    Err(format!("answered with status {}", answer.status))
}
