//! One look at one service. A service that is down is what the probe found, not its failure.

use std::time::{Duration, Instant};

use system_bus_sdk::http::{HttpError, Response};
use system_bus_sdk::prelude::*;

use crate::report::Service;
use crate::request::{Probe, Target};

pub(crate) async fn probe(io: &Io, target: &Target, patience: Duration) -> Service {
    let began = Instant::now();
    let seen = match &target.probe {
        Probe::Http { url, expect } => {
            // Where a service redirects to is another one.
            let request = io.http().get(url).redirects(0).timeout(patience);
            http(request.send().await, *expect)
        }
        // Whatever listens there, it answers a request or at least takes the connection.
        Probe::Tcp { address } => {
            let url = format!("http://{address}/");
            // Before the whole time is over, so that silence is told from being unreachable.
            let silence = patience.mul_f32(0.8);
            let request = io.http().get(url).redirects(0).silence(silence).timeout(patience);
            tcp(request.send().await)
        }
    };
    let ms = u64::try_from(began.elapsed().as_millis()).unwrap_or(u64::MAX);
    if !seen.up {
        log::warn!("{} is down: {}", target.name, seen.detail);
    }
    let kind = match target.probe {
        Probe::Http { .. } => "http",
        Probe::Tcp { .. } => "tcp",
    };
    let (name, kind) = (target.name.clone(), kind.to_owned());
    Service { name, kind, up: seen.up, status: seen.status, ms, detail: seen.detail }
}

struct Seen {
    up: bool,
    status: Option<u16>,
    detail: String,
}

fn http(answer: Result<Response, HttpError>, expect: Option<u16>) -> Seen {
    let status = match answer {
        Ok(response) => response.status,
        Err(error) => return Seen { up: false, status: None, detail: error.to_string() },
    };
    let (up, wanted) = match expect {
        Some(expected) => (status == expected, expected.to_string()),
        None => ((200..300).contains(&status), "200 to 299".to_owned()),
    };
    let detail = if up {
        format!("answered with status {status}")
    } else {
        format!("answered with status {status}, expected {wanted}")
    };
    Seen { up, status: Some(status), detail }
}

fn tcp(answer: Result<Response, HttpError>) -> Seen {
    let (up, detail) = match answer {
        Ok(_) => (true, "accepts connections".to_owned()),
        Err(error) if error.connected() => (true, "accepts connections".to_owned()),
        Err(error) => (false, error.to_string()),
    };
    Seen { up, status: None, detail }
}
