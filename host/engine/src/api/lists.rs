//! Lists of runs, narrowed and cut into pages.

use axum::extract::{Path, Query, RawQuery, State};
use axum::response::Response;
use serde_json::Value;

use super::Shared;
use super::runs::{short, shouted, summary};
use super::second::{Paging, Problem};
use crate::machine::Machine;
use crate::run::Run;

/// How many runs a page has unless asked otherwise.
const PAGE: usize = 40;

/// What a list of runs may be narrowed to. A member that is there several times asks for any of its values.
#[derive(Debug, Default)]
struct Filter {
    statuses: Vec<String>,
    apps: Vec<String>,
    functions: Vec<String>,
}

impl Filter {
    fn parse(query: &str) -> Self {
        let mut filter = Self::default();
        for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
            let values = match &*name {
                "status" => &mut filter.statuses,
                "appId" => &mut filter.apps,
                "functionId" => &mut filter.functions,
                _ => continue,
            };
            values.push(value.into_owned());
        }
        filter
    }

    fn lets_pass(&self, run: &Run) -> bool {
        let any = |wanted: &[String], fits: &dyn Fn(&str) -> bool| {
            wanted.is_empty() || wanted.iter().any(|wanted| fits(wanted))
        };
        any(&self.statuses, &|wanted| shouted(run.status) == wanted)
            && any(&self.apps, &|wanted| run.app == wanted)
            && any(&self.functions, &|wanted| run.slug == wanted || short(run) == wanted)
    }
}

/// `GET /v2/runs`: the latest first.
pub(super) async fn all(
    State(shared): State<Shared>,
    RawQuery(query): RawQuery,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let filter = Filter::parse(query.as_deref().unwrap_or_default());
    page(&shared, &paging, move |run| filter.lets_pass(run)).await
}

/// `GET /v2/apps/{app}/functions/{function}/runs`: the latest first. The function goes by its id without the app; by its
/// slug there is none, as on the real server.
pub(super) async fn of_function(
    State(shared): State<Shared>,
    Path((app, function)): Path<(String, String)>,
    RawQuery(query): RawQuery,
    Query(paging): Query<Paging>,
) -> Result<Response, Problem> {
    let filter = Filter::parse(query.as_deref().unwrap_or_default());
    page(&shared, &paging, move |run| {
        run.app == app && short(run) == function && filter.lets_pass(run)
    })
    .await
}

async fn page(
    shared: &Shared,
    paging: &Paging,
    wanted: impl Fn(&Run) -> bool + Send + 'static,
) -> Result<Response, Problem> {
    // What is on other pages is not put into words: nothing else happens in the engine while this is read.
    let (after, most) = (paging.after(), paging.limit(PAGE) + 1);
    let read = move |machine: &Machine| -> Vec<Value> {
        let rest = machine.runs().filter(|run| after.is_none_or(|after| run.id < after));
        rest.filter(|run| wanted(run)).take(most).map(summary).collect()
    };
    let runs = shared.engine.read(read).await?;
    Ok(paging.page(runs, PAGE, |run| run["id"].as_str().unwrap_or_default()))
}
