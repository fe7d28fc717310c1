//! `rollback`: goes back to an earlier generation.

use std::process::ExitCode;

use reqwest::Method;
use reqwest::header::IF_MATCH;
use serde_json::json;

use crate::cli::{Rollback, reload};
use crate::operate::Operated;

pub(crate) async fn run(args: Rollback, json: bool) -> anyhow::Result<ExitCode> {
    let worker = Operated::new(&args.reach)?;
    let mut body = json!({});
    if let Some(to) = args.to {
        body["to"] = json!(to);
    }
    if let Some(function) = &args.function {
        body["function"] = json!(function);
    }
    if let Some(why) = &args.why {
        body["why"] = json!(why);
    }
    let mut request = worker.request(Method::POST, "api/rollback")?.json(&body);
    if let Some(generation) = args.if_match {
        request = request.header(IF_MATCH, format!("\"{generation}\""));
    }
    Ok(reload::changed(json, "rollback", worker.ask(request).await?))
}
