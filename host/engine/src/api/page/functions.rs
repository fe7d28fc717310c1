//! `GET /functions` and `GET /generations`: what is registered, with what the workers tell of it.

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use futures::future::join_all;
use page::document::View;
use page::functions::{self, App, Function, Placed};
use page::generations::{self, Generations, Worker};
use serde::Deserialize;

use super::{Refused, Shared, shown};
use crate::function::{self, Trigger};
use crate::machine::Machine;

/// What a worker tells of its functions.
#[derive(Debug, Deserialize)]
pub(super) struct Told {
    pub(super) functions: Vec<Placed>,
}

pub(super) async fn functions(State(shared): State<Shared>) -> Result<Response, Refused> {
    let apps = shared.engine.read(registered).await?;
    let asked = apps.into_iter().map(async |(url, mut app)| {
        match shared.page.workers.ask::<Told>(&url, "/api/functions", None).await {
            Ok(told) => place(&mut app, told.functions),
            Err(reason) => app.untold = Some(reason),
        }
        app
    });
    let body = functions::view(&join_all(asked).await, "", true);
    let view = View { title: "Functions".to_owned(), of: "/functions", live: false, body };
    Ok(shown(StatusCode::OK, &view))
}

pub(super) async fn generations(State(shared): State<Shared>) -> Result<Response, Refused> {
    let apps = shared.engine.read(registered).await?;
    let asked = apps.into_iter().map(async |(url, app)| {
        let told = shared.page.workers.ask::<Generations>(&url, "/api/generations", None).await;
        Worker { apps: vec![app.name], told }
    });
    let mut workers = Vec::<Worker>::new();
    for worker in join_all(asked).await {
        // Workers of several roles in one process have one registry.
        match workers.iter_mut().find(|other| other.told.is_ok() && other.told == worker.told) {
            Some(other) => other.apps.extend(worker.apps),
            None => workers.push(worker),
        }
    }
    let body = generations::view(&workers);
    let view = View { title: "Generations".to_owned(), of: "/generations", live: false, body };
    Ok(shown(StatusCode::OK, &view))
}

/// The apps, and where their workers are called.
fn registered(machine: &Machine) -> Vec<(String, App)> {
    let apps = machine.apps().map(|app| {
        let registration = &app.registration;
        let shown = App {
            name: registration.name.clone(),
            error: registration.error.clone(),
            untold: None,
            functions: app.functions.iter().map(declared).collect(),
        };
        (registration.url.clone(), shown)
    });
    apps.collect()
}

fn declared(function: &function::Function) -> Function {
    let triggers = function.triggers.iter().map(|trigger| match trigger {
        Trigger::Event { pattern, .. } => pattern.to_string(),
        Trigger::Cron { expression, .. } => expression.as_str().to_owned(),
    });
    Function {
        slug: function.slug.clone(),
        name: function.name.clone(),
        triggers: triggers.collect(),
        placed: None,
    }
}

/// Gives each function what its worker tells of it.
fn place(app: &mut App, told: Vec<Placed>) {
    for placed in told {
        let slug = format!("{}-{}", app.name, placed.id);
        if let Some(function) = app.functions.iter_mut().find(|function| function.slug == slug) {
            function.placed = Some(placed);
        }
    }
}
